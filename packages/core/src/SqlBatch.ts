/**
 * Statements of concurrent requests joined into one, for the SQL adapters of all packages.
 *
 * What is alone runs at once. What comes while a statement is under way waits for its end and then runs together, so
 * that load makes statements larger instead of more numerous: each answer was read after it was asked for, and nothing
 * is kept.
 *
 * A `RequestResolver` would say the same in fewer lines. It keeps its batches in sets that it clears and uses again,
 * and a cleared set points at the table that replaces it: under load that carries every request's memory into the old
 * generation, which cost a tenth of the processor's time where it was measured.
 *
 * @since 0.1.0
 */
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as Array from "effect/Array"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import { toJsonb } from "./SqlJson.ts"
import { isInTransaction, type Statements } from "./SqlStoreError.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * Makes a call that joins those that are made beside it.
 *
 * **Details**
 *
 * `run` gets at most 100 items and says what each of them is answered; it sees the services of the one that came first.
 * When it fails, it fails for all of them. Who is interrupted while waiting is left out; what runs already runs to its
 * end.
 *
 * **Gotchas**
 *
 * It runs in a fiber of its own: call it outside of transactions alone.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A, B, E>(
  run: (items: NonEmptyReadonlyArray<A>) => Effect.Effect<(item: A) => B, E>,
): ((item: A) => Effect.Effect<B, E>) => {
  let waiting: Array<Waiting<A, B, E>> = []
  let isRunning = false

  const runNext = (): void => {
    const present = waiting.filter(({ isAbandoned }) => !isAbandoned)
    waiting = present.splice(mostAtOnce)
    isRunning = Array.isArrayNonEmpty(present)
    if (!Array.isArrayNonEmpty(present)) return
    const items = Array.map(present, ({ item }) => item)
    Effect.runForkWith(present[0].context)(Effect.suspend(() => run(items))).addObserver((exit) => {
      // First the next statement, so that the database works while these requests go on.
      runNext()
      for (const { resume } of present) resume(exit)
    })
  }

  return (item) =>
    Effect.withFiber(({ context }) =>
      Effect.map(
        Effect.callback<(item: A) => B, E>((resume) => {
          const entry: Waiting<A, B, E> = { item, context, resume, isAbandoned: false }
          waiting.push(entry)
          if (!isRunning) runNext()
          return Effect.sync(() => {
            entry.isAbandoned = true
          })
        }),
        (answerOf) => answerOf(item),
      ),
    )
}

/**
 * A write of items: the store's method, the statement, an item as a row of it, and what an item is answered.
 *
 * **Details**
 *
 * The statement reads the rows from `jsonb_to_recordset($1::jsonb)`, each with its `place`, an `int4`. It answers rows
 * with these places, one for an item at most.
 *
 * @category models
 * @since 0.1.0
 */
export interface Write<A, Row, B> {
  readonly method: string
  readonly statement: string
  readonly toRow: (item: A) => Schema.JsonObject
  readonly answer: (row: Row | undefined) => B
}

/**
 * Makes a write that joins those that are made beside it, in one statement for all of them.
 *
 * **Details**
 *
 * Where the database refuses them together, each is tried by itself: none fails for another. After a lost connection
 * nobody knows what happened, and all fail. Inside a transaction it is done alone, on its connection, and undone with
 * it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const write = <A, Row extends object, B>(
  sql: SqlClient.SqlClient,
  statements: Statements,
  { answer, method, statement, toRow }: Write<A, Row, B>,
): ((item: A) => Effect.Effect<B, StoreError>) => {
  const run = (calls: ReadonlyArray<Call<A>>) => {
    const rows = toJsonb(calls.map(({ item }, place) => ({ place, ...toRow(item) })))
    return Effect.map(sql.unsafe<Row & { readonly place: number }>(statement, [rows]), (answers) => {
      const found = new Map(answers.map((row) => [calls[row.place], row]))
      return (call: Call<A>) => answer(found.get(call))
    })
  }
  const alone = (call: Call<A>) =>
    statements.write(
      method,
      Effect.map(run([call]), (answerOf) => answerOf(call)),
    )
  const amongOthers = make((calls: ReadonlyArray<Call<A>>) =>
    statements.write(
      method,
      Effect.map(run(calls), (answerOf) => (call: Call<A>) => Effect.succeed(answerOf(call))).pipe(
        Effect.catchIf(
          (error) => calls.length > 1 && SqlFailure.isRolledBack(error),
          () => Effect.succeed(alone),
        ),
      ),
    ),
  )
  return (item) =>
    Effect.flatMap(isInTransaction(sql), (isInside) => {
      const call = { item }
      return isInside ? alone(call) : Effect.flatten(amongOthers(call))
    })
}

/**
 * A look-up of rows by values: the store's method, the values by their names with their types in SQL, and the SELECT.
 *
 * @category models
 * @since 0.1.0
 */
