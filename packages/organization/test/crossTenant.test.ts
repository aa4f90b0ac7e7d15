/**
 * What belongs to one organization is not there for others: every endpoint of the contract, with every name in a
 * request that is another organization's, answers 404 and changes nothing. Over HTTP, on all three stores.
 */
import * as MemoryTables from "@belfry/core/MemoryTables"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as SqlOAuthClientMigrations from "@belfry/oauth-client/SqlOAuthClientMigrations"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import { MemoryOrganizationTables } from "@belfry/organization/MemoryOrganizationTables"
import { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import type { TestResponse } from "@belfry/testing/TestHttp"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, type Layer, type Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { type Endpoint, endpoints } from "./support/Endpoints.ts"
import { layerOver } from "./support/HostServer.ts"
import {
  askings,
  requestOf,
  serve,
  type Services,
  signIn,
  type Tenant,
  tenant,
  type Things,
} from "./support/Tenants.ts"

/** Names that belong to an organization wherever they stand, unless {@link elsewhere} says what they are there. */
const ofOrganizations = new Set([
  "organization",
  "member",
  "memberId",
  "role",
  "roles",
  "replacement",
  "keeps",
  "invitationId",
  "teamId",
])

/** Names that nobody's organization owns, or whose own test is below: people, credentials, plain values, searches. */
const ofNobody = new Set([
  "userId",
  "token",
  "email",
  "name",
  "slug",
  "logo",
  "publicMetadata",
  "description",
  "permissions",
  "teams",
  "lifetime",
  "resend",
  "deleted",
  "status",
  "cursor",
  "limit",
  "search",
])

/** What the same word is in some endpoints: roles in teams are the host's, and a list is narrowed by a role. */
const elsewhere = new Set([
  "members.add role",
  "invitations.create role",
  "teams.addMember role",
  "teams.setRoles role",
  "teams.setRoles roles",
  "members.list role",
])

const namesOf = ({ body, id, params, query }: Endpoint): ReadonlyArray<string> => {
  const names = [...params, ...query, ...body]
  for (const name of names) assert.isTrue(ofOrganizations.has(name) || ofNobody.has(name), `${id} names a ${name}`)
  return names.filter((name) => ofOrganizations.has(name) && !elsewhere.has(`${id} ${name}`))
}

describe("The contract", () => {
  it("has no endpoint that takes the name of something of an organization, and is not asked below", () => {
    const asked = askings("")
    for (const endpoint of endpoints) {
      assert.sameMembers([...namesOf(endpoint)], Object.keys(asked[endpoint.id]?.names ?? {}), endpoint.id)
    }
    const known = new Set(endpoints.map(({ id }) => id))
    assert.deepStrictEqual(
      Object.keys(asked).filter((id) => !known.has(id)),
      [],
    )
    assert.isAbove(Object.keys(asked).length, 30)
  })
})

/** The same, when it is named otherwise. */
const renamed = ({ things }: Tenant): ReadonlyArray<Things> => [
  things,
  { ...things, organization: things.slug },
  { ...things, member: things.email },
]

const settings = { addsMembersDirectly: true, limitsRates: false }

const suite = <R>(name: string, layer: Layer.Layer<Services | R, unknown>, digest: Effect.Effect<string, unknown, R>) =>
  withLayer(layer)(`An organization (${name})`, (it) => {
    for (const endpoint of endpoints) {
      const asking = askings("")[endpoint.id]
      if (asking === undefined) continue
      it.effect(`keeps ${endpoint.id} to itself`, () =>
        Effect.gen(function* () {
          const as = yield* serve
          const [own, other, outsider, someone] = [yield* tenant, yield* tenant, yield* signIn, yield* signIn]
          const asked = askings(someone.user.id)[endpoint.id] ?? assert.fail(endpoint.id)
          if (asked.deleted === true) {
            const organizations = yield* OrganizationStore
            for (const { things } of [own, other]) {
              yield* organizations.markDeleted(OrganizationId.make(things.organization), yield* DateTime.now)
            }
          }
          const send = (token: Redacted.Redacted | null, things: (name: string) => Things) =>
            as(token)(...requestOf(endpoint, asked, things))
          const before = yield* digest
          const refused = (response: TestResponse, what: string) => {
            assert.strictEqual(response.status, 404, `${what}: ${response.text}`)
            assert.strictEqual(response.headers.get("content-type"), "application/problem+json", what)
            // An answer may repeat the names of roles that were asked for, and tells nothing else.
            const { role: _role, otherRole: _otherRole, ...untold } = other.things
            for (const text of Object.values(untold)) assert.notInclude(response.text, text, what)
          }
          for (const foreign of renamed(other)) {
            refused(yield* send(own.owner.token, () => foreign), "everything is another's")
            for (const named of Object.keys(asked.names)) {
              refused(yield* send(own.owner.token, (it) => (it === named ? foreign : own.things)), `another's ${named}`)
            }
          }
          for (const things of renamed(own)) refused(yield* send(outsider.token, () => things), "an outsider")
          assert.strictEqual((yield* send(null, () => own.things)).status, 401)
          assert.strictEqual(yield* digest, before)
          // What was refused for others' things is done for one's own.
          const allowed = yield* send(asked.by === "guest" ? own.guest.token : own.owner.token, () => own.things)
          assert.isBelow(allowed.status, 300, allowed.text)
        }),
      )
    }

    it.effect(
      "shows nothing of itself in lists of others, wherever their cursors, searches and filters come from",
      () =>
        Effect.gen(function* () {
          const as = yield* serve
          // The other one is older, so that its places come before all of these.
          const [other, own] = [yield* tenant, yield* tenant]
          const lists = endpoints.filter(({ method, query }) => method === "GET" && query.includes("cursor"))
          assert.isAbove(lists.length, 6)
          for (const endpoint of lists) {
            const asked = askings("")[endpoint.id] ?? { names: {} }
            const [method, path] = requestOf(endpoint, asked, () => own.things)
            const [, otherPath] = requestOf(endpoint, asked, () => other.things)
            const first = yield* as(other.owner.token)(method, `${otherPath}?limit=1`)
            assert.strictEqual(first.status, 200, first.text)
            const cursors = [/"cursor":"([^"]+)"/.exec(first.text)?.[1] ?? "none"]
            const filters = [
              ...cursors.map((cursor) => `cursor=${cursor}`),
              `search=${encodeURIComponent(other.things.email)}`,
              ...(endpoint.query.includes("role") ? [`role=${other.things.role}`] : []),
              ...(endpoint.query.includes("userId") ? [`userId=${other.owner.user.id}`] : []),
            ]
            for (const filter of ["limit=100", ...filters]) {
              const response = yield* as(own.owner.token)(method, `${path}?${filter}`)
              assert.strictEqual(response.status, 200, response.text)
              for (const text of [...Object.values(other.things), other.owner.user.id, other.guest.user.email]) {
                assert.notInclude(response.text, text, `${endpoint.id}?${filter}`)
              }
            }
          }
        }),
    )

    it.effect("is not acted for by others, who name it in a header", () =>
      Effect.gen(function* () {
        const as = yield* serve
        const [own, other] = [yield* tenant, yield* tenant]
        const active = (organization: string) =>
          as(own.owner.token)("GET", "/auth/active-organization", undefined, { "belfry-organization": organization })
        for (const name of [other.things.organization, other.things.slug]) {
          assert.strictEqual((yield* active(name)).status, 404)
        }
        assert.strictEqual((yield* active(own.things.slug)).status, 200)
      }),
    )
  })

