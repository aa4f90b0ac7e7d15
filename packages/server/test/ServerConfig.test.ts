import * as BillingConfig from "@belfry/billing/BillingConfig"
import * as StripeConfig from "@belfry/billing/StripeConfig"
import * as KeyRing from "@belfry/core/KeyRing"
import * as Site from "@belfry/core/Site"
import * as RateLimitStore from "@belfry/server/RateLimitStore"
import * as Server from "@belfry/server/Server"
import * as ServerConfig from "@belfry/server/ServerConfig"
import * as ServerMailer from "@belfry/server/ServerMailer"
import * as StartFailure from "@belfry/server/StartFailure"
import * as Telemetry from "@belfry/server/Telemetry"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Context, Duration, Effect, Exit, Layer, Redacted } from "effect"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { temporaryDirectory } from "./support/TestServer.ts"

const secrets = "k1:0123456789abcdefghijklmnopqrstuvwxyz"

const environment = (variables: Readonly<Record<string, string>>) =>
  ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables))

/** Everything that reads a setting when the server starts, without opening a database. */
const settings = Layer.mergeAll(
  ServerConfig.layerSafeOrigin,
  ServerConfig.layerSafeStripe,
  ServerConfig.layerKeyRing,
  ServerMailer.layer,
  Telemetry.layerLogs,
  BillingConfig.layerConfig,
  StripeConfig.layerConfig,
).pipe(
  Layer.provideMerge(Layer.mergeAll(ServerConfig.layer, Site.layerConfig)),
  Layer.provide([NodeCrypto.layer, NodeServices.layer]),
)

/** What a start with these variables says: `started`, or why not. */
const start = (variables: Readonly<Record<string, string>>, layer: Layer.Layer<never, unknown> = settings) =>
  Effect.gen(function* () {
    const dataDir = yield* temporaryDirectory
    const exit = yield* Layer.build(layer).pipe(
      Effect.provide(environment({ BELFRY_DATA_DIR: dataDir, ...variables })),
      Effect.scoped,
      Effect.exit,
    )
    return Exit.isSuccess(exit) ? "started" : StartFailure.describe(exit.cause)
  }).pipe(Effect.scoped)

const production = {
  NODE_ENV: "production",
  BELFRY_SECRETS: secrets,
  BELFRY_BASE_URL: "https://id.example.com",
  BELFRY_SMTP_URL: "smtp://user:smtp-password@mail.example.com",
  BELFRY_MAIL_FROM: "Belfry <belfry@example.com>",
}

const stripe = { BELFRY_STRIPE_SECRET_KEY: "sk_test_hidden-key", BELFRY_STRIPE_WEBHOOK_SECRET: "whsec_1" }

/** That a change of the settings is refused in production, by its name, and is fine on a developer's machine. */
const assertUnsafe = Effect.fnUntraced(function* (change: Readonly<Record<string, string>>, setting: string) {
  const said = yield* start({ ...production, ...change })
  assert.isTrue(said.startsWith(`${setting} is unsafe in production: `), said)
  assert.notInclude(said, "\n")
  assert.strictEqual(yield* start({ ...production, ...change, NODE_ENV: "development" }), "started")
})

