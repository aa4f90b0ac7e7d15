/**
 * Everything on file about what a request presented, in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlBatch from "@belfry/core/SqlBatch"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import { userColumns } from "@belfry/core/SqlUserStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { clientColumns } from "./internal/clientRow.ts"
import { consentColumns } from "./internal/consentRow.ts"
import { accessTokenColumns, codeColumns, grantColumns, refreshTokenColumns } from "./internal/grantRow.ts"
import { type FoundRow, nothing, toRecords } from "./internal/recordRow.ts"
import { isText } from "./internal/sqlText.ts"
import { type Presented, RecordStore } from "./RecordStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "RecordStore")
  const lookUps = new Map<string, ReturnType<typeof SqlBatch.lookUp<FoundRow>>>()

  // The hot path of every protocol endpoint: one row for each request, every part of it found by a unique index. The
  // text depends on which parts are presented and on how many keys the key ring has, so each of the few shapes is built
  // once and prepared once a connection.
  const lookUpOf = (asked: ReadonlyArray<AskedPart>) => {
    const shape = asked.map(({ name, values }) => `${name}: ${values.length}`).join()
    let lookUp = lookUps.get(shape)
    if (lookUp === undefined) {
      lookUp = SqlBatch.lookUp<FoundRow>(sql, statements, { method: "find", ...statementOf(asked) })
      lookUps.set(shape, lookUp)
    }
    return lookUp
  }

  return RecordStore.of({
    find: (presented) => {
      const asked = parts.flatMap((part): ReadonlyArray<AskedPart> => {
        const values = part.valuesOf(presented)
        return values === undefined ? [] : [{ ...part, values }]
      })
      const values = Object.fromEntries(asked.flatMap((part) => part.values).map((value, n) => [nameOf(n), value]))
      return Effect.map(lookUpOf(asked)(values), ([row]) => (row === undefined ? nothing : toRecords(row, presented)))
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

type Value = string | ReadonlyArray<string> | null

/** What can be presented, and how it is looked up. */
interface Part {
  readonly name: string
  readonly columns: string
  /** Joins, with a `?` for each of so many values. */
  readonly joins: (count: number) => string
  /** The values, in the order of the joins; undefined where this is not presented. */
  readonly valuesOf: (presented: Presented) => ReadonlyArray<Value> | undefined
}

/** A part of what is presented, with its values. */
interface AskedPart extends Part {
  readonly values: ReadonlyArray<Value>
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

/** The statement for one combination of parts, whose values are numbered. */
const statementOf = (asked: ReadonlyArray<AskedPart>): Pick<SqlBatch.LookUp, "body" | "values"> => {
  const types = asked.flatMap(({ values }) => values).map((value) => (Array.isArray(value) ? "text[]" : "text"))
  let place = 0
  const joins = asked.map((part) => part.joins(part.values.length).replaceAll("?", () => `request.${nameOf(place++)}`))
  const columns = asked.map((part) => part.columns)
  return {
    values: Object.fromEntries(types.map((type, n) => [nameOf(n), type] as const)),
    body: `SELECT ${columns.join(", ")} FROM (VALUES (1)) AS one ${joins.join(" ")}`,
  }
}

const nameOf = (place: number): string => `value_${place}`
