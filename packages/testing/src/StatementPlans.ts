/**
 * How PostgreSQL carries out the statements of a program, for tests of what grows with a table.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Tracer from "effect/Tracer"

/**
 * The texts of the statements that an effect makes, in the order in which they begin. Its own answer is dropped.
 *
 * @category observing
 * @since 0.1.0
 */
export const textsOf = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    },
  })
  yield* Effect.withTracer(effect, tracer)
  return spans.flatMap(({ attributes }) => {
    const text = attributes.get("db.query.text")
    return typeof text === "string" ? [text] : []
  })
})

/**
 * The plan of a statement for any parameters, one node a line.
 *
 * @category observing
 * @since 0.1.0
 */
export const genericPlanOf = Effect.fnUntraced(function* (text: string) {
  const sql = yield* SqlClient.SqlClient
  const parameters = new Set(text.match(/\$\d+/gu) ?? []).size
  const values = Array.from({ length: parameters }, () => "NULL").join(", ")
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`SET LOCAL plan_cache_mode = force_generic_plan`
      yield* sql.unsafe(`PREPARE explained AS ${text}`).unprepared
      const rows = yield* sql.unsafe<{ readonly "QUERY PLAN": string }>(
        `EXPLAIN EXECUTE explained${parameters === 0 ? "" : `(${values})`}`,
      ).unprepared
      yield* sql`DEALLOCATE explained`
      return rows.map((row) => row["QUERY PLAN"]).join("\n")
    }),
  )
})
