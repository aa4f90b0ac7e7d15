/**
 * Program that begins sign-ins, each as a browser of its own, and gives each a code of the provider's.
 *
 * Argument: `Authorizations` as JSON. It prints the callbacks, an array of `Get`, as JSON.
 */
import { Agent, request } from "node:http"
import type { IncomingHttpHeaders } from "node:http"
import { codeOf } from "./contenders/provider.ts"
import { clientAddress } from "./load.ts"
import type { Authorizations } from "./authorizations.ts"
import type { Get } from "./load.ts"

const { count, first, people, port, signIn }: Authorizations = JSON.parse(process.argv[2] ?? "")
const atOnce = 50
const site = `http://localhost:${port}`
const agent = new Agent({ keepAlive: true, maxSockets: atOnce })

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A browser at one address: it keeps the cookies that it is given. */
const openBrowser = (forwardedFor: string) => {
  const cookies = new Map<string, string>()
  const cookie = () => [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
  const send = (method: string, path: string, body?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = {
        host: `localhost:${port}`,
        "x-forwarded-for": forwardedFor,
        ...(cookies.size === 0 ? {} : { cookie: cookie() }),
        ...(body === undefined
          ? {}
          : { origin: site, "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
      }
      const sent = request({ agent, host: "127.0.0.1", port, method, path, headers }, (response) => {
        let text = ""
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
        response.on("error", reject)
        response.on("end", () => {
          for (const line of response.headers["set-cookie"] ?? []) {
            const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? []
            cookies.set(name, value)
          }
          resolve({ status: response.statusCode, headers: response.headers, text })
        })
      })
      sent.on("error", reject)
      sent.end(body)
    })
  return { cookie, send }
}

const failed = (what: string, { status, text }: Answer) =>
  new Error(`${what} answered ${status}: ${text.slice(0, 1000)}`)

/** The URL to open that an answer holds. */
const urlIn = ({ text }: Answer): string => {
  const { url }: { readonly url: string } = JSON.parse(text)
  return url
}

const authorize = async (n: number): Promise<Get> => {
  const forwardedFor = clientAddress(n)
  const browser = openBrowser(forwardedFor)
  const begun = await browser.send("POST", signIn.path, signIn.body)
  if (begun.status !== 200) throw failed(signIn.path, begun)
  let url = new URL(urlIn(begun), site)
  if (url.origin === site) {
    const started = await browser.send("GET", `${url.pathname}${url.search}`)
    const { location } = started.headers
    if (started.status !== 302 || location === undefined) throw failed(url.pathname, started)
    url = new URL(location, site)
  }
  const asked = (name: string): string => {
    const value = url.searchParams.get(name)
    if (value === null) throw new Error(`the authorization request has no ${name}: ${url.href}`)
    return value
  }
  if (asked("code_challenge_method") !== "S256") throw new Error("the authorization request has no challenge by S256")
  const code = codeOf({
    subject: `person${(n % people) + 1}`,
    nonce: url.searchParams.get("nonce"),
    codeChallenge: asked("code_challenge"),
  })
  const query = new URLSearchParams({ code, state: asked("state") })
  return { path: `${new URL(asked("redirect_uri")).pathname}?${query}`, cookie: browser.cookie(), forwardedFor }
}

const gets: Array<Get> = []
let next = 0
const keepAuthorizing = async () => {
  while (next < count) {
    const index = next++
    gets[index] = await authorize(first + index)
  }
}
await Promise.all(Array.from({ length: atOnce }, keepAuthorizing))
agent.destroy()
process.stdout.write(JSON.stringify(gets))
