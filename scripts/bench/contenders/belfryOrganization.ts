/**
 * Belfry with organizations, from a bundle made as `npm run build` makes it, of the sources as they are.
 *
 * The server migrates its database when it starts; users, sessions, organizations, members and roles are inserted
 * afterwards, as its own services would store them.
 */
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { bundle } from "../../build.ts"
import { withClient } from "../peers.ts"
import { seed } from "../seed.ts"
import { insertInvitations, issueInvitations, seedOrganizations } from "./belfryOrganizationSeed.ts"
import type { OrganizationSizes } from "./belfryOrganizationSeed.ts"
import { file, startContestant, startServer } from "./contender.ts"
import type { Contestant, ServerOptions } from "./contender.ts"
import { addressOf, getBy, idAt, members, organizations, pageSize, people, postBy } from "./organizations.ts"
import type { OrganizationContender, OrganizationContext } from "./organizations.ts"

const outdir = file(".bench/belfry")

let bundled: Promise<unknown> | undefined

/** Belfry on a database of so many users and organizations, everybody with a session. */
export const startBelfry = async (
  context: OrganizationContext,
  database: string,
  sizes: OrganizationSizes & { readonly users: number },
): Promise<{ readonly contestant: Contestant; readonly secrets: string; readonly databaseUrl: string }> => {
  await (bundled ??= bundle(file("apps/server/src/main.ts"), outdir))
  const databaseUrl = await context.postgres.createDatabase(database)
  const secrets = `k1:${randomBytes(32).toString("base64")}`
  const options: ServerOptions = {
    name: database,
    args: [join(outdir, "belfry.js"), "serve"],
    env: (port) => ({
      DATABASE_URL: databaseUrl,
      BELFRY_HOST: "127.0.0.1",
      BELFRY_PORT: String(port),
      BELFRY_BASE_URL: `http://localhost:${port}`,
      BELFRY_SECRETS: secrets,
      BELFRY_ORGANIZATION_RATE_LIMITS: "false",
      BELFRY_ORGANIZATION_INVITATION_LIMIT: "none",
      BELFRY_SMTP_URL: `smtp://127.0.0.1:${context.mailPort}`,
      BELFRY_MAIL_FROM: "belfry@localhost",
    }),
    readyPath: "/health/ready",
  }
  const migrated = await startServer(context, options)
  await migrated.process.stop()
  const sessions = await seed({ databaseUrl, users: sizes.users, sessions: sizes.users, secrets })
  await seedOrganizations(databaseUrl, sizes)
  const contestant = await startContestant(
    context,
    { name: "belfry", database, path: "/auth/session", cookies: sessions.map((session) => session.cookieHeader) },
    options,
  )
  return { contestant, secrets, databaseUrl }
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
