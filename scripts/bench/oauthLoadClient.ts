/**
 * Program that puts load on an authorization server.
 *
 * Arguments: path of a JSON file with an `OAuthLoad`, path of the file where it writes an `OAuthLoadResult` as JSON.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { codeIn, formPost, memberIn, navigation, NoAnswer, open } from "./connection.ts"
import type { Connection } from "./connection.ts"
import type { OAuthLoad, OAuthLoadResult, OAuthWork } from "./oauthLoad.ts"

const [input = "", output = ""] = process.argv.slice(2)
const load: OAuthLoad = JSON.parse(readFileSync(input, "utf8"))
const { connections, port, work } = load
const codes: Array<string> = []
const accessTokens: Array<string> = []
const refreshTokens: Array<string> = []

/** An answer that is not what it should be. */
class BadAnswer extends Error {}

const expected = (value: string | undefined, answer: string): string => {
  if (value === undefined) throw new BadAnswer(answer.slice(0, 1500))
  return value
}

/** Sends the requests of one unit of work; `undefined` when nothing is left to do. */
type Unit = () => ((connection: Connection) => Promise<void>) | undefined

const posts = (it: OAuthWork & { readonly kind: "post" }): Unit => {
  const requests = it.bodies.map((body) => formPost(port, it.path, it.authorization, body))
  let sent = 0
  return () => {
    if (it.once && sent === requests.length) return undefined
    const request = requests[sent++ % requests.length]
    if (request === undefined) return undefined
    return async (connection) => {
      const answer = await connection.send(request)
      const isGood = answer.startsWith("HTTP/1.1 200 ") && answer.includes(it.mustContain)
      if (!isGood) throw new BadAnswer(answer.slice(0, 1500))
    }
  }
}

const flows = ({ cookies, exchange, path }: OAuthWork & { readonly kind: "code" }): Unit => {
  const navigations = cookies.map((cookie) => navigation(port, path, cookie))
  let begun = 0
  return () => {
    const authorize = navigations[begun++ % navigations.length]
    if (authorize === undefined) return undefined
    return async (connection) => {
      const redirect = await connection.send(authorize)
      const code = expected(codeIn(redirect), redirect)
      if (exchange === undefined) {
        codes.push(code)
        return
      }
      const post = formPost(port, exchange.path, exchange.authorization, `${exchange.body}${code}`)
      const answer = await connection.send(post)
      accessTokens.push(expected(memberIn(answer, "access_token"), answer))
      refreshTokens.push(expected(memberIn(answer, "refresh_token"), answer))
    }
  }
}

const rotations = ({ authorization, body, path, tokens }: OAuthWork & { readonly kind: "refresh" }): Unit => {
  refreshTokens.push(...tokens)
  return () => {
    // A chain that waits for its answer is not in the list: one connection alone asks for the next token.
    const token = refreshTokens.shift()
    if (token === undefined) return undefined
    return async (connection) => {
      const answer = await connection.send(formPost(port, path, authorization, `${body}${token}`))
      const next = expected(memberIn(answer, "refresh_token"), answer)
      if (next === token) throw new BadAnswer("the refresh token did not rotate")
      refreshTokens.push(next)
    }
  }
}

const next = work.kind === "post" ? posts(work) : work.kind === "code" ? flows(work) : rotations(work)

const latencies: Array<number> = []
let begun = 0
let badAnswers = 0
let socketErrors = 0
let timeouts = 0
let firstBadAnswer: string | undefined
let over = false

const keepBusy = async (first: Connection): Promise<void> => {
  let connection: Connection | undefined = first
  while (!over && begun < (load.requests ?? Infinity)) {
    const unit = next()
    if (unit === undefined) break
    begun += 1
    const started = performance.now()
    try {
      connection ??= await open(port)
      await unit(connection)
      latencies.push(performance.now() - started)
    } catch (error) {
      if (error instanceof BadAnswer) {
        badAnswers += 1
        firstBadAnswer ??= error.message
      } else {
        if (error instanceof NoAnswer && error.reason === "timeout") timeouts += 1
        else socketErrors += 1
        connection = undefined
      }
      if (badAnswers + socketErrors + timeouts > connections) break
    }
  }
  connection?.close()
}

const opened: Array<Connection> = []
while (opened.length < connections) opened.push(await open(port))

const started = performance.now()
let answeredInTime = 0
setTimeout(() => {
  over = true
  answeredInTime = latencies.length
}, load.seconds * 1000).unref()
await Promise.all(opened.map(keepBusy))

const sorted = Float64Array.from(latencies).sort()
const percentile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
const result: OAuthLoadResult = {
  requests: answeredInTime === 0 ? latencies.length : answeredInTime,
  seconds: Math.min(performance.now() - started, load.seconds * 1000) / 1000,
  p50: percentile(0.5),
  p99: percentile(0.99),
  badAnswers,
  socketErrors,
  timeouts,
  issued: { codes, accessTokens, refreshTokens },
  ...(firstBadAnswer === undefined ? {} : { firstBadAnswer }),
}
writeFileSync(output, JSON.stringify(result))
