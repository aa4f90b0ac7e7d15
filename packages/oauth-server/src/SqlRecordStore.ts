/**
 * Everything on file about what a request presented, in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlBatch from "@belfry/core/SqlBatch"
import { toJsonb } from "@belfry/core/SqlJson"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import type { StoreError } from "@belfry/core/StoreError"
import { userColumns } from "@belfry/core/SqlUserStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { clientColumns } from "./internal/clientRow.ts"
import { consentColumns } from "./internal/consentRow.ts"
import { accessTokenColumns, codeColumns, grantColumns, refreshTokenColumns } from "./internal/grantRow.ts"
import { type FoundRow, nothing, toRecords } from "./internal/recordRow.ts"
import { isText } from "./internal/sqlText.ts"
import { type Presented, RecordStore, type Records } from "./RecordStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "RecordStore")
  const shapes = new Map<string, Shape>()

  // The hot path of every protocol endpoint: one row for each request, every part of it found by a unique index.
  const makeShape = (presented: Presented): Shape => {
    const text = textOf(presented)
    const find = (asked: ReadonlyArray<Asked>) => {
      // A client that asks for many tokens at once is looked up for all of them together.
      const different = new Map(asked.map(({ key, values }) => [key, values]))
      const keys = [...different.keys()]
      const requests = toJsonb([...different.values()].map(toRequest))
      return Effect.map(statements.read("find", sql.unsafe<FoundRow & Placed>(text, [requests])), (rows) => {
        const found = new Map(rows.map((row) => [keys[row.place], row]))
        return ({ key, presented }: Asked) => {
          const row = found.get(key)
          return row === undefined ? nothing : toRecords(row, presented)
        }
      })
    }
    return { find, findAmongOthers: SqlBatch.make(find) }
  }

  // The text depends on which parts are presented and on how many keys the key ring has, so each of the few shapes is
  // built once and prepared once a connection.
  const shapeOf = (presented: Presented): Shape => {
    const name = parts.map((part) => `${part.name}: ${part.valuesOf(presented)?.length ?? "none"}`).join()
    let shape = shapes.get(name)
    if (shape === undefined) shapes.set(name, (shape = makeShape(presented)))
    return shape
  }

  return RecordStore.of({
    find: (presented) => {
      const { find, findAmongOthers } = shapeOf(presented)
      const values = parts.flatMap((part) => part.valuesOf(presented) ?? [])
      const asked: Asked = { presented, values, key: JSON.stringify(values) }
      // Inside a transaction its own writes must be seen, on its own connection.
      return Effect.flatMap(SqlStoreError.isInTransaction(sql), (isInside) =>
        isInside ? Effect.map(find([asked]), (answerOf) => answerOf(asked)) : findAmongOthers(asked),
      )
    },
  })
})

/**
 * Layer that looks up in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<RecordStore, never, SqlClient.SqlClient> = Layer.effect(RecordStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** What a request presents, and the values that its records are looked up by, as one text too. */
interface Asked {
  readonly presented: Presented
  readonly values: ReadonlyArray<Value>
  readonly key: string
}

type Value = string | ReadonlyArray<string> | null

/** A row of the answer: that of the request in this place. */
interface Placed {
  readonly place: number
}

/** How what is presented in one combination is looked up: now, and together with what else is asked for by then. */
interface Shape {
  readonly find: (asked: ReadonlyArray<Asked>) => Effect.Effect<(asked: Asked) => Records, StoreError>
  readonly findAmongOthers: (asked: Asked) => Effect.Effect<Records, StoreError>
}

/** What can be presented, and how it is looked up. */
interface Part {
  readonly name: string
  readonly columns: string
  /** Joins, with a `?` for each of so many values. */
  readonly joins: (count: number) => string
  /** The values, in the order of the joins; undefined where this is not presented. */
  readonly valuesOf: (presented: Presented) => ReadonlyArray<Value> | undefined
}

// As many values as there are, not an array: so the planner knows that there is one row at most for each, where it
// would guess ten, and the plan that it keeps for any values is the best one.
const oneOf = (count: number): string => `IN (${Array.from({ length: count }, () => "?").join(", ")})`

const prefixed = (prefix: string, columns: string): string =>
  columns
    .split(",")
    .map((column) => column.trim())
    .map((column) => `${prefix}.${column} AS ${prefix}_${column}`)
    .join(", ")

const grantColumnsAndUser = `${prefixed("g", grantColumns)}, ${prefixed("u", userColumns)},
  s.expires_at AS s_expires_at`
const grantJoins = `LEFT JOIN belfry_users u ON u.id = g.user_id LEFT JOIN belfry_sessions s ON s.id = g.session_id`

const resourcesWhere = (condition: string): string => `CROSS JOIN LATERAL (
  SELECT jsonb_agg(to_jsonb(p)) AS resources FROM belfry_oauth_resources p WHERE p.identifier ${condition}) f`

/** The names that can be on file at all. */
const namesOf = ({ resources = [] }: Presented): ReadonlyArray<string> => resources.filter(isText)

const hasGrant = ({ accessToken, code, jwt, refreshToken }: Presented): boolean =>
  accessToken !== undefined || code !== undefined || jwt !== undefined || refreshToken !== undefined

