import { Audit } from "@belfry/core/Audit"
import { unknownClient } from "@belfry/core/AuditEvent"
import { UserDeletionRefused } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import type { UserStore } from "@belfry/core/UserStore"
import type { MemberStore } from "@belfry/organization/MemberStore"
import { aggregateOf } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as OrganizationUserRemovals from "@belfry/server/OrganizationUserRemovals"
import * as Server from "@belfry/server/Server"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Layer } from "effect"

const services = OrganizationUserRemovals.layer.pipe(Layer.provideMerge(TestServices.layerOrganization))

type Asked = Audit | MemberStore | OrganizationStore | TrustedOrganizations | UserStore | Users

const backends: ReadonlyArray<{
  readonly name: string
  readonly layer: Layer.Layer<Asked, TestDatabase.TestDatabaseError>
}> = [
  { name: "memory", layer: Layer.provideMerge(services, TestServices.layerMemory) },
  ...TestDatabase.each(Server.migrations).map(({ name, layer }) => ({
    name,
    layer: Layer.provideMerge(services, TestServices.layerSql(layer)),
  })),
]

for (const { name, layer } of backends) {
  withLayer(layer)(`Deleting a user who is in organizations (${name})`, (it) => {
    it.effect("ends the memberships with it, and tells of each", () =>
      Effect.gen(function* () {
        const organizations = yield* TrustedOrganizations
        const users = yield* Users
        const [one, other] = [
          yield* OrganizationBuilders.storedOrganization(),
          yield* OrganizationBuilders.storedOrganization(),
        ]
        const { user } = yield* OrganizationBuilders.storedMember(one.organization.id)
        const roles = OrganizationBuilders.builtIn("owner")
        yield* OrganizationBuilders.storedMember(other.organization.id, { user, roles })
        yield* users.remove(user.id)
        assert.strictEqual((yield* Effect.flip(users.get(user.id)))._tag, "UserNotFound")
        for (const { organization, owner } of [one, other]) {
          const { items } = yield* organizations.listMembers(organization.id)
          assert.deepStrictEqual(
            items.map(({ userId }) => userId),
            [owner.id],
          )
          const events = yield* Audit.use((audit) =>
            audit.list({ aggregate: aggregateOf(organization.id), type: "organization-member.removed" }),
          )
          assert.lengthOf(events, 1)
        }
      }),
    )

    it.effect("is refused to the last owner, by the name of the organization, and changes nothing", () =>
      Effect.gen(function* () {
        const organizations = yield* TrustedOrganizations
        const users = yield* Users
        const joined = yield* OrganizationBuilders.storedOrganization()
        const { organization, owner } = yield* OrganizationBuilders.storedOrganization({ name: "Acme" })
        yield* OrganizationBuilders.storedMember(joined.organization.id, { user: owner })
        assert.deepStrictEqual(
          yield* Effect.flip(users.remove(owner.id)),
          new UserDeletionRefused({ reason: "You are the last owner of Acme: hand it over or delete it first" }),
        )
        assert.deepStrictEqual(yield* users.get(owner.id), owner)
        assert.lengthOf((yield* organizations.listMembers(joined.organization.id)).items, 2)
        assert.lengthOf((yield* organizations.listMembers(organization.id)).items, 1)
      }),
    )

    it.effect("takes an organization along that the user had deleted: nobody could restore it", () =>
      Effect.gen(function* () {
        const organizations = yield* TrustedOrganizations
        const users = yield* Users
        const { organization, owner } = yield* OrganizationBuilders.storedOrganization()
        yield* organizations.remove(organization.id, { by: owner.id, client: unknownClient })
        yield* users.remove(owner.id)
        const found = yield* OrganizationStore.use((store) => store.find(organization.id))
        assert.strictEqual(found._tag, "None")
      }),
    )
  })
}
