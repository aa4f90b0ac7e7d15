/**
 * Everything on file about what a request presented, in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import type { StoreError } from "@belfry/core/StoreError"
import { userColumns } from "@belfry/core/SqlUserStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { clientColumns } from "./internal/clientRow.ts"
import { consentColumns } from "./internal/consentRow.ts"
import * as JoinedLookups from "./internal/joinedLookups.ts"
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
  const texts = new Map<string, string>()
  const joined = JoinedLookups.make<Records, StoreError>()

  // The hot path of every protocol endpoint: one row, each part of it found by a unique index. The text depends on
  // which parts are presented and on how many keys the key ring has, so each of the few shapes is built once and
  // prepared once a connection.
  const find = (presented: Presented) => {
    const parameters: Array<unknown> = []
    let shape = ""
    for (const part of parts) {
      const values = part.parametersOf(presented)
      if (values === undefined) continue
      for (const value of values) parameters.push(value)
      shape += `${part.name} ${values.length},`
    }
    let text = texts.get(shape)
    if (text === undefined) texts.set(shape, (text = textOf(presented)))
    const lookUp = Effect.map(statements.read("find", sql.unsafe<FoundRow>(text, parameters)), ([row]): Records =>
      row === undefined ? nothing : toRecords(row, presented),
    )
    // A code or a refresh token comes once.
    if (presented.code !== undefined || presented.refreshToken !== undefined) return lookUp
    // Inside a transaction its own writes must be seen, on its own connection.
    return Effect.flatMap(SqlStoreError.isInTransaction(sql), (isInside) =>
      isInside ? lookUp : joined(shape + JSON.stringify(parameters), lookUp),
    )
  }

  return RecordStore.of({ find })
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

/** What can be presented, and how it is looked up. */
interface Part {
  readonly name: string
  readonly columns: string
  /** Joins, with a `?` for each of so many parameters. */
  readonly joins: (count: number) => string
  /** The parameters, in the order of the joins; undefined where this is not presented. */
  readonly parametersOf: (presented: Presented) => ReadonlyArray<unknown> | undefined
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
    parametersOf: ({ clientId }) => (clientId === undefined ? undefined : [clientId]),
  },
  {
    name: "code",
    columns: `${prefixed("g", codeColumns)}, ${grantColumnsAndUser}`,
    joins: (count) => `LEFT JOIN belfry_oauth_grants g ON g.code_hash ${oneOf(count)} ${grantJoins}`,
    parametersOf: ({ code }) => code,
  },
  {
    name: "refresh token",
    columns: `${prefixed("r", refreshTokenColumns)}, ${grantColumnsAndUser}`,
    joins: (count) => `LEFT JOIN belfry_oauth_refresh_tokens r ON r.token_hash ${oneOf(count)}
      LEFT JOIN belfry_oauth_grants g ON g.id = r.grant_id ${grantJoins}`,
    parametersOf: ({ refreshToken }) => refreshToken,
  },
  {
    name: "access token",
    columns: `${prefixed("a", accessTokenColumns)}, ${prefixed("t", clientColumns)}, ${grantColumnsAndUser}`,
    joins: (count) => `LEFT JOIN belfry_oauth_access_tokens a ON a.token_hash ${oneOf(count)}
      LEFT JOIN belfry_oauth_clients t ON t.client_id = a.client_id
      LEFT JOIN belfry_oauth_grants g ON g.id = a.grant_id ${grantJoins}`,
    parametersOf: ({ accessToken }) => accessToken,
  },
  {
    name: "JWT",
    columns: `j.jti AS j_jti, ${prefixed("t", clientColumns)}, ${grantColumnsAndUser}`,
    joins: () => `LEFT JOIN belfry_oauth_revoked_jwts j ON j.jti = ?
      LEFT JOIN belfry_oauth_clients t ON t.client_id = ?
      LEFT JOIN belfry_oauth_grants g ON g.id = ?::uuid ${grantJoins}`,
    parametersOf: ({ jwt }) => (jwt === undefined ? undefined : [jwt.jti, jwt.clientId, jwt.grantId]),
  },
  {
    name: "consent",
    columns: prefixed("k", consentColumns),
    joins: () => `LEFT JOIN belfry_oauth_consents k
      ON k.user_id = ?::uuid AND k.client_id = c.client_id AND k.reference_id IS NULL`,
    parametersOf: ({ clientId, consentOf }) =>
      clientId === undefined || consentOf === undefined || consentOf.referenceId !== null
        ? undefined
        : [consentOf.userId],
  },
  {
    name: "consent under a reference",
    columns: prefixed("k", consentColumns),
    joins: () => `LEFT JOIN belfry_oauth_consents k
      ON k.user_id = ?::uuid AND k.client_id = c.client_id AND k.reference_id = ?`,
    parametersOf: ({ clientId, consentOf }) =>
      clientId === undefined || consentOf === undefined || consentOf.referenceId === null
        ? undefined
        : [consentOf.userId, consentOf.referenceId],
  },
  {
    name: "resource",
    columns: "f.resources",
    joins: () => resourcesWhere("= ?"),
    parametersOf: (presented) => {
      const names = hasGrant(presented) ? [] : namesOf(presented)
      return names.length === 1 ? names : undefined
    },
  },
  {
    name: "resources",
    columns: "f.resources",
    joins: () => resourcesWhere("= ANY(?::text[])"),
    parametersOf: (presented) => {
      const names = hasGrant(presented) ? [] : namesOf(presented)
      return names.length > 1 ? [names] : undefined
    },
  },
  {
    name: "resources of the grant",
    columns: "f.resources",
    joins: () => resourcesWhere("= ANY(?::text[] || g.resources)"),
    parametersOf: (presented) =>
      hasGrant(presented) && presented.accessToken === undefined ? [namesOf(presented)] : undefined,
  },
  {
    name: "resources of the grant and the audience",
    columns: "f.resources",
    joins: () => resourcesWhere("= ANY(?::text[] || g.resources || a.audience)"),
    parametersOf: (presented) => (presented.accessToken === undefined ? undefined : [namesOf(presented)]),
  },
]

const textOf = (presented: Presented): string => {
  let index = 0
  const asked = parts.flatMap((part) => {
    const count = part.parametersOf(presented)?.length
    return count === undefined ? [] : { columns: part.columns, joins: part.joins(count) }
  })
  const columns = ["1 AS one", ...asked.map((part) => part.columns)].join(", ")
  const joins = asked.map((part) => part.joins).join(" ")
  return `SELECT ${columns} FROM (VALUES (1)) AS request ${joins}`.replaceAll("?", () => `$${++index}`)
}
