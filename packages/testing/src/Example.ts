/**
 * What the programs of `apps/examples` need besides themselves: a place to run where nothing is configured, and a
 * browser to look at them with.
 *
 * @since 0.1.0
 */
import { BelfryApi } from "@belfry/client/BelfryApi"
import * as BelfryClient from "@belfry/client/BelfryClient"
import { Email } from "@belfry/core/User"
import * as NodeServer from "@belfry/server/NodeServer"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import * as FreePort from "./FreePort.ts"

/**
 * Settings of a program, as the environment would have them.
 *
 * @category models
 * @since 0.1.0
 */
export type Settings = Readonly<Record<string, string>>

/**
 * Where an example runs.
 *
 * @category services
 * @since 0.1.0
 */
export class Place extends Context.Service<
  Place,
  {
    /** The origin of the program. */
    readonly baseUrl: string
    readonly port: number
    /** A directory that goes with the example, and has the mail that was sent. */
    readonly dataDir: string
  }
>()("@belfry/testing/Example/Place") {}

/**
 * What every program is given: crypto, files and paths of Node.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerPlatform = Layer.merge(NodeServer.layerCrypto, NodeHttpServer.layerHttpServices)

/**
 * An example: a program, what stands in for the real thing, and how the program proves itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Example<A, E, E2, S> {
  readonly program: Layer.Layer<A, E, Layer.Success<typeof layerPlatform> | Place>
  /** Starts what stands in for what would be elsewhere. */
  readonly standIn: Effect.Effect<S, never, Place | Scope.Scope>
  /** What leads there. */
  readonly settings: (standIn: S) => Settings
  /** Calls the program as people and machines do, and fails where an answer is not what it should be. */
  readonly check: (standIn: S) => Effect.Effect<void, E2, A | Place | Scope.Scope>
  /** The path to open in a browser, with `--serve`. */
  readonly look: string
}

/**
 * Runs an example as the process: it checks itself and ends, with 1 where that fails; with `--serve` it stays until it
 * is stopped.
 *
 * **Details**
 *
 * A check takes nothing from the environment: it listens on a free port, in a directory of its own. What the program
 * itself says is held back, and goes to standard error where the check fails. `--serve` listens on port 3000, and the
 * environment may say otherwise, of every setting.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A, E, E2, S>(example: Example<A, E, E2, S>): void => {
  const isServing = process.argv.includes("--serve")
  NodeRuntime.runMain(
    Effect.provide(Effect.scoped(isServing ? serve(example) : examine(example)), layerPlatform),
    // To be stopped is how serving ends.
    {
      teardown: (exit, onExit) =>
        onExit(Exit.isSuccess(exit) || (isServing && Cause.hasInterruptsOnly(exit.cause)) ? 0 : 1),
    },
  )
}

/**
 * A browser: cookies of its own, redirects followed, no script. `http` opens any URL; `client` is the client of a
 * contract of the program, with the same cookies.
 *
 * @category constructors
 * @since 0.1.0
 */
export const browser = Effect.gen(function* () {
  const { baseUrl } = yield* Place
  // Not `fetch`: that of Node says of itself that it is script, and no person is taken to another site by script.
  const jar = Layer.provide(BelfryClient.layerCookieJar(baseUrl), NodeHttpClient.layerNodeHttp)
  const httpClient = Context.get(yield* Layer.build(Layer.fresh(jar)), HttpClient.HttpClient)
  return {
    http: httpClient.pipe(
      HttpClient.mapRequest(HttpClientRequest.setHeader("accept", "text/html,*/*;q=0.8")),
      HttpClient.followRedirects(10),
    ),
    client: <Id extends string, Groups extends HttpApiGroup.Constraint>(api: HttpApi.HttpApi<Id, Groups>) =>
      HttpApiClient.makeWith(api, { httpClient, baseUrl }),
  }
})

/**
 * A browser, as {@link browser} makes it.
 *
 * @category models
 * @since 0.1.0
 */
export type Browser = Effect.Success<typeof browser>

/**
 * Signs a person up in a browser by password, and follows the link of the mail, which signs in.
 *
 * @category operations
 * @since 0.1.0
 */
export const signUp = Effect.fnUntraced(function* (visitor: Browser, name: string, email: string) {
  const { passwords, sessions } = yield* visitor.client(BelfryApi)
  const password = Redacted.make("correct horse battery staple")
  yield* passwords.signUp({ payload: { email: Email.make(email), name, password } })
  yield* passwords.confirmSignUp({ payload: { token: yield* mailedToken(email, "/confirm-sign-up") } })
  return yield* sessions.current()
})

