import { Audit } from "@belfry/core/Audit"
import type { Actor } from "@belfry/organization/Membership"
import { Memberships } from "@belfry/organization/Memberships"
import { aggregateOf, type JsonObject, OrganizationPatch, Slug } from "@belfry/organization/Organization"
import { Organizations } from "@belfry/organization/Organizations"
import { Teams } from "@belfry/organization/Teams"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { begin, create, gained, tagOf } from "./support/Beginning.ts"
import { auditOf, takeEvents } from "./support/Happenings.ts"
import { layer, type Options, signIn } from "./support/HostServer.ts"

const patchOf = (patch: OrganizationPatch) => OrganizationPatch.make(patch)

describe("Organizations.create", () => {
  it.effect("makes the actor the owner, and the session act for it", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("ada")
      const created = yield* create(actor, "Engines", {
        slug: Slug.make("engines"),
        publicMetadata: { plan: "team" },
      })
      const now = yield* DateTime.now
      assert.deepStrictEqual<object>(created.organization, {
        id: created.organization.id,
        name: "Engines",
        slug: "engines",
        logo: null,
        publicMetadata: { plan: "team" },
        createdAt: now,
        updatedAt: now,
        deletedAt: null,
      })
      assert.deepStrictEqual<object>(created.membership.roles, ["owner"])
      assert.isTrue(created.membership.permissionSet.has("project:delete"))
      const active = yield* Memberships.use((memberships) =>
        memberships.active({ userId: actor.user.id, sessionId: actor.session.id, requested: null }),
      )
      const { membership, source } = Option.getOrThrow(active)
      assert.deepStrictEqual([membership, source], [created.membership, "session"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("makes one for who calls without a session, of which nothing speaks then", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("ada")
      const created = yield* create({ ...actor, session: null })
      const listed = yield* Organizations.use((organizations) => organizations.list(actor))
      assert.deepStrictEqual(listed.items, [created])
      assert.isNull(created.lastUsedAt)
      const aggregate = aggregateOf(created.organization.id)
      const audits = yield* Audit.use((audit) => audit.list({ aggregate, limit: 10 }))
      assert.deepStrictEqual(
        audits.map(({ type, userId, sessionId }) => ({ type, userId, sessionId })),
        [{ type: "organization.created", userId: actor.user.id, sessionId: null }],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves an audit event and two events of the outbox", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("ada")
      const { organization, membership } = yield* create(actor, "Engines", { slug: Slug.make("engines") })
      const userId = actor.user.id
      const [memberId, by] = [membership.memberId, { organizationId: organization.id, actorId: userId }]
      assert.deepStrictEqual<object>(yield* takeEvents(organization.id), [
        { _tag: "OrganizationCreated", ...by, slug: "engines", ownerId: userId },
        { _tag: "MemberAdded", ...by, memberId, userId, roles: ["owner"], via: "creation" },
      ])
      assert.deepStrictEqual<object>(yield* auditOf(organization.id), [
        {
          type: "organization.created",
          userId,
          before: null,
          after: { name: "Engines", slug: "engines", logo: null },
          data: { memberId, ownerId: userId },
        },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("makes a second one of the same name, and none of the same slug", () =>
    Effect.gen(function* () {
      const [ada, bob] = [yield* signIn("ada"), yield* signIn("bob")]
      const slug = Slug.make("engines")
      yield* create(ada.actor, "Engines", { slug })
      yield* create(bob.actor, "Engines")
      const error = yield* Effect.flip(create(bob.actor, "Engines", { slug }))
      assert.isTrue(error._tag === "SlugTaken" && error.slug === slug)
      const organizations = yield* Organizations
      assert.isFalse(yield* organizations.isSlugAvailable(slug))
      assert.isTrue(yield* organizations.isSlugAvailable(Slug.make("engines-2")))
      assert.strictEqual((yield* organizations.list(bob.actor)).items.length, 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("keeps metadata as the host's form has it, and refuses what that does not know, without repeating it", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("ada")
      const kept = yield* create(actor, "A", { publicMetadata: { plan: "free", more: 1 } })
      assert.deepStrictEqual(kept.organization.publicMetadata, { plan: "free" })
      const error = yield* Effect.flip(create(actor, "B", { publicMetadata: { plan: "s3cret" } }))
      if (error._tag !== "MetadataInvalid") return assert.fail(error._tag)
      assert.strictEqual(error.issues.length, 1)
      assert.match(error.issues[0] ?? "", /^plan: /)
      assert.notInclude(JSON.stringify(error), "s3cret")
      const deep: JsonObject = JSON.parse(`{"plan":"free","a":${"[".repeat(8000)}${"]".repeat(8000)}}`)
      assert.strictEqual(yield* tagOf(create(actor, "C", { publicMetadata: deep })), "MetadataInvalid")
      const large = { plan: "free", text: "é".repeat(8 * 1024) }
      assert.strictEqual(yield* tagOf(create(actor, "C", { publicMetadata: large })), "MetadataInvalid")
    }).pipe(Effect.provide(layer())),
  )

  const creators: ReadonlyArray<readonly [string, NonNullable<Options["settings"]>]> = [
    ["nobody", { mayCreate: false }],
    ["whom the host chooses", { mayCreate: ({ name }) => Effect.succeed(name === "ada") }],
  ]
  for (const [who, settings] of creators) {
    it.effect(`lets ${who} make one, where the settings say so`, () =>
      Effect.gen(function* () {
        const [ada, bob] = [yield* signIn("ada"), yield* signIn("bob")]
        assert.strictEqual(yield* tagOf(create(bob.actor)), "OrganizationCreationRefused")
        const ofAda = yield* Effect.exit(create(ada.actor))
        assert.strictEqual(ofAda._tag, who === "nobody" ? "Failure" : "Success")
      }).pipe(Effect.provide(layer({ settings }))),
    )
  }

  it.effect("makes no more than the limit says, which may depend on who asks", () =>
    Effect.gen(function* () {
      const [ada, bob] = [yield* signIn("ada"), yield* signIn("bob")]
      yield* create(ada.actor)
      const second = yield* create(ada.actor)
      const error = yield* Effect.flip(create(ada.actor))
      if (error._tag !== "LimitReached") return assert.fail(error._tag)
      assert.deepStrictEqual([error.limit, error.maximum], ["organizations", 2])
      yield* create(bob.actor)
      assert.strictEqual(yield* tagOf(create(bob.actor)), "LimitReached")
      // What is deleted can be restored, and counts until it is gone.
      const id = second.organization.id
      yield* Organizations.use((organizations) => organizations.remove(ada.actor, id))
      assert.strictEqual(yield* tagOf(create(ada.actor)), "LimitReached")
      yield* TrustedOrganizations.use((trusted) => trusted.remove(id, { purges: true }))
      yield* create(ada.actor)
    }).pipe(
      Effect.provide(
        layer({
          settings: { limits: { organizations: ({ user }) => Effect.succeed(user.name === "ada" ? 2 : 1) } },
        }),
      ),
    ),
  )

  it.effect("makes as many as there is room for when 50 fibers ask at once", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("ada")
      const tags = yield* Effect.forEach(
        Array.from({ length: 50 }),
        () => Effect.match(create(actor), { onSuccess: () => "made", onFailure: ({ _tag }) => _tag }),
        { concurrency: "unbounded" },
      )
      assert.strictEqual(tags.filter((tag) => tag === "made").length, 3)
      assert.strictEqual(tags.filter((tag) => tag === "LimitReached").length, 47)
    }).pipe(Effect.provide(layer({ settings: { limitsRates: false, limits: { organizations: 3 } } }))),
  )

  it.effect("lets somebody make 20 in an hour, unless rates are not limited", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("ada")
      yield* Effect.forEach(Array.from({ length: 20 }), () => create(actor))
      const error = yield* Effect.flip(create(actor))
      assert.strictEqual(error._tag, "RateLimited")
      yield* create((yield* signIn("bob")).actor)
      yield* TestClock.adjust("1 hour")
      yield* create(actor)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("makes any number where rates are not limited", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("ada")
      yield* Effect.forEach(Array.from({ length: 21 }), () => create(actor))
    }).pipe(Effect.provide(layer({ settings: { limitsRates: false } }))),
  )

  it.effect("begins with the team of the settings, whose lead is the owner", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("ada")
      const { organization } = yield* create(actor)
      const teams = yield* Teams.use((teams) => teams.list(actor, organization.id))
      assert.deepStrictEqual(
        teams.items.map(({ name }) => name),
        ["Everybody"],
      )
      const tags = (yield* takeEvents(organization.id)).map(({ _tag }) => _tag)
      assert.deepStrictEqual(tags.slice(0, 3), ["OrganizationCreated", "MemberAdded", "TeamCreated"])
    }).pipe(Effect.provide(layer({ settings: { teams: { defaultTeam: "Everybody" } } }))),
  )
})

describe("Organizations.list", () => {
  it.effect("has the actor's own, the one joined last first, page by page, with who they are there", () =>
    Effect.gen(function* () {
      const { organizations, bob, id } = yield* begin
      yield* TestClock.adjust("1 second")
      const two = yield* create(bob, "Two")
      yield* TestClock.adjust("1 second")
      const three = yield* create(bob, "Three")
      const first = yield* organizations.list(bob, { limit: 2 })
      assert.deepStrictEqual(
        first.items.map(({ organization }) => organization.id),
        [three.organization.id, two.organization.id],
      )
      if (first.cursor === null) return assert.fail("no cursor")
      const rest = yield* organizations.list(bob, { cursor: first.cursor, limit: 2 })
      assert.isNull(rest.cursor)
      assert.deepStrictEqual<object>(
        rest.items.map((own) => [own.organization.id, own.membership.roles, own.lastUsedAt]),
        [[id, ["member"], null]],
      )
      for (const cursor of ["", "no cursor", "bm9uZQ", id, `${first.cursor}x`]) {
        assert.deepStrictEqual(yield* organizations.list(bob, { cursor }), { items: [], cursor: null })
      }
      const found = yield* organizations.list(bob, { search: " t" })
      assert.deepStrictEqual(
        found.items.map(({ organization }) => organization.name),
        ["Three", "Two"],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("has what is deleted apart, for those who can restore it, as long as they can", () =>
    Effect.gen(function* () {
      const { organizations, ada, bob, id } = yield* begin
      yield* organizations.remove(ada, id)
      const idsOf = (actor: Actor, deleted: boolean) =>
        Effect.map(organizations.list(actor, { deleted }), ({ items }) =>
          items.map(({ organization }) => organization.id),
        )
      assert.deepStrictEqual([yield* idsOf(ada, false), yield* idsOf(ada, true)], [[], [id]])
      assert.deepStrictEqual([yield* idsOf(bob, false), yield* idsOf(bob, true)], [[], []])
      yield* TestClock.adjust("30 days")
      assert.deepStrictEqual(yield* idsOf(ada, true), [])
    }).pipe(Effect.provide(layer())),
  )
})

describe("Organizations.get", () => {
  it.effect("shows it with its counts to a member, and to others nothing", () =>
    Effect.gen(function* () {
      const { organizations, organization, bob, eve, id } = yield* begin
      const found = yield* organizations.get(bob, Slug.make("engines"))
      assert.deepStrictEqual(found.organization, organization)
      assert.deepStrictEqual(found.counts, { members: 2, owners: 1, teams: 0, pendingInvitations: 0 })
      assert.deepStrictEqual<object>(found.membership.roles, ["member"])
      assert.strictEqual(yield* tagOf(organizations.get(eve, id)), "OrganizationNotFound")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("shows private metadata to nobody", () =>
    Effect.gen(function* () {
      const { organizations, ada, id } = yield* begin
      yield* TrustedOrganizations.use((trusted) => trusted.update(id, { privateMetadata: { customerId: "cus_1" } }))
      const shown = [
        yield* organizations.get(ada, id),
        yield* organizations.list(ada),
        yield* organizations.update(ada, id, patchOf({ name: "Renamed" })),
        yield* organizations.update(ada, id, patchOf({ name: "Renamed" })),
        yield* Effect.andThen(organizations.remove(ada, id), organizations.restore(ada, id)),
      ]
      for (const value of shown) assert.notInclude(JSON.stringify(value), "privateMetadata")
    }).pipe(Effect.provide(layer())),
  )
})

describe("Organizations.update", () => {
  it.effect("changes what the patch names, and records what changed, of metadata the names alone", () =>
    Effect.gen(function* () {
      const { organizations, organization, ada, id } = yield* begin
      yield* TestClock.adjust("1 minute")
      const already = (yield* auditOf(id)).length
      const patch = { name: "Difference Engines", slug: null, publicMetadata: { plan: "team" } }
      const updated = yield* organizations.update(ada, id, patchOf({ ...patch, logo: null }))
      const updatedAt = yield* DateTime.now
      assert.deepStrictEqual<object>(updated, { ...organization, ...patch, updatedAt })
      assert.deepStrictEqual((yield* organizations.get(ada, id)).organization, updated)
      const userId = ada.user.id
      assert.deepStrictEqual<object>(yield* gained(id, already), [
        {
          type: "organization.updated",
          userId,
          before: { name: "Engines", slug: "engines", publicMetadata: ["plan"] },
          after: { name: "Difference Engines", slug: null, publicMetadata: ["plan"] },
          data: {},
        },
      ])
      const fields = ["name", "slug", "publicMetadata"]
      assert.deepStrictEqual<object>(yield* takeEvents(id), [
        { _tag: "OrganizationUpdated", organizationId: id, actorId: userId, fields },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("records nothing where nothing changes", () =>
    Effect.gen(function* () {
      const { organizations, organization, ada, id } = yield* begin
      const already = (yield* auditOf(id)).length
      yield* TestClock.adjust("1 minute")
      const same = patchOf({ name: "Engines", slug: Slug.make("engines"), logo: null, publicMetadata: {} })
      assert.deepStrictEqual(yield* organizations.update(ada, id, same), organization)
      assert.deepStrictEqual(yield* gained(id, already), [])
      assert.deepStrictEqual(yield* takeEvents(id), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses a slug that is taken and metadata of another form, and changes nothing then", () =>
    Effect.gen(function* () {
      const { organizations, organization, ada, id } = yield* begin
      yield* create(ada, "Other", { slug: Slug.make("other") })
      const taken = organizations.update(ada, id, patchOf({ name: "New", slug: Slug.make("other") }))
      assert.strictEqual(yield* tagOf(taken), "SlugTaken")
      const invalid = organizations.update(ada, id, patchOf({ name: "New", publicMetadata: { plan: 1 } }))
      assert.strictEqual(yield* tagOf(invalid), "MetadataInvalid")
      assert.deepStrictEqual((yield* organizations.get(ada, id)).organization, organization)
      assert.deepStrictEqual(yield* takeEvents(id), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("tells the host afterwards, and is not undone by what goes wrong there", () => {
    const told: Array<readonly [string, string]> = []
    return Effect.gen(function* () {
      const { organizations, ada, id } = yield* begin
      const updated = yield* organizations.update(ada, id, patchOf({ name: "Renamed" }))
      assert.strictEqual(updated.name, "Renamed")
      assert.deepStrictEqual(told, [["Engines", "Renamed"]])
    }).pipe(
      Effect.provide(
        layer({
          hooks: {
            afterUpdate: ({ previous, organization }) =>
              Effect.andThen(
                Effect.sync(() => void told.push([previous.name, organization.name])),
                Effect.die("the host's"),
              ),
          },
        }),
      ),
    )
  })
})
