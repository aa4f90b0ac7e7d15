/**
 * Organizations in the hands of trusted code: nobody is asked for a permission, and everything else holds.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { Email, UserId } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { InvitationId } from "@belfry/organization/Invitation"
import { Invitations } from "@belfry/organization/Invitations"
import { Members } from "@belfry/organization/Members"
import { MemberStore } from "@belfry/organization/MemberStore"
import { DeletionRefused, Slug } from "@belfry/organization/Organization"
import { Organizations } from "@belfry/organization/Organizations"
import { TeamId } from "@belfry/organization/Team"
import { Teams } from "@belfry/organization/Teams"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import { CapturingMailer } from "@belfry/testing/CapturingMailer"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { auditOf, takeEvents } from "./support/Happenings.ts"
import { layer } from "./support/HostServer.ts"
import { begin, byEmail, byId, byUser, outsider, refusal, roleNames } from "./support/People.ts"

const slug = (text: string) => Slug.make(text)
const nobody = UserId.make("0190163d-8694-739b-aea5-966c26f8ad91")
const notFound = { _tag: "OrganizationNotFound" }
const noMember = { _tag: "MemberNotFound" }

/** The events of an organization since they were last looked at, by name. */
const tags = (id: Parameters<typeof takeEvents>[0]) =>
  Effect.map(takeEvents(id), (events) => events.map(({ _tag }) => _tag))