/**
 * The token of the last link to a page that was mailed to an address, as soon as there is one.
 *
 * @category observing
 * @since 0.1.0
 */
export const mailedToken = Effect.fnUntraced(function* (address: string, path: string) {
  const { dataDir } = yield* Place
  const directory = Path.join(dataDir, "mail")
  while (true) {
    const names = yield* Effect.promise(() => Fs.readdir(directory).catch((): ReadonlyArray<string> => []))
    for (const name of names.toSorted().toReversed()) {
      const text = yield* Effect.promise(() => Fs.readFile(Path.join(directory, name), "utf8"))
      const [, token] = text.split(`${path}?token=`)
      if (text.includes(`To: ${address}`) && token !== undefined) {
        return Redacted.make(/^[\w-]+/u.exec(token)?.[0] ?? "")
      }
    }
    yield* Effect.sleep("10 millis")
  }
}, Effect.timeout("10 seconds"))

// internal

const examine = Effect.fnUntraced(function* <A, E, E2, S>(example: Example<A, E, E2, S>) {
  const said: Array<string> = []
  const check = Effect.gen(function* () {
    const port = yield* Effect.promise(FreePort.find)
    const { context, place, standIn } = yield* prepare(example, {
      port,
      baseUrl: `http://localhost:${port}`,
      set: setOnly,
    })
    const services = yield* Layer.build(example.program).pipe(
      Effect.provide(Context.add(context, Console.Console, keeping(said))),
    )
    yield* Effect.provide(example.check(standIn), Context.merge(services, place))
  })
  yield* Effect.onError(check, () => Effect.sync(() => process.stderr.write(said.map((line) => `${line}\n`).join(""))))
})

const serve = Effect.fnUntraced(function* <A, E, E2, S>(example: Example<A, E, E2, S>) {
  const wanted = Number(process.env["BELFRY_PORT"] ?? 3000)
  const port = wanted === 0 ? yield* Effect.promise(FreePort.find) : wanted
  const baseUrl = process.env["BELFRY_BASE_URL"] ?? `http://localhost:${port}`
  const { context } = yield* prepare(example, { port, baseUrl, set: setDefaults })
  yield* Layer.build(example.program).pipe(Effect.provide(context))
  yield* Console.log(`Open ${baseUrl}${example.look} (Ctrl+C stops it)`)
  yield* Effect.never
})

/** The place, with what stands in there, and the environment that leads there: `set` says which settings it has. */
const prepare = Effect.fnUntraced(function* <A, E, E2, S>(
  example: Example<A, E, E2, S>,
  {
    baseUrl,
    port,
    set,
  }: { readonly baseUrl: string; readonly port: number; readonly set: (settings: Settings) => void },
) {
  const dataDir = yield* temporaryDirectory
  const place = Context.make(Place, { baseUrl, port, dataDir })
  const standIn = yield* Effect.provide(example.standIn, place)
  set({ BELFRY_BASE_URL: baseUrl, BELFRY_DATA_DIR: dataDir, ...example.settings(standIn) })
  process.env["BELFRY_PORT"] = String(port)
  return { place, standIn, context: Context.add(place, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv()) }
})

// The process is the example's own, and programs without Effect read its environment too.
const setOnly = (settings: Settings) => {
  for (const name of Object.keys(process.env)) {
    if (/^(?:BELFRY_|DATABASE_URL$|NODE_ENV$)/u.test(name)) delete process.env[name]
  }
  Object.assign(process.env, settings)
}

const setDefaults = (settings: Settings) => {
  for (const [name, value] of Object.entries(settings)) process.env[name] ??= value
}

const temporaryDirectory = Effect.acquireRelease(
  Effect.promise(() => Fs.mkdtemp(Path.join(Os.tmpdir(), "belfry-example-"))),
  (directory) => Effect.promise(() => Fs.rm(directory, { recursive: true, force: true })),
)

/** A console that writes nothing, and keeps what it is told. */
const keeping = (said: Array<string>): Console.Console =>
  new Proxy(globalThis.console, {
    get:
      () =>
      (...parts: ReadonlyArray<unknown>) =>
        said.push(parts.map(String).join(" ")),
  })
