/**
 * The server's own configuration, and what production refuses.
 *
 * @since 0.1.0
 */
import * as StripeConfig from "@belfry/billing/StripeConfig"
import { parseSecrets, SecretsInvalid } from "@belfry/core/KeyRing"
import * as KeyRing from "@belfry/core/KeyRing"
import { Site } from "@belfry/core/Site"
import { dataDir } from "@belfry/sql/Database"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/**
 * The server's own configuration.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerConfigService {
  readonly host: string
  readonly port: number
  readonly dataDir: string
  readonly isProduction: boolean
  readonly requestTimeout: Duration.Duration
  /** Share of requests that are logged, 0 to 1. */
  readonly logRequests: number
  readonly metricsToken: Option.Option<Redacted.Redacted>
}

/**
 * The server's own configuration.
 *
 * @category services
 * @since 0.1.0
 */
export class ServerConfig extends Context.Service<ServerConfig, ServerConfigService>()("@belfry/server/ServerConfig") {}

/**
 * Something that is fine on a developer's machine and unsafe in production.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnsafeInProduction extends Schema.TaggedError<UnsafeInProduction>("@belfry/server/UnsafeInProduction")(
  "UnsafeInProduction",
  { setting: Schema.String, reason: Schema.String },
) {
  override get message(): string {
    return `${this.setting} is unsafe in production: ${this.reason}`
  }
}

/**
 * Tells whether `NODE_ENV` is `production`.
 *
 * @category config
 * @since 0.1.0
 */
export const isProduction: Config.Config<boolean> = Config.String("NODE_ENV").pipe(
  Config.withDefault(""),
  Config.map((value) => value === "production"),
)

// Not longer than a timer can be, which would be none at all.
const RequestTimeout = Schema.DurationFromString.check(
  Schema.makeFilter(Duration.between({ minimum: Duration.millis(10), maximum: Duration.hours(1) }), {
    message: "Expected a duration of 10 milliseconds to 1 hour",
  }),
)

/**
 * Reads the server's own configuration.
 *
 * @category config
 * @since 0.1.0
 */
export const config: Config.Config<ServerConfigService> = Config.all({
  host: Config.NonEmptyString("BELFRY_HOST").pipe(Config.withDefault("127.0.0.1")),
  // Not `Config.Port`, which refuses 0: a free one.
  port: Config.schema(
    Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 65_535 })),
    "BELFRY_PORT",
  ).pipe(Config.withDefault(3000)),
  dataDir,
  isProduction,
  requestTimeout: Config.schema(RequestTimeout, "BELFRY_REQUEST_TIMEOUT").pipe(
    Config.withDefault(Duration.seconds(10)),
  ),
  logRequests: Config.schema(
    Schema.NumberFromString.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
    "BELFRY_LOG_REQUESTS",
  ).pipe(Config.withDefault(0)),
  metricsToken: Config.option(Config.Redacted("BELFRY_METRICS_TOKEN")),
})

/**
 * The configuration from the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  ServerConfig,
  Effect.gen(function* () {
    return yield* config
  }),
)

/**
 * Tells whether the host of a URL is this machine itself.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname)

/**
 * Refuses to start in production with an http origin that is not loopback: its cookies would travel in the clear.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSafeOrigin = Layer.effectDiscard(
  Effect.gen(function* () {
    const site = yield* Site
    const { isProduction } = yield* ServerConfig
    if (isProduction && !site.isSecure && !isLoopback(site.baseUrl.hostname)) {
      return yield* new UnsafeInProduction({
        setting: "BELFRY_BASE_URL",
        reason: "people would send their cookies in the clear; use https",
      })
    }
  }),
)

/**
 * Billing cannot begin as it is set up.
 *
 * @category errors
 * @since 0.1.0
 */
export class StripeRefused extends Schema.TaggedError<StripeRefused>("@belfry/server/StripeRefused")("StripeRefused", {
  setting: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.setting}: ${this.reason}`
  }
}

/**
 * Refuses a local Stripe in production, which takes nobody's money, and a key that moves real money where people would
 * come back from paying without https.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSafeStripe = Layer.effectDiscard(
  Effect.gen(function* () {
    const { isProduction } = yield* ServerConfig
    const { isSecure } = yield* Site
    const mode = yield* StripeConfig.configMode
    if (mode === "local" && isProduction) {
      return yield* new UnsafeInProduction({
        setting: "BELFRY_STRIPE",
        reason: "a local Stripe takes nobody's money; set BELFRY_STRIPE_SECRET_KEY",
      })
    }
    if (mode !== "off" && !isSecure && (yield* StripeConfig.configIsLive)) {
      return yield* new StripeRefused({
        setting: "BELFRY_STRIPE_SECRET_KEY",
        reason: "a live key moves real money, and BELFRY_BASE_URL is not https; use a test key, or https",
      })
    }
  }),
)

/**
 * The key ring of `BELFRY_SECRETS`; without it, of a secret that is generated once and kept in the data directory,
 * which production refuses.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerKeyRing = Layer.effect(
  KeyRing.KeyRing,
  Effect.gen(function* () {
    const { dataDir, isProduction } = yield* ServerConfig
    const given = yield* Config.option(Config.Redacted("BELFRY_SECRETS"))
    if (Option.isSome(given)) return yield* KeyRing.make(yield* KeyRing.configSecrets)
    if (isProduction) {
      return yield* new UnsafeInProduction({
        setting: "BELFRY_SECRETS",
        reason: "a secret that is generated on one node is lost with its disk and unknown to others; set one",
      })
    }
    return yield* KeyRing.make(yield* generatedSecret(dataDir))
  }),
)

/**
 * What a file of the data directory says, which is made where there is none. For secrets of this machine alone.
 *
 * **Details**
 *
 * Whoever comes second at the same time takes what the first one made: the file appears with its content or not at all,
 * and nobody else may read it.
 *
 * @category effects
 * @since 0.1.0
 */
export const generated = Effect.fnUntraced(function* (
  directory: string,
  name: string,
  make: (random: (bytes: number) => Effect.Effect<string>) => Effect.Effect<string>,
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const source = yield* SecureRandom.SecureRandom
  const random = (bytes: number) => Effect.map(source.randomBytes(bytes), Base64Url.encode)
  const file = path.join(directory, name)
  yield* fs.makeDirectory(directory, { recursive: true, mode: 0o700 })
  if (!(yield* fs.exists(file))) {
    const draft = `${file}.${yield* random(9)}`
    yield* fs.writeFileString(draft, `${yield* make(random)}\n`, { flag: "wx", mode: 0o600 })
    yield* fs.link(draft, file).pipe(
      Effect.catchIf(
        (error) => error.reason._tag === "AlreadyExists",
        () => Effect.void,
      ),
      Effect.ensuring(Effect.ignore(fs.remove(draft))),
    )
  }
  return { file, text: (yield* fs.readFileString(file)).trim() }
})

// internal

const generatedSecret = Effect.fnUntraced(function* (directory: string) {
  const { file, text } = yield* generated(directory, "secret", (random) =>
    Effect.map(random(32), (value) => `dev:${value}`),
  )
  return yield* Effect.mapError(
    Effect.fromResult(parseSecrets(text)),
    (reason) => new SecretsInvalid({ reason: `in the file ${file}, ${reason}` }),
  )
})
