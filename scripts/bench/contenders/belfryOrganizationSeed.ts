/** Organizations, members, roles and invitations in Belfry's tables, by the million in a few statements. */
import * as KeyRing from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { tokenPrefix } from "@belfry/organization/Invitation"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { withClient } from "../peers.ts"
import { uuid } from "../seed.ts"
import { editor } from "./organizations.ts"

/** How many organizations of how many members each, and how many others beside, of one member. */
export interface OrganizationSizes {
  readonly organizations: number
  readonly members: number
  readonly others: number
}

// Organization `o` has the users from number `(o - 1) * members + 1` on.
const insertOrganizations = `
  INSERT INTO belfry_organizations (id, name, slug, member_count, owner_count, created_at, updated_at)
  SELECT ${uuid("organization", "o")}, 'Organization ' || o, 'organization-' || o, $2::int, 1, now(), now()
  FROM generate_series(1, $1::int) o`

const insertMembers = `
  INSERT INTO belfry_organization_members (id, organization_id, user_id, built_in_roles, created_at, updated_at)
  SELECT ${uuid("member", "((o - 1) * $2::int + m)")}, ${uuid("organization", "o")},
    ${uuid("user", "((o - 1) * $2::int + m)")},
    CASE m WHEN 1 THEN '{owner}'::text[] WHEN 2 THEN '{}' ELSE '{member}' END, now(), now()
  FROM generate_series(1, $1::int) o CROSS JOIN generate_series(1, $2::int) m`

const insertRoles = `
  INSERT INTO belfry_organization_roles (id, organization_id, name, permissions, created_at, updated_at)
  SELECT ${uuid("role", "o")}, ${uuid("organization", "o")}, '${editor}', '{member:read,member:create}', now(), now()
  FROM generate_series(1, $1::int) o`

const assignRoles = `
  INSERT INTO belfry_organization_member_roles (member_id, role_id, organization_id)
  SELECT ${uuid("member", "((o - 1) * $2::int + 2)")}, ${uuid("role", "o")}, ${uuid("organization", "o")}
  FROM generate_series(1, $1::int) o`

const insertOthers = `
  INSERT INTO belfry_organizations (id, name, slug, member_count, owner_count, created_at, updated_at)
  SELECT ${uuid("other", "o")}, 'Other ' || o, 'other-' || o, 1, 1, now(), now() FROM generate_series(1, $1::int) o`

const insertOtherMembers = `
  INSERT INTO belfry_organization_members (id, organization_id, user_id, built_in_roles, created_at, updated_at)
  SELECT ${uuid("othermember", "o")}, ${uuid("other", "o")}, ${uuid("user", "o")}, '{owner}', now(), now()
  FROM generate_series(1, $1::int) o`

/** Keeps open invitations: $1 the hashes of their tokens, $2 the organizations, $3 the addresses. */
export const insertInvitations = `
  INSERT INTO belfry_organization_invitations (id, organization_id, email, built_in_roles, role_names, status, token_hash,
    inviter_id, sends, sent_at, created_at, updated_at, expires_at)
  SELECT md5(hash)::uuid, organization_id, email, '{member}', '{member}', 'pending', hash, NULL, 1, now(), now(), now(),
    now() + interval '7 days'
  FROM unnest($1::text[], $2::uuid[], $3::text[]) AS invited (hash, organization_id, email)`

/** Keeps organizations of users that are there: the first is the owner, the second has a role of the organization. */
export const seedOrganizations = (
  databaseUrl: string,
  { members, organizations, others }: OrganizationSizes,
): Promise<void> =>
  withClient(databaseUrl, async (client) => {
    // To look up what each of a million rows refers to would take longer than all the rest.
    await client.query("SET session_replication_role = 'replica'")
    await client.query(insertOrganizations, [organizations, members])
    await client.query(insertMembers, [organizations, members])
    await client.query(insertRoles, [organizations])
    await client.query(assignRoles, [organizations, members])
    await client.query(insertOthers, [others])
    await client.query(insertOtherMembers, [others])
    await client.query("VACUUM ANALYZE")
    await client.query("CHECKPOINT")
  })

/** Makes up tokens of invitations, with what Belfry keeps of each. */
export const issueInvitations = (
  secrets: string,
  count: number,
): Promise<ReadonlyArray<{ readonly token: string; readonly hash: string }>> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const ring = yield* KeyRing.make(yield* Effect.fromResult(KeyRing.parseSecrets(secrets)))
      const hasher = yield* ring.hasher("invitation-token")
      return yield* Effect.replicateEffect(
        Effect.gen(function* () {
          const token = yield* OpaqueToken.generate(tokenPrefix)
          return { token: Redacted.value(token), hash: yield* hasher.hash(token) }
        }),
        count,
      )
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )
