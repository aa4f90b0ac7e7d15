import { unknownClient } from "@belfry/core/AuditEvent"
import { Users } from "@belfry/core/Users"
import { Invitations } from "@belfry/organization/Invitations"
import { Members } from "@belfry/organization/Members"
import type { Actor } from "@belfry/organization/Membership"
import { DeletionRefused, OrganizationPatch, Slug } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { RoleName } from "@belfry/organization/Role"
import { CapturingMailer } from "@belfry/testing/CapturingMailer"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { begin, create, gained, tagOf } from "./support/Beginning.ts"
import { auditOf, takeEvents } from "./support/Happenings.ts"
import { layer, signIn } from "./support/HostServer.ts"

const patchOf = (patch: OrganizationPatch) => OrganizationPatch.make(patch)

describe("Organizations.remove", () => {
  it.effect("takes it from everybody at once, tells the owners by mail, and says when it is gone for good", () =>
    Effect.gen(function* () {
      const { organizations, ada, bob, id } = yield* begin
      const already = (yield* auditOf(id)).length
      yield* OrganizationBuilders.storedInvitation({ organizationId: id, email: bob.user.email })
      yield* organizations.remove(ada, Slug.make("engines"))
      for (const actor of [ada, bob]) {
        assert.strictEqual(yield* tagOf(organizations.get(actor, id)), "OrganizationNotFound")
      }
      const invitations = yield* Invitations
      assert.deepStrictEqual((yield* invitations.mine(bob)).items, [])
      const userId = ada.user.id
      const purgesAt = DateTime.add(yield* DateTime.now, { days: 30 })
      assert.deepStrictEqual<object>(yield* takeEvents(id), [
        { _tag: "OrganizationDeleted", organizationId: id, actorId: userId, purgesAt },
      ])
      assert.deepStrictEqual<object>(yield* gained(id, already), [
        { type: "organization.deleted", userId, before: null, after: null, data: {} },
      ])
      const mailer = yield* CapturingMailer
      const mail = yield* mailer.takeLast(ada.user.email, "organization-deleted")
      assert.include(mail.text, "30 days")
      assert.include(mail.text, `http://localhost:3000/organizations/${id}/settings`)
      assert.isFalse((yield* mailer.messages).some(({ to }) => to === bob.user.email))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("asks for a fresh session before it looks at anything", () =>
    Effect.gen(function* () {
      const { organizations, ada, eve, id } = yield* begin
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* tagOf(organizations.remove(ada, id)), "SessionNotFresh")
      assert.strictEqual(yield* tagOf(organizations.remove(eve, id)), "SessionNotFresh")
      yield* organizations.get(ada, id)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("asks for a fresh session of who calls without one", () =>
    Effect.gen(function* () {
      const { organizations, ada, id, memberId } = yield* begin
      const ended = { ...ada, session: null }
      assert.strictEqual(yield* tagOf(organizations.remove(ended, id)), "SessionNotFresh")
      assert.strictEqual(yield* tagOf(organizations.transfer(ended, id, { to: memberId })), "SessionNotFresh")
      yield* organizations.remove(ada, id)
      assert.strictEqual(yield* tagOf(organizations.restore(ended, id)), "SessionNotFresh")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses whoever lacks the permission, and records that", () =>
    Effect.gen(function* () {
      const { organizations, bob, id } = yield* begin
      const already = (yield* auditOf(id)).length
      const error = yield* Effect.flip(organizations.remove(bob, id))
      if (error._tag !== "PermissionMissing") return assert.fail(error._tag)
      assert.deepStrictEqual<object>([error.reason, error.missing], ["permission", ["organization:delete"]])
      assert.deepStrictEqual<object>(yield* gained(id, already), [
        {
          type: "organization.deleted",
          reason: "permission",
          userId: bob.user.id,
          before: null,
          after: null,
          data: {},
        },
      ])
      assert.deepStrictEqual(yield* takeEvents(id), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is refused where the settings say so", () =>
    Effect.gen(function* () {
      const { organizations, ada, id } = yield* begin
      const error = yield* Effect.flip(organizations.remove(ada, id))
      assert.isTrue(error._tag === "DeletionRefused" && error.reason === "disabled")
      yield* organizations.get(ada, id)
    }).pipe(Effect.provide(layer({ settings: { allowsDeletion: false } }))),
  )

  it.effect("is refused by the host's hook, whose words the caller gets", () =>
    Effect.gen(function* () {
      const { organizations, ada, id } = yield* begin
      const error = yield* Effect.flip(organizations.remove(ada, id))
      assert.isTrue(error._tag === "DeletionRefused" && error.detail === "Cancel the subscription first")
      yield* organizations.get(ada, id)
      assert.deepStrictEqual(yield* takeEvents(id), [])
    }).pipe(
      Effect.provide(
        layer({
          hooks: {
            beforeDeletion: () =>
              Effect.fail(new DeletionRefused({ reason: "host", detail: "Cancel the subscription first" })),
          },
        }),
      ),
    ),
  )

  it.effect("removes it for good at once where there is no time of grace", () =>
    Effect.gen(function* () {
      const { organizations, ada, id } = yield* begin
      yield* organizations.remove(ada, id)
      assert.deepStrictEqual(yield* OrganizationStore.use((store) => store.find(id)), Option.none())
      assert.deepStrictEqual(
        (yield* takeEvents(id)).map(({ _tag }) => _tag),
        ["OrganizationDeleted", "OrganizationPurged"],
      )
      assert.isTrue(yield* organizations.isSlugAvailable(Slug.make("engines")))
      assert.deepStrictEqual(yield* CapturingMailer.use(({ messages }) => messages), [])
      assert.strictEqual(yield* tagOf(organizations.restore(ada, id)), "OrganizationNotFound")
    }).pipe(Effect.provide(layer({ settings: { deletionGrace: Duration.zero } }))),
  )
})

describe("Organizations.restore", () => {
  it.effect("brings it back with everything in it, within its time of grace", () =>
    Effect.gen(function* () {
      const { organizations, organization, ada, bob, id } = yield* begin
      yield* organizations.remove(ada, id)
      yield* takeEvents(id)
      const already = (yield* auditOf(id)).length
      yield* TestClock.adjust("1 minute")
      const restored = yield* organizations.restore(ada, Slug.make("engines"))
      assert.deepStrictEqual(restored, { ...organization, updatedAt: yield* DateTime.now })
      assert.strictEqual((yield* organizations.get(bob, id)).counts.members, 2)
      const userId = ada.user.id
      assert.deepStrictEqual<object>(yield* takeEvents(id), [
        { _tag: "OrganizationRestored", organizationId: id, actorId: userId },
      ])
      assert.deepStrictEqual<object>(yield* gained(id, already), [
        { type: "organization.restored", userId, before: null, after: null, data: {} },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is too late at the end of the time of grace", () =>
    Effect.gen(function* () {
      const { organizations, ada, id } = yield* begin
      yield* organizations.remove(ada, id)
      const other = yield* create(ada, "Other")
      yield* organizations.remove(ada, other.organization.id)
      const fresh = Effect.map(DateTime.now, (authTime) => ({ ...ada, session: { ...ada.session, authTime } }))
      yield* TestClock.adjust(Duration.subtract(Duration.days(30), Duration.millis(1)))
      yield* organizations.restore(yield* fresh, other.organization.id)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* tagOf(organizations.restore(yield* fresh, id)), "OrganizationNotFound")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is for fresh sessions of those who may delete, of what is deleted", () =>
    Effect.gen(function* () {
      const { organizations, ada, bob, eve, id } = yield* begin
      const error = yield* Effect.flip(organizations.restore(ada, id))
      assert.isTrue(error._tag === "DeletionRefused" && error.reason === "not-deleted")
      yield* organizations.remove(ada, id)
      assert.strictEqual(yield* tagOf(organizations.restore(bob, id)), "PermissionMissing")
      assert.strictEqual(yield* tagOf(organizations.restore(eve, id)), "OrganizationNotFound")
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* tagOf(organizations.restore(ada, id)), "SessionNotFresh")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Organizations.transfer", () => {
  it.effect("makes another the owner in the actor's place, and tells them by mail", () =>
    Effect.gen(function* () {
      const { organizations, ada, bob, id, ownerId, memberId } = yield* begin
      const already = (yield* auditOf(id)).length
      yield* organizations.transfer(ada, id, { to: memberId })
      const rolesOf = (actor: Actor) =>
        Effect.map(organizations.get(actor, id), ({ membership }): ReadonlyArray<string> => membership.roles)
      assert.deepStrictEqual(yield* rolesOf(ada), ["admin"])
      assert.deepStrictEqual(yield* rolesOf(bob), ["member", "owner"])
      assert.strictEqual((yield* organizations.get(bob, id)).counts.owners, 1)
      const [fromUserId, toUserId] = [ada.user.id, bob.user.id]
      const by = { organizationId: id, actorId: fromUserId }
      assert.deepStrictEqual<object>(yield* takeEvents(id), [
        { _tag: "OwnershipTransferred", ...by, fromUserId, toUserId },
        {
          _tag: "MemberRoleChanged",
          ...by,
          memberId: ownerId,
          userId: fromUserId,
          before: ["owner"],
          after: ["admin"],
        },
        {
          _tag: "MemberRoleChanged",
          ...by,
          memberId,
          userId: toUserId,
          before: ["member"],
          after: ["member", "owner"],
        },
      ])
      assert.deepStrictEqual<object>(yield* gained(id, already), [
        {
          type: "organization.transferred",
          userId: fromUserId,
          before: { from: ["owner"], to: ["member"] },
          after: { from: ["admin"], to: ["member", "owner"] },
          data: { fromMemberId: ownerId, fromUserId, toMemberId: memberId, toUserId },
        },
      ])
      const mailer = yield* CapturingMailer
      const mail = yield* mailer.takeLast(bob.user.email, "organization-ownership")
      assert.include(mail.text, `http://localhost:3000/organizations/${id}`)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves the actor the roles they keep, that of an owner among them if they say so", () =>
    Effect.gen(function* () {
      const { organizations, ada, id, memberId } = yield* begin
      const role = yield* OrganizationBuilders.storedRole(id)
      yield* organizations.transfer(ada, id, { to: memberId, keeps: [RoleName.make("owner"), role.name] })
      const { membership, counts } = yield* organizations.get(ada, id)
      assert.deepStrictEqual<object>([membership.roles, counts.owners], [["owner", role.name], 2])
      const error = yield* Effect.flip(
        organizations.transfer(ada, id, { to: memberId, keeps: [RoleName.make("ghost")] }),
      )
      assert.isTrue(error._tag === "RoleNotFound" && error.roles.includes("ghost"))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is an owner's to do, whatever else somebody may", () =>
    Effect.gen(function* () {
      const { organizations, ada, bob, eve, id, memberId, ownerId } = yield* begin
      const { transfer } = organizations
      assert.strictEqual(yield* tagOf(transfer(eve, id, { to: ownerId })), "OrganizationNotFound")
      assert.strictEqual(yield* tagOf(transfer(bob, id, { to: ownerId })), "PermissionMissing")
      const all = yield* OrganizationBuilders.storedRole(id, {
        permissions: (yield* organizations.get(ada, id)).membership.permissions,
      })
      const members = yield* Members
      yield* members.setRoles(ada, id, { _tag: "Id", id: memberId }, [all.name])
      const already = (yield* auditOf(id)).length
      const error = yield* Effect.flip(transfer(bob, id, { to: ownerId }))
      assert.isTrue(error._tag === "PermissionMissing" && error.reason === "owner")
      const [refusal] = yield* gained(id, already)
      assert.deepInclude(refusal, { type: "organization.transferred", reason: "owner" })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("needs another member of the same organization, and a fresh session", () =>
    Effect.gen(function* () {
      const { organizations, ada, id, ownerId, memberId } = yield* begin
      const elsewhere = yield* OrganizationBuilders.storedOrganization()
      for (const to of [ownerId, elsewhere.ownerId, yield* OrganizationBuilders.memberId]) {
        assert.strictEqual(yield* tagOf(organizations.transfer(ada, id, { to })), "MemberNotFound")
      }
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* tagOf(organizations.transfer(ada, id, { to: memberId })), "SessionNotFresh")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Organizations.leave", () => {
  it.effect("ends the actor's membership, and tells so", () => {
    const told: Array<string> = []
    return Effect.gen(function* () {
      const { organizations, ada, bob, id, memberId } = yield* begin
      yield* organizations.leave(bob, id)
      assert.strictEqual(yield* tagOf(organizations.get(bob, id)), "OrganizationNotFound")
      assert.strictEqual(yield* tagOf(organizations.leave(bob, id)), "OrganizationNotFound")
      assert.strictEqual((yield* organizations.get(ada, id)).counts.members, 1)
      const userId = bob.user.id
      assert.deepStrictEqual<object>(yield* takeEvents(id), [
        { _tag: "MemberRemoved", organizationId: id, actorId: userId, memberId, userId, reason: "left" },
      ])
      assert.deepStrictEqual(told, ["left"])
    }).pipe(
      Effect.provide(
        layer({ hooks: { afterMemberRemoval: ({ reason }) => Effect.sync(() => void told.push(reason)) } }),
      ),
    )
  })

  it.effect("is not for the last owner", () =>
    Effect.gen(function* () {
      const { organizations, ada, id } = yield* begin
      const error = yield* Effect.flip(organizations.leave(ada, id))
      assert.isTrue(error._tag === "LastOwner" && error.organizationId === id)
      yield* organizations.get(ada, id)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("lets one of two owners go who leave at once", () =>
    Effect.gen(function* () {
      const { organizations, ada, id } = yield* begin
      const { actor } = yield* signIn("co-owner")
      const roles = OrganizationBuilders.builtIn("owner")
      yield* OrganizationBuilders.storedMember(id, { user: actor.user, roles })
      const tags = yield* Effect.forEach(
        [ada, actor],
        (who) => Effect.match(organizations.leave(who, id), { onSuccess: () => "left", onFailure: ({ _tag }) => _tag }),
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(tags.toSorted(), ["LastOwner", "left"])
    }).pipe(Effect.provide(layer())),
  )
})

describe("Organizations.auditEvents", () => {
  it.effect("shows those who may what happened, newest first, page by page, of one type or of one person", () =>
    Effect.gen(function* () {
      const { organizations, ada, bob, eve, id } = yield* begin
      yield* organizations.update(ada, id, patchOf({ name: "Renamed" }))
      yield* Effect.flip(organizations.remove(bob, id))
      const first = yield* organizations.auditEvents(ada, id, { limit: 2 })
      assert.deepStrictEqual(
        first.items.map(({ outcome, type }) => [type, outcome]),
        [
          ["organization.deleted", "failure"],
          ["organization.updated", "success"],
        ],
      )
      if (first.cursor === null) return assert.fail("no cursor")
      const rest = yield* organizations.auditEvents(ada, id, { cursor: first.cursor })
      assert.deepStrictEqual(
        rest.items.map(({ type }) => type),
        ["organization.created"],
      )
      const found = yield* organizations.auditEvents(ada, id, { search: "organization.up" })
      assert.deepStrictEqual(
        found.items.map(({ type }) => type),
        ["organization.updated"],
      )
      const ofBob = yield* organizations.auditEvents(ada, id, { userId: bob.user.id })
      assert.deepStrictEqual(
        ofBob.items.map(({ type }) => type),
        ["organization.deleted"],
      )
      assert.strictEqual(yield* tagOf(organizations.auditEvents(bob, id)), "PermissionMissing")
      assert.strictEqual(yield* tagOf(organizations.auditEvents(bob, id, { cursor: "none" })), "PermissionMissing")
      assert.strictEqual(yield* tagOf(organizations.auditEvents(eve, id)), "OrganizationNotFound")
    }).pipe(Effect.provide(layer())),
  )
})

describe("A deleted user", () => {
  it.effect("does not vanish under a membership", () =>
    Effect.gen(function* () {
      const { bob } = yield* begin
      const error = yield* Effect.flip(Users.use((users) => users.remove(bob.user.id, unknownClient)))
      assert.strictEqual(error._tag, "UserDeletionRefused")
    }).pipe(Effect.provide(layer())),
  )
})
