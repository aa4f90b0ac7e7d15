/**
 * The API over HTTP: who may ask, what was asked before, what fails on purpose, and how answers are written.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Call } from "./calls.ts"
import type { Engine } from "./engine.ts"
import { broken, keyInUse, limited, Refusal, unauthorized } from "./errors.ts"
import { expand } from "./expand.ts"
import type { Failure } from "./failures.ts"
import { type Params, parse } from "./forms.ts"
import type { Keys } from "./idempotency.ts"
import { apiVersion } from "./objects.ts"
import type { KeptAnswer } from "./state.ts"
import * as Routes from "./routes.ts"
import * as TestClocks from "./testClocks.ts"

/** A hook around what a request does. */
export type KillPoint = (at: "before" | "after", call: Call) => Promise<void> | void

/** Changes an answer before it is sent: what a Stripe of another day might say. What is kept stays as it is. */
export type Rewrite = (answer: { [field: string]: unknown }, call: Call) => void

interface Answer {
  readonly status: number
  readonly body: string
  readonly isReplay: boolean
}

/** How long a silent connection is kept when the client does not give up. */
const patience = 60_000

export const make = (options: {
  readonly engine: Engine
  readonly keys: Keys
  readonly secretKey: string
  readonly calls: Array<Call>
  readonly decide: (method: string, path: string) => Failure | undefined
  readonly killPoint: () => KillPoint | undefined
  readonly rewrite: () => Rewrite | undefined
  readonly onChange: () => void
}) => {
  const { engine, keys } = options

  /** Does it, and keeps the answer where there is a key: in one go, so that nobody sees one without the other. */
  const perform = ({ idempotencyKey: key, method, params, path, requestId }: Call): Answer => {
    const answer = answerOf(() =>
      engine.because({ id: requestId, idempotency_key: key }, () => {
        const { handler, id } = Routes.find(method, path)
        TestClocks.catchUp(engine)
        const result = handler(engine, id, params)
        // What a change made due, such as the end of a trial, is done before it is answered.
        if (method !== "GET") TestClocks.catchUp(engine)
        return JSON.stringify(expand(engine, result, params), null, 2)
      }),
    )
    // Refused parameters did nothing, and may come again; what a bank refused was done.
    if (key !== null && (answer.status === 200 || answer.status === 402)) {
      keys.keep(key, fingerprintOf(method, path, params), answer.status, answer.body)
    }
    if (method !== "GET") options.onChange()
    return answer
  }

  const rewritten = (body: string, call: Call): string => {
    const rewrite = options.rewrite()
    if (rewrite === undefined) return body
    const answer: unknown = JSON.parse(body)
    if (typeof answer !== "object" || answer === null) return body
    const fields: { [field: string]: unknown } = { ...answer }
    rewrite(fields, call)
    return JSON.stringify(fields)
  }

  return async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const method = request.method ?? "GET"
    const path = url.pathname
    const requestId = engine.id("req")
    const keyGiven = request.headers["idempotency-key"]
    const key = typeof keyGiven === "string" && method !== "GET" ? keyGiven : null
    const form = await bodyOf(request)
    const params = parse(
      method === "GET" || (method === "DELETE" && form === "") ? url.searchParams : new URLSearchParams(form),
    )

    const call: Call = { requestId, method, path, params, idempotencyKey: key, status: 0, isReplay: false }
    const write = (answer: Answer, extra: { readonly [name: string]: string } = {}) => {
      options.calls.push({ ...call, status: answer.status, isReplay: answer.isReplay })
      response.writeHead(answer.status, {
        "content-type": "application/json",
        "request-id": requestId,
        "stripe-version": apiVersion,
        ...(key === null ? {} : { "idempotency-key": key }),
        ...(answer.isReplay ? { "idempotent-replayed": "true" } : {}),
        ...extra,
      })
      response.end(answer.status === 200 ? rewritten(answer.body, call) : answer.body)
    }

    if (request.headers.authorization !== `Bearer ${options.secretKey}`) return write(refuse(unauthorized()))
    const version = request.headers["stripe-version"]
    if (version !== undefined && version !== apiVersion) {
      return write(
        refuse(new Refusal(400, { type: "invalid_request_error" }, `Invalid Stripe API version: ${String(version)}`)),
      )
    }

    const killPoint = options.killPoint()
    const failure = options.decide(method, path)
    let kept: KeptAnswer | undefined
    try {
      kept = key === null ? undefined : keys.begin(key, fingerprintOf(method, path, params))
    } catch (error) {
      return write(refuse(refusalOf(error)))
    }
    let answer: Answer
    try {
      await killPoint?.("before", call)
      if (failure !== undefined && !failure.isDone) answer = refuse(refusals[failure.kind]())
      else answer = kept === undefined ? perform(call) : { status: kept.status, body: kept.body, isReplay: true }
      if (failure?.kind === "kept" && key !== null) {
        keys.keep(key, fingerprintOf(method, path, params), answer.status, answer.body)
      }
      await killPoint?.("after", call)
    } finally {
      if (key !== null) keys.end(key)
    }

    if (failure === undefined || !(failure.kind === "after" || failure.kind === "timeout")) {
      return write(answer, failure?.kind === "429" ? { "retry-after": "0" } : {})
    }
    if (failure.kind === "after" && !failure.isCut) return write(refuse(broken()))
    options.calls.push(call)
    if (failure.kind === "after") response.destroy()
    else response.setTimeout(patience, () => response.destroy())
  }
}

/** The body of a request, as text. */
export const bodyOf = async (request: IncomingMessage): Promise<string> => {
  request.setEncoding("utf8")
  let text = ""
  for await (const chunk of request) text += String(chunk)
  return text
}

// internal

/** What a request is told that fails on purpose. */
const refusals = { before: broken, after: broken, timeout: broken, kept: broken, "429": limited, "409": keyInUse }

const fingerprintOf = (method: string, path: string, params: Params) => `${method} ${path} ${JSON.stringify(params)}`

const refuse = (refusal: Refusal): Answer => ({
  status: refusal.status,
  body: JSON.stringify(refusal.body, null, 2),
  isReplay: false,
})

const answerOf = (f: () => string): Answer => {
  try {
    return { status: 200, body: f(), isReplay: false }
  } catch (error) {
    return refuse(refusalOf(error))
  }
}

const refusalOf = (error: unknown): Refusal => {
  if (error instanceof Refusal) return error
  // A fault of the local Stripe itself: it must not look like a failure that was wanted.
  process.emitWarning(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return broken()
}
