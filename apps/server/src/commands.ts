/**
 * What the commands do.
 *
 * Those that manage what is on file work on the database of the configuration, as the server's own code does. PGlite is
 * open in one process at a time, so with it the server is stopped meanwhile.
 */
import * as ApiReference from "@belfry/server/ApiReference"
import { examine } from "@belfry/server/Doctor"
import * as NodeServer from "@belfry/server/NodeServer"
import * as Server from "@belfry/server/Server"
import * as Sweeper from "@belfry/server/Sweeper"
import * as Telemetry from "@belfry/server/Telemetry"
import * as Database from "@belfry/sql/Database"
import * as Migrations from "@belfry/sql/Migrations"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as billing from "./billing.ts"
import * as clients from "./clients.ts"
import { SweepBusy } from "./CommandError.ts"
import * as keys from "./keys.ts"
import * as LocalStripe from "./localStripe.ts"
import * as organizations from "./organizations.ts"
import { print } from "./output.ts"
import { during } from "./progress.ts"
import { withLocalStripe, withServices } from "./services.ts"
import * as users from "./users.ts"

export { billing, clients, keys, organizations, users }

/** Serves until it is told to stop. `begin` runs at once. */
export const serve = Effect.fnUntraced(function* (begin: Effect.Effect<void>) {
  yield* begin
  const baseUrl = yield* Config.String("BELFRY_BASE_URL").pipe(Config.withDefault("http://localhost:3000"))
  const announce = Layer.effectDiscard(
    Effect.gen(function* () {
      yield* Console.log(`Belfry listens on ${yield* NodeServer.address}. Open ${baseUrl}/sign-up`)
      if (Option.isNone(local)) return
      yield* Console.log(
        `A local Stripe listens on ${local.value.url}. Open ${baseUrl}/billing, pay with 4242 4242 4242 4242`,
      )
    }),
  )
  const local = yield* LocalStripe.serving
  const minimumLogLevel = yield* References.MinimumLogLevel
  const server = Layer.launch(
    announce.pipe(Layer.provide(NodeServer.layer), Layer.provide([Telemetry.layerOtlp, Telemetry.layerLogs])),
  )
  // What is in scope here is copied into every request, and the server needs nothing of what commands do.
  const scope: (ofCommand: Context.Context<never>) => Context.Context<never> = () =>
    Option.match(local, {
      onNone: () => Context.make(References.MinimumLogLevel, minimumLogLevel),
      onSome: ({ provider }) =>
        Context.make(References.MinimumLogLevel, minimumLogLevel).pipe(
          Context.add(ConfigProvider.ConfigProvider, provider),
        ),
    })
  return yield* Effect.updateContext(server, scope)
}, Effect.scoped)

/** Applies the migrations that are pending, or says which they are. */
export const migrate = ({ dryRun }: { readonly dryRun: boolean }) =>
  Effect.gen(function* () {
    const steps = dryRun
      ? (yield* Migrations.status(Server.migrations)).filter(({ state }) => state === "pending")
      : yield* during("migrating", (tell) =>
          Migrations.run(Server.migrations, (step, { done, pending }) =>
            tell(`${step.package}/${step.name}, ${done} of ${pending}`),
          ),
        )
    const word = dryRun ? "pending" : "applied"
    const lines = steps.map((step) => `${word} ${step.package}/${step.name}`)
    const views = steps.map(({ appliedAt, ...step }) => ({ ...step, appliedAt: Option.getOrNull(appliedAt) }))
    yield* print(MigrationViews, views, lines.length === 0 ? ["Nothing to apply"] : lines)
  }).pipe(Effect.provide(Database.layerConfig))

/** Says what it finds; the exit code tells whether something must be mended. */
export const doctor = () =>
  Effect.gen(function* () {
    const findings = yield* during("checking", () => withLocalStripe(examine))
    const views = findings.map(({ advice = null, ...finding }) => ({ ...finding, advice }))
    const lines = views.map(
      ({ advice, check, found, state }) =>
        `${marks[state]} ${check}: ${found}${advice === null ? "" : `\n  ${advice}`}`,
    )
    yield* print(FindingViews, views, lines)
    if (findings.some(({ state }) => state === "failed")) process.exitCode = 1
  })

/** Prints the OpenAPI document of the HTTP API. */
export const openApi = () => Effect.suspend(() => Console.log(JSON.stringify(ApiReference.document(), null, 2)))

/** Removes what is over, until little is left, and says how much of what it was. */
export const sweep = () =>
  Effect.gen(function* () {
    const removed: Record<string, number> = {}
    const count = (rows: Readonly<Record<string, number>>) => {
      for (const [table, number] of Object.entries(rows)) removed[table] = (removed[table] ?? 0) + number
      return Object.values(rows).some((number) => number > 0)
    }
    yield* during("sweeping", (tell) =>
      Effect.gen(function* () {
        const told = Effect.suspend(() => tell(`${sum(removed)} removed`))
        for (let isMore = true; isMore; yield* told) isMore = count(yield* exclusively(Sweeper.sweep(), tell))
        for (let isMore = true; isMore; yield* told) {
          const { expired, organizations } = yield* Sweeper.sweepOrganizations()
          isMore = count({ expired_invitations: expired, organizations })
        }
      }),
    )
    const lines = Object.entries(removed)
      .filter(([, number]) => number > 0)
      .map(([table, number]) => `${table.padEnd(28)}  ${number}`)
    yield* print(Schema.Record(Schema.String, Schema.Int), removed, lines.length === 0 ? ["nothing is over"] : lines)
  }).pipe(withServices)

// internal

const marks = { ok: "ok     ", warning: "warning", failed: "FAILED " }

const sum = (rows: Readonly<Record<string, number>>): number =>
  Object.values(rows).reduce((total, number) => total + number, 0)

const FindingViews = Schema.Array(
  Schema.Struct({
    check: Schema.String,
    state: Schema.Literals(["ok", "warning", "failed"]),
    found: Schema.String,
    advice: Schema.NullOr(Schema.String),
  }),
)

const MigrationViews = Schema.Array(
  Schema.Struct({
    package: Schema.String,
    name: Schema.String,
    state: Schema.Literals(["applied", "pending", "changed", "unknown"]),
    appliedAt: Schema.NullOr(Schema.DateTimeUtc),
  }),
)

/** Does what one node does at a time, as soon as no other does it: it asks each second for a minute. */
const exclusively = Effect.fnUntraced(function* <A, E, R>(
  work: Effect.Effect<Option.Option<A>, E, R>,
  tell: (howFar: string) => Effect.Effect<void>,
) {
  for (let attempt = 0; attempt < 60; attempt++) {
    const done = yield* work
    if (Option.isSome(done)) return done.value
    yield* tell("another node is at it")
    yield* Effect.sleep("1 second")
  }
  return yield* new SweepBusy()
})
