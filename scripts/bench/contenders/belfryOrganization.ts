/** Belfry with organizations: they, their members, roles and invitations are inserted as its own services store them. */
import { withClient } from "../peers.ts"
import { insertInvitations, issueInvitations, seedOrganizations } from "./belfryOrganizationSeed.ts"
import type { OrganizationSizes } from "./belfryOrganizationSeed.ts"
import { prepareBelfry } from "./belfryServer.ts"
import type { Contestant } from "./contender.ts"
import { addressOf, getBy, idAt, members, organizations, pageSize, people, postBy } from "./organizations.ts"
import type { OrganizationContender, OrganizationContext } from "./organizations.ts"

/** Belfry on a database of so many users and organizations, everybody with a session. */
export const startBelfry = async (
  context: OrganizationContext,
  database: string,
  sizes: OrganizationSizes & { readonly users: number },
): Promise<{ readonly contestant: Contestant; readonly secrets: string; readonly databaseUrl: string }> => {
  const size = { users: sizes.users, sessions: sizes.users }
  const { databaseUrl, secrets, start } = await prepareBelfry(context, database, size, {
    BELFRY_ORGANIZATION_RATE_LIMITS: "false",
    BELFRY_ORGANIZATION_INVITATION_LIMIT: "none",
    BELFRY_SMTP_URL: `smtp://127.0.0.1:${context.mailPort}`,
  })
  await seedOrganizations(databaseUrl, sizes)
  return { contestant: await start("/auth/session"), secrets, databaseUrl }
}

/** The path of an organization. */
export const pathOf = (id: string): string => `/auth/organizations/${id}`

/** Belfry. */
export const belfryOrganization: OrganizationContender = {
  name: "belfry",
  start: async (context, database) => {
    const sizes = { users: people, organizations, members, others: 0 }
    const { contestant, databaseUrl, secrets } = await startBelfry(context, database, sizes)
    const { cookies } = contestant
    const ids = await withClient(databaseUrl, async (client) => {
      const { rows } = await client.query("SELECT id FROM belfry_organizations ORDER BY id")
      return rows.map((row) => String(row["id"]))
    })
    return {
      ...contestant,
      create: (person, slug) => postBy(cookies, person, "/auth/organizations", { name: "Analytical Engines", slug }),
      invite: (person, organization, email) =>
        postBy(cookies, person, `${pathOf(idAt(ids, organization))}/invitations`, { email, roles: ["member"] }),
      accept: (person, token) => postBy(cookies, person, "/auth/invitations/accept", { token }),
      listMembers: (person, organization) =>
        getBy(cookies, person, `${pathOf(idAt(ids, organization))}/members?limit=${pageSize}`),
      mayAdd: (person, organization) =>
        postBy(cookies, person, `${pathOf(idAt(ids, organization))}/access/check`, { permissions: ["member:create"] }),
      yes: '"isAllowed":true',
      mails: true,
      keepInvitations: async (invited) => {
        const issued = await issueInvitations(secrets, invited.length)
        await withClient(databaseUrl, (client) =>
          client.query(insertInvitations, [
            issued.map(({ hash }) => hash),
            invited.map(({ organization }) => idAt(ids, organization)),
            invited.map(({ person }) => addressOf(person)),
          ]),
        )
        return issued.map(({ token }) => token)
      },
    }
  },
}
