/**
 * Inviting people, inviting them again, and taking it back.
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Email } from "@belfry/core/User"
import { InvitationId } from "@belfry/organization/Invitation"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import type { OrganizationId } from "@belfry/organization/Organization"
import { RoleStore } from "@belfry/organization/RoleStore"
import { TeamId, TeamRoleName } from "@belfry/organization/Team"
import * as Builders from "@belfry/testing/Builders"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { auditOf, takeEvents } from "./support/Happenings.ts"
import {
  begin,
  builtIn,
  escalation,
  layer,
  missing,
  named,
  refusal,
  roles,
  takeMail,
  takeToken,
  waitingMails,
} from "./support/Inviting.ts"

const bob = Email.make("bob@example.com")
const carol = Email.make("carol@example.com")
const home = { ipAddress: "192.0.2.1", userAgent: null }
const lead = TeamRoleName.make("lead")
const plain = TeamRoleName.make("member")

const noOrganization = ["OrganizationNotFound"]
const noInvitation = ["InvitationNotFound"]
const invited = ["InvitationConflict", "invited"]

/** The tags of the events since they were taken last. */
const tagsOf = (at: OrganizationId) => Effect.map(takeEvents(at), (events) => events.map(({ _tag }) => _tag))

describe("Invitations.create", () => {
  it.effect("keeps an invitation for 7 days, with its roles and teams, and tells of it", () =>
    Effect.gen(function* () {
      const { ada, at, invitations, role, team } = yield* begin
      yield* role("auditor", "audit:read")
      const [one, two] = [yield* team, yield* team]
      const now = yield* DateTime.now
      const invitation = yield* invitations.create(ada.actor, at, {
        email: bob,
        roles: roles("auditor", "member", "billing"),
        teams: [{ teamId: one.id, role: lead }, { teamId: two.id }],
      })
      const { id: invitationId } = invitation
      const expiresAt = DateTime.add(now, { days: 7 })
      const given = ["billing", "member", "auditor"].map(named)
      assert.deepStrictEqual(invitation, {
        id: invitationId,
        organizationId: at,
        email: bob,
        roles: given,
        teams: [
          { teamId: one.id, role: lead },
          { teamId: two.id, role: plain },
        ],
        status: "pending",
        inviterId: ada.actor.user.id,
        acceptedBy: null,
        sends: 1,
        sentAt: now,
        createdAt: now,
        updatedAt: now,
        expiresAt,
      })
      assert.deepStrictEqual(yield* invitations.get(ada.actor, at, invitationId), invitation)
      const by = { organizationId: at, actorId: ada.actor.user.id, invitationId }
      assert.deepStrictEqual<unknown>(yield* takeEvents(at), [
        { _tag: "InvitationCreated", ...by, roles: given, expiresAt },
      ])
      // The address is in neither.
      assert.deepStrictEqual(yield* auditOf(at), [
        {
          type: "organization-invitation.created",
          userId: ada.actor.user.id,
          before: null,
          after: { roles: given },
          data: { invitationId, teamIds: [one.id, two.id] },
        },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("mails a link with the token, which is kept nowhere else", () =>
    Effect.gen(function* () {
      const { ada, invite, invitations, organization } = yield* begin
      const invitation = yield* invite(bob)
      const mail = yield* takeMail(bob)
      assert.deepStrictEqual(
        [mail.category, mail.subject],
        ["organization-invitation", `Join ${organization.name} on Belfry`],
      )
      assert.include(mail.text, `${ada.actor.user.name} invited you to become a member of ${organization.name}`)
      assert.include(mail.text, "7 days")
      const link = CapturingMailer.linkIn(mail)
      assert.strictEqual(link.origin + link.pathname, "http://localhost:3000/invitations/accept")
      const token = Redacted.make(link.searchParams.get("token") ?? "")
      assert.match(Redacted.value(token), /^belfry_invitation_[A-Za-z0-9]{43}$/)
      assert.strictEqual((yield* invitations.preview(token, home)).id, invitation.id)
      assert.strictEqual(yield* waitingMails, 0)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("names nobody in the mail whose name it does not know", () =>
    Effect.gen(function* () {
      const { at, invitations } = yield* begin
      const user = yield* Builders.storedUser({ name: null })
      yield* OrganizationBuilders.storedMember(at, { user, roles: builtIn("admin", "member") })
      const actor = yield* OrganizationBuilders.actor({ user })
      yield* invitations.create(actor, at, { email: bob, roles: roles("member") })
      assert.include((yield* takeMail(bob)).text, "You were invited to become a member")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("sends and keeps nothing where the transaction around it comes to nothing", () =>
    Effect.gen(function* () {
      const { ada, at, invite, invitations } = yield* begin
      const around = TransactionStore.use((transactions) =>
        transactions.run(Effect.andThen(invite(bob), Effect.fail({ _tag: "Undone" }))),
      )
      assert.deepStrictEqual(yield* refusal(around), ["Undone"])
      assert.strictEqual(yield* waitingMails, 0)
      assert.deepStrictEqual((yield* invitations.list(ada.actor, at)).items, [])
      assert.deepStrictEqual(yield* tagsOf(at), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("cuts the lifetime that is asked for to what the host allows", () =>
    Effect.gen(function* () {
      const { invite } = yield* begin
      const now = yield* DateTime.now
      for (const [asked, given] of [
        ["1 minute", "1 hour"],
        ["1 hour", "1 hour"],
        ["2 days", "2 days"],
        ["90 days", "30 days"],
      ] as const) {
        const { expiresAt, organizationId } = yield* invite(Email.make(`${asked.replace(" ", "-")}@example.com`), {
          lifetime: Duration.fromInputUnsafe(asked),
        })
        assert.deepStrictEqual(expiresAt, DateTime.addDuration(now, Duration.fromInputUnsafe(given)), asked)
        assert.isString(organizationId)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is for members who may invite, and finds only roles and teams of the organization", () =>
    Effect.gen(function* () {
      const { at, ada, invitations, join, joinWith } = yield* begin
      const other = yield* begin
      yield* other.role("auditor")
      const foreign = yield* other.team
      const [reader, outsider] = [yield* join(), yield* OrganizationBuilders.actor()]
      const options = { email: bob, roles: roles("member") }
      const create = (actor: typeof outsider, more: Partial<Parameters<typeof invitations.create>[2]> = {}) =>
        refusal(invitations.create(actor, at, { ...options, ...more }))
      assert.deepStrictEqual(yield* create(outsider), noOrganization)
      assert.deepStrictEqual(yield* create(reader.actor), missing("invitation:create"))
      const unknown = { roles: roles("member", "auditor", "boss") }
      assert.deepStrictEqual(yield* create(ada.actor, unknown), ["RoleNotFound", ["auditor", "boss"]])
      const noTeam = { teams: [{ teamId: TeamId.make(foreign.id) }] }
      assert.deepStrictEqual(yield* create(ada.actor, noTeam), ["TeamNotFound", "team"])
      // What is not there comes before what one may not give.
      const inviter = yield* joinWith("invitation:create")
      const both = { roles: roles("admin", "boss") }
      assert.deepStrictEqual(yield* create(inviter.actor, both), ["RoleNotFound", ["boss"]])
      assert.deepStrictEqual(yield* create(inviter.actor, { roles: roles("admin"), ...noTeam }), [
        "TeamNotFound",
        "team",
      ])
      assert.strictEqual(yield* waitingMails, 0)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("offers nobody more than the inviter has, in the organization or in a team", () =>
    Effect.gen(function* () {
      const { at, invitations, joinWith, join, role, team } = yield* begin
      const one = yield* team
      yield* role("auditor", "audit:read")
      yield* role("inviter", "invitation:create", "audit:read")
      const { actor } = yield* joinWith("invitation:create", "audit:read")
      const create = (options: Partial<Parameters<typeof invitations.create>[2]>) =>
        invitations.create(actor, at, { email: bob, roles: roles("auditor"), ...options })
      assert.deepStrictEqual(
        yield* refusal(create({ roles: roles("auditor", "billing") })),
        escalation("organization:read", "billing:read", "billing:manage"),
      )
      const [tag, reason] = yield* refusal(create({ roles: roles("owner") }))
      assert.deepStrictEqual([tag, reason], ["PermissionMissing", "owner"])
      const admin = yield* join(builtIn("admin"))
      const asOwner = invitations.create(admin.actor, at, { email: bob, roles: roles("owner") })
      assert.deepStrictEqual((yield* refusal(asOwner)).slice(0, 2), ["PermissionMissing", "owner"])
      const leads = create({ teams: [{ teamId: one.id, role: lead }] })
      assert.deepStrictEqual((yield* refusal(leads)).slice(0, 2), ["PermissionMissing", "escalation"])
      // Not even to somebody who is there already: that is not told to who may not invite so.
      const known = create({ email: admin.actor.user.email, roles: roles("admin") })
      assert.deepStrictEqual((yield* refusal(known)).slice(0, 2), ["PermissionMissing", "escalation"])
      const { roles: given } = yield* create({ roles: roles("auditor", "inviter"), teams: [{ teamId: one.id }] })
      assert.deepStrictEqual(given, ["auditor", "inviter"].map(named))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("invites no member, and nobody who is invited already", () =>
    Effect.gen(function* () {
      const { at, invite, join } = yield* begin
      const { actor } = yield* join()
      assert.deepStrictEqual(yield* refusal(invite(actor.user.email)), ["InvitationConflict", "member"])
      assert.deepStrictEqual(yield* refusal(invite(actor.user.email, { resends: true })), [
        "InvitationConflict",
        "member",
      ])
      yield* invite(bob)
      assert.deepStrictEqual(yield* refusal(invite(bob)), invited)
      assert.deepStrictEqual(yield* tagsOf(at), ["InvitationCreated"])
      const other = yield* begin
      yield* other.invite(bob)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("invites again once the earlier invitation is over, which it writes down", () =>
    Effect.gen(function* () {
      const { ada, at, invite, invitations } = yield* begin
      const first = yield* invite(bob)
      yield* TestClock.adjust(Duration.subtract(Duration.days(7), Duration.millis(1)))
      assert.deepStrictEqual(yield* refusal(invite(bob)), invited)
      yield* TestClock.adjust("1 millis")
      const second = yield* invite(bob)
      assert.deepStrictEqual(yield* tagsOf(at), ["InvitationCreated", "InvitationExpired", "InvitationCreated"])
      assert.strictEqual((yield* invitations.get(ada.actor, at, first.id)).status, "expired")
      yield* invitations.revoke(ada.actor, at, second.id)
      yield* invite(bob)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("sends an open invitation again where that is asked for, with a new token, and not twice a minute", () =>
    Effect.gen(function* () {
      const { at, invite, invitations } = yield* begin
      const first = yield* invite(bob, { resends: true })
      const token = yield* takeToken(bob)
      yield* TestClock.adjust("1 hour")
      const second = yield* invite(bob, { resends: true, roles: roles("billing") })
      assert.deepStrictEqual([second.id, second.sends, second.roles], [first.id, 2, first.roles])
      assert.deepStrictEqual(yield* refusal(invitations.preview(token, home)), noInvitation)
      assert.strictEqual((yield* invitations.preview(yield* takeToken(bob), home)).id, first.id)
      assert.deepStrictEqual(yield* tagsOf(at), ["InvitationCreated", "InvitationResent"])
      assert.strictEqual((yield* refusal(invite(bob, { resends: true })))[0], "RateLimited")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("keeps to the limit of open invitations; those that are over or closed leave room", () =>
    Effect.gen(function* () {
      const { ada, at, invite, invitations } = yield* begin
      const full = ["LimitReached", "invitations", 2]
      const addresses = Array.from({ length: 6 }, (_, index) => Email.make(`p${index}@example.com`))
      const [one, two, three, four, five, six] = addresses
      if (!one || !two || !three || !four || !five || !six) return assert.fail("Fewer addresses")
      const { id } = yield* invite(one)
      yield* invite(two)
      assert.deepStrictEqual(yield* refusal(invite(three)), full)
      yield* invitations.revoke(ada.actor, at, id)
      yield* invite(three)
      assert.deepStrictEqual(yield* refusal(invite(four)), full)
      assert.strictEqual(yield* waitingMails, 3)
      yield* TestClock.adjust("7 days")
      yield* invite(five)
      yield* invite(six)
      assert.deepStrictEqual(yield* refusal(invite(four)), full)
    }).pipe(
      Effect.provide(
        layer({ limits: { invitations: ({ organizationId }) => Effect.succeed(organizationId.length / 18) } }),
      ),
    ),
  )

  it.effect("sends one address 20 invitations a day, whoever asks", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 20; i++) yield* (yield* begin).invite(bob)
      const { invite } = yield* begin
      assert.strictEqual((yield* refusal(invite(bob)))[0], "RateLimited")
      yield* invite(carol)
      yield* TestClock.adjust("1 day")
      yield* invite(bob)
    }).pipe(Effect.provide(layer())),
  )

  const send = Effect.fnUntraced(function* (count: number) {
    const { invite } = yield* begin
    for (let index = 0; index < count; index++) yield* invite(Email.make(`p${index}@example.com`))
    return invite
  })

  it.effect("lets one person send 200 an hour", () =>
    Effect.gen(function* () {
      const invite = yield* send(200)
      assert.strictEqual((yield* refusal(invite(bob)))[0], "RateLimited")
      yield* (yield* begin).invite(bob)
      yield* TestClock.adjust("1 hour")
      yield* invite(bob, { resends: true })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("counts nothing where the host does not want it", () =>
    Effect.gen(function* () {
      const invite = yield* send(201)
      yield* invite(bob)
      yield* invite(bob, { resends: true })
      yield* invite(bob, { resends: true })
    }).pipe(Effect.provide(layer({ limitsRates: false }))),
  )
})

describe("Invitations.resend", () => {
  it.effect("mails a new token that lives as long as a new invitation; the old one is dead", () =>
    Effect.gen(function* () {
      const { ada, at, inviteByMail, invitations } = yield* begin
      const { invitation, token } = yield* inviteByMail(bob, { lifetime: Duration.days(1) })
      yield* takeEvents(at)
      yield* TestClock.adjust("1 hour")
      const now = yield* DateTime.now
      const expiresAt = DateTime.add(now, { days: 7 })
      const sent = yield* invitations.resend(ada.actor, at, invitation.id)
      assert.deepStrictEqual(sent, { ...invitation, sends: 2, sentAt: now, updatedAt: now, expiresAt })
      assert.deepStrictEqual(yield* refusal(invitations.preview(token, home)), noInvitation)
      assert.deepStrictEqual((yield* invitations.preview(yield* takeToken(bob), home)).expiresAt, expiresAt)
      const by = { organizationId: at, actorId: ada.actor.user.id, invitationId: invitation.id }
      assert.deepStrictEqual(yield* takeEvents(at), [{ _tag: "InvitationResent", ...by, expiresAt }])
      assert.deepStrictEqual((yield* auditOf(at)).slice(1), [
        {
          type: "organization-invitation.resent",
          userId: ada.actor.user.id,
          before: null,
          after: null,
          data: { invitationId: invitation.id, sends: 2 },
        },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("happens once a minute and 5 times a day, and for nobody else's attempts less often", () =>
    Effect.gen(function* () {
      const { ada, at, invite, invitations, join } = yield* begin
      const other = yield* begin
      const { id } = yield* invite(bob)
      const reader = yield* join()
      for (let i = 0; i < 10; i++) {
        assert.deepStrictEqual(yield* refusal(invitations.resend(other.ada.actor, at, id)), noOrganization)
        assert.deepStrictEqual(yield* refusal(invitations.resend(reader.actor, at, id)), missing("invitation:create"))
        assert.deepStrictEqual(yield* refusal(invitations.resend(other.ada.actor, other.at, id)), noInvitation)
      }
      const resend = invitations.resend(ada.actor, at, id)
      for (let i = 0; i < 5; i++) {
        yield* resend
        assert.strictEqual((yield* refusal(resend))[0], "RateLimited")
        yield* TestClock.adjust("1 minute")
      }
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* refusal(resend))[0], "RateLimited")
      yield* TestClock.adjust("1 day")
      yield* resend
    }).pipe(Effect.provide(layer())),
  )

  it.effect("counts for the address too", () =>
    Effect.gen(function* () {
      const { ada, at, invite, invitations } = yield* begin
      const { id } = yield* invite(bob)
      for (let i = 0; i < 19; i++) yield* (yield* begin).invite(bob)
      assert.strictEqual((yield* refusal(invitations.resend(ada.actor, at, id)))[0], "RateLimited")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("opens again what had expired, with the roles of it that are there still", () =>
    Effect.gen(function* () {
      const { ada, at, inviteByMail, invitations, role } = yield* begin
      const [auditor, gone] = [yield* role("auditor", "audit:read"), yield* role("gone")]
      const { invitation } = yield* inviteByMail(bob, { roles: roles("auditor", "gone", "billing") })
      const { invitation: withoutRoles } = yield* inviteByMail(carol, { roles: roles("gone") })
      yield* TestClock.adjust("7 days")
      assert.strictEqual(yield* invitations.expire, 2)
      const removal = { organizationId: at, id: gone.id, replacement: null, now: yield* DateTime.now }
      assert.strictEqual(yield* RoleStore.use((store) => store.remove(removal)), "removed")
      const again = yield* invitations.resend(ada.actor, at, invitation.id)
      assert.deepStrictEqual([again.status, again.roles], ["pending", ["billing", "auditor"].map(named)])
      const newcomer = yield* OrganizationBuilders.actor()
      const key = { _tag: "Token", token: yield* takeToken(bob) } as const
      const membership = yield* invitations.accept(newcomer, key)
      assert.deepStrictEqual(membership.roles, ["billing", "auditor"].map(named))
      assert.isTrue(membership.permissionSet.has("audit:read"))
      assert.strictEqual(auditor.name, "auditor")
      const nothing = refusal(invitations.resend(ada.actor, at, withoutRoles.id))
      assert.deepStrictEqual(yield* nothing, ["InvitationClosed", "expired"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("opens none again for a member, nor beside another open invitation, unless that is over", () =>
    Effect.gen(function* () {
      const { ada, at, invite, invitations } = yield* begin
      const { id: earlier } = yield* invite(bob)
      yield* TestClock.adjust("7 days")
      const { id: later } = yield* invite(bob)
      const resend = (id: InvitationId) => invitations.resend(ada.actor, at, id)
      assert.deepStrictEqual(yield* refusal(resend(earlier)), invited)
      yield* TestClock.adjust("7 days")
      yield* takeEvents(at)
      assert.strictEqual((yield* resend(earlier)).status, "pending")
      assert.deepStrictEqual(yield* tagsOf(at), ["InvitationExpired", "InvitationResent"])
      assert.strictEqual((yield* invitations.get(ada.actor, at, later)).status, "expired")
      const user = yield* Builders.storedUser({ email: bob })
      yield* OrganizationBuilders.storedMember(at, { user })
      for (const id of [earlier, later]) {
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* refusal(resend(id)), ["InvitationConflict", "member"])
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is refused for what was answered or taken back", () =>
    Effect.gen(function* () {
      const { ada, at, invitations, inviteByMail } = yield* begin
      const newcomer = yield* OrganizationBuilders.actor()
      const answers = {
        accepted: (key: Parameters<typeof invitations.accept>[1]) => Effect.asVoid(invitations.accept(newcomer, key)),
        rejected: (key: Parameters<typeof invitations.accept>[1]) => invitations.reject(null, key, home),
        revoked: (_key: unknown, id: InvitationId) => invitations.revoke(ada.actor, at, id),
      }
      for (const status of ["accepted", "rejected", "revoked"] as const) {
        const { invitation, key } = yield* inviteByMail(Email.make(`${status}@example.com`))
        yield* answers[status](key, invitation.id)
        const again = yield* refusal(invitations.resend(ada.actor, at, invitation.id))
        assert.deepStrictEqual(again, ["InvitationClosed", status])
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is for who may give its roles, in the organization and in its teams", () =>
    Effect.gen(function* () {
      const { at, invite, invitations, joinWith, team } = yield* begin
      const { id: teamId } = yield* team
      const { actor } = yield* joinWith("invitation:create", "organization:read", "billing:read", "billing:manage")
      const [asAdmin, leading, asBilling] = [
        yield* invite(bob, { roles: roles("admin") }),
        yield* invite(carol, { roles: roles("billing"), teams: [{ teamId, role: lead }] }),
        yield* invite(Email.make("dan@example.com"), { roles: roles("billing"), teams: [{ teamId }] }),
      ]
      for (const { id } of [asAdmin, leading]) {
        const why = yield* refusal(invitations.resend(actor, at, id))
        assert.deepStrictEqual(why.slice(0, 2), ["PermissionMissing", "escalation"])
      }
      assert.strictEqual((yield* invitations.resend(actor, at, asBilling.id)).sends, 2)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Invitations.revoke", () => {
  it.effect("takes back an open invitation, once, and tells of it", () =>
    Effect.gen(function* () {
      const { ada, at, inviteByMail, invitations } = yield* begin
      const { invitation, key } = yield* inviteByMail(bob)
      const { id: invitationId } = invitation
      yield* takeEvents(at)
      yield* invitations.revoke(ada.actor, at, invitationId)
      const closed = ["InvitationClosed", "revoked"]
      assert.deepStrictEqual(yield* refusal(invitations.revoke(ada.actor, at, invitationId)), closed)
      const newcomer = yield* OrganizationBuilders.actor()
      assert.deepStrictEqual(yield* refusal(invitations.accept(newcomer, key)), closed)
      assert.strictEqual((yield* invitations.preview(key.token, home)).status, "revoked")
      assert.deepStrictEqual(yield* takeEvents(at), [
        { _tag: "InvitationRevoked", organizationId: at, actorId: ada.actor.user.id, invitationId },
      ])
      assert.deepStrictEqual((yield* auditOf(at)).at(-1), {
        type: "organization-invitation.revoked",
        userId: ada.actor.user.id,
        before: null,
        after: null,
        data: { invitationId },
      })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is for members who may, about an invitation of theirs that is open", () =>
    Effect.gen(function* () {
      const { ada, at, invite, invitations, join, joinWith } = yield* begin
      const other = yield* begin
      const { id } = yield* invite(bob)
      const revoke = (actor: typeof ada.actor, organization = at) =>
        refusal(invitations.revoke(actor, organization, id))
      assert.deepStrictEqual(yield* revoke(other.ada.actor), noOrganization)
      assert.deepStrictEqual(yield* revoke((yield* join()).actor), missing("invitation:revoke"))
      assert.deepStrictEqual(yield* revoke(other.ada.actor, other.at), noInvitation)
      yield* TestClock.adjust("7 days")
      assert.deepStrictEqual(yield* revoke(ada.actor), ["InvitationClosed", "expired"])
      const next = yield* invite(carol)
      // It gives nobody anything, so that what it would have given does not matter.
      const { actor } = yield* joinWith("invitation:revoke")
      yield* invitations.revoke(actor, at, next.id)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Invitations.list and get", () => {
  it.effect("show invitations newest first, as time makes them, page after page", () =>
    Effect.gen(function* () {
      const { ada, at, invite, invitations } = yield* begin
      const first = yield* invite(bob)
      yield* TestClock.adjust("7 days")
      const second = yield* invite(carol)
      const third = yield* invite(Email.make("dan@example.com"))
      yield* invitations.revoke(ada.actor, at, third.id)
      const list = (options?: Parameters<typeof invitations.list>[2]) =>
        Effect.map(invitations.list(ada.actor, at, options), ({ items }) => items.map(({ id, status }) => [id, status]))
      const rows = [
        [third.id, "revoked"],
        [second.id, "pending"],
        [first.id, "expired"],
      ]
      assert.deepStrictEqual<unknown>(yield* list(), rows)
      for (const [index, status] of (["revoked", "pending", "expired"] as const).entries()) {
        assert.deepStrictEqual<unknown>(yield* list({ status }), [rows[index]])
      }
      assert.deepStrictEqual<unknown>(yield* list({ search: "CAR" }), [rows[1]])
      const page = yield* invitations.list(ada.actor, at, { limit: 2 })
      assert.deepStrictEqual(
        page.items.map(({ id }) => id),
        [third.id, second.id],
      )
      if (page.cursor === null) return assert.fail("The list ends early")
      const rest = yield* invitations.list(ada.actor, at, { limit: 2, cursor: page.cursor })
      assert.deepStrictEqual([rest.items.map(({ id }) => id), rest.cursor], [[first.id], null])
      assert.deepStrictEqual(yield* list({ cursor: "nonsense" }), [])
      assert.strictEqual((yield* invitations.get(ada.actor, at, first.id)).status, "expired")
      const row = yield* InvitationStore.use((store) =>
        store.find({ userId: ada.actor.user.id, organization: at }, first.id),
      )
      // Nothing wrote it down.
      assert.include(JSON.stringify(row), '"pending"')
    }).pipe(Effect.provide(layer())),
  )

  it.effect("are for members who may see invitations of their organization", () =>
    Effect.gen(function* () {
      const { at, invite, invitations, join, joinWith } = yield* begin
      const other = yield* begin
      const { id } = yield* invite(bob)
      const reader = yield* joinWith("invitation:read")
      assert.strictEqual((yield* invitations.get(reader.actor, at, id)).id, id)
      for (const [actor, expected] of [
        [other.ada.actor, noOrganization],
        [(yield* join()).actor, missing("invitation:read")],
      ] as const) {
        assert.deepStrictEqual(yield* refusal(invitations.get(actor, at, id)), expected)
        assert.deepStrictEqual(yield* refusal(invitations.list(actor, at)), expected)
      }
      assert.deepStrictEqual(yield* refusal(invitations.get(other.ada.actor, other.at, id)), noInvitation)
      const nobody = InvitationId.make("00000000-0000-7000-8000-000000000000")
      assert.deepStrictEqual(yield* refusal(invitations.get(reader.actor, at, nobody)), noInvitation)
    }).pipe(Effect.provide(layer())),
  )
})
