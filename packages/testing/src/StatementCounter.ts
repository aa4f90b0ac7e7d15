/**
 * The SQL statements that a program makes, for tests of what a flow costs.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { textsOf } from "./StatementPlans.ts"

/**
 * Runs an effect and answers with its statements, in the order in which they began: `INSERT sessions`, what each does
 * first to which of our tables. Its own answer is dropped.
 *
 * **Details**
 *
 * The statement that takes uses of rate limits is `TAKE rate limits`, and the one that reads the tables of all factors
 * `SELECT enrolments`; `REDEEM code` and `ROTATE refresh token` are the statements that take them and keep what was
 * issued for them. Whatever is read as a member of an organization, with the membership, is `SELECT membership`; `LOCK
 * organization`, `APPEND events` and `CLAIM events` are what their names say, and a change that keeps its audit event
 * and its events too is `INSERT organizations with its record`. Those of transactions, such as `COMMIT`, and those on
 * other tables are left out, and so is the look-up of a session, which requests that come at the same time share.
 *
 * **Gotchas**
 *
 * Over memory there are none. What the effect leaves running in the background counts until the effect ends.
 *
 * **Example** (The cost of a sign-in)
 *
 * ```ts
 * assert.deepStrictEqual(yield* StatementCounter.statementsOf(signIn), ["SELECT users", "INSERT sessions"])
 * ```
 *
 * @category observing
 * @since 0.1.0
 */
export const statementsOf: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<ReadonlyArray<string>, E, R> = (
  effect,
) => Effect.map(textsOf(effect), (texts) => texts.map(nameOf).filter((name) => name !== undefined))

// internal

const nameOf = (text: string): string | undefined => {
  if (text.includes("WHERE s.token_hash IN")) return undefined
  if (text.includes("belfry_rate_limits")) return "TAKE rate limits"
  if (text.includes("viewer_member_id")) return "SELECT membership"
  if (text.includes("INSERT INTO belfry_audit_events") && text.includes("INSERT INTO belfry_outbox_events")) {
    return `${nameOfChange(text)} with its record`
  }
  if (text.includes("belfry_outbox_")) return nameOfOutbox(text)
  if (/^\s*UPDATE belfry_organizations AS o SET version/u.test(text)) return "LOCK organization"
  if (text.includes("belfry_organization")) return nameOfChange(text) ?? nameOfInvitation(text) ?? nameOfFirst(text)
  if (text.includes("UNION ALL")) return "SELECT enrolments"
  if (text.includes("SET code_redeemed_at")) return "REDEEM code"
  if (text.includes("SET rotated_at")) return "ROTATE refresh token"
  return nameOfFirst(text)
}

/** What is done with the outbox. */
const nameOfOutbox = (text: string): string | undefined => {
  if (text.includes("INSERT INTO belfry_outbox_events")) return "APPEND events"
  return text.includes("SET lease = $") ? "CLAIM events" : nameOfFirst(text)
}

/** What a statement does first. */
const nameOfFirst = (text: string): string | undefined => {
  const [, verb, table] = /^\s*(?:WITH \w+ AS \(\s*)?(SELECT|INSERT|UPDATE|DELETE).*?belfry_(\w+)/su.exec(text) ?? []
  return verb === undefined ? undefined : `${verb} ${table}`
}

/** What a statement changes first, whatever it reads before. */
const nameOfChange = (text: string): string | undefined => {
  const [, verb, table] = /\b(INSERT|UPDATE|DELETE)(?: INTO| FROM)? belfry_(\w+)/u.exec(text) ?? []
  return verb === undefined ? undefined : `${verb} ${table}`
}

/** An invitation is read with its teams and roles, which its statement names first. */
const nameOfInvitation = (text: string): string | undefined =>
  text.includes("FROM belfry_organization_invitations AS i") ? "SELECT organization_invitations" : undefined
