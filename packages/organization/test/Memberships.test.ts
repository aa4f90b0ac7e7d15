import { Permission } from "@belfry/organization/Permission"
import { Memberships } from "@belfry/organization/Memberships"
import { Members } from "@belfry/organization/Members"
import { Slug } from "@belfry/organization/Organization"
import { Organizations } from "@belfry/organization/Organizations"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { layer, signIn } from "./support/HostServer.ts"

const [read, create, remove] = [
  Permission.make("project:read"),
  Permission.make("project:create"),
  Permission.make("project:delete"),
]

/** An organization whose owner is `ada` and a member of which is `bob`; `eve` is neither. */
const begin = Effect.gen(function* () {
  const [ada, bob, eve] = [yield* signIn("ada"), yield* signIn("bob"), yield* signIn("eve")]
  const { organization, ownerId } = yield* OrganizationBuilders.storedOrganization({
    owner: ada.actor.user,
    slug: Slug.make("engines"),
  })
  const { id: memberId } = yield* OrganizationBuilders.storedMember(organization.id, { user: bob.actor.user })
  return { ada: ada.actor, bob: bob.actor, eve: eve.actor, organization, ownerId, memberId }
})

describe("Memberships", () => {
  it.effect("says who somebody is: all roles of theirs, and the union of what those give", () =>
    Effect.gen(function* () {
      const { organization, eve } = yield* begin
      const memberships = yield* Memberships
      const { id, name } = yield* OrganizationBuilders.storedRole(organization.id, {
        // The last one is of a host that declared more once.
        permissions: [remove, read, Permission.make("invoice:read")],
      })
      const { builtIn } = OrganizationBuilders.builtIn("editor", "billing")
      const roles = { builtIn, custom: [id] }
      const member = yield* OrganizationBuilders.storedMember(organization.id, { user: eve.user, roles })
      const found = yield* memberships.get({ userId: eve.user.id, organization: Slug.make("engines") })
      const { permissionSet, ...view } = found
      assert.deepStrictEqual<object>(view, {
        organizationId: organization.id,
        organizationName: organization.name,
        organizationSlug: "engines",
        memberId: member.id,
        userId: eve.user.id,
        roles: ["billing", "editor", name],
        permissions: [
          "billing:manage",
          "billing:read",
          "member:read",
          "organization:read",
          "project:create",
          "project:delete",
          "project:read",
        ],
      })
      assert.deepStrictEqual([...permissionSet].toSorted(), [...found.permissions])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("does not tell an outsider whether there is such an organization", () =>
    Effect.gen(function* () {
      const { organization, eve } = yield* begin
      const memberships = yield* Memberships
      const nowhere = yield* OrganizationBuilders.organizationId
      for (const ref of [organization.id, nowhere, Slug.make("engines"), Slug.make("nowhere")]) {
        const viewer = { userId: eve.user.id, organization: ref }
        assert.deepStrictEqual(yield* memberships.find(viewer), Option.none())
        const errors = [
          yield* Effect.flip(memberships.get(viewer)),
          yield* Effect.flip(memberships.require(viewer, [])),
          yield* Effect.flip(memberships.missing(viewer, [read])),
          yield* Effect.flip(memberships.active({ userId: eve.user.id, sessionId: eve.session.id, requested: ref })),
          yield* Effect.flip(memberships.activate(eve, ref)),
        ]
        for (const error of errors) assert.strictEqual(error._tag, "OrganizationNotFound")
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("lets those through who have everything that is asked for, and tells others what they lack", () =>
    Effect.gen(function* () {
      const { organization, ada, bob } = yield* begin
      const memberships = yield* Memberships
      const [asAda, asBob] = [ada, bob].map(({ user }) => ({ userId: user.id, organization: organization.id }))
      if (asAda === undefined || asBob === undefined) return assert.fail()
      assert.strictEqual((yield* memberships.require(asAda, [read, create, remove])).userId, ada.user.id)
      assert.strictEqual((yield* memberships.require(asBob, [read])).userId, bob.user.id)
      const error = yield* Effect.flip(memberships.require(asBob, [read, create, remove]))
      if (error._tag !== "PermissionMissing") return assert.fail(error._tag)
      assert.deepStrictEqual([error.reason, error.missing], ["permission", [create, remove]])
      assert.deepStrictEqual(yield* memberships.missing(asBob, [create, read]), [create])
      assert.deepStrictEqual(yield* memberships.missing(asAda, [create, read]), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("acts for the organization that a request names, and for no other when it names one", () =>
    Effect.gen(function* () {
      const { organization, bob } = yield* begin
      const other = yield* OrganizationBuilders.storedOrganization({ owner: bob.user })
      const memberships = yield* Memberships
      const who = { userId: bob.user.id, sessionId: bob.session.id }
      yield* memberships.activate(bob, organization.id)
      const named = Option.getOrThrow(yield* memberships.active({ ...who, requested: other.organization.id }))
      assert.deepStrictEqual([named.source, named.membership.organizationId], ["request", other.organization.id])
      const foreign = yield* OrganizationBuilders.storedOrganization()
      const error = yield* Effect.flip(memberships.active({ ...who, requested: foreign.organization.id }))
      assert.strictEqual(error._tag, "OrganizationNotFound")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("acts for what the session chose, else what was used last, else for the only one", () =>
    Effect.gen(function* () {
      const { organization, bob } = yield* begin
      const memberships = yield* Memberships
      const who = { userId: bob.user.id, sessionId: bob.session.id, requested: null }
      const active = Effect.map(memberships.active(who), (found) =>
        Option.getOrUndefined(
          Option.map(found, ({ membership, source }) => [membership.organizationId, source] as const),
        ),
      )
      assert.deepStrictEqual(yield* active, [organization.id, "only"])
      const other = yield* OrganizationBuilders.storedOrganization({ owner: bob.user })
      assert.isUndefined(yield* active)
      yield* memberships.activate(bob, other.organization.id)
      assert.deepStrictEqual(yield* active, [other.organization.id, "session"])
      yield* memberships.deactivate(bob)
      assert.deepStrictEqual(yield* active, [other.organization.id, "last-used"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ends what a session acts for with the membership, and lets nothing be chosen any more", () =>
    Effect.gen(function* () {
      const { organization, ada, bob, memberId } = yield* begin
      const memberships = yield* Memberships
      const who = { userId: bob.user.id, sessionId: bob.session.id, requested: null }
      const membership = yield* memberships.activate(bob, organization.id)
      assert.strictEqual(membership.memberId, memberId)
      yield* Members.use((members) => members.remove(ada, organization.id, { _tag: "Id", id: memberId }))
      assert.deepStrictEqual(yield* memberships.active(who), Option.none())
      const error = yield* Effect.flip(memberships.activate(bob, organization.id))
      assert.strictEqual(error._tag, "OrganizationNotFound")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("has no members where the organization is deleted", () =>
    Effect.gen(function* () {
      const { organization, ada, bob } = yield* begin
      const memberships = yield* Memberships
      yield* memberships.activate(bob, organization.id)
      yield* Organizations.use((organizations) => organizations.remove(ada, organization.id))
      for (const { user, session } of [ada, bob]) {
        assert.deepStrictEqual(
          yield* memberships.find({ userId: user.id, organization: organization.id }),
          Option.none(),
        )
        assert.deepStrictEqual(
          yield* memberships.active({ userId: user.id, sessionId: session.id, requested: null }),
          Option.none(),
        )
      }
    }).pipe(Effect.provide(layer())),
  )
})
