/**
 * Better Auth with its organization plugin: sessions, organizations, members, roles and invitations inserted as it
 * stores them.
 */
import { randomBytes } from "node:crypto"
import { withClient } from "../peers.ts"
import { prepareBetterAuth } from "./betterAuth.ts"
import { addressOf, editor, getBy, idAt, members, organizations, pageSize, people, postBy } from "./organizations.ts"
import type { OrganizationContender } from "./organizations.ts"

const insertOrganizations = `
  INSERT INTO "organization" (id, name, slug, "createdAt")
  SELECT md5('organization' || o), 'Organization ' || o, 'organization-' || o, now() FROM generate_series(1, $1::int) o`

const insertMembers = `
  INSERT INTO "member" (id, "organizationId", "userId", role, "createdAt")
  SELECT md5('member' || o || '-' || m), md5('organization' || o), md5('user' || ((o - 1) * $2::int + m)),
    CASE m WHEN 1 THEN 'owner' WHEN 2 THEN '${editor}' ELSE 'member' END, now()
  FROM generate_series(1, $1::int) o CROSS JOIN generate_series(1, $2::int) m`

const insertRoles = `
  INSERT INTO "organizationRole" (id, "organizationId", role, permission, "createdAt")
  SELECT md5('role' || o), md5('organization' || o), '${editor}', '{"member":["create"]}', now()
  FROM generate_series(1, $1::int) o`

const insertInvitations = `
  INSERT INTO "invitation" (id, "organizationId", email, role, status, "expiresAt", "createdAt", "inviterId")
  SELECT id, md5('organization' || organization), email, 'member', 'pending', now() + interval '2 days', now(),
    md5('user' || ((organization - 1) * ${members} + 1))
  FROM unnest($1::text[], $2::int[], $3::text[]) AS invited (id, organization, email)`

/** Better Auth. */
export const betterAuthOrganization: OrganizationContender = {
  name: "better-auth",
  start: async (context, database) => {
    const size = { users: people, sessions: people }
    const { cookies, databaseUrl, start } = await prepareBetterAuth(context, database, size, {
      program: "betterAuthOrganizationServer.ts",
      env: { MAIL_PORT: String(context.mailPort) },
    })
    const ids = await withClient(databaseUrl, async (client) => {
      await client.query(insertOrganizations, [organizations])
      await client.query(insertMembers, [organizations, members])
      await client.query(insertRoles, [organizations])
      await client.query("VACUUM ANALYZE")
      const { rows } = await client.query("SELECT md5('organization' || o) AS id FROM generate_series(1, $1::int) o", [
        organizations,
      ])
      return rows.map((row) => String(row["id"]))
    })
    const path = "/api/auth/organization"
    return {
      ...(await start("/api/auth/get-session")),
      create: (person, slug) => postBy(cookies, person, `${path}/create`, { name: "Analytical Engines", slug }),
      invite: (person, organization, email) => {
        const body = { email, role: "member", organizationId: idAt(ids, organization) }
        return postBy(cookies, person, `${path}/invite-member`, body)
      },
      accept: (person, invitationId) => postBy(cookies, person, `${path}/accept-invitation`, { invitationId }),
      listMembers: (person, organization) =>
        getBy(cookies, person, `${path}/list-members?organizationId=${idAt(ids, organization)}&limit=${pageSize}`),
      mayAdd: (person, organization) => {
        const body = { organizationId: idAt(ids, organization), permissions: { member: ["create"] } }
        return postBy(cookies, person, `${path}/has-permission`, body)
      },
      yes: '"success":true',
      mails: true,
      keepInvitations: async (invited) => {
        const keys = invited.map(() => randomBytes(24).toString("base64url"))
        await withClient(databaseUrl, (client) =>
          client.query(insertInvitations, [
            keys,
            invited.map(({ organization }) => organization),
            invited.map(({ person }) => addressOf(person)),
          ]),
        )
        return keys
      },
    }
  },
}