export interface LookUp {
  readonly method: string
  readonly values: Readonly<Record<string, "text" | "text[]" | "uuid">>
  readonly body: string
}

/**
 * Makes a look-up by values that joins those that are made beside it, in one statement for all of them.
 *
 * **Details**
 *
 * `body` is a SELECT for one request, whose values it calls `request.name`, by the names and types of `values`. Each
 * request is looked up by itself, whatever the planner thinks of how many there are: for one and for a hundred, in small
 * tables and in large ones, the plan is that of one. Who asks for the same shares one answer; its rows are in the order
 * of `body`. Inside a transaction the statement is on its connection, and sees what it wrote.
 *
 * **Example** (A user by the address)
 *
 * ```ts
 * const find = SqlBatch.lookUp<UserRow>(sql, statements, {
 *   method: "findByEmail",
 *   values: { email: "text" },
 *   body: "SELECT id, name FROM belfry_users WHERE email = request.email",
 * })
 * const rows = find({ email })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const lookUp = <Row extends object>(
  sql: SqlClient.SqlClient,
  statements: Statements,
  { body, method, values: types }: LookUp,
): ((values: Readonly<Record<string, Schema.Json>>) => Effect.Effect<ReadonlyArray<Row>, StoreError>) => {
  const columns = Object.entries({ place: "int4", ...types }).map(([name, type]) => `${name} ${type}`)
  const text = `SELECT request.place, found.* FROM jsonb_to_recordset($1::jsonb) AS request (${columns.join(", ")})
    CROSS JOIN LATERAL (${body} OFFSET 0) AS found`

  const find = (asked: ReadonlyArray<Asked>) => {
    const different = new Map(asked.map(({ key, values }) => [key, values]))
    const places = new Map([...different.keys()].map((key, place) => [key, place]))
    const requests = toJsonb([...different.values()].map((values, place) => ({ place, ...values })))
    const statement = sql.unsafe<Row & { readonly place: number }>(text, [requests])
    return Effect.map(statements.read(method, statement), (rows) => {
      const found = new Map<number, Array<Row>>()
      for (const row of rows) {
        const others = found.get(row.place)
        if (others === undefined) found.set(row.place, [row])
        else others.push(row)
      }
      return ({ key }: Asked): ReadonlyArray<Row> => found.get(places.get(key) ?? -1) ?? []
    })
  }
  const findAmongOthers = make(find)

  return (values) => {
    const asked: Asked = { values, key: JSON.stringify(values) }
    return Effect.flatMap(isInTransaction(sql), (isInside) =>
      isInside ? Effect.map(find([asked]), (answerOf) => answerOf(asked)) : findAmongOthers(asked),
    )
  }
}

// internal

/** A call with an item: who makes two with the same one is answered twice. */
interface Call<A> {
  readonly item: A
}

/** The values of a request, and the same as a text. */
interface Asked {
  readonly values: Readonly<Record<string, Schema.Json>>
  readonly key: string
}

interface Waiting<A, B, E> {
  readonly item: A
  readonly context: Context.Context<never>
  readonly resume: (exit: Exit.Exit<(item: A) => B, E>) => void
  isAbandoned: boolean
}

/** So many that a statement is worth it, and so few that nobody waits long for the others. */
const mostAtOnce = 100