// Of the second to the fifth one at most is presented; they name what they join alike.
const parts: ReadonlyArray<Part> = [
  {
    name: "client",
    columns: prefixed("c", clientColumns),
    joins: () => "LEFT JOIN belfry_oauth_clients c ON c.client_id = ?",
    valuesOf: ({ clientId }) => (clientId === undefined ? undefined : [clientId]),
  },
  {
    name: "code",
    columns: `${prefixed("g", codeColumns)}, ${grantColumnsAndUser}`,
    joins: (count) => `LEFT JOIN belfry_oauth_grants g ON g.code_hash ${oneOf(count)} ${grantJoins}`,
    valuesOf: ({ code }) => code,
  },
  {
    name: "refresh token",
    columns: `${prefixed("r", refreshTokenColumns)}, ${grantColumnsAndUser}`,
    joins: (count) => `LEFT JOIN belfry_oauth_refresh_tokens r ON r.token_hash ${oneOf(count)}
      LEFT JOIN belfry_oauth_grants g ON g.id = r.grant_id ${grantJoins}`,
    valuesOf: ({ refreshToken }) => refreshToken,
  },
  {
    name: "access token",
    columns: `${prefixed("a", accessTokenColumns)}, ${prefixed("t", clientColumns)}, ${grantColumnsAndUser}`,
    joins: (count) => `LEFT JOIN belfry_oauth_access_tokens a ON a.token_hash ${oneOf(count)}
      LEFT JOIN belfry_oauth_clients t ON t.client_id = a.client_id
      LEFT JOIN belfry_oauth_grants g ON g.id = a.grant_id ${grantJoins}`,
    valuesOf: ({ accessToken }) => accessToken,
  },
  {
    name: "JWT",
    columns: `j.jti AS j_jti, ${prefixed("t", clientColumns)}, ${grantColumnsAndUser}`,
    joins: () => `LEFT JOIN belfry_oauth_revoked_jwts j ON j.jti = ?
      LEFT JOIN belfry_oauth_clients t ON t.client_id = ?
      LEFT JOIN belfry_oauth_grants g ON g.id = ?::uuid ${grantJoins}`,
    valuesOf: ({ jwt }) => (jwt === undefined ? undefined : [jwt.jti, jwt.clientId, jwt.grantId]),
  },
  {
    name: "consent",
    columns: prefixed("k", consentColumns),
    joins: () => `LEFT JOIN belfry_oauth_consents k
      ON k.user_id = ?::uuid AND k.client_id = c.client_id AND k.reference_id IS NULL`,
    valuesOf: ({ clientId, consentOf }) =>
      clientId === undefined || consentOf === undefined || consentOf.referenceId !== null
        ? undefined
        : [consentOf.userId],
  },
  {
    name: "consent under a reference",
    columns: prefixed("k", consentColumns),
    joins: () => `LEFT JOIN belfry_oauth_consents k
      ON k.user_id = ?::uuid AND k.client_id = c.client_id AND k.reference_id = ?`,
    valuesOf: ({ clientId, consentOf }) =>
      clientId === undefined || consentOf === undefined || consentOf.referenceId === null
        ? undefined
        : [consentOf.userId, consentOf.referenceId],
  },
  {
    name: "resources",
    columns: "f.resources",
    joins: () => resourcesWhere("= ANY(?)"),
    valuesOf: (presented) => {
      const names = hasGrant(presented) ? [] : namesOf(presented)
      return names.length === 0 ? undefined : [names]
    },
  },
  {
    name: "resources of the grant",
    columns: "f.resources",
    joins: () => resourcesWhere("= ANY(? || g.resources)"),
    valuesOf: (presented) =>
      hasGrant(presented) && presented.accessToken === undefined ? [namesOf(presented)] : undefined,
  },
  {
    name: "resources of the grant and the audience",
    columns: "f.resources",
    joins: () => resourcesWhere("= ANY(? || g.resources || a.audience)"),
    valuesOf: (presented) => (presented.accessToken === undefined ? undefined : [namesOf(presented)]),
  },
]

/**
 * The statement of one combination. Each request is looked up by itself, whatever the planner thinks of how many there
 * are: for one and for a hundred, in small tables and in large ones, it goes by the indexes.
 */
const textOf = (presented: Presented): string => {
  const asked = parts.flatMap(({ columns, joins, valuesOf }) => {
    const values = valuesOf(presented)
    return values === undefined ? [] : { columns, joins: joins(values.length), values }
  })
  const types = asked.flatMap(({ values }) => values).map((value) => (Array.isArray(value) ? "text[]" : "text"))
  const names = types.map((type, place) => `${nameOf(place)} ${type}`)
  let place = 0
  const joins = asked.map((part) => part.joins.replaceAll("?", () => `request.${nameOf(place++)}`))
  return `SELECT request.place, found.*
    FROM jsonb_to_recordset($1::jsonb) AS request (${["place int4", ...names].join(", ")})
    CROSS JOIN LATERAL (
      SELECT ${asked.map(({ columns }) => columns).join(", ")} FROM (VALUES (1)) AS one ${joins.join(" ")} OFFSET 0
    ) AS found`
}

const nameOf = (place: number): string => `value_${place}`

const toRequest = (values: ReadonlyArray<Value>, place: number): Readonly<Record<string, Value | number>> => {
  const request: Record<string, Value | number> = { place }
  values.forEach((value, index) => (request[nameOf(index)] = value))
  return request
}
