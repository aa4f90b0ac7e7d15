/**
 * What the schema refuses, whatever the code does.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { UserStore } from "@belfry/core/UserStore"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"

/** The constraint that refused a statement. */
const refused = <A, R>(statement: Effect.Effect<A, SqlError, R>) =>
  Effect.map(Effect.flip(statement), (error) => SqlFailure.constraint(error))

/** An organization with one of everything, and another one. */
const begin = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { organization, ownerId } = yield* OrganizationBuilders.storedOrganization()
  const other = yield* OrganizationBuilders.storedOrganization()
  const role = yield* OrganizationBuilders.storedRole(organization.id)
  const member = yield* OrganizationBuilders.storedMember(organization.id, {
    roles: { builtIn: [], custom: [role.id] },
  })
  const team = yield* OrganizationBuilders.storedTeam({ organizationId: organization.id })
  return { sql, id: organization.id, otherId: other.organization.id, other, ownerId, role, member, team }
})

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations])) {
  withLayer(Layer.provideMerge(TestServices.layerSqlStores, layer))(`The tables of organizations (${name})`, (it) => {
    it.effect("hold no organization without an owner, nor with more owners than members", () =>
      Effect.gen(function* () {
        const { sql, id } = yield* begin
        assert.strictEqual(
          yield* refused(sql`UPDATE belfry_organizations SET owner_count = owner_count - 1 WHERE id = ${id}`),
          "belfry_organizations_has_owner",
        )
        assert.strictEqual(
          yield* refused(sql`UPDATE belfry_organizations SET owner_count = member_count + 1 WHERE id = ${id}`),
          "belfry_organizations_counts",
        )
      }),
    )

    it.effect("hold a slug once, and in lower case", () =>
      Effect.gen(function* () {
        const { sql, id, otherId } = yield* begin
        const slug = `s${id}`
        yield* sql`UPDATE belfry_organizations SET slug = ${slug} WHERE id = ${id}`
        assert.strictEqual(
          yield* refused(sql`UPDATE belfry_organizations SET slug = ${slug} WHERE id = ${otherId}`),
          "belfry_organizations_slug_key",
        )
        assert.strictEqual(
          yield* refused(sql`UPDATE belfry_organizations SET slug = ${slug.toUpperCase()} WHERE id = ${otherId}`),
          "belfry_organizations_slug_lower",
        )
      }),
    )

    it.effect("hold objects as metadata", () =>
      Effect.gen(function* () {
        const { sql, id } = yield* begin
        assert.strictEqual(
          yield* refused(sql`UPDATE belfry_organizations SET public_metadata = '[]' WHERE id = ${id}`),
          "belfry_organizations_public_metadata",
        )
        assert.strictEqual(
          yield* refused(sql`UPDATE belfry_organizations SET private_metadata = '1' WHERE id = ${id}`),
          "belfry_organizations_private_metadata",
        )
      }),
    )

    it.effect("hold a user as a member once, and keep the user as long as that", () =>
      Effect.gen(function* () {
        const { sql, id, member } = yield* begin
        const another = yield* OrganizationBuilders.memberId
        assert.strictEqual(
          yield* refused(sql`INSERT INTO belfry_organization_members (id, organization_id, user_id, created_at, updated_at)
            SELECT ${another}::uuid, organization_id, user_id, created_at, updated_at FROM belfry_organization_members
            WHERE id = ${member.id}`),
          "belfry_organization_members_organization_id_user_id_key",
        )
        assert.strictEqual(
          yield* refused(sql`DELETE FROM belfry_users WHERE id = ${member.user.id}`),
          "belfry_organization_members_user_id_fkey",
        )
        yield* sql`DELETE FROM belfry_organization_members WHERE id = ${member.id} AND organization_id = ${id}`
        yield* UserStore.use((users) => users.remove(member.user.id))
      }),
    )

    it.effect("say by the roles who owns", () =>
      Effect.gen(function* () {
        const { sql, ownerId, member } = yield* begin
        const rows = yield* sql<{ readonly id: string; readonly is_owner: boolean }>`SELECT id, is_owner
          FROM belfry_organization_members WHERE id IN ${sql.in([ownerId, member.id])} ORDER BY is_owner`
        assert.deepStrictEqual(
          rows.map((row) => [row.id, row.is_owner]),
          [
            [member.id, false],
            [ownerId, true],
          ],
        )
      }),
    )

    it.effect("let members, roles and teams of one organization meet alone", () =>
      Effect.gen(function* () {
        const { sql, id, otherId, other, role, team } = yield* begin
        const elsewhere = yield* OrganizationBuilders.storedRole(otherId)
        for (const [organization, constraint] of [
          [id, "belfry_organization_member_roles_member_id_fkey"],
          [otherId, "belfry_organization_member_roles_role_id_fkey"],
        ] as const) {
          assert.strictEqual(
            yield* refused(sql`INSERT INTO belfry_organization_member_roles (member_id, role_id, organization_id)
              VALUES (${other.ownerId}, ${role.id}, ${organization})`),
            constraint,
          )
        }
        for (const [organization, constraint] of [
          [id, "belfry_organization_team_members_member_id_fkey"],
          [otherId, "belfry_organization_team_members_team_id_fkey"],
        ] as const) {
          assert.strictEqual(
            yield* refused(sql`INSERT INTO belfry_organization_team_members
              (team_id, member_id, organization_id, role, joined_at)
              VALUES (${team.id}, ${other.ownerId}, ${organization}, 'member', ${new Date(0)})`),
            constraint,
          )
        }
        const { invitation } = yield* OrganizationBuilders.storedInvitation({ organizationId: id })
        assert.strictEqual(
          yield* refused(sql`INSERT INTO belfry_organization_invitation_roles (invitation_id, role_id, organization_id)
            VALUES (${invitation.id}, ${elsewhere.id}, ${id})`),
          "belfry_organization_invitation_roles_role_id_fkey",
        )
        assert.strictEqual(
          yield* refused(sql`INSERT INTO belfry_organization_invitation_teams
            (invitation_id, team_id, organization_id, role) VALUES (${invitation.id}, ${team.id}, ${otherId}, 'member')`),
          "belfry_organization_invitation_teams_team_id_fkey",
        )
      }),
    )

    it.effect("keep a role that a member or an open invitation has", () =>
      Effect.gen(function* () {
        const { sql, id, role, member } = yield* begin
        const remove = sql`DELETE FROM belfry_organization_roles WHERE id = ${role.id}`
        assert.strictEqual(yield* refused(remove), "belfry_organization_member_roles_role_id_fkey")
        yield* sql`DELETE FROM belfry_organization_members WHERE id = ${member.id}`
        const assignment = { builtIn: [], custom: [role.id] }
        yield* OrganizationBuilders.storedInvitation({ organizationId: id, roles: [role.name], assignment })
        assert.strictEqual(yield* refused(remove), "belfry_organization_invitation_roles_role_id_fkey")
      }),
    )

    it.effect("hold one role of a name in an organization", () =>
      Effect.gen(function* () {
        const { sql, id, otherId, role } = yield* begin
        const second = yield* OrganizationBuilders.storedRole(id)
        assert.strictEqual(
          yield* refused(sql`UPDATE belfry_organization_roles SET name = ${role.name} WHERE id = ${second.id}`),
          "belfry_organization_roles_organization_id_name_key",
        )
        yield* OrganizationBuilders.storedRole(otherId, { name: role.name })
      }),
    )

    it.effect("hold one open invitation of an address to an organization, and any number of closed ones", () =>
      Effect.gen(function* () {
        const { sql, id, otherId } = yield* begin
        const { email } = yield* Builders.user()
        const first = yield* OrganizationBuilders.storedInvitation({ organizationId: id, email })
        yield* OrganizationBuilders.storedInvitation({ organizationId: otherId, email })
        const second = yield* OrganizationBuilders.storedInvitation({ organizationId: id })
        const readdress = sql`UPDATE belfry_organization_invitations SET email = ${email}
          WHERE id = ${second.invitation.id}`
        assert.strictEqual(yield* refused(readdress), "belfry_organization_invitations_open_key")
        yield* sql`UPDATE belfry_organization_invitations SET status = 'revoked' WHERE id = ${first.invitation.id}`
        yield* readdress
        assert.strictEqual(
          yield* refused(
            sql`UPDATE belfry_organization_invitations SET status = 'lost' WHERE id = ${first.invitation.id}`,
          ),
          "belfry_organization_invitations_status",
        )
        assert.strictEqual(
          yield* refused(sql`UPDATE belfry_organization_invitations SET email = upper(email)
            WHERE id = ${first.invitation.id}`),
          "belfry_organization_invitations_email_lower",
        )
        assert.strictEqual(
          yield* refused(sql`UPDATE belfry_organization_invitations SET token_hash = ${first.tokenHash}
            WHERE id = ${second.invitation.id}`),
          "belfry_organization_invitations_token_hash_key",
        )
      }),
    )
  })
}