suite(
  "memory",
  layerOver(TestServices.layerMemory, { settings }),
  Effect.gen(function* () {
    const { sessions, users } = yield* MemoryTables.MemoryTables
    const tables = Object.values(yield* MemoryOrganizationTables).filter((table) => table instanceof Map)
    return JSON.stringify([users, sessions, ...tables].map((table) => [...table]))
  }),
)

const migrations = [
  SqlCoreMigrations.migrations,
  SqlFactorsMigrations.migrations,
  SqlOAuthClientMigrations.migrations,
  SqlOAuthServerMigrations.migrations,
  SqlOrganizationMigrations.migrations,
]

/** Every row of every table but those that count requests. */
const digestSql = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const tables = yield* sql<{ readonly name: string }>`SELECT table_name::text AS name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_name LIKE 'belfry_%' AND table_name <> 'belfry_rate_limits' ORDER BY 1`
  assert.isAbove(tables.length, 20)
  const rows = yield* sql.unsafe<{ readonly digest: string }>(
    `SELECT string_agg(digest, ' ') AS digest FROM (${tables
      .map(
        ({ name }) =>
          `SELECT '${name} ' || md5(COALESCE(string_agg(t::text, '|' ORDER BY t::text), '')) AS digest FROM ${name} AS t`,
      )
      .join(" UNION ALL ")}) AS tables`,
  )
  return rows[0]?.digest ?? assert.fail("no digest")
})

for (const { name, layer } of TestDatabase.each(migrations)) {
  suite(name, layerOver(TestServices.layerSql(layer), { settings }), digestSql)
}