describe("production", () => {
  it.live("starts with secrets, https and a mail server", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* start(production), "started")
    }),
  )

  it.live("refuses what is unsafe there, and names the setting", () =>
    Effect.gen(function* () {
      for (const [change, setting] of [
        [{ BELFRY_SECRETS: "" }, "BELFRY_SECRETS"],
        [{ BELFRY_SMTP_URL: "" }, "BELFRY_SMTP_URL"],
        [{ BELFRY_STRIPE: "local", ...stripe }, "BELFRY_STRIPE"],
      ] as const) {
        yield* assertUnsafe(change, setting)
      }
    }),
  )

  it.live("takes no key that moves real money anywhere without https", () =>
    Effect.gen(function* () {
      for (const key of ["sk_live_hidden-key", "rk_live_hidden-key"]) {
        const live = { ...stripe, BELFRY_STRIPE_SECRET_KEY: key }
        const said = yield* start(live)
        assert.match(said, /^BELFRY_STRIPE_SECRET_KEY: a live key moves real money, and BELFRY_BASE_URL is not https/)
        assert.notMatch(said, /\n|hidden-key/)
        assert.strictEqual(yield* start({ ...live, BELFRY_STRIPE: "off" }), "started")
        assert.strictEqual(yield* start({ ...live, BELFRY_BASE_URL: "https://id.example.com" }), "started")
      }
      assert.strictEqual(yield* start(stripe), "started")
    }),
  )

  // The server speaks to a proxy that ends TLS, so what it can tell is its origin.
  describe("RFC 6749 §3.2", () => {
    it.live("MUST NOT serve an origin without TLS, but on this machine", () =>
      Effect.gen(function* () {
        for (const origin of [
          "http://id.example.com",
          "http://localhost.example.com",
          "http://127.0.0.1.example.com",
          "http://192.168.0.1",
          "http://0.0.0.0",
          "http://[::2]",
        ]) {
          yield* assertUnsafe({ BELFRY_BASE_URL: origin }, "BELFRY_BASE_URL")
        }
        for (const origin of [
          "https://id.example.com",
          "http://localhost:3000",
          "http://127.0.0.1:3000",
          "http://127.8.8.8",
          "http://[::1]:3000",
        ]) {
          assert.strictEqual(yield* start({ ...production, BELFRY_BASE_URL: origin }), "started", origin)
        }
      }),
    )
  })
})

describe("the generated secret", () => {
  const fingerprint = Effect.gen(function* () {
    const context = yield* Layer.build(settings)
    const hasher = yield* Context.get(context, KeyRing.KeyRing).hasher("test")
    return yield* hasher.hash(Redacted.make("text"))
  }).pipe(Effect.scoped)

  it.live("is readable by its owner alone and kept from start to start", () =>
    Effect.gen(function* () {
      const dataDir = Path.join(yield* temporaryDirectory, "data")
      const started = Effect.provide(fingerprint, environment({ BELFRY_DATA_DIR: dataDir }))
      const first = yield* started
      const file = Path.join(dataDir, "secret")
      const [ofFile, ofDirectory, content] = yield* Effect.promise(() =>
        Promise.all([Fs.stat(file), Fs.stat(dataDir), Fs.readFile(file, "utf8")]),
      )
      assert.strictEqual(ofFile.mode & 0o777, 0o600)
      assert.strictEqual(ofDirectory.mode & 0o777, 0o700)
      assert.match(content, /^dev:[\w-]{43}\n$/)
      assert.strictEqual(yield* started, first)
      assert.deepStrictEqual(yield* Effect.promise(() => Fs.readdir(dataDir)), ["mail", "secret"])
      const other = yield* Effect.provide(fingerprint, environment({ BELFRY_DATA_DIR: yield* temporaryDirectory }))
      assert.notStrictEqual(other, first)
    }).pipe(Effect.scoped),
  )

  it.live("is one for all that start at once", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 10; round++) {
        const dataDir = yield* temporaryDirectory
        const started = Effect.provide(fingerprint, environment({ BELFRY_DATA_DIR: dataDir }))
        const all = yield* Effect.all(
          Array.from({ length: 10 }, () => started),
          { concurrency: "unbounded" },
        )
        assert.lengthOf(new Set(all), 1)
      }
    }).pipe(Effect.scoped),
  )

  it.live("that was damaged is named with its file, and not shown", () =>
    Effect.gen(function* () {
      const dataDir = yield* temporaryDirectory
      yield* Effect.promise(() => Fs.writeFile(Path.join(dataDir, "secret"), "dev:half-of-it"))
      const said = yield* start({ BELFRY_DATA_DIR: dataDir })
      assert.include(said, Path.join(dataDir, "secret"))
      assert.notInclude(said, "half-of-it")
    }).pipe(Effect.scoped),
  )
})

