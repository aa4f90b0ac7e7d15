/**
 * Applies the migrations of all packages, in dependency order and forward only, however many processes start at once.
 *
 * What was applied is recorded with its checksum, so an edited migration is refused instead of silently skipped.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { createHash } from "node:crypto"
import * as SqlFailure from "./SqlFailure.ts"

/**
 * One step of a schema.
 *
 * **Details**
 *
 * `name` is four digits, `_`, and words in lower case (`0001_users`); names of a package ascend. `statements` run one
 * after the other in one transaction, each a single SQL statement; those that cannot run in a transaction
 * (`CREATE INDEX CONCURRENTLY`) do not fit.
 *
 * @category models
 * @since 0.1.0
 */
export interface Migration {
  readonly name: string
  readonly statements: ReadonlyArray<string>
}

/**
 * The migrations of one package, oldest first.
 *
 * @category models
 * @since 0.1.0
 */
export interface MigrationSet {
  readonly package: string
  readonly migrations: ReadonlyArray<Migration>
}

/**
 * Where one migration stands.
 *
 * **Details**
 *
 * `changed` was applied with another text; `unknown` was applied by a newer release, which is tolerated.
 * `appliedAt` is none for `pending`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MigrationStatus {
  readonly package: string
  readonly name: string
  readonly state: "applied" | "pending" | "changed" | "unknown"
  readonly appliedAt: Option.Option<DateTime.Utc>
}

/**
 * How far a run is: applied by it, of those that were pending when it began. Other processes may apply some of them.
 *
 * @category models
 * @since 0.1.0
 */
export interface MigrationProgress {
  readonly done: number
  readonly pending: number
}

/**
 * A migration was edited after it had been applied.
 *
 * @category errors
 * @since 0.1.0
 */
export class MigrationChecksumMismatch extends Schema.TaggedError<MigrationChecksumMismatch>(
  "@belfry/sql/MigrationChecksumMismatch",
)("MigrationChecksumMismatch", { package: Schema.String, migration: Schema.String }) {
  override get message(): string {
    return `Migration ${this.package}/${this.migration} was edited after it had been applied`
  }
}

/**
 * A migration that is not applied sorts before one that is.
 *
 * @category errors
 * @since 0.1.0
 */
export class MigrationOutOfOrder extends Schema.TaggedError<MigrationOutOfOrder>("@belfry/sql/MigrationOutOfOrder")(
  "MigrationOutOfOrder",
  { package: Schema.String, migration: Schema.String, applied: Schema.String },
) {
  override get message(): string {
    return `Migration ${this.package}/${this.migration} is not applied, but the later ${this.applied} is`
  }
}

/**
 * A statement of a migration failed, and the whole migration was rolled back.
 *
 * **Details**
 *
 * `cause` is the `SqlError`. Migrations before it stay applied.
 *
 * @category errors
 * @since 0.1.0
 */
export class MigrationFailed extends Schema.TaggedError<MigrationFailed>("@belfry/sql/MigrationFailed")(
  "MigrationFailed",
  { package: Schema.String, migration: Schema.String, cause: Schema.Defect() },
) {
  override get message(): string {
    return `Migration ${this.package}/${this.migration} failed and was rolled back`
  }
}

/**
 * Why the migrations could not be applied.
 *
 * @category errors
 * @since 0.1.0
 */
export type MigrationError = MigrationChecksumMismatch | MigrationOutOfOrder | MigrationFailed

/**
 * Applies every migration that is not applied yet, set after set in the given order, and returns those it applied.
 *
 * **Details**
 *
 * Each migration commits by itself, under a lock that all processes share; whoever waited for the lock finds the
 * migration applied and goes on. With nothing to do it reads once and takes no lock. The statement timeout of the
 * connection does not hold for migrations. `onStep` is told of each one that is applied, when it is, and of how many
 * were pending at the beginning.
 * Fails with `MigrationChecksumMismatch` or `MigrationOutOfOrder` before anything is changed, `MigrationFailed` when a
 * statement fails, and `SqlError` when the record of applied migrations cannot be read or written.
 * Dies when the sets are malformed: a package twice, a bad name, or names that do not ascend.
 *
 * @category running
 * @since 0.1.0
 */
export const run: (
  sets: ReadonlyArray<MigrationSet>,
  onStep?: (applied: MigrationStatus, progress: MigrationProgress) => Effect.Effect<void>,
) => Effect.Effect<ReadonlyArray<MigrationStatus>, MigrationError | SqlError, SqlClient.SqlClient> = Effect.fn(
  "Migrations.run",
)(function* (sets: ReadonlyArray<MigrationSet>, onStep = () => Effect.void) {
  const steps = yield* plan(sets)
  const sql = yield* SqlClient.SqlClient
  const done: Array<MigrationStatus> = []
  const before = yield* readApplied
  if ((yield* nextPending(steps, before)) === undefined) return done
  const pending = steps.filter((step) => !before.some((record) => isRecordOf(record, step))).length
  while (true) {
    const applied = yield* sql.withTransaction(applyNext(steps))
    if (applied === undefined) return done
    done.push(applied)
    yield* onStep(applied, { done: done.length, pending })
  }
})

/**
 * Lists where every migration stands, those of the sets first and in their order, without changing anything.
 *
 * @category running
 * @since 0.1.0
 */
export const status: (
  sets: ReadonlyArray<MigrationSet>,
) => Effect.Effect<ReadonlyArray<MigrationStatus>, SqlError, SqlClient.SqlClient> = Effect.fn("Migrations.status")(
  function* (sets: ReadonlyArray<MigrationSet>) {
    const steps = yield* plan(sets)
    const applied = yield* readApplied
    const known = steps.map((step): MigrationStatus => {
      const record = applied.find((record) => isRecordOf(record, step))
      if (record === undefined) return statusOf(step, "pending", Option.none())
      return statusOf(step, record.checksum === step.checksum ? "applied" : "changed", Option.some(record.appliedAt))
    })
    const unknown = applied
      .filter((record) => !steps.some((step) => isRecordOf(record, step)))
      .map((record) => statusOf(record, "unknown", Option.some(record.appliedAt)))
    return [...known, ...unknown]
  },
)