describe("An organization in trusted hands", () => {
  it.effect("is made for an owner, with private metadata that nobody else sees", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const owner = yield* OrganizationBuilders.actor()
      const by = (yield* outsider).user.id
      const made = yield* trusted.create({
        name: "Analytical Engines",
        slug: slug("engines"),
        publicMetadata: { plan: "team" },
        privateMetadata: { customerId: "cus_1" },
        ownerId: owner.user.id,
        by,
      })
      assert.deepStrictEqual<unknown>(
        [made.name, made.slug, made.publicMetadata, made.privateMetadata],
        ["Analytical Engines", "engines", { plan: "team" }, { customerId: "cus_1" }],
      )
      assert.deepStrictEqual(yield* trusted.get(made.id), made)
      assert.deepStrictEqual(yield* trusted.get(slug("engines")), made)
      const seen = yield* Organizations.use((organizations) => organizations.get(owner, made.id))
      assert.notProperty(seen.organization, "privateMetadata")
      assert.deepStrictEqual<unknown>(seen.membership.roles, ["owner"])
      assert.deepStrictEqual(yield* tags(made.id), ["OrganizationCreated", "MemberAdded"])
      const [audited] = yield* auditOf(made.id)
      assert.deepInclude(audited, { type: "organization.created", userId: by })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is made for somebody who is there, with a slug that is free and metadata of its form", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const ownerId = (yield* outsider).user.id
      const asked = { name: "Analytical Engines", slug: slug("engines"), ownerId }
      yield* trusted.create(asked)
      assert.deepStrictEqual(yield* refusal(trusted.create(asked)), { _tag: "SlugTaken", slug: "engines" })
      const others = { ...asked, slug: slug("other") }
      const unknown = yield* refusal(trusted.create({ ...others, ownerId: nobody }))
      assert.deepStrictEqual(unknown, { _tag: "UserNotFound", userId: nobody })
      for (const metadata of [{ publicMetadata: { plan: "gold" } }, { privateMetadata: { customerId: 1 } }]) {
        assert.propertyVal(yield* refusal(trusted.create({ ...others, ...metadata })), "_tag", "MetadataInvalid")
      }
      assert.strictEqual((yield* trusted.list()).items.length, 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is listed with all others, newest first, page after page, by how name or slug begins", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const ownerId = (yield* outsider).user.id
      for (const name of ["alpha", "beta", "gamma"]) {
        yield* trusted.create({ name: `The ${name}`, slug: slug(name), ownerId })
        yield* TestClock.adjust("1 minute")
      }
      const page = (options: Parameters<typeof trusted.list>[0]) =>
        Effect.map(trusted.list(options), ({ items, cursor }) => ({ slugs: items.map((item) => item.slug), cursor }))
      const first = yield* page({ limit: 2 })
      assert.deepStrictEqual<unknown>(first.slugs, ["gamma", "beta"])
      assert.deepStrictEqual<unknown>(yield* page({ cursor: first.cursor ?? "" }), { slugs: ["alpha"], cursor: null })
      assert.deepStrictEqual<unknown>((yield* page({ search: "BE" })).slugs, ["beta"])
      yield* trusted.remove(slug("beta"))
      assert.strictEqual((yield* page({})).slugs.length, 3)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("changes, private metadata too, of which the audit log has no values", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const { at, owner } = yield* begin
      const by = owner.actor.user.id
      const patch = { name: "New Engines", privateMetadata: { customerId: "cus_2" } }
      const changed = yield* trusted.update(at, patch, { by })
      assert.deepStrictEqual<unknown>([changed.name, changed.privateMetadata], ["New Engines", { customerId: "cus_2" }])
      assert.deepStrictEqual(yield* trusted.get(at), changed)
      assert.deepStrictEqual<unknown>(yield* auditOf(at), [
        {
          type: "organization.updated",
          userId: by,
          before: { name: "Analytical Engines", privateMetadata: ["customerId"] },
          after: { name: "New Engines", privateMetadata: ["customerId"] },
          data: {},
        },
      ])
      const invalid = yield* refusal(trusted.update(at, { privateMetadata: { customerId: 1 } }))
      assert.propertyVal(invalid, "_tag", "MetadataInvalid")
      assert.deepStrictEqual(yield* refusal(trusted.update(slug("none"), patch)), notFound)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is deleted without asking the host, told to its owners, and restored", () => {
    const beforeDeletion = () => Effect.fail(new DeletionRefused({ reason: "host", detail: null }))
    return Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const organizations = yield* Organizations
      const { at, owner } = yield* begin
      const get = organizations.get(owner.actor, at)
      yield* trusted.remove(at)
      assert.deepStrictEqual(yield* refusal(get), notFound)
      yield* CapturingMailer.use((mailer) => mailer.takeLast(owner.actor.user.email, "organization-deleted"))
      assert.deepStrictEqual(yield* refusal(trusted.remove(at)), notFound)
      assert.deepStrictEqual(yield* refusal(trusted.update(at, { name: "Gone" })), notFound)
      const restored = yield* trusted.restore(at)
      assert.strictEqual(restored.deletedAt, null)
      assert.strictEqual((yield* get).organization.id, at)
      assert.deepStrictEqual(yield* refusal(trusted.restore(at)), notFound)
      assert.deepStrictEqual(yield* tags(at), ["OrganizationDeleted", "OrganizationRestored"])
    }).pipe(Effect.provide(layer({ hooks: { beforeDeletion } })))
  })

  it.effect("is gone at once where that is asked for, deleted before or not", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const [deleted, live] = [yield* begin, yield* begin]
      yield* trusted.remove(deleted.at)
      yield* takeEvents(deleted.at)
      for (const { at, owner } of [deleted, live]) {
        yield* trusted.remove(at, { purges: true, by: owner.actor.user.id })
        assert.deepStrictEqual(yield* refusal(trusted.get(at)), notFound)
        assert.deepStrictEqual(yield* refusal(trusted.remove(at, { purges: true })), notFound)
      }
      // Whoever listens learns of the end of all memberships in either case.
      assert.deepStrictEqual(yield* tags(deleted.at), ["OrganizationPurged"])
      assert.deepStrictEqual(yield* tags(live.at), ["OrganizationDeleted", "OrganizationPurged"])
      const [, purged] = yield* auditOf(live.at)
      assert.deepInclude(purged, { type: "organization.purged", userId: live.owner.actor.user.id })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is gone by itself when its time of grace is over, and not a moment before", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const [first, second, live] = [yield* begin, yield* begin, yield* begin]
      yield* trusted.remove(first.at)
      yield* TestClock.adjust("1 hour")
      yield* trusted.remove(second.at)
      yield* TestClock.adjust(Duration.subtract(Duration.days(10), Duration.millis(3_600_001)))
      assert.strictEqual(yield* trusted.purge, 0)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* trusted.purge, 1)
      assert.strictEqual(yield* trusted.purge, 0)
      assert.deepStrictEqual(yield* refusal(trusted.get(first.at)), notFound)
      assert.deepStrictEqual(yield* tags(first.at), ["OrganizationDeleted", "OrganizationPurged"])
      assert.deepInclude((yield* auditOf(first.at)).at(-1), { type: "organization.purged", userId: null })
      for (const { at } of [second, live]) assert.strictEqual((yield* trusted.get(at)).id, at)
    }).pipe(Effect.provide(layer({ settings: { deletionGrace: Duration.days(10) } }))),
  )
})

