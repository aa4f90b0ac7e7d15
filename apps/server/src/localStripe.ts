/**
 * The local Stripe of `BELFRY_STRIPE=local`: a process beside this one, for looking at billing without an account.
 *
 * Its state and the secrets that it shares with the server are in the data directory. It is a program of the repository
 * that packages do not come with.
 */
import * as StripeConfig from "@belfry/billing/StripeConfig"
import * as ServerConfig from "@belfry/server/ServerConfig"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import * as Net from "node:net"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** What the server is to know of the local Stripe: where it is, and what the two share. */
export interface LocalStripe {
  readonly url: string
  readonly provider: ConfigProvider.ConfigProvider
}

/**
 * The local Stripe for a server, until the scope closes; none where the configuration asks for none. If it dies, it is
 * started again.
 *
 * The port of the server is in the configuration then even if that was to be a free one, since webhooks go there.
 */
export const serving = Effect.gen(function* () {
  if ((yield* StripeConfig.configMode) !== "local") return Option.none<LocalStripe>()
  const { host, isProduction, port } = yield* ServerConfig.config
  if (isProduction) return Option.none<LocalStripe>()
  const ownPort = port === 0 ? yield* freePort : port
  const settings = yield* configure(`http://${reachable(host)}:${ownPort}/auth/stripe/webhook`)
  const url = yield* supervise(settings)
  return Option.some(yield* toLocalStripe(url, settings, { BELFRY_PORT: String(ownPort) }))
})

/**
 * The local Stripe for a command: the one that a server has started, else one that lives as long as the scope. None
 * where the configuration asks for none.
 */
export const commanding = Effect.gen(function* () {
  if ((yield* StripeConfig.configMode) !== "local") return Option.none<LocalStripe>()
  const { host, isProduction, port } = yield* ServerConfig.config
  if (isProduction) return Option.none<LocalStripe>()
  const settings = yield* configure(`http://${reachable(host)}:${port}/auth/stripe/webhook`)
  const running = `http://127.0.0.1:${settings.port}`
  const url = (yield* isOurs(running, settings.secretKey)) ? running : yield* supervise(settings)
  return Option.some(yield* toLocalStripe(url, settings, {}))
})

/** The configuration with what a local Stripe shares with the server, for commands that do not ask Stripe. */
export const sharing = Effect.gen(function* () {
  const { isProduction } = yield* ServerConfig.config
  if ((yield* StripeConfig.configMode) !== "local" || isProduction) return yield* ConfigProvider.ConfigProvider
  const settings = yield* configure("")
  const { provider } = yield* toLocalStripe(`http://127.0.0.1:${settings.port}`, settings, {})
  return provider
})

// internal

interface Settings {
  readonly program: string
  readonly port: number
  readonly file: string
  readonly webhookUrl: string
  readonly secretKey: string
  readonly webhookSecret: string
}

const refusal = (setting: string, reason: string) => new ServerConfig.StripeRefused({ setting, reason })

/** Where the program is, and what it is told. */
const configure = Effect.fnUntraced(function* (webhookUrl: string) {
  const { dataDir } = yield* ServerConfig.config
  const port = yield* Config.schema(
    Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 65_535 })),
    "BELFRY_STRIPE_LOCAL_PORT",
  ).pipe(Config.withDefault(12_111))
  const program = yield* Effect.mapError(locate, () => refusal("BELFRY_STRIPE", "local needs the repository of Belfry"))
  const { text } = yield* ServerConfig.generated(dataDir, "stripe-secrets", (random) =>
    Effect.map(Effect.all([random(24), random(24)]), ([key, secret]) => `sk_test_${key} whsec_${secret}`),
  )
  const [secretKey = "", webhookSecret = ""] = text.split(" ")
  return { program, port, file: Path.resolve(dataDir, "stripe.json"), webhookUrl, secretKey, webhookSecret }
})

// Not an import: a server that has no need of it goes without, and so does the bundle.
const locate = Effect.try(() => {
  const program = fileURLToPath(import.meta.resolve("@belfry/testing/localStripeProgram"))
  if (!existsSync(program)) throw new Error("There is no such file")
  return program
})

const toLocalStripe = (url: string, settings: Settings, others: Readonly<Record<string, string>>) =>
  Effect.map(ConfigProvider.ConfigProvider, (given): LocalStripe => ({
    url,
    provider: ConfigProvider.orElse(
      ConfigProvider.fromEnvRecord({
        BELFRY_STRIPE_API_URL: url,
        BELFRY_STRIPE_SECRET_KEY: settings.secretKey,
        BELFRY_STRIPE_WEBHOOK_SECRET: settings.webhookSecret,
        ...others,
      }),
      given,
    ),
  }))

