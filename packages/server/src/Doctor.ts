/**
 * Checks an installation and says what to mend.
 *
 * @since 0.1.0
 */
import * as BillingConfig from "@belfry/billing/BillingConfig"
import { BillingProvider } from "@belfry/billing/BillingProvider"
import * as Plans from "@belfry/billing/Plans"
import * as StripeConfig from "@belfry/billing/StripeConfig"
import { WebhookEventStore } from "@belfry/billing/WebhookEventStore"
import * as SqlWebhookEventStore from "@belfry/billing/SqlWebhookEventStore"
import * as KeyRing from "@belfry/core/KeyRing"
import * as Site from "@belfry/core/Site"
import * as SmtpMailer from "@belfry/core/SmtpMailer"
import * as Database from "@belfry/sql/Database"
import * as Migrations from "@belfry/sql/Migrations"
import * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import * as DemoPlans from "./DemoPlans.ts"
import { migrations } from "./Server.ts"
import * as ServerConfig from "./ServerConfig.ts"
import * as StartFailure from "./StartFailure.ts"

/**
 * What a check found. `advice` says what to do where something is not right.
 *
 * @category models
 * @since 0.1.0
 */
export interface Finding {
  readonly check: string
  readonly state: "ok" | "warning" | "failed"
  readonly found: string
  readonly advice?: string
}

/**
 * Checks configuration, secrets, mail, the data directory, billing with the prices of plans, the database, its
 * migrations, the events of billing and the clock.
 *
 * **Details**
 *
 * Never fails: what is wrong is a finding. Needs no database to be up, changes nothing in it, and shows no secret.
 *
 * @category effects
 * @since 0.1.0
 */
export const examine = Effect.gen(function* () {
  const settings = yield* attempt("configuration", "Mend the named setting", checkSettings)
  const secrets = yield* attempt(
    "secrets",
    "Set BELFRY_SECRETS=id:value with 32 random characters or more",
    checkSecrets,
  )
  const mail = yield* attempt("mail", "Set BELFRY_SMTP_URL and BELFRY_MAIL_FROM", checkMail)
  const directory = yield* attempt("data directory", "Make BELFRY_DATA_DIR writable for this user", checkDirectory)
  const billing = yield* Effect.catchCause(checkBilling, (cause) =>
    Effect.succeed<ReadonlyArray<Finding>>([
      { check: "billing", state: "failed", found: StartFailure.describe(cause), advice: "Mend the named setting" },
    ]),
  )
  const database = yield* Effect.catchCause(checkDatabase, (cause) =>
    Effect.succeed<ReadonlyArray<Finding>>([
      { check: "database", state: "failed", found: StartFailure.describe(cause) },
    ]),
  )
  return [settings, secrets, mail, directory, ...billing, ...database]
})

// internal

const attempt = <E, R>(check: string, advice: string, effect: Effect.Effect<Omit<Finding, "check">, E, R>) =>
  effect.pipe(
    Effect.map((finding): Finding => ({ check, ...finding })),
    Effect.catch((error) =>
      Effect.succeed<Finding>({
        check,
        state: "failed",
        found: StartFailure.describeError(error),
        advice,
      }),
    ),
  )

const checkSettings = Effect.gen(function* () {
  const { isProduction, host, port } = yield* ServerConfig.config
  const origin = yield* Effect.map(Site.Site, (site) => site.origin).pipe(
    Effect.provide(
      ServerConfig.layerSafeOrigin.pipe(Layer.provideMerge(Layer.mergeAll(Site.layerConfig, ServerConfig.layer))),
    ),
  )
  const mode = isProduction ? "production" : "development"
  const found = `${mode}; listens on ${host}:${port}, known as ${origin}`
  const { hostname, port: known } = new URL(origin)
  // Behind a proxy the two differ. On this machine alone nothing stands between them, and forms would be refused.
  return ServerConfig.isLoopback(hostname) && port !== 0 && Number(known || 80) !== port
    ? { state: "warning" as const, found, advice: `Set BELFRY_BASE_URL=http://localhost:${port}, or BELFRY_PORT` }
    : { state: "ok" as const, found }
})

const checkSecrets = Effect.gen(function* () {
  const { isProduction } = yield* ServerConfig.config
  if (Option.isSome(yield* Config.option(Config.Redacted("BELFRY_SECRETS")))) {
    const secrets = yield* KeyRing.configSecrets
    return { state: "ok" as const, found: `signs with "${secrets[0].id}", ${secrets.length} in all` }
  }
  return isProduction
    ? yield* new ServerConfig.UnsafeInProduction({ setting: "BELFRY_SECRETS", reason: "none is set" })
    : { state: "ok" as const, found: "a generated secret in the data directory" }
})