describe("a value that cannot be used", () => {
  it.live("is refused in one line that names the setting", () =>
    Effect.gen(function* () {
      for (const [name, value] of [
        ["BELFRY_PORT", "http"],
        ["BELFRY_PORT", "65536"],
        ["BELFRY_PORT", "-1"],
        ["BELFRY_PORT", "80.5"],
        ["BELFRY_BASE_URL", "example.com"],
        ["BELFRY_BASE_URL", "ftp://example.com"],
        ["BELFRY_BASE_URL", "https://example.com/auth"],
        ["BELFRY_ALLOWED_ORIGINS", "https://*.example.com"],
        ["BELFRY_SITE_NAME", "x".repeat(101)],
        ["BELFRY_REQUEST_TIMEOUT", "soon"],
        ["BELFRY_REQUEST_TIMEOUT", "0 millis"],
        // Longer than a timer of Node can be: it would end at once.
        ["BELFRY_REQUEST_TIMEOUT", "30 days"],
        ["BELFRY_REQUEST_TIMEOUT", "Infinity"],
        ["BELFRY_LOG_REQUESTS", "yes"],
        ["BELFRY_LOG_REQUESTS", "1.1"],
        ["BELFRY_LOG_LEVEL", "loud"],
        ["BELFRY_SECRETS", "too-short-to-be-a-secret"],
        ["BELFRY_SECRETS", `${secrets},${secrets}`],
        ["BELFRY_SMTP_URL", "mail.example.com:hidden-password"],
        ["BELFRY_MAIL_FROM", "nobody"],
        ["BELFRY_STRIPE", "perhaps"],
        ["BELFRY_STRIPE_SECRET_KEY", "hidden-password"],
        ["BELFRY_BILLING_DELETION", "perhaps"],
      ] as const) {
        const said = yield* start({ ...production, [name]: value })
        const what = `${name}=${value}: ${said}`
        assert.isTrue(said.startsWith(name), what)
        assert.notInclude(said, "\n", what)
        assert.notMatch(said, /SchemaError|ConfigError| at \[|hidden-password|too-short|0123456789/, what)
      }
      const { BELFRY_MAIL_FROM: _left, ...withoutSender } = production
      assert.strictEqual(yield* start(withoutSender), "BELFRY_MAIL_FROM: is missing")
      const keyAlone = { BELFRY_STRIPE_SECRET_KEY: "sk_test_1" }
      assert.strictEqual(yield* start(keyAlone), "BELFRY_STRIPE_WEBHOOK_SECRET: is missing")
    }),
  )

  it.live(
    "is refused by every service that has settings of its own",
    () =>
      Effect.gen(function* () {
        const services = Server.layerServices.pipe(
          Layer.provide(TestDatabase.layerPglite(Server.migrations)),
          Layer.provide([NodeCrypto.layer, NodeServices.layer]),
        )
        for (const [name, value] of [
          ["BELFRY_SESSION_LIFETIME", "never"],
          ["BELFRY_SESSION_FRESHNESS", "-"],
          ["BELFRY_PASSWORD_MEMORY", "much"],
          ["BELFRY_PASSWORD_CONCURRENCY", "1.5"],
          ["BELFRY_PASSWORD_COMMON_CHECK", "perhaps"],
          ["BELFRY_ORGANIZATION_MEMBER_LIMIT", "many"],
          ["BELFRY_ORGANIZATION_SCOPE", "two words"],
          ["BELFRY_REDIS_URL", "not a URL with a hidden-password"],
          ["BELFRY_BILLING_PLANS", "no-such-file.json"],
        ] as const) {
          const said = yield* start({ [name]: value }, services)
          assert.isTrue(said.startsWith(name), `${name}=${value}: ${said}`)
          assert.notMatch(said, /\n|hidden-password/)
        }
      }),
    // Each has a database of its own.
    120_000,
  )

  it.live("is no value when it is empty, where there may be none", () =>
    Effect.gen(function* () {
      const config = yield* Effect.provide(
        ServerConfig.config,
        environment({ BELFRY_METRICS_TOKEN: "", BELFRY_REQUEST_TIMEOUT: "250 millis", BELFRY_PORT: "0" }),
      )
      assert.strictEqual(config.metricsToken._tag, "None")
      assert.strictEqual(Duration.toMillis(config.requestTimeout), 250)
      assert.strictEqual(config.port, 0)
      const withoutRedis = RateLimitStore.layer.pipe(Layer.provide(TestDatabase.layerPglite(Server.migrations)))
      assert.strictEqual(yield* start({ BELFRY_REDIS_URL: "" }, withoutRedis), "started")
    }),
  )
})

describe("a failure to start", () => {
  it.effect("that nobody expected is told as a bug, with its stack", () =>
    Effect.sync(() => {
      const said = StartFailure.describe(Cause.die(new Error("impossible")))
      assert.include(said, "bug")
      assert.include(said, "impossible")
      assert.match(said, /\n\s+at /)
    }),
  )
})
