/**
 * What requests cost, in statements beside the one that finds their session: whatever is read takes one, and a change
 * no more than is written here.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { Invitations } from "@belfry/organization/Invitations"
import { Slug } from "@belfry/organization/Organization"
import { RoleName } from "@belfry/organization/Role"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import { CapturingMailer } from "@belfry/testing/CapturingMailer"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { statementsOf } from "@belfry/testing/StatementCounter"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, type Redacted, type Schema } from "effect"
import { endpoints } from "./support/Endpoints.ts"
import { layerOver } from "./support/HostServer.ts"
import { askings, requestOf, serve, signIn, tenant } from "./support/Tenants.ts"

const migrations = [SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations]

/** The statements of a request that is answered with this status, or with any for what is done. */
const costOf = (token: Redacted.Redacted | null, method: string, path: string, json?: Schema.Json, status?: number) =>
  statementsOf(
    Effect.gen(function* () {
      const as = yield* serve
      const response = yield* as(token)(method, path, json)
      if (status === undefined) assert.isBelow(response.status, 300, response.text)
      else assert.strictEqual(response.status, status, response.text)
    }),
  )

/** Reads that are of no organization. */
const others: Readonly<Record<string, ReadonlyArray<string>>> = {
  "organizations.slug": ["SELECT organizations"],
  "invitations.mine": ["SELECT organization_invitations"],
}

const plain = RoleName.make("member")

/** What is written in the end of every change. */
const told = ["INSERT audit_events", "APPEND events"]

withLayer(
  layerOver(TestServices.layerSql(TestDatabase.layerPglite(migrations)), { settings: { addsMembersDirectly: true } }),
)("What a request costs", (it) => {
  const reads = endpoints.filter(({ id, method }) => method === "GET" || id.endsWith(".check"))

  it.effect("one statement for whatever is read, by members and by outsiders", () =>
    Effect.gen(function* () {
      const [own, outsider] = [yield* tenant, yield* signIn]
      assert.isAbove(reads.length, 15)
      for (const endpoint of reads) {
        const asking = askings("")[endpoint.id] ?? { names: {} }
        const path = endpoint.path.replace("{slug}", own.things.slug)
        const request = requestOf({ ...endpoint, path }, asking, () => own.things)
        const cost = others[endpoint.id] ?? ["SELECT membership"]
        assert.deepStrictEqual(yield* costOf(own.owner.token, ...request), cost, endpoint.id)
        if (asking.names["organization"] === undefined) continue
        assert.deepStrictEqual(yield* costOf(outsider.token, ...request, 404), cost, endpoint.id)
      }
    }),
  )

  it.effect("one statement for an outsider who would change something, who holds up nobody", () =>
    Effect.gen(function* () {
      const [own, outsider, someone] = [yield* tenant, yield* signIn, yield* signIn]
      const changes = endpoints.filter((endpoint) => !reads.includes(endpoint))
      for (const endpoint of changes) {
        const asking = askings(someone.user.id)[endpoint.id]
        if (asking?.names["organization"] === undefined || endpoint.id === "organizations.activate") continue
        const [method, path, json] = requestOf(endpoint, asking, () => own.things)
        const cost = yield* costOf(outsider.token, method, path, json, 404)
        const beyond = cost.filter((statement) => statement !== "TAKE rate limits")
        assert.strictEqual(beyond.length, 1, endpoint.id)
      }
    }),
  )

  it.effect("making an organization: one statement, with what tells of it", () =>
    Effect.gen(function* () {
      const { token } = yield* signIn
      assert.deepStrictEqual(yield* costOf(token, "POST", "/auth/organizations", { name: "Acme", slug: "acme" }), [
        "TAKE rate limits",
        "INSERT organizations with its record",
      ])
    }),
  )

  it.effect("inviting: what must be known, then the invitation with what tells of it", () =>
    Effect.gen(function* () {
      const { owner, things } = yield* tenant
      const path = `/auth/organizations/${things.organization}/invitations`
      const body = { email: "invited@example.com", roles: ["member", things.role] }
      assert.deepStrictEqual(yield* costOf(owner.token, "POST", path, body), [
        "TAKE rate limits",
        "SELECT membership",
        "INSERT organization_invitations with its record",
      ])
    }),
  )

  it.effect("accepting: the invitation, then its end and the seat with what tells of them", () =>
    Effect.gen(function* () {
      const { owner, things } = yield* tenant
      const guest = yield* signIn
      yield* Invitations.use((invitations) =>
        Effect.gen(function* () {
          const actor = yield* OrganizationBuilders.actor({ user: owner.user })
          yield* invitations.create(actor, Slug.make(things.slug), { email: guest.user.email, roles: [plain] })
        }),
      )
      const mail = yield* CapturingMailer.use((mailer) => mailer.takeLast(guest.user.email))
      const token = /token=([^\s"&]+)/.exec(mail.text)?.[1] ?? assert.fail(mail.text)
      assert.deepStrictEqual(yield* costOf(guest.token, "POST", "/auth/invitations/accept", { token }), [
        "TAKE rate limits",
        "SELECT organization_invitations",
        "UPDATE organization_invitations with its record",
      ])
    }),
  )

  it.effect("changes in teams: the lock, what must be known, the change, and what tells of it", () =>
    Effect.gen(function* () {
      const { owner, things } = yield* tenant
      const teams = `/auth/organizations/${things.organization}/teams`
      const team = `${teams}/${things.team}`
      const cost = (method: string, path: string, json?: Schema.Json) => costOf(owner.token, method, path, json)
      const begun = ["LOCK organization", "SELECT membership"]
      assert.deepStrictEqual(yield* cost("POST", teams, { name: "Linkers" }), [
        ...begun,
        "INSERT organization_teams",
        "INSERT organization_team_members",
        "INSERT audit_events",
        ...told,
      ])
      assert.deepStrictEqual(yield* cost("PATCH", team, { name: "Linkers" }), [
        ...begun,
        "UPDATE organization_teams",
        ...told,
      ])
      // The same name again is no change.
      assert.deepStrictEqual(yield* cost("PATCH", team, { name: "Linkers" }), begun)
      assert.deepStrictEqual(yield* cost("POST", `${team}/members`, { memberId: things.joining }), [
        ...begun,
        "INSERT organization_team_members",
        "SELECT membership",
        ...told,
      ])
      assert.deepStrictEqual(yield* cost("POST", `${team}/members`, { memberId: things.joining }), begun)
      const roles = [
        { memberId: things.joining, role: "lead" },
        { memberId: things.member, role: "member" },
      ]
      assert.deepStrictEqual(yield* cost("PATCH", `${team}/members`, { roles }), [
        ...begun,
        "UPDATE organization_team_members",
        "INSERT audit_events",
        ...told,
      ])
      assert.deepStrictEqual(yield* cost("DELETE", `${team}/members/${things.joining}`), [
        ...begun,
        "DELETE organization_team_members",
        ...told,
      ])
      assert.deepStrictEqual(yield* cost("DELETE", team), [...begun, "DELETE organization_teams", ...told])
    }),
  )
})
