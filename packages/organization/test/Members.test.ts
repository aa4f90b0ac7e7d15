/**
 * Members: who sees, adds, changes and removes them, and what it leaves behind.
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserId } from "@belfry/core/User"
import { type Member, MemberId } from "@belfry/organization/Member"
import { Members } from "@belfry/organization/Members"
import { Memberships } from "@belfry/organization/Memberships"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { permissionsOf, builtInResources } from "@belfry/organization/Permission"
import { TeamId, TeamRoleName } from "@belfry/organization/Team"
import { Teams } from "@belfry/organization/Teams"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Ref, Struct } from "effect"
import { TestClock } from "effect/testing"
import { auditOf, takeEvents } from "./support/Happenings.ts"
import { layer } from "./support/HostServer.ts"
import {
  begin,
  byEmail,
  byId,
  byUser,
  escalates,
  lacks,
  outsider,
  refusal,
  roleName,
  roleNames,
} from "./support/People.ts"

const nobody = MemberId.make("0190163d-8694-739b-aea5-966c26f8ad91")
const ownersPermissions = [...permissionsOf(builtInResources), "project:read", "project:create", "project:delete"]
const notFound = { _tag: "OrganizationNotFound" }
const noMember = { _tag: "MemberNotFound" }

describe("Members.list", () => {
  it.effect("shows the members oldest first, page after page", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner, join } = yield* begin
      const ids = [owner.id, (yield* join("member")).id, (yield* join("admin")).id, (yield* join("member")).id]
      const page = (options: Parameters<typeof members.list>[2]) =>
        Effect.map(members.list(owner.actor, at, options), ({ items, cursor }) => ({
          ids: items.map(({ id }) => id),
          cursor,
        }))
      const first = yield* page({ limit: 3 })
      assert.deepStrictEqual(first.ids, ids.slice(0, 3))
      assert.deepStrictEqual(yield* page({ limit: 3, cursor: first.cursor ?? "" }), { ids: ids.slice(3), cursor: null })
      assert.deepStrictEqual(yield* page({ limit: 4 }), { ids, cursor: null })
      // Beyond its bounds a limit is the nearest that there is.
      assert.deepStrictEqual((yield* page({ limit: 0 })).ids, ids.slice(0, 1))
      assert.deepStrictEqual((yield* page({ limit: 1000 })).ids, ids)
      for (const cursor of ["", "x", "bm90LWFuLWlk"]) {
        assert.deepStrictEqual(yield* page({ cursor }), { ids: [], cursor: null }, cursor)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds by how address or name begins, from 2 characters on, and by role", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner, join, joinAs, role } = yield* begin
      yield* join("member")
      const auditor = yield* role("auditor", "audit:read")
      const user = yield* Builders.storedUser({ name: "Zoe" })
      const { id } = yield* OrganizationBuilders.storedMember(at, { user })
      const { id: custom } = yield* joinAs({ builtIn: [], custom: [auditor.id] })
      const found = (options: Parameters<typeof members.list>[2]) =>
        Effect.map(members.list(owner.actor, at, options), ({ items }) => items.map((member) => member.id))
      assert.deepStrictEqual(yield* found({ search: "ZO" }), [id])
      assert.deepStrictEqual(yield* found({ search: "  zo " }), [id])
      assert.strictEqual((yield* found({ search: "z" })).length, 4)
      assert.deepStrictEqual(yield* found({ search: user.email.toUpperCase() }), [id])
      assert.deepStrictEqual(yield* found({ role: auditor.name }), [custom])
      assert.deepStrictEqual(yield* found({ role: roleName("owner") }), [owner.id])
      assert.deepStrictEqual(yield* found({ role: roleName("owner"), search: "zo" }), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is for those who may read members; to outsiders there is no organization", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, join, joinWith } = yield* begin
      const billing = yield* join("billing")
      assert.deepStrictEqual(yield* refusal(members.list(billing.actor, at)), lacks("member:read"))
      assert.strictEqual((yield* members.list((yield* joinWith("member:read")).actor, at)).items.length, 3)
      assert.deepStrictEqual(yield* refusal(members.list(yield* outsider, at)), notFound)
      const nowhere = yield* OrganizationBuilders.organizationId
      assert.deepStrictEqual(yield* refusal(members.list(billing.actor, nowhere)), notFound)
      yield* OrganizationStore.use((store) => Effect.flatMap(DateTime.now, (now) => store.markDeleted(at, now)))
      assert.deepStrictEqual(yield* refusal(members.list(billing.actor, at)), notFound)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Members.get", () => {
  it.effect("shows a member by id, address or user to those who may read members", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner, join } = yield* begin
      const { id, actor } = yield* join("member")
      for (const ref of [byId(id), byEmail(actor.user.email), byUser(actor.user.id)]) {
        const { email, name, roles } = yield* members.get(owner.actor, at, ref)
        assert.deepStrictEqual<unknown>([email, name, roles], [actor.user.email, actor.user.name, ["member"]])
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("shows oneself to everybody, and whether there are others to nobody else", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner, join } = yield* begin
      const other = yield* begin
      const { id, actor } = yield* join("billing")
      for (const ref of [byId(id), byEmail(actor.user.email), byUser(actor.user.id)]) {
        assert.strictEqual((yield* members.get(actor, at, ref)).id, id)
      }
      for (const ref of [byId(owner.id), byId(nobody), byEmail(other.owner.actor.user.email)]) {
        assert.deepStrictEqual(yield* refusal(members.get(actor, at, ref)), lacks("member:read"))
      }
      for (const ref of [byId(nobody), byId(other.owner.id), byUser(other.owner.actor.user.id)]) {
        assert.deepStrictEqual(yield* refusal(members.get(owner.actor, at, ref)), noMember)
        assert.deepStrictEqual(yield* refusal(members.get(yield* outsider, at, ref)), notFound)
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("Members.add", () => {
  const open = { settings: { addsMembersDirectly: true } }

  it.effect("is off unless the host turns it on, and outsiders do not learn even that", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner, join } = yield* begin
      const asked = { userId: (yield* outsider).user.id, roles: roleNames("member") }
      assert.deepStrictEqual(yield* refusal(members.add(owner.actor, at, asked)), { _tag: "MemberAdditionDisabled" })
      assert.deepStrictEqual(
        yield* refusal(members.add((yield* join("member")).actor, at, asked)),
        lacks("member:create"),
      )
      assert.deepStrictEqual(yield* refusal(members.add(yield* outsider, at, asked)), notFound)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("makes a user a member, tells the host, and leaves its traces", () =>
    Effect.gen(function* () {
      const told = yield* Ref.make<ReadonlyArray<Member>>([])
      const afterMemberAddition = ({ member }: { readonly member: Member }) =>
        Ref.update(told, (earlier) => [...earlier, member])
      yield* Effect.gen(function* () {
        const members = yield* Members
        const { at, owner, role } = yield* begin
        const auditor = yield* role("auditor", "audit:read")
        yield* takeEvents(at)
        const { user } = yield* outsider
        const added = yield* members.add(owner.actor, at, {
          userId: user.id,
          roles: roleNames("auditor", "member", "billing"),
        })
        const roles = ["billing", "member", auditor.name]
        assert.deepStrictEqual<unknown>(
          [added.userId, added.email, added.name, added.roles],
          [user.id, user.email, user.name, roles],
        )
        assert.deepStrictEqual(yield* members.get(owner.actor, at, byId(added.id)), added)
        assert.deepStrictEqual(yield* Ref.get(told), [Struct.omit(added, ["email", "name", "image"])])
        const event = { _tag: "MemberAdded", organizationId: at, actorId: owner.actor.user.id, via: "addition" }
        assert.deepStrictEqual<unknown>(yield* takeEvents(at), [
          { ...event, memberId: added.id, userId: user.id, roles },
        ])
        assert.deepStrictEqual<unknown>(yield* auditOf(at), [
          {
            type: "organization-member.added",
            userId: owner.actor.user.id,
            before: null,
            after: { roles },
            data: { memberId: added.id, userId: user.id },
          },
        ])
      }).pipe(Effect.provide(layer({ ...open, hooks: { afterMemberAddition } })))
    }),
  )

  it.effect("answers a member as it is, who joins the teams", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const teams = yield* Teams
      const { at, owner, join } = yield* begin
      const { id, actor } = yield* join("billing")
      const team = yield* OrganizationBuilders.storedTeam({ organizationId: at })
      yield* takeEvents(at)
      const asked = { userId: actor.user.id, roles: roleNames("admin") }
      const before = yield* members.get(owner.actor, at, byId(id))
      assert.deepStrictEqual(yield* members.add(owner.actor, at, asked), before)
      assert.deepStrictEqual(yield* takeEvents(at), [])
      const withTeam = { ...asked, teams: [{ teamId: team.id, role: TeamRoleName.make("lead") }] }
      assert.deepStrictEqual(yield* members.add(owner.actor, at, withTeam), before)
      const { items } = yield* teams.members(owner.actor, at, team.id)
      assert.deepStrictEqual<unknown>(
        items.map(({ member, role }) => [member.id, role]),
        [[id, "lead"]],
      )
      assert.deepStrictEqual(
        (yield* takeEvents(at)).map(({ _tag }) => _tag),
        ["TeamMemberAdded"],
      )
    }).pipe(Effect.provide(layer(open))),
  )

  it.effect("gives no more than the actor has, nor makes owners of others than owners", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, joinWith, role } = yield* begin
      yield* role("auditor", "audit:read", "role:read")
      const { actor } = yield* joinWith("member:create", "role:read")
      const { user } = yield* outsider
      const add = (...names: Parameters<typeof roleNames>) =>
        refusal(members.add(actor, at, { userId: user.id, roles: roleNames(...names) }))
      assert.deepStrictEqual(yield* add("auditor"), escalates("audit:read"))
      assert.deepStrictEqual(yield* add("billing"), escalates("organization:read", "billing:read", "billing:manage"))
      assert.propertyVal(yield* add("owner"), "reason", "owner")
      // Every permission that there is, and no owner.
      const everything = yield* joinWith(...ownersPermissions)
      const asked = { userId: user.id, roles: roleNames("owner") }
      const refused = { _tag: "PermissionMissing", reason: "owner", missing: [] }
      assert.deepStrictEqual(yield* refusal(members.add(everything.actor, at, asked)), refused)
    }).pipe(Effect.provide(layer(open))),
  )

  it.effect("finds users, roles and teams that are there, and of the organization", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner } = yield* begin
      const other = yield* begin
      yield* other.role("auditor", "audit:read")
      const foreign = yield* OrganizationBuilders.storedTeam({ organizationId: other.at })
      const { user } = yield* outsider
      const add = (fields: Partial<Parameters<typeof members.add>[2]>) =>
        refusal(members.add(owner.actor, at, { userId: user.id, roles: roleNames("member"), ...fields }))
      assert.deepStrictEqual(yield* add({ userId: UserId.make(nobody) }), noMember)
      assert.deepStrictEqual(yield* add({ roles: roleNames("auditor", "member", "unheard-of") }), {
        _tag: "RoleNotFound",
        roles: ["auditor", "unheard-of"],
      })
      for (const teamId of [foreign.id, TeamId.make(nobody)]) {
        assert.deepStrictEqual(yield* add({ teams: [{ teamId }] }), { _tag: "TeamNotFound", what: "team" })
      }
      assert.strictEqual((yield* members.list(owner.actor, at)).items.length, 1)
    }).pipe(Effect.provide(layer(open))),
  )

  it.effect("seats no more than the limit, which may be asked for when it is needed", () =>
    Effect.gen(function* () {
      const plan = yield* Ref.make<number | null>(2)
      yield* Effect.gen(function* () {
        const members = yield* Members
        const { at, owner } = yield* begin
        const add = Effect.flatMap(outsider, ({ user }) =>
          members.add(owner.actor, at, { userId: user.id, roles: roleNames("member") }),
        )
        yield* add
        assert.deepStrictEqual(yield* refusal(add), { _tag: "LimitReached", limit: "members", maximum: 2 })
        yield* Ref.set(plan, null)
        yield* add
        assert.strictEqual((yield* members.list(owner.actor, at)).items.length, 3)
      }).pipe(
        Effect.provide(layer({ settings: { addsMembersDirectly: true, limits: { members: () => Ref.get(plan) } } })),
      )
    }),
  )
})

describe("Members.setRoles", () => {
  it.effect("replaces the roles, which count at once, and leaves its traces", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const memberships = yield* Memberships
      const { at, owner, join, role } = yield* begin
      yield* role("auditor", "audit:read")
      const { id, actor } = yield* join("member", "billing")
      yield* takeEvents(at)
      yield* TestClock.adjust("1 hour")
      const changed = yield* members.setRoles(owner.actor, at, byId(id), roleNames("auditor", "member"))
      assert.deepStrictEqual<unknown>(changed.roles, ["member", "auditor"])
      assert.deepStrictEqual(changed.updatedAt, yield* DateTime.now)
      assert.deepStrictEqual(yield* members.get(owner.actor, at, byId(id)), changed)
      const { permissionSet, roles } = yield* memberships.get({ userId: actor.user.id, organization: at })
      assert.deepStrictEqual<unknown>(roles, ["member", "auditor"])
      assert.isTrue(permissionSet.has("audit:read"))
      assert.isFalse(permissionSet.has("billing:manage"))
      const [before, after] = [
        ["billing", "member"],
        ["member", "auditor"],
      ]
      const event = { _tag: "MemberRoleChanged", organizationId: at, actorId: owner.actor.user.id }
      assert.deepStrictEqual<unknown>(yield* takeEvents(at), [
        { ...event, memberId: id, userId: actor.user.id, before, after },
      ])
      assert.deepStrictEqual<unknown>(yield* auditOf(at), [
        {
          type: "organization-member.roles-changed",
          userId: owner.actor.user.id,
          before: { roles: before },
          after: { roles: after },
          data: { memberId: id, userId: actor.user.id },
        },
      ])
      // The same again is no change.
      assert.deepStrictEqual(
        yield* members.setRoles(owner.actor, at, byId(id), roleNames("auditor", "member")),
        changed,
      )
      assert.deepStrictEqual(yield* takeEvents(at), [])
      assert.strictEqual((yield* auditOf(at)).length, 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gives a role of the organization to whoever has one of the same name that the host declares no more", () =>
    Effect.gen(function* () {
      const { at, owner, join, role } = yield* begin
      const { id, actor } = yield* join("auditor")
      yield* role("auditor", "audit:read")
      const changed = yield* Members.use((members) => members.setRoles(owner.actor, at, byId(id), roleNames("auditor")))
      assert.deepStrictEqual<unknown>(changed.roles, ["auditor"])
      const viewer = { userId: actor.user.id, organization: at }
      const { permissions } = yield* Memberships.use((memberships) => memberships.get(viewer))
      assert.deepStrictEqual<unknown>(permissions, ["audit:read"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("neither raises anybody above the actor, nor pulls down whoever has more", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner, join, joinWith, role } = yield* begin
      yield* role("reader", "role:read")
      const { actor } = yield* joinWith("member:update", "role:read")
      const plain = yield* joinWith("role:read")
      const auditor = yield* joinWith("audit:read", "role:read")
      const set = (id: MemberId, ...names: Parameters<typeof roleNames>) =>
        members.setRoles(actor, at, byId(id), roleNames(...names))
      assert.deepStrictEqual<unknown>((yield* set(plain.id, "reader")).roles, ["reader"])
      const ofMember = ["organization:read", "member:read", "team:read", "teamMember:read", "project:read"]
      assert.deepStrictEqual(yield* refusal(set(plain.id, "member")), escalates(...ofMember))
      // What is taken counts as what is given.
      assert.deepStrictEqual(yield* refusal(set(auditor.id, "reader")), escalates("audit:read"))
      for (const names of [roleNames("reader"), roleNames("owner")]) {
        const refused = yield* refusal(members.setRoles(actor, at, byId(owner.id), names))
        assert.propertyVal(refused, "reason", "owner")
      }
      // An administrator has nearly everything, and makes no owner: of nobody, not even of themselves.
      const admin = yield* join("admin")
      for (const id of [admin.id, plain.id]) {
        const refused = yield* refusal(members.setRoles(admin.actor, at, byId(id), roleNames("owner")))
        assert.propertyVal(refused, "reason", "owner")
      }
      const left = yield* members.list(owner.actor, at, { role: roleName("owner") })
      assert.deepStrictEqual(
        left.items.map(({ id }) => id),
        [owner.id],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("records what was refused for want of a permission, outside of what it undid", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner, join } = yield* begin
      const [admin, plain] = [yield* join("admin"), yield* join("member")]
      yield* refusal(members.setRoles(admin.actor, at, byId(owner.id), roleNames("member")))
      yield* refusal(members.setRoles(plain.actor, at, byId(admin.id), roleNames("member")))
      yield* refusal(members.remove(plain.actor, at, byId(admin.id)))
      yield* refusal(members.setRoles(yield* outsider, at, byId(owner.id), roleNames("member")))
      assert.deepStrictEqual(
        (yield* auditOf(at)).map((event) => [event.type, event.userId, "reason" in event ? event.reason : null]),
        [
          ["organization-member.roles-changed", admin.actor.user.id, "owner"],
          ["organization-member.roles-changed", plain.actor.user.id, "permission"],
          ["organization-member.removed", plain.actor.user.id, "permission"],
        ],
      )
      assert.deepStrictEqual(yield* takeEvents(at), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("keeps the last owner one, and lets an owner of two step back", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner, join } = yield* begin
      const stepBack = members.setRoles(owner.actor, at, byId(owner.id), roleNames("admin"))
      assert.deepStrictEqual(yield* refusal(stepBack), { _tag: "LastOwner", organizationId: at })
      assert.deepStrictEqual(yield* auditOf(at), [])
      const { id } = yield* join("member")
      yield* members.setRoles(owner.actor, at, byId(id), roleNames("member", "owner"))
      assert.deepStrictEqual<unknown>((yield* stepBack).roles, ["admin"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds members and roles of the organization alone, once the actor may", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner, join } = yield* begin
      const other = yield* begin
      yield* other.role("auditor", "audit:read")
      const { id, actor } = yield* join("member")
      const set = (ref: Parameters<typeof members.setRoles>[2], roles = roleNames("member")) =>
        members.setRoles(owner.actor, at, ref, roles)
      for (const ref of [byId(other.owner.id), byId(nobody), byEmail(other.owner.actor.user.email)]) {
        assert.deepStrictEqual(yield* refusal(set(ref)), noMember)
        assert.deepStrictEqual(
          yield* refusal(members.setRoles(actor, at, ref, roleNames("member"))),
          lacks("member:update"),
        )
      }
      assert.deepStrictEqual(yield* refusal(set(byId(id), roleNames("auditor"))), {
        _tag: "RoleNotFound",
        roles: ["auditor"],
      })
      assert.deepStrictEqual(
        yield* refusal(members.setRoles(yield* outsider, at, byId(id), roleNames("member"))),
        notFound,
      )
    }).pipe(Effect.provide(layer())),
  )
})

describe("Members.remove", () => {
  it.effect("ends a membership in all sessions and teams, tells the host, and leaves its traces", () =>
    Effect.gen(function* () {
      const told = yield* Ref.make<ReadonlyArray<unknown>>([])
      const afterMemberRemoval = (event: object) => Ref.update(told, (earlier) => [...earlier, event])
      yield* Effect.gen(function* () {
        const members = yield* Members
        const memberships = yield* Memberships
        const { at, owner, join } = yield* begin
        const { id, actor } = yield* join("member", "billing")
        const team = yield* OrganizationBuilders.storedTeam({ organizationId: at })
        yield* OrganizationBuilders.storedTeamMember(team, id)
        yield* memberships.activate(actor, at)
        yield* takeEvents(at)
        yield* members.remove(owner.actor, at, byEmail(actor.user.email))
        const { user, session } = actor
        const active = memberships.active({ userId: user.id, sessionId: session.id, requested: null })
        assert.deepStrictEqual(yield* active, Option.none())
        assert.deepStrictEqual(yield* refusal(members.list(actor, at)), notFound)
        assert.deepStrictEqual((yield* Teams.use((teams) => teams.members(owner.actor, at, team.id))).items, [])
        assert.deepStrictEqual(yield* Ref.get(told), [{ organizationId: at, userId: user.id, reason: "removed" }])
        const event = { _tag: "MemberRemoved", organizationId: at, actorId: owner.actor.user.id, reason: "removed" }
        assert.deepStrictEqual<unknown>(yield* takeEvents(at), [{ ...event, memberId: id, userId: user.id }])
        assert.deepStrictEqual<unknown>((yield* auditOf(at)).at(-1), {
          type: "organization-member.removed",
          userId: owner.actor.user.id,
          before: { roles: ["billing", "member"] },
          after: null,
          data: { memberId: id, userId: user.id, reason: "removed" },
        })
        assert.deepStrictEqual(yield* refusal(members.remove(owner.actor, at, byId(id))), noMember)
      }).pipe(Effect.provide(layer({ hooks: { afterMemberRemoval } })))
    }),
  )

  it.effect("calls it leaving when somebody removes themselves, which needs the permission all the same", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, join } = yield* begin
      const [admin, plain] = [yield* join("admin"), yield* join("member")]
      assert.deepStrictEqual(
        yield* refusal(members.remove(plain.actor, at, byUser(plain.actor.user.id))),
        lacks("member:delete"),
      )
      yield* takeEvents(at)
      yield* members.remove(admin.actor, at, byUser(admin.actor.user.id))
      assert.deepStrictEqual(
        (yield* takeEvents(at)).map((event) => (event._tag === "MemberRemoved" ? event.reason : event._tag)),
        ["left"],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("removes nobody who has more than the actor, no foreign member, and no last owner", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner, join, joinWith } = yield* begin
      const other = yield* begin
      const { actor } = yield* joinWith("member:delete", "role:read")
      const [auditor, reader] = [yield* joinWith("audit:read"), yield* joinWith("role:read")]
      assert.deepStrictEqual(yield* refusal(members.remove(actor, at, byId(auditor.id))), escalates("audit:read"))
      const admin = yield* join("admin")
      for (const by of [actor, admin.actor]) {
        const refused = yield* refusal(members.remove(by, at, byId(owner.id)))
        assert.propertyVal(refused, "reason", "owner")
      }
      assert.deepStrictEqual(yield* refusal(members.remove(owner.actor, at, byId(owner.id))), {
        _tag: "LastOwner",
        organizationId: at,
      })
      for (const ref of [byId(other.owner.id), byUser(other.owner.actor.user.id), byId(nobody)]) {
        assert.deepStrictEqual(yield* refusal(members.remove(owner.actor, at, ref)), noMember)
      }
      assert.deepStrictEqual(yield* refusal(members.remove(yield* outsider, at, byId(reader.id))), notFound)
      yield* members.remove(actor, at, byId(reader.id))
      assert.strictEqual((yield* members.list(owner.actor, at)).items.length, 4)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("undoes it all when what it leaves behind cannot be kept", () =>
    Effect.gen(function* () {
      const members = yield* Members
      const { at, owner, join } = yield* begin
      const { id } = yield* join("member")
      const transactions = yield* TransactionStore
      const failure = yield* refusal(
        transactions.run(
          Effect.andThen(members.remove(owner.actor, at, byId(id)), Effect.fail({ _tag: "undo" } as const)),
        ),
      )
      assert.deepStrictEqual(failure, { _tag: "undo" })
      assert.strictEqual((yield* members.get(owner.actor, at, byId(id))).id, id)
      assert.deepStrictEqual([yield* takeEvents(at), yield* auditOf(at)], [[], []])
    }).pipe(Effect.provide(layer())),
  )
})