/** Addresses that are all of them are no place to send anything to. */
const reachable = (host: string): string =>
  host === "0.0.0.0" || host === "::" ? "127.0.0.1" : Net.isIPv6(host) ? `[${host}]` : host

const freePort = Effect.promise(
  () =>
    new Promise<number>((resolve, reject) => {
      const server = Net.createServer()
      server.once("error", reject)
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
      })
    }),
)

/** Tells whether a local Stripe of this data directory answers there. */
const isOurs = (url: string, secretKey: string) =>
  Effect.promise((signal) =>
    fetch(`${url}/v1/prices?limit=1`, { headers: { authorization: `Bearer ${secretKey}` }, signal }).then(
      ({ ok }) => ok,
      () => false,
    ),
  ).pipe(Effect.timeoutOption("2 seconds"), Effect.map(Option.contains(true)))

/** Runs the program for as long as the scope is open, and says where it listens; there it stays. */
const supervise = Effect.fnUntraced(function* (settings: Settings) {
  const ready = yield* Deferred.make<string, ServerConfig.StripeRefused>()
  const round = (port: number) =>
    Effect.scoped(
      Effect.gen(function* () {
        const child = yield* Effect.acquireRelease(
          Effect.sync(() => begin({ ...settings, port })),
          ({ stop }) => Effect.promise(stop),
        )
        yield* Deferred.succeed(ready, yield* listening(child))
        yield* Effect.promise(() => child.ended)
        return yield* refusal("BELFRY_STRIPE", "the local Stripe has ended")
      }),
    )
  const report = ({ message }: ServerConfig.StripeRefused) => Effect.logError(`${message}; it is started again`)
  const again = (url: string) =>
    round(Number(new URL(url).port)).pipe(Effect.delay("1 second"), Effect.catch(report), Effect.forever)
  yield* round(settings.port).pipe(
    Effect.catch((error) =>
      // Of the first start, whoever waits for it is told.
      Effect.flatMap(Deferred.fail(ready, error), (isTold) => (isTold ? Effect.never : report(error))),
    ),
    Effect.andThen(Effect.flatMap(Deferred.await(ready), again)),
    Effect.forkScoped,
  )
  return yield* Deferred.await(ready)
})

interface Child {
  /** Where it listens, as soon as it says so; rejects where it ends before. */
  readonly url: Promise<string>
  readonly ended: Promise<void>
  readonly stop: () => Promise<void>
}

const listening = ({ url }: Child) =>
  Effect.tryPromise({
    try: () => url,
    catch: (cause) =>
      cause instanceof Error && cause.message.includes("EADDRINUSE")
        ? refusal("BELFRY_STRIPE_LOCAL_PORT", "the port is taken; stop the other program, or choose another port")
        : refusal("BELFRY_STRIPE", `the local Stripe does not start: ${cause instanceof Error ? cause.message : ""}`),
  }).pipe(
    Effect.timeoutOrElse({
      duration: "30 seconds",
      orElse: () => Effect.fail(refusal("BELFRY_STRIPE", "the local Stripe does not say that it listens")),
    }),
  )

const begin = ({ file, port, program, secretKey, webhookSecret, webhookUrl }: Settings): Child => {
  const parameters = ["--port", String(port), "--data", file, "--webhook", webhookUrl]
  const secrets = ["--webhook-secret", webhookSecret, "--secret-key", secretKey]
  // Its standard input is this process: killed in whatever way, the one ends the other.
  const child = spawn(process.execPath, [program, "--attached", ...parameters, ...secrets], { stdio: "pipe" })
  let said = ""
  child.stderr.on("data", (text: Buffer) => (said = `${said}${text.toString()}`.slice(-2000)))
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve())
    child.once("close", () => resolve())
  })
  const url = new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      const found = /^Local Stripe listens on (\S+)$/u.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    })
    void ended.then(() => reject(new Error(/^\w*Error: .*$/mu.exec(said)?.[0] ?? "it ended")))
  })
  // Whoever waits for it is told; that nobody does is no failure.
  url.catch(() => undefined)
  const stop = async () => {
    const late = setTimeout(() => child.kill("SIGKILL"), 3000)
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM")
    await ended
    clearTimeout(late)
  }
  return { url, ended, stop }
}
