/**
 * Roles: those of the host, and what people make beside them.
 */
import { InvitationStore } from "@belfry/organization/InvitationStore"
import { Members } from "@belfry/organization/Members"
import { Memberships } from "@belfry/organization/Memberships"
import { Roles } from "@belfry/organization/Roles"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Ref } from "effect"
import { TestClock } from "effect/testing"
import { auditOf, takeEvents } from "./support/Happenings.ts"
import { layer } from "./support/HostServer.ts"
import { begin, byId, escalates, lacks, outsider, permissions, refusal, roleName, roleNames } from "./support/People.ts"

const notFound = { _tag: "OrganizationNotFound" }
const refused = (reason: string) => ({ _tag: "RoleRefused", reason })
const absent = (...roles: ReadonlyArray<string>) => ({ _tag: "RoleNotFound", roles })

describe("Roles.list", () => {
  it.effect("shows the roles of the host on the first page, then those of the organization by name", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, owner, role } = yield* begin
      for (const name of ["c", "a", "b"]) yield* role(name)
      const page = (options: Parameters<typeof roles.list>[2]) =>
        Effect.map(roles.list(owner.actor, at, options), ({ items, cursor }) => ({
          names: items.map(({ name }) => name).join(" "),
          cursor,
        }))
      const first = yield* page({ limit: 2 })
      assert.strictEqual(first.names, "owner admin member billing editor a b")
      assert.deepStrictEqual(yield* page({ limit: 2, cursor: first.cursor ?? "" }), { names: "c", cursor: null })
      assert.deepStrictEqual(yield* page({}), { names: "owner admin member billing editor a b c", cursor: null })
      for (const cursor of ["", "x", "QQ"]) {
        assert.deepStrictEqual(yield* page({ cursor }), { names: "", cursor: null }, cursor)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds by how the name begins, among both", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, owner, role } = yield* begin
      for (const name of ["author", "auditor", "boss"]) yield* role(name)
      const found = (search: string) =>
        Effect.map(roles.list(owner.actor, at, { search }), ({ items }) => items.map(({ name }) => name).join(" "))
      assert.strictEqual(yield* found("A"), "admin auditor author")
      assert.strictEqual(yield* found("au"), "auditor author")
      assert.strictEqual(yield* found("_"), "")
      assert.strictEqual(yield* found(" "), "owner admin member billing editor auditor author boss")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is for those who may read roles; to outsiders there is no organization", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, join } = yield* begin
      const billing = yield* join("billing")
      const lacking = lacks("role:read")
      assert.deepStrictEqual(yield* refusal(roles.list(billing.actor, at)), lacking)
      assert.deepStrictEqual(yield* refusal(roles.get(billing.actor, at, roleName("unheard-of"))), lacking)
      const stranger = yield* outsider
      assert.deepStrictEqual(yield* refusal(roles.list(stranger, at)), notFound)
      assert.deepStrictEqual(yield* refusal(roles.get(stranger, at, roleName("member"))), notFound)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Roles.get", () => {
  it.effect("shows a role of the host, which is not the organization's to change", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, owner } = yield* begin
      assert.deepStrictEqual<unknown>(yield* roles.get(owner.actor, at, roleName("editor")), {
        id: null,
        name: "editor",
        description: null,
        permissions: ["member:read", "project:create", "project:read"],
        isBuiltIn: true,
        createdAt: null,
        updatedAt: null,
      })
      const { permissions: all } = yield* roles.get(owner.actor, at, roleName("owner"))
      assert.includeMembers([...all], [...permissions("organization:transfer", "billing:manage", "project:delete")])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds the roles of the organization, and none of another", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, owner, role } = yield* begin
      const other = yield* begin
      const made = yield* role("auditor", "audit:read")
      yield* other.role("foreign", "audit:read")
      assert.deepStrictEqual(yield* roles.get(owner.actor, at, made.name), made)
      for (const name of ["foreign", "unheard-of"]) {
        assert.deepStrictEqual(yield* refusal(roles.get(owner.actor, at, roleName(name))), absent(name))
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("Roles.create", () => {
  it.effect("makes a role, which can be given, and leaves its traces", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const members = yield* Members
      const { at, owner, join } = yield* begin
      yield* takeEvents(at)
      const asked = { name: roleName("auditor"), permissions: permissions("role:read", "audit:read", "role:read") }
      const made = yield* roles.create(owner.actor, at, asked)
      const now = yield* DateTime.now
      const { id, ...fields } = made
      assert.deepStrictEqual<unknown>(fields, {
        name: "auditor",
        description: null,
        permissions: ["audit:read", "role:read"],
        isBuiltIn: false,
        createdAt: now,
        updatedAt: now,
      })
      assert.deepStrictEqual(yield* roles.get(owner.actor, at, made.name), made)
      const event = { _tag: "RoleCreated", organizationId: at, actorId: owner.actor.user.id, roleId: id }
      assert.deepStrictEqual<unknown>(yield* takeEvents(at), [
        { ...event, name: "auditor", permissions: ["audit:read", "role:read"] },
      ])
      assert.deepStrictEqual<unknown>(yield* auditOf(at), [
        {
          type: "organization-role.created",
          userId: owner.actor.user.id,
          before: null,
          after: { name: "auditor", description: null, permissions: ["audit:read", "role:read"] },
          data: { roleId: id },
        },
      ])
      const { id: memberId } = yield* join("member")
      yield* members.setRoles(owner.actor, at, byId(memberId), roleNames("auditor"))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gives no permission that the actor lacks", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, join, joinWith } = yield* begin
      const { actor } = yield* joinWith("role:create", "audit:read")
      const create = (name: string, ...texts: ReadonlyArray<string>) =>
        roles.create(actor, at, { name: roleName(name), permissions: permissions(...texts) })
      yield* create("auditor", "audit:read")
      yield* create("nothing")
      assert.deepStrictEqual(
        yield* refusal(create("more", "audit:read", "role:read", "project:read")),
        escalates("project:read", "role:read"),
      )
      const admin = yield* join("admin")
      const asked = { name: roleName("payer"), permissions: permissions("billing:manage", "role:read") }
      assert.deepStrictEqual(yield* refusal(roles.create(admin.actor, at, asked)), escalates("billing:manage"))
      const plain = yield* join("member")
      assert.deepStrictEqual(yield* refusal(roles.create(plain.actor, at, asked)), lacks("role:create"))
      assert.deepStrictEqual(yield* refusal(roles.create(yield* outsider, at, asked)), notFound)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses permissions that the host does not declare, and names that are taken", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, owner, joinWith, role } = yield* begin
      yield* role("auditor")
      const create = (name: string, ...texts: ReadonlyArray<string>) =>
        refusal(roles.create(owner.actor, at, { name: roleName(name), permissions: permissions(...texts) }))
      assert.deepStrictEqual(yield* create("new-one", "project:archive"), refused("permission-unknown"))
      assert.deepStrictEqual(yield* create("auditor"), refused("name-taken"))
      for (const name of ["owner", "member", "editor"]) assert.deepStrictEqual(yield* create(name), refused("built-in"))
      // Whoever lacks a permission is told so first.
      const { actor } = yield* joinWith("role:create")
      const asked = { name: roleName("new-one"), permissions: permissions("project:archive", "audit:read") }
      assert.deepStrictEqual(yield* refusal(roles.create(actor, at, asked)), escalates("audit:read"))
      assert.strictEqual((yield* roles.list(owner.actor, at, { search: "new" })).items.length, 0)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("makes no more than the limit, which may be asked for when it is needed", () =>
    Effect.gen(function* () {
      const plan = yield* Ref.make(1)
      yield* Effect.gen(function* () {
        const roles = yield* Roles
        const { at, owner } = yield* begin
        const create = (name: string) => roles.create(owner.actor, at, { name: roleName(name), permissions: [] })
        yield* create("one")
        assert.deepStrictEqual(yield* refusal(create("two")), { _tag: "LimitReached", limit: "roles", maximum: 1 })
        assert.deepStrictEqual(yield* refusal(create("one")), refused("name-taken"))
        yield* Ref.set(plan, 2)
        yield* create("two")
      }).pipe(Effect.provide(layer({ settings: { limits: { roles: () => Ref.get(plan) } } })))
    }),
  )
})

describe("Roles.update", () => {
  it.effect("changes what the role gives at once, for all who have it, and leaves its traces", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const memberships = yield* Memberships
      const { at, owner, joinAs, role } = yield* begin
      const made = yield* role("auditor", "audit:read")
      const { actor } = yield* joinAs({ builtIn: [], custom: [made.id] })
      yield* takeEvents(at)
      yield* TestClock.adjust("1 hour")
      const patch = { name: roleName("reviewer"), permissions: permissions("role:read", "member:read") }
      const updated = yield* roles.update(owner.actor, at, made.name, patch)
      assert.deepStrictEqual<unknown>(updated, {
        ...made,
        name: "reviewer",
        permissions: ["member:read", "role:read"],
        updatedAt: yield* DateTime.now,
      })
      const membership = yield* memberships.get({ userId: actor.user.id, organization: at })
      assert.deepStrictEqual<unknown>(
        [membership.roles, membership.permissions],
        [["reviewer"], ["member:read", "role:read"]],
      )
      const event = { _tag: "RoleUpdated", organizationId: at, actorId: owner.actor.user.id, roleId: made.id }
      assert.deepStrictEqual<unknown>(yield* takeEvents(at), [
        { ...event, name: "reviewer", before: ["audit:read"], after: ["member:read", "role:read"] },
      ])
      assert.deepStrictEqual<unknown>(yield* auditOf(at), [
        {
          type: "organization-role.updated",
          userId: owner.actor.user.id,
          before: { name: "auditor", permissions: ["audit:read"] },
          after: { name: "reviewer", permissions: ["member:read", "role:read"] },
          data: { roleId: made.id },
        },
      ])
      assert.deepStrictEqual(yield* refusal(roles.get(owner.actor, at, made.name)), absent("auditor"))
      // The same again is no change.
      assert.deepStrictEqual(yield* roles.update(owner.actor, at, patch.name, patch), updated)
      assert.deepStrictEqual(yield* roles.update(owner.actor, at, patch.name, {}), updated)
      assert.deepStrictEqual(yield* takeEvents(at), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("changes a description alone, and takes it away", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, owner, role } = yield* begin
      const { name } = yield* role("auditor", "audit:read")
      const described = yield* roles.update(owner.actor, at, name, { description: "Looks at everything" })
      assert.strictEqual(described.description, "Looks at everything")
      assert.deepStrictEqual((yield* roles.update(owner.actor, at, name, { name })).description, described.description)
      assert.strictEqual((yield* roles.update(owner.actor, at, name, { description: null })).description, null)
      assert.deepStrictEqual(
        (yield* auditOf(at)).map(({ before, after }) => [before, after]),
        [
          [{ description: null }, { description: "Looks at everything" }],
          [{ description: "Looks at everything" }, { description: null }],
        ],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("needs all that the role gives, before as after", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, joinWith, join, role } = yield* begin
      const [auditor, reader] = [yield* role("auditor", "audit:read"), yield* role("reader", "role:read")]
      const { actor } = yield* joinWith("role:update", "role:read")
      const update = (name: typeof auditor.name, ...texts: ReadonlyArray<string>) =>
        roles.update(actor, at, name, { permissions: permissions(...texts) })
      assert.deepStrictEqual(yield* refusal(update(reader.name, "role:read", "audit:read")), escalates("audit:read"))
      assert.deepStrictEqual(yield* refusal(update(auditor.name, "role:read")), escalates("audit:read"))
      assert.deepStrictEqual(
        yield* refusal(roles.update(actor, at, auditor.name, { description: "Mine now" })),
        escalates("audit:read"),
      )
      yield* update(reader.name)
      const plain = yield* join("member")
      assert.deepStrictEqual(yield* refusal(roles.update(plain.actor, at, auditor.name, {})), lacks("role:update"))
      assert.deepStrictEqual(yield* refusal(roles.update(yield* outsider, at, auditor.name, {})), notFound)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses roles of the host, names that are taken, and permissions that nobody declares", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, owner, role } = yield* begin
      const other = yield* begin
      const [auditor] = [yield* role("auditor"), yield* role("reader"), yield* other.role("foreign")]
      const update = (name: string, patch: Parameters<typeof roles.update>[3]) =>
        refusal(roles.update(owner.actor, at, roleName(name), patch))
      for (const name of ["owner", "editor"]) {
        assert.deepStrictEqual(yield* update(name, { description: "Mine" }), refused("built-in"))
        assert.deepStrictEqual(yield* update("auditor", { name: roleName(name) }), refused("built-in"))
      }
      assert.deepStrictEqual(yield* update("auditor", { name: roleName("reader") }), refused("name-taken"))
      const unknown = { permissions: permissions("project:archive") }
      assert.deepStrictEqual(yield* update("auditor", unknown), refused("permission-unknown"))
      assert.deepStrictEqual(yield* update("foreign", { description: "Mine" }), absent("foreign"))
      assert.deepStrictEqual(yield* roles.get(owner.actor, at, auditor.name), auditor)
      assert.deepStrictEqual(yield* auditOf(at), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("knows nothing of permissions that the host gave up", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, joinWith, role } = yield* begin
      const { name } = yield* role("keeper", "project:archive", "role:read")
      const { actor } = yield* joinWith("role:read", "role:update", "role:delete")
      assert.deepStrictEqual((yield* roles.get(actor, at, name)).permissions, permissions("role:read"))
      const { items } = yield* roles.list(actor, at, { search: "keeper" })
      assert.deepStrictEqual(items[0]?.permissions, permissions("role:read"))
      yield* roles.update(actor, at, name, { description: "Still here" })
      yield* roles.remove(actor, at, name)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Roles.remove", () => {
  it.effect("deletes a role that nobody has, and leaves its traces", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, owner, role } = yield* begin
      const { id, name } = yield* role("auditor", "audit:read")
      yield* takeEvents(at)
      yield* roles.remove(owner.actor, at, name)
      assert.deepStrictEqual(yield* refusal(roles.get(owner.actor, at, name)), absent("auditor"))
      assert.deepStrictEqual(yield* refusal(roles.remove(owner.actor, at, name)), absent("auditor"))
      const event = { _tag: "RoleDeleted", organizationId: at, actorId: owner.actor.user.id, roleId: id }
      assert.deepStrictEqual<unknown>(yield* takeEvents(at), [{ ...event, name: "auditor", replacement: null }])
      assert.deepStrictEqual<unknown>(yield* auditOf(at), [
        {
          type: "organization-role.deleted",
          userId: owner.actor.user.id,
          before: { name: "auditor", description: null, permissions: ["audit:read"] },
          after: null,
          data: { roleId: id, replacement: null },
        },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("keeps a role that somebody has or is offered, unless another comes in its place", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const members = yield* Members
      const { at, owner, joinAs, role } = yield* begin
      const [auditor, reader] = [yield* role("auditor", "audit:read"), yield* role("reader", "role:read")]
      const assignment = { builtIn: [], custom: [auditor.id] }
      const { id } = yield* joinAs(assignment)
      const { invitation } = yield* OrganizationBuilders.storedInvitation({
        organizationId: at,
        roles: [auditor.name],
        assignment,
      })
      const offered = Effect.map(
        InvitationStore.use((store) => store.find({ userId: owner.actor.user.id, organization: at }, invitation.id)),
        (found) => Option.getOrThrow(Option.getOrThrow(found).value).invitation.roles,
      )
      const remove = (name: typeof auditor.name, replacement?: string) =>
        roles.remove(owner.actor, at, name, replacement === undefined ? undefined : roleName(replacement))
      assert.deepStrictEqual(yield* refusal(remove(auditor.name)), refused("in-use"))
      yield* takeEvents(at)
      yield* remove(auditor.name, "reader")
      assert.deepStrictEqual<unknown>((yield* members.get(owner.actor, at, byId(id))).roles, ["reader"])
      assert.deepStrictEqual<unknown>(yield* offered, ["reader"])
      assert.deepStrictEqual(
        (yield* takeEvents(at)).map((event) => (event._tag === "RoleDeleted" ? event.replacement : event._tag)),
        [roleName("reader")],
      )
      assert.deepStrictEqual(yield* refusal(remove(reader.name)), refused("in-use"))
      yield* remove(reader.name, "billing")
      assert.deepStrictEqual<unknown>((yield* members.get(owner.actor, at, byId(id))).roles, ["billing"])
      assert.deepStrictEqual<unknown>(yield* offered, ["billing"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("needs all that the role and its replacement give, and makes nobody an owner", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, owner, join, joinWith, role } = yield* begin
      yield* role("auditor", "audit:read")
      yield* role("reader", "role:read")
      const { actor } = yield* joinWith("role:delete", "role:read")
      const remove = (name: string, replacement?: string, by = actor) =>
        refusal(roles.remove(by, at, roleName(name), replacement === undefined ? undefined : roleName(replacement)))
      assert.deepStrictEqual(yield* remove("auditor"), escalates("audit:read"))
      assert.deepStrictEqual(yield* remove("reader", "auditor"), escalates("audit:read"))
      assert.propertyVal(yield* remove("reader", "owner"), "reason", "owner")
      assert.deepStrictEqual(yield* remove("reader", "owner", owner.actor), refused("built-in"))
      assert.deepStrictEqual(yield* remove("reader", undefined, (yield* join("member")).actor), lacks("role:delete"))
      assert.deepStrictEqual(yield* remove("reader", undefined, yield* outsider), notFound)
      yield* roles.remove(actor, at, roleName("reader"))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds roles of the organization alone, and none of the host to delete", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, owner, role } = yield* begin
      const other = yield* begin
      yield* role("auditor")
      yield* other.role("foreign")
      const remove = (name: string, replacement?: string) =>
        refusal(
          roles.remove(owner.actor, at, roleName(name), replacement === undefined ? undefined : roleName(replacement)),
        )
      assert.deepStrictEqual(yield* remove("foreign"), absent("foreign"))
      assert.deepStrictEqual(yield* remove("auditor", "foreign"), absent("foreign"))
      assert.deepStrictEqual(yield* remove("auditor", "auditor"), absent("auditor"))
      for (const name of ["owner", "member", "editor"]) assert.deepStrictEqual(yield* remove(name), refused("built-in"))
    }).pipe(Effect.provide(layer())),
  )
})

describe("A role whose name the host declared since", () => {
  /** The host has an `editor`, and so has the organization: made before, and given to somebody. */
  const beginWithEditor = Effect.gen(function* () {
    const begun = yield* begin
    const role = yield* begun.role("editor", "project:delete")
    const holder = yield* begun.joinAs({ builtIn: [], custom: [role.id] })
    const memberships = yield* Memberships
    const held = Effect.map(
      memberships.get({ userId: holder.actor.user.id, organization: begun.at }),
      ({ roles, permissions }): object => ({ roles, permissions }),
    )
    return { ...begun, role, held, actor: begun.owner.actor, name: roleName("editor") }
  })
  const ofHost = ["member:read", "project:create", "project:read"]

  it.effect("gives what it gave, and no more, nor the name of the host's", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { actor, at, held, join, name, role } = yield* beginWithEditor
      assert.deepStrictEqual(yield* held, { roles: [], permissions: ["project:delete"] })
      assert.deepStrictEqual<object>(yield* roles.get(actor, at, name), role)
      // By the name, the host's is given.
      const given = yield* join("member")
      yield* Members.use((members) => members.setRoles(actor, at, byId(given.id), roleNames("editor")))
      const membership = yield* Memberships.use((all) => all.get({ userId: given.actor.user.id, organization: at }))
      assert.deepStrictEqual<object>(membership.permissions, ofHost)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is deleted, and its holders get the host's or another in its place", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      for (const [replacement, expected] of [
        ["editor", { roles: ["editor"], permissions: ofHost }],
        ["billing", { roles: ["billing"], permissions: ["billing:manage", "billing:read", "organization:read"] }],
      ] as const) {
        const { actor, at, held, name } = yield* beginWithEditor
        assert.deepStrictEqual(yield* refusal(roles.remove(actor, at, name)), refused("in-use"))
        yield* roles.remove(actor, at, name, roleName(replacement))
        assert.deepStrictEqual<object>(yield* held, expected)
        assert.isTrue((yield* roles.get(actor, at, name)).isBuiltIn)
        assert.deepStrictEqual(yield* refusal(roles.remove(actor, at, name)), refused("built-in"))
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is deleted by those alone who have what it gives, and what the host's gives", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, joinWith, name } = yield* beginWithEditor
      const without = yield* joinWith("role:read", "role:delete", ...ofHost)
      assert.deepStrictEqual(yield* refusal(roles.remove(without.actor, at, name, name)), escalates("project:delete"))
      const other = yield* joinWith("role:read", "role:delete", "project:delete", "project:read", "member:read")
      assert.deepStrictEqual(yield* refusal(roles.remove(other.actor, at, name, name)), escalates("project:create"))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is renamed, and changed in no other way before", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { actor, at, held, name } = yield* beginWithEditor
      const patch = { description: "Deletes projects" }
      assert.deepStrictEqual(yield* refusal(roles.update(actor, at, name, patch)), refused("built-in"))
      yield* roles.update(actor, at, name, { ...patch, name: roleName("remover") })
      assert.deepStrictEqual(yield* held, { roles: ["remover"], permissions: ["project:delete"] })
      assert.isTrue((yield* roles.get(actor, at, name)).isBuiltIn)
    }).pipe(Effect.provide(layer())),
  )
})

describe("What was refused about roles", () => {
  it.effect("is recorded for want of a permission, outside of what it undid", () =>
    Effect.gen(function* () {
      const roles = yield* Roles
      const { at, joinWith, role } = yield* begin
      const { name } = yield* role("auditor", "audit:read")
      const { actor } = yield* joinWith("role:create", "role:update")
      yield* refusal(roles.create(actor, at, { name: roleName("other"), permissions: permissions("audit:read") }))
      yield* refusal(roles.update(actor, at, name, { permissions: [] }))
      yield* refusal(roles.remove(actor, at, name))
      yield* refusal(roles.remove(yield* outsider, at, name))
      assert.deepStrictEqual(
        (yield* auditOf(at)).map((event) => [event.type, event.userId, "reason" in event ? event.reason : null]),
        [
          ["organization-role.created", actor.user.id, "escalation"],
          ["organization-role.updated", actor.user.id, "escalation"],
          ["organization-role.deleted", actor.user.id, "permission"],
        ],
      )
      assert.deepStrictEqual(yield* takeEvents(at), [])
    }).pipe(Effect.provide(layer())),
  )
})
