/**
 * A local Stripe that listens: the API, the pages, the controls, its clock and its file.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { Call } from "./calls.ts"
import * as Control from "./control.ts"
import * as Deliveries from "./deliveries.ts"
import * as Engine from "./engine.ts"
import * as Failures from "./failures.ts"
import * as Idempotency from "./idempotency.ts"
import * as Pages from "./pages.ts"
import * as Server from "./server.ts"
import { empty, type State } from "./state.ts"
import * as TestClocks from "./testClocks.ts"

export interface Options {
  readonly now: () => number
  readonly port: number
  readonly secretKey: string
  readonly webhookSecret: string
  readonly webhookUrl: string | undefined
  readonly seed: number
  readonly file: string | undefined
}

export interface Program {
  readonly url: string
  readonly secretKey: string
  readonly webhookSecret: string
  readonly calls: ReadonlyArray<Call>
  readonly events: State["events"]
  readonly control: Control.Control
  readonly deliveries: Deliveries.Deliveries
}

/** How many events live through a restart. */
const keptEvents = 1000

/** How often time is looked at where nobody asks. */
const beat = 1000

export const start = async (options: Options): Promise<{ program: Program; stop: () => Promise<void> }> => {
  const state = read(options.file)
  const calls: Array<Call> = []
  let origin = ""
  let decide: ReturnType<typeof Failures.decider> = () => undefined
  let killPoint: Server.KillPoint | undefined
  let rewrite: Server.Rewrite | undefined

  const save = () => {
    if (options.file !== undefined) write(options.file, state)
  }
  const engine = Engine.make({
    state,
    seed: options.seed,
    now: options.now,
    origin: () => origin,
    onEvent: () => deliveries.pump(),
  })
  const deliveries = Deliveries.make(engine, { secret: options.webhookSecret, onChange: save })
  if (options.webhookUrl !== undefined) deliveries.to(options.webhookUrl)

  const control = Control.make({
    engine,
    now: options.now,
    deliveries,
    onChange: save,
    setFailing: (failing) => {
      decide = failing === undefined ? () => undefined : Failures.decider(failing)
    },
    setKillPoint: (point) => {
      killPoint = point
    },
    setRewrite: (given) => {
      rewrite = given
    },
  })
  const api = Server.make({
    engine,
    keys: Idempotency.make(engine),
    secretKey: options.secretKey,
    calls,
    decide: (method, path) => decide(method, path),
    killPoint: () => killPoint,
    rewrite: () => rewrite,
    onChange: save,
  })
  const pages = Pages.make(engine, save)

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", origin)
    if (url.pathname.startsWith("/v1/")) return api(request, response, url)
    const form = await Server.bodyOf(request)
    if (url.pathname.startsWith("/_local/"))
      return Control.answer(control, request.method ?? "GET", url, form, response)
    return pages(request.method ?? "GET", url, form, response)
  }

  const server = createServer((request, response) => {
    // A client that hung up meanwhile is nobody's fault.
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(options.port, "127.0.0.1", resolve)
  })
  const address = server.address()
  origin = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : options.port}`

  const timer = setInterval(() => {
    TestClocks.catchUp(engine)
    deliveries.pump()
  }, beat)
  timer.unref()

  const stop = () =>
    new Promise<void>((resolve) => {
      clearInterval(timer)
      deliveries.setMode("held")
      save()
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const { secretKey, webhookSecret } = options
  return { program: { url: origin, secretKey, webhookSecret, calls, events: state.events, control, deliveries }, stop }
}

// internal

const read = (file: string | undefined): State => {
  if (file === undefined || !existsSync(file)) return empty()
  // Sound: only `write` makes this file; tables that an older one lacks are empty.
  const state: State = { ...empty(), ...(JSON.parse(readFileSync(file, "utf8")) as State) }
  // The file is written whole after each change: what is long over goes at the next start.
  state.events = state.events.slice(-keptEvents)
  const ids = new Set(state.events.map(({ id }) => id))
  state.deliveries = Object.fromEntries(Object.entries(state.deliveries).filter(([id]) => ids.has(id)))
  return state
}

/** Written beside and renamed: a crash leaves the one before. */
const write = (file: string, state: State) => {
  const beside = `${file}.${process.pid}.tmp`
  writeFileSync(beside, JSON.stringify(state), { mode: 0o600 })
  renameSync(beside, file)
}