const checkMail = Effect.gen(function* () {
  const { isProduction } = yield* ServerConfig.config
  if (Option.isSome(yield* Config.option(Config.Redacted("BELFRY_SMTP_URL")))) {
    yield* Effect.scoped(Layer.build(SmtpMailer.layerConfig))
    return { state: "ok" as const, found: "goes out by SMTP" }
  }
  return isProduction
    ? yield* new ServerConfig.UnsafeInProduction({ setting: "BELFRY_SMTP_URL", reason: "none is set" })
    : { state: "ok" as const, found: "is printed and kept in the data directory" }
})

const checkDirectory = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const { dataDir } = yield* ServerConfig.config
  yield* fs.makeDirectory(dataDir, { recursive: true, mode: 0o700 })
  yield* fs.access(dataDir, { readable: true, writable: true })
  return { state: "ok" as const, found: dataDir }
})

const checkBilling = Effect.gen(function* () {
  const { isEnabled, isLive } = yield* BillingProvider
  const mode = yield* StripeConfig.configMode
  if (!isEnabled) return [{ check: "billing", state: "ok", found: "off" }] satisfies ReadonlyArray<Finding>
  const found = mode === "local" ? "a local Stripe" : isLive ? "Stripe, with a live key" : "Stripe, with a test key"
  return [{ check: "billing", state: "ok", found } satisfies Finding, yield* checkPrices]
}).pipe(
  Effect.provide(
    Plans.layer.pipe(
      Layer.provideMerge(Layer.provideMerge(BillingConfig.layerConfigPlans, DemoPlans.layerConfig)),
      Layer.provideMerge(StripeConfig.layerConfig),
      Layer.provideMerge(ServerConfig.layerSafeStripe),
      Layer.provideMerge(Layer.merge(Site.layerConfig, ServerConfig.layer)),
    ),
  ),
)

const checkPrices = Plans.Plans.use((plans) => plans.inspect).pipe(
  Effect.map((findings): Finding => {
    const faults = findings.filter(({ fault }) => fault !== null)
    if (findings.length === 0) return { check: "prices", state: "ok", found: "no plans, unless a program has its own" }
    if (faults.length === 0) return { check: "prices", state: "ok", found: `${findings.length}, all at Stripe` }
    const names = faults.map(({ ref }) => ("id" in ref ? ref.id : ref.lookupKey))
    return {
      check: "prices",
      state: "warning",
      found: `nobody can buy by ${[...new Set(names)].join(", ")}`,
      advice: "Make them at Stripe, active and for the interval of the plan; belfry billing plans lists them all",
    }
  }),
  Effect.catch((error) =>
    Effect.succeed<Finding>({
      check: "prices",
      state: "failed",
      found: StartFailure.describeError(error),
      advice: "Check BELFRY_STRIPE_SECRET_KEY, and that this machine reaches Stripe",
    }),
  ),
)

/** Events of the payment provider that nobody dealt with. */
const checkEvents = WebhookEventStore.use((events) => events.list({ status: "parked", after: null, limit: 200 })).pipe(
  Effect.map(({ length }): Finding =>
    length === 0
      ? { check: "billing events", state: "ok", found: "none is parked" }
      : {
          check: "billing events",
          state: "warning",
          found: length < 200 ? `${length} parked` : "200 parked or more",
          advice: "See them by belfry billing events --status parked; deal with one by belfry billing replay",
        },
  ),
  Effect.provide(SqlWebhookEventStore.layer),
)

const checkDatabase = Effect.gen(function* () {
  const { kind } = yield* Database.Database
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ version: string; now: Date }>`SELECT version() AS version, clock_timestamp() AS now`
  const version = rows[0]?.version.split(" ").slice(0, 2).join(" ") ?? "unknown"
  const drift = Math.abs((yield* DateTime.now).epochMilliseconds - (rows[0]?.now.getTime() ?? 0))
  const status = yield* Migrations.status(migrations)
  const pending = status.filter(({ state }) => state === "pending")
  const changed = status.filter(({ state }) => state === "changed")
  const isWhole = pending.length === 0 && changed.length === 0
  return [
    { check: "database", state: "ok", found: kind === "pglite" ? `PGlite, ${version}` : version },
    changed.length > 0
      ? {
          check: "migrations",
          state: "failed",
          found: `${changed.map(({ package: owner, name }) => `${owner}/${name}`).join(", ")} changed after it was applied`,
          advice: "Run the version of Belfry that applied it, or restore the file",
        }
      : pending.length > 0
        ? {
            check: "migrations",
            state: "warning",
            found: `${pending.length} to apply`,
            advice: "Run belfry migrate; belfry serve does it too",
          }
        : { check: "migrations", state: "ok", found: `${status.length} applied` },
    // Before its tables are there, nothing can be.
    ...(isWhole ? [yield* checkEvents] : []),
    drift > 1000
      ? {
          check: "clock",
          state: "warning",
          found: `${Math.round(drift / 1000)} s apart from the database's`,
          advice: "Synchronize the clocks of both machines (NTP)",
        }
      : { check: "clock", state: "ok", found: `${drift} ms apart from the database's` },
  ] satisfies ReadonlyArray<Finding>
}).pipe(Effect.provide(Database.layerConfig))