/**
 * Computes the SHA-256 of a migration's text, in lower-case hexadecimal.
 *
 * @category accessors
 * @since 0.1.0
 */
export const checksum = (migration: Migration): string =>
  createHash("sha256").update(JSON.stringify(migration.statements)).digest("hex")

/**
 * Layer that applies the migrations when it is built and provides nothing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  sets: ReadonlyArray<MigrationSet>,
): Layer.Layer<never, MigrationError | SqlError, SqlClient.SqlClient> => Layer.effectDiscard(run(sets))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Step {
  readonly package: string
  readonly name: string
  readonly checksum: string
  readonly statements: ReadonlyArray<string>
}

interface Applied {
  readonly package: string
  readonly name: string
  readonly checksum: string
  readonly appliedAt: DateTime.Utc
}

// "belfry" in ASCII: one lock for all packages of one database.
const lockKey = "108187749872249"

const statusOf = (
  { package: owner, name }: { readonly package: string; readonly name: string },
  state: MigrationStatus["state"],
  appliedAt: Option.Option<DateTime.Utc>,
): MigrationStatus => ({ package: owner, name, state, appliedAt })

const isRecordOf = (record: Applied, step: Step): boolean =>
  record.package === step.package && record.name === step.name

/** Flattens the sets into steps; malformed sets are a bug of the caller, hence a defect. */
const plan = (sets: ReadonlyArray<MigrationSet>): Effect.Effect<ReadonlyArray<Step>> => {
  const steps: Array<Step> = []
  const packages = new Set<string>()
  for (const set of sets) {
    if (packages.has(set.package)) return Effect.die(new Error(`Two migration sets for package ${set.package}`))
    packages.add(set.package)
    let before = ""
    for (const migration of set.migrations) {
      if (!/^\d{4}_[a-z0-9_]+$/.test(migration.name) || migration.name <= before) {
        return Effect.die(new Error(`Migration ${set.package}/${migration.name}: bad name, or not after ${before}`))
      }
      before = migration.name
      steps.push({ package: set.package, ...migration, checksum: checksum(migration) })
    }
  }
  return Effect.succeed(steps)
}

const AppliedRow = Schema.Struct({
  package: Schema.String,
  name: Schema.String,
  checksum: Schema.String,
  applied_at: Schema.DateTimeUtcFromDate,
})

const decodeRows = Schema.decodeUnknownEffect(Schema.Array(AppliedRow))

const select: Effect.Effect<ReadonlyArray<Applied>, SqlError, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`SELECT package, name, checksum, applied_at FROM belfry_migrations ORDER BY package, name`
  // The columns are declared below, so rows of another shape are a bug.
  const decoded = yield* Effect.orDie(decodeRows(rows))
  return decoded.map(({ applied_at, ...row }) => ({ ...row, appliedAt: applied_at }))
})

/** What is applied; nothing where the table is missing (42P01), as in a new database. */
const readApplied = Effect.catchTag(select, "SqlError", (error) =>
  SqlFailure.sqlState(error) === "42P01" ? Effect.succeed<ReadonlyArray<Applied>>([]) : Effect.fail(error),
)

/** Checks what is applied against the steps, and finds the first one to apply. */
const nextPending = (
  steps: ReadonlyArray<Step>,
  applied: ReadonlyArray<Applied>,
): Effect.Effect<Step | undefined, MigrationChecksumMismatch | MigrationOutOfOrder> => {
  const pending: Array<Step> = []
  for (const step of steps) {
    const record = applied.find((record) => isRecordOf(record, step))
    if (record === undefined) {
      const later = applied.find((record) => record.package === step.package && record.name > step.name)
      if (later !== undefined) {
        return Effect.fail(
          new MigrationOutOfOrder({ package: step.package, migration: step.name, applied: later.name }),
        )
      }
      pending.push(step)
    } else if (record.checksum !== step.checksum) {
      return Effect.fail(new MigrationChecksumMismatch({ package: step.package, migration: step.name }))
    }
  }
  return Effect.succeed(pending[0])
}

/** Applies the first pending step inside the caller's transaction; answers none when another process did the rest. */
const applyNext = Effect.fnUntraced(function* (steps: ReadonlyArray<Step>) {
  const sql = yield* SqlClient.SqlClient
  // Waiting for another process's migration, and a long migration itself, are no slow requests.
  yield* sql`SET LOCAL statement_timeout = 0`
  yield* sql`SELECT pg_advisory_xact_lock(${sql.literal(lockKey)})::text`
  yield* sql`CREATE TABLE IF NOT EXISTS belfry_migrations (
    package text NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL,
    PRIMARY KEY (package, name)
  )`
  const step = yield* nextPending(steps, yield* select)
  if (step === undefined) return undefined
  for (const statement of step.statements) {
    yield* Effect.mapError(
      sql.unsafe(statement).unprepared,
      (cause) => new MigrationFailed({ package: step.package, migration: step.name, cause }),
    )
  }
  const appliedAt = DateTime.makeUnsafe(yield* Clock.currentTimeMillis)
  yield* sql`INSERT INTO belfry_migrations (package, name, checksum, applied_at)
    VALUES (${step.package}, ${step.name}, ${step.checksum}, ${DateTime.toDate(appliedAt)})`
  return statusOf(step, "applied", Option.some(appliedAt))
})