describe("Members in trusted hands", () => {
  it.effect("are listed, of a deleted organization too", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const { at, owner, join } = yield* begin
      const ids = [owner.id, (yield* join("member")).id, (yield* join("admin")).id]
      const page = (options: Parameters<typeof trusted.listMembers>[1]) =>
        Effect.map(trusted.listMembers(at, options), ({ items, cursor }) => ({
          ids: items.map(({ id }) => id),
          cursor,
        }))
      const first = yield* page({ limit: 2 })
      assert.deepStrictEqual(first.ids, ids.slice(0, 2))
      yield* trusted.remove(at)
      assert.deepStrictEqual(yield* page({ cursor: first.cursor ?? "" }), { ids: ids.slice(2), cursor: null })
      assert.deepStrictEqual(yield* refusal(trusted.listMembers(slug("none"))), notFound)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("are added whatever the settings say of asking, as owners too, and join teams", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const { at, owner } = yield* begin
      const team = yield* OrganizationBuilders.storedTeam({ organizationId: at })
      const { user } = yield* outsider
      const asked = { userId: user.id, roles: roleNames("owner", "billing"), teams: [{ teamId: team.id }] }
      const added = yield* trusted.addMember(at, { ...asked, by: owner.actor.user.id })
      assert.deepStrictEqual<unknown>([added.email, added.roles], [user.email, ["billing", "owner"]])
      assert.deepStrictEqual(yield* trusted.addMember(at, { ...asked, roles: roleNames("member") }), added)
      const inTeam = yield* Teams.use((teams) => teams.members(owner.actor, at, team.id))
      assert.deepStrictEqual(
        inTeam.items.map(({ member }) => member.id),
        [added.id],
      )
      assert.deepStrictEqual(yield* tags(at), ["MemberAdded", "TeamMemberAdded"])
      // Who asked for it, did all of it.
      assert.deepStrictEqual(
        (yield* auditOf(at)).map(({ type, userId }) => [type, userId]),
        [
          ["organization-member.added", owner.actor.user.id],
          ["organization-team-member.added", owner.actor.user.id],
        ],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("are people, roles and teams that are there, and no more than the limit", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const { at } = yield* begin
      const { user } = yield* outsider
      const add = (fields: Partial<Parameters<typeof trusted.addMember>[1]>) =>
        trusted.addMember(at, { userId: user.id, roles: roleNames("member"), ...fields })
      assert.propertyVal(yield* refusal(add({ userId: nobody })), "_tag", "UserNotFound")
      assert.deepStrictEqual(yield* refusal(add({ roles: roleNames("auditor") })), {
        _tag: "RoleNotFound",
        roles: ["auditor"],
      })
      const unknown = yield* refusal(add({ teams: [{ teamId: TeamId.make(nobody) }] }))
      assert.deepStrictEqual(unknown, { _tag: "TeamNotFound", what: "team" })
      yield* add({})
      const full = yield* refusal(add({ userId: (yield* outsider).user.id }))
      assert.deepStrictEqual(full, { _tag: "LimitReached", limit: "members", maximum: 2 })
    }).pipe(Effect.provide(layer({ settings: { limits: { members: 2 } } }))),
  )

  it.effect("get roles, and go, all but the last owner", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const { at, owner, join, role } = yield* begin
      const other = yield* begin
      yield* role("auditor", "audit:read")
      const { id, actor } = yield* join("member")
      const last = { _tag: "LastOwner", organizationId: at }
      const changed = yield* trusted.setRoles(at, byEmail(actor.user.email), roleNames("auditor", "admin"))
      assert.deepStrictEqual<unknown>(changed.roles, ["admin", "auditor"])
      assert.deepStrictEqual(yield* refusal(trusted.setRoles(at, byId(owner.id), roleNames("admin"))), last)
      assert.deepStrictEqual(yield* refusal(trusted.removeMember(at, byId(owner.id))), last)
      assert.deepStrictEqual(yield* refusal(trusted.setRoles(at, byId(id), roleNames("none"))), {
        _tag: "RoleNotFound",
        roles: ["none"],
      })
      for (const ref of [byId(other.owner.id), byUser(nobody)]) {
        assert.deepStrictEqual(yield* refusal(trusted.setRoles(at, ref, roleNames("admin"))), noMember)
        assert.deepStrictEqual(yield* refusal(trusted.removeMember(at, ref)), noMember)
      }
      yield* trusted.removeMember(at, byUser(actor.user.id), { by: owner.actor.user.id })
      assert.deepStrictEqual(yield* tags(at), ["MemberRoleChanged", "MemberRemoved"])
      assert.deepInclude((yield* auditOf(at)).at(-1), {
        userId: owner.actor.user.id,
        data: { memberId: id, userId: actor.user.id, reason: "removed" },
      })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("hand over by an owner, whom the host's code names", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const { at, owner, join } = yield* begin
      const other = yield* begin
      const { id, actor } = yield* join("member")
      const [from, to] = [byId(owner.id), byEmail(actor.user.email)]
      for (const pair of [
        { from: to, to: from },
        { from, to: from },
        { from, to: byId(other.owner.id) },
        { from: byUser(nobody), to },
      ]) {
        assert.deepStrictEqual(yield* refusal(trusted.transfer(at, pair)), noMember)
      }
      const keeps = roleNames("unheard-of")
      assert.propertyVal(yield* refusal(trusted.transfer(at, { from, to, keeps })), "_tag", "RoleNotFound")
      yield* trusted.transfer(at, { from, to })
      const rolesOf = Effect.map(trusted.listMembers(at), ({ items }) => items.map(({ roles }) => roles.join(" ")))
      assert.deepStrictEqual(yield* rolesOf, ["admin", "member owner"])
      yield* CapturingMailer.use((mailer) => mailer.takeLast(actor.user.email, "organization-ownership"))
      yield* trusted.transfer(at, { from: byId(id), to: from, keeps: roleNames("billing") })
      assert.deepStrictEqual(yield* rolesOf, ["admin owner", "billing"])
      assert.strictEqual((yield* tags(at)).filter((tag) => tag === "OwnershipTransferred").length, 2)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Invitations in trusted hands", () => {
  it.effect("are sent by nobody in particular, and taken back", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const invitations = yield* Invitations
      const { at, owner, role } = yield* begin
      yield* role("auditor", "audit:read")
      const team = yield* OrganizationBuilders.storedTeam({ organizationId: at })
      const email = Email.make("charles@example.com")
      const asked = { email, roles: roleNames("owner", "auditor"), teams: [{ teamId: team.id }] }
      const sent = yield* trusted.invite(at, { ...asked, lifetime: Duration.days(2) })
      assert.deepStrictEqual<unknown>([sent.roles, sent.inviterId], [["owner", "auditor"], null])
      assert.deepStrictEqual(sent.expiresAt, DateTime.add(yield* DateTime.now, { days: 2 }))
      const mail = yield* CapturingMailer.use((mailer) => mailer.takeLast(email, "organization-invitation"))
      assert.include(mail.text, "You were invited")
      assert.deepStrictEqual(yield* invitations.get(owner.actor, at, sent.id), sent)
      assert.deepStrictEqual(yield* refusal(trusted.invite(at, asked)), {
        _tag: "InvitationConflict",
        reason: "invited",
      })
      yield* trusted.revokeInvitation(at, sent.id)
      const closed = yield* refusal(trusted.revokeInvitation(at, sent.id))
      assert.deepStrictEqual(closed, { _tag: "InvitationClosed", reason: "revoked" })
      assert.deepStrictEqual(yield* tags(at), ["InvitationCreated", "InvitationRevoked"])
      yield* trusted.invite(at, asked)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("are to no member, of roles and teams that are there, and no more than the limit", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const { at, owner } = yield* begin
      const other = yield* begin
      const { invitation } = yield* OrganizationBuilders.storedInvitation({ organizationId: other.at })
      const email = Email.make("charles@example.com")
      const invite = (fields: Partial<Parameters<typeof trusted.invite>[1]>) =>
        trusted.invite(at, { email, roles: roleNames("member"), ...fields })
      assert.deepStrictEqual(yield* refusal(invite({ email: owner.actor.user.email })), {
        _tag: "InvitationConflict",
        reason: "member",
      })
      assert.propertyVal(yield* refusal(invite({ roles: roleNames("none") })), "_tag", "RoleNotFound")
      assert.propertyVal(yield* refusal(invite({ teams: [{ teamId: TeamId.make(nobody) }] })), "_tag", "TeamNotFound")
      yield* invite({})
      const full = yield* refusal(invite({ email: Email.make("ada@example.com") }))
      assert.deepStrictEqual(full, { _tag: "LimitReached", limit: "invitations", maximum: 1 })
      for (const id of [invitation.id, InvitationId.make(nobody)]) {
        assert.deepStrictEqual(yield* refusal(trusted.revokeInvitation(at, id)), { _tag: "InvitationNotFound" })
      }
    }).pipe(Effect.provide(layer({ settings: { limits: { invitations: 1 } } }))),
  )
})

describe("The end of a user", () => {
  it.effect("ends the memberships, with the reason, and leaves the organizations", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const { user } = yield* outsider
      const [first, second] = [yield* begin, yield* begin]
      for (const { at } of [first, second]) {
        yield* OrganizationBuilders.storedMember(at, { user, roles: OrganizationBuilders.builtIn("owner") })
      }
      yield* trusted.removeUser(user.id, unknownClient)
      for (const { at, owner } of [first, second]) {
        const left = yield* Members.use((members) => members.list(owner.actor, at))
        assert.deepStrictEqual(
          left.items.map(({ id }) => id),
          [owner.id],
        )
        const [event] = yield* takeEvents(at)
        assert.deepInclude(event, { _tag: "MemberRemoved", userId: user.id, reason: "user-deleted" })
        assert.deepInclude((yield* auditOf(at))[0], { type: "organization-member.removed", userId: user.id })
      }
      yield* Users.use((users) => users.remove(user.id))
      yield* trusted.removeUser(nobody, unknownClient)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is refused to the last owner of an organization, and changes nothing anywhere", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const { user } = yield* outsider
      const [first, third] = [yield* begin, yield* begin]
      yield* OrganizationBuilders.storedMember(first.at, { user })
      const { organization: own } = yield* OrganizationBuilders.storedOrganization({ owner: user })
      yield* OrganizationBuilders.storedMember(third.at, { user })
      const refused = yield* refusal(trusted.removeUser(user.id, unknownClient))
      assert.deepStrictEqual(refused, { _tag: "LastOwner", organizationId: own.id })
      const left = yield* MemberStore.use((members) => members.listOrganizations(user.id))
      assert.strictEqual(left.length, 3)
      assert.deepStrictEqual([yield* tags(first.at), yield* auditOf(first.at)], [[], []])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes a deleted organization along that nobody could restore any more", () =>
    Effect.gen(function* () {
      const trusted = yield* TrustedOrganizations
      const { user } = yield* outsider
      const { organization: own } = yield* OrganizationBuilders.storedOrganization({ owner: user })
      const other = yield* begin
      const roles = OrganizationBuilders.builtIn("owner")
      yield* OrganizationBuilders.storedMember(other.at, { user, roles })
      for (const id of [own.id, other.at]) yield* trusted.remove(id)
      yield* trusted.removeUser(user.id, unknownClient)
      assert.deepStrictEqual(yield* refusal(trusted.get(own.id)), notFound)
      assert.deepStrictEqual(yield* tags(own.id), ["OrganizationDeleted", "OrganizationPurged"])
      assert.strictEqual((yield* trusted.get(other.at)).id, other.at)
      assert.strictEqual((yield* trusted.listMembers(other.at)).items.length, 1)
      yield* Users.use((users) => users.remove(user.id))
    }).pipe(Effect.provide(layer())),
  )
})
