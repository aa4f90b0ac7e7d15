/**
 * Looking at an invitation, accepting it, turning it down, and what time makes of it.
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Email } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import type { Invitation } from "@belfry/organization/Invitation"
import * as Invitations from "@belfry/organization/Invitations"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import type { Member } from "@belfry/organization/Member"
import type { SessionActor } from "@belfry/organization/Membership"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import { MemberStore } from "@belfry/organization/MemberStore"
import type { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { RoleStore } from "@belfry/organization/RoleStore"
import { TeamRoleName } from "@belfry/organization/Team"
import { TeamStore } from "@belfry/organization/TeamStore"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { auditOf, takeEvents } from "./support/Happenings.ts"
import { begin, builtIn, layer, named, refusal, roles, takeToken } from "./support/Inviting.ts"

const bob = Email.make("bob@example.com")
const carol = Email.make("carol@example.com")
const home = { ipAddress: "192.0.2.1", userAgent: null }
const lead = TeamRoleName.make("lead")
const noInvitation = ["InvitationNotFound"]
const closedAs = (reason: string) => ["InvitationClosed", reason]

/** Somebody with an address that they proved, unless they did not. */
const person = Effect.fnUntraced(function* (email: Email, isVerified = true) {
  const emailVerifiedAt = isVerified ? yield* DateTime.now : null
  return yield* OrganizationBuilders.actor({ user: yield* Builders.storedUser({ email, emailVerifiedAt }) })
})

const byId = ({ id }: Invitation) => ({ _tag: "Id", id }) as const

const tagsOf = (at: OrganizationId) => Effect.map(takeEvents(at), (events) => events.map(({ _tag }) => _tag))

/** The roles of a member, undefined where somebody is none. */
const rolesOf = (at: OrganizationId, userId: Member["userId"]) =>
  Effect.map(
    MemberStore.use((members) => members.get(at, { _tag: "User", userId })),
    (found) => (Option.isSome(found) ? found.value.member.roles : undefined),
  )

const remove = (at: OrganizationId, userId: Member["userId"]) =>
  MemberStore.use((members) =>
    Effect.flatMap(members.get(at, { _tag: "User", userId }), (found) =>
      members.remove(at, Option.getOrThrow(found).member.id),
    ),
  )

const markDeleted = (at: OrganizationId) =>
  OrganizationStore.use((store) => Effect.flatMap(DateTime.now, (now) => store.markDeleted(at, now)))

/** The organization that a session acts for, if any was chosen in it. */
const activeIn = ({ session, user }: Pick<SessionActor, "session" | "user">) =>
  Effect.map(
    MembershipStore.use((store) => store.findActive({ userId: user.id, sessionId: session.id })),
    (found) => (Option.isSome(found) ? [found.value.membership.organizationId, found.value.source] : undefined),
  )

describe("Invitations.preview", () => {
  it.effect("shows what an invitation is about, as time makes it, and uses nothing up", () =>
    Effect.gen(function* () {
      const { ada, inviteByMail, invitations, organization } = yield* begin
      const { invitation, token } = yield* inviteByMail(bob)
      const { id, email, expiresAt } = invitation
      const expected = {
        id,
        organizationName: organization.name,
        organizationLogo: null,
        email,
        inviterName: ada.actor.user.name,
        roles: [named("member")],
        status: "pending",
        expiresAt,
      }
      for (const _ of [1, 2]) assert.deepStrictEqual<unknown>(yield* invitations.preview(token, home), expected)
      yield* TestClock.adjust(Duration.subtract(Duration.days(7), Duration.millis(1)))
      assert.strictEqual((yield* invitations.preview(token, home)).status, "pending")
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual<unknown>(yield* invitations.preview(token, home), { ...expected, status: "expired" })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds nothing by what is no token, nor in an organization that is deleted", () =>
    Effect.gen(function* () {
      const { at, inviteByMail, invitations } = yield* begin
      const { token } = yield* inviteByMail(bob)
      const text = Redacted.value(token)
      for (const other of [
        "",
        "x",
        text.slice(0, -1),
        `${text}x`,
        `${text.slice(0, -1)}${text.endsWith("0") ? "1" : "0"}`,
      ]) {
        assert.deepStrictEqual(yield* refusal(invitations.preview(Redacted.make(other), home)), noInvitation)
      }
      yield* markDeleted(at)
      assert.deepStrictEqual(yield* refusal(invitations.preview(token, home)), noInvitation)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("asks nothing of the store about what cannot be a token", () =>
    Effect.gen(function* () {
      const { token } = yield* (yield* begin).inviteByMail(bob)
      const preview = (text: string) =>
        Invitations.Invitations.use((invitations) => invitations.preview(Redacted.make(text), home))
      const unasked = Layer.effect(
        InvitationStore,
        Effect.map(InvitationStore, (store) =>
          InvitationStore.of({ ...store, findByToken: () => Effect.die("The store was asked") }),
        ),
      )
      const made = `${Redacted.value(token).slice(0, -1)}_`
      assert.deepStrictEqual(
        yield* refusal(Effect.provide(preview(made), Layer.fresh(Layer.provide(Invitations.layer, unasked)))),
        noInvitation,
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("lets one place look 100 times in 15 minutes, in whatever way", () =>
    Effect.gen(function* () {
      const { inviteByMail, invitations } = yield* begin
      const { token, key } = yield* inviteByMail(bob)
      const actor = yield* person(bob)
      const there = { ...actor, client: home }
      const guess = Redacted.make("belfry_invitation_x")
      for (let i = 0; i < 100; i++) {
        assert.deepStrictEqual(yield* refusal(invitations.preview(guess, home)), noInvitation)
      }
      for (const call of [
        invitations.preview(token, home),
        invitations.accept(there, key),
        invitations.reject(null, key, home),
        invitations.provenAddress(token, home),
      ]) {
        assert.deepStrictEqual((yield* refusal<unknown, { readonly _tag: string }, never>(call))[0], "RateLimited")
      }
      yield* invitations.preview(token, { ...home, ipAddress: "198.51.100.1" })
    }).pipe(Effect.provide(layer())),
  )
})

describe("Invitations.accept", () => {
  it.effect("makes a member with the roles and in the teams that were offered, and acts for it from then on", () =>
    Effect.gen(function* () {
      const { at, inviteByMail, invitations, organization, role, team } = yield* begin
      yield* role("auditor", "audit:read")
      const one = yield* team
      const { invitation, key } = yield* inviteByMail(bob, {
        roles: roles("auditor", "billing"),
        teams: [{ teamId: one.id, role: lead }],
      })
      yield* takeEvents(at)
      const actor = yield* person(bob)
      yield* TestClock.adjust("1 hour")
      const membership = yield* invitations.accept(actor, key)
      const { id: userId } = actor.user
      const { memberId } = membership
      const given = ["billing", "auditor"].map(named)
      assert.deepStrictEqual<unknown>(
        { ...membership, permissionSet: undefined },
        {
          organizationId: at,
          organizationName: organization.name,
          organizationSlug: null,
          memberId,
          userId,
          roles: given,
          permissions: ["audit:read", "billing:manage", "billing:read", "organization:read"],
          permissionSet: undefined,
        },
      )
      const found = yield* MembershipStore.use((store) => store.find({ userId, organization: at }))
      assert.strictEqual(Option.getOrThrow(found).memberId, memberId)
      assert.deepStrictEqual(yield* activeIn(actor), [at, "session"])
      const teams = yield* TeamStore.use((store) =>
        store.listByMember(
          { userId, organization: at },
          { _tag: "Id", id: memberId },
          { after: null, limit: 10, search: null },
        ),
      )
      const places = Option.getOrThrow(Option.getOrThrow(teams).value)
      assert.deepStrictEqual(
        places.map(({ team: { id }, role: it }) => [id, it]),
        [[one.id, lead]],
      )
      const by = { organizationId: at, actorId: userId }
      const invitationId = invitation.id
      assert.deepStrictEqual<unknown>(yield* takeEvents(at), [
        { _tag: "InvitationAccepted", ...by, invitationId, userId },
        { _tag: "MemberAdded", ...by, memberId, userId, roles: given, via: "invitation" },
        { _tag: "TeamMemberAdded", ...by, teamId: one.id, memberId, userId, role: lead },
      ])
      assert.deepStrictEqual(
        (yield* auditOf(at)).find(({ type }) => type === "organization-invitation.accepted"),
        {
          type: "organization-invitation.accepted",
          userId,
          before: null,
          after: { roles: given },
          data: { invitationId, memberId },
        },
      )
      const closed = yield* invitations.preview(key.token, home)
      assert.strictEqual(closed.status, "accepted")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("answers the same person the same again, and nobody else", () =>
    Effect.gen(function* () {
      const { at, inviteByMail, invitations, join } = yield* begin
      const { invitation, key } = yield* inviteByMail(bob)
      const [actor, other] = [yield* person(bob), yield* person(carol)]
      const first = yield* invitations.accept(actor, key)
      yield* MembershipStore.use((store) => store.clearActive(actor.session.id))
      yield* takeEvents(at)
      const audited = yield* auditOf(at)
      assert.deepStrictEqual(yield* invitations.accept(actor, key), first)
      assert.deepStrictEqual(yield* invitations.accept(actor, byId(invitation)), first)
      assert.deepStrictEqual(yield* activeIn(actor), [at, "session"])
      assert.deepStrictEqual([yield* tagsOf(at), yield* auditOf(at)], [[], audited])
      assert.deepStrictEqual(yield* refusal(invitations.accept(other, key)), closedAs("accepted"))
      assert.deepStrictEqual(yield* rolesOf(at, other.user.id), undefined)
      const member = yield* join()
      assert.deepStrictEqual(yield* refusal(invitations.accept(member.actor, key)), closedAs("accepted"))
      // It makes nobody a member twice: who left needs another one.
      yield* remove(at, actor.user.id)
      assert.deepStrictEqual(yield* refusal(invitations.accept(actor, key)), closedAs("accepted"))
      assert.deepStrictEqual(yield* rolesOf(at, actor.user.id), undefined)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves a member the roles they have, and puts them into the teams", () =>
    Effect.gen(function* () {
      const { ada, at, inviteByMail, invitations, join, team } = yield* begin
      const one = yield* team
      const { key } = yield* inviteByMail(bob, { roles: roles("admin"), teams: [{ teamId: one.id }] })
      const { actor, id } = yield* join(builtIn("billing"))
      yield* takeEvents(at)
      const membership = yield* invitations.accept(actor, key)
      assert.deepStrictEqual([membership.memberId, membership.roles], [id, [named("billing")]])
      assert.deepStrictEqual(yield* rolesOf(at, actor.user.id), [named("billing")])
      assert.deepStrictEqual(yield* tagsOf(at), ["InvitationAccepted", "TeamMemberAdded"])
      const [shown] = (yield* invitations.list(ada.actor, at)).items
      assert.deepStrictEqual([shown?.status, shown?.acceptedBy], ["accepted", actor.user.id])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes the token from whoever holds it, whatever their address is and whether they proved it", () =>
    Effect.gen(function* () {
      const { at, inviteByMail, invitations } = yield* begin
      const { key } = yield* inviteByMail(bob)
      const other = yield* person(carol, false)
      yield* invitations.accept(other, key)
      assert.deepStrictEqual(yield* rolesOf(at, other.user.id), [named("member")])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes the token for its own address alone where the host says so", () =>
    Effect.gen(function* () {
      const { at, inviteByMail, invitations } = yield* begin
      const { key } = yield* inviteByMail(bob)
      const other = yield* person(carol)
      assert.deepStrictEqual(yield* refusal(invitations.accept(other, key)), ["InvitationForAnother", "address"])
      assert.deepStrictEqual(yield* rolesOf(at, other.user.id), undefined)
      // Who holds the token reads the mailbox: it proves the address.
      yield* invitations.accept(yield* person(bob, false), key)
    }).pipe(Effect.provide(layer({ acceptsOtherAddresses: false }))),
  )

  it.effect("takes the id from whoever proved the address, and tells nobody else that there is one", () =>
    Effect.gen(function* () {
      const { at, invite, invitations } = yield* begin
      const key = byId(yield* invite(bob))
      const other = yield* person(carol)
      assert.deepStrictEqual(yield* refusal(invitations.accept(other, key)), noInvitation)
      const actor = yield* person(bob, false)
      assert.deepStrictEqual(yield* refusal(invitations.accept(actor, key)), ["InvitationForAnother", "unverified"])
      const verified = { ...actor, user: { ...actor.user, emailVerifiedAt: yield* DateTime.now } }
      yield* invitations.accept(verified, key)
      assert.deepStrictEqual(yield* rolesOf(at, actor.user.id), [named("member")])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is possible until a millisecond before its end, and not at it", () =>
    Effect.gen(function* () {
      const { inviteByMail, invitations } = yield* begin
      const [first, second] = [yield* inviteByMail(bob), yield* inviteByMail(carol)]
      yield* TestClock.adjust(Duration.subtract(Duration.days(7), Duration.millis(1)))
      yield* invitations.accept(yield* person(bob), first.key)
      yield* TestClock.adjust("1 millis")
      const late = yield* person(carol)
      for (const key of [second.key, byId(second.invitation)]) {
        assert.deepStrictEqual(yield* refusal(invitations.accept(late, key)), closedAs("expired"))
        assert.deepStrictEqual(yield* refusal(invitations.reject(late, key, home)), closedAs("expired"))
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds nothing once the organization is deleted", () =>
    Effect.gen(function* () {
      const { at, inviteByMail, invitations } = yield* begin
      const { invitation, key } = yield* inviteByMail(bob)
      const actor = yield* person(bob)
      yield* markDeleted(at)
      for (const each of [key, byId(invitation)]) {
        assert.deepStrictEqual(yield* refusal(invitations.accept(actor, each)), noInvitation)
        assert.deepStrictEqual(yield* refusal(invitations.reject(actor, each, home)), noInvitation)
      }
      assert.deepStrictEqual((yield* invitations.mine(actor)).items, [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds no room in an organization or a team that is full, and stays open", () =>
    Effect.gen(function* () {
      const { at, inviteByMail, invitations, join, team } = yield* begin
      const one = yield* team
      yield* OrganizationBuilders.storedTeamMember(one, (yield* join()).id)
      const plain = yield* inviteByMail(bob)
      const teamed = yield* inviteByMail(carol, { teams: [{ teamId: one.id }] })
      yield* takeEvents(at)
      const full = ["LimitReached", "team-members", 1]
      assert.deepStrictEqual(yield* refusal(invitations.accept(yield* person(carol), teamed.key)), full)
      const actor = yield* person(bob)
      yield* invitations.accept(actor, plain.key)
      const third = yield* inviteByMail(Email.make("dan@example.com"))
      const late = yield* OrganizationBuilders.actor()
      const none = ["LimitReached", "members", 3]
      assert.deepStrictEqual(yield* refusal(invitations.accept(late, third.key)), none)
      assert.strictEqual((yield* invitations.preview(teamed.token, home)).status, "pending")
      assert.deepStrictEqual(yield* tagsOf(at), ["InvitationAccepted", "MemberAdded", "InvitationCreated"])
      assert.strictEqual(yield* activeIn(late), undefined)
      yield* remove(at, actor.user.id)
      yield* invitations.accept(late, third.key)
    }).pipe(Effect.provide(layer({ limits: { members: () => Effect.succeed(3), teamMembers: 1 } }))),
  )

  it.effect("tells the host's hooks when it committed, of a new member and of the invitation", () => {
    const told: Array<unknown> = []
    const hooks = {
      afterMemberAddition: ({ member }: { readonly member: Member }) =>
        Effect.andThen(
          Effect.sync(() => void told.push(["member", member.roles])),
          Effect.die("A hook that fails keeps nobody else from knowing"),
        ),
      afterInvitationAcceptance: ({
        invitation,
        member,
      }: {
        readonly invitation: Invitation
        readonly member: Member
      }) => Effect.sync(() => void told.push([invitation.status, member.id])),
    }
    return Effect.gen(function* () {
      const { inviteByMail, invitations, join } = yield* begin
      const [first, second] = [yield* inviteByMail(bob), yield* inviteByMail(carol)]
      const { memberId } = yield* invitations.accept(yield* person(bob), first.key)
      assert.deepStrictEqual(told.splice(0), [
        ["member", [named("member")]],
        ["accepted", memberId],
      ])
      const { actor, id } = yield* join()
      yield* invitations.accept(actor, second.key)
      assert.deepStrictEqual(told, [["accepted", id]])
    }).pipe(Effect.provide(layer({}, hooks)))
  })
})

/** The service whose first look by a token is followed by something that others do, before it holds the lock. */
const overtakenBy = <A, E>(others: Effect.Effect<A, E>) =>
  Layer.fresh(
    Layer.provide(
      Invitations.layer,
      Layer.effect(
        InvitationStore,
        Effect.gen(function* () {
          const store = yield* InvitationStore
          const once = yield* Effect.cached(Effect.orDie(others))
          return InvitationStore.of({ ...store, findByToken: (hashes) => Effect.tap(store.findByToken(hashes), once) })
        }),
      ),
    ),
  )

describe("An invitation that changes while somebody accepts it", () => {
  const accept = (actor: SessionActor, key: Parameters<Invitations.Invitations["Service"]["accept"]>[1]) =>
    Invitations.Invitations.use((invitations) => invitations.accept(actor, key))

  it.effect("is accepted as it is then: not by a token from before, nor once it is taken back", () =>
    Effect.gen(function* () {
      const { ada, at, inviteByMail, invitations } = yield* begin
      const actor = yield* person(bob)
      const { invitation, key } = yield* inviteByMail(bob)
      const resend = invitations.resend(ada.actor, at, invitation.id)
      assert.deepStrictEqual(yield* refusal(Effect.provide(accept(actor, key), overtakenBy(resend))), noInvitation)
      const again = { _tag: "Token", token: yield* takeToken(bob) } as const
      const revoke = invitations.revoke(ada.actor, at, invitation.id)
      const late = Effect.provide(accept(actor, again), overtakenBy(revoke))
      assert.deepStrictEqual(yield* refusal(late), closedAs("revoked"))
      assert.deepStrictEqual(yield* rolesOf(at, actor.user.id), undefined)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gives the role that took the place of the one that was offered", () =>
    Effect.gen(function* () {
      const { at, inviteByMail, role } = yield* begin
      const auditor = yield* role("auditor", "audit:read")
      const { key } = yield* inviteByMail(bob, { roles: roles("auditor") })
      const roleStore = yield* RoleStore
      const replacement = { builtIn: named("billing") }
      const removal = { organizationId: at, id: auditor.id, replacement, now: yield* DateTime.now }
      const { lock } = yield* MembershipStore
      const { run } = yield* TransactionStore
      // As every change is made: under the lock of the organization.
      const overtaken = overtakenBy(run(Effect.andThen(lock(at, null), roleStore.remove(removal))))
      const membership = yield* Effect.provide(accept(yield* person(bob), key), overtaken)
      assert.deepStrictEqual(membership.roles, [named("billing")])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leads nowhere once the organization is deleted", () =>
    Effect.gen(function* () {
      const { at, inviteByMail } = yield* begin
      const { key } = yield* inviteByMail(bob)
      const store = yield* OrganizationStore
      const overtaken = overtakenBy(store.markDeleted(at, yield* DateTime.now))
      const actor = yield* person(bob)
      assert.deepStrictEqual(yield* refusal(Effect.provide(accept(actor, key), overtaken)), noInvitation)
      const rejected = Effect.provide(
        Invitations.Invitations.use((invitations) => invitations.reject(null, key, home)),
        overtaken,
      )
      assert.deepStrictEqual(yield* refusal(rejected), noInvitation)
      assert.deepStrictEqual(yield* rolesOf(at, actor.user.id), undefined)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Invitations.reject", () => {
  it.effect("turns an invitation down by its token, without a session, once", () =>
    Effect.gen(function* () {
      const { at, inviteByMail, invitations } = yield* begin
      const { invitation, key } = yield* inviteByMail(bob)
      yield* takeEvents(at)
      yield* invitations.reject(null, key, home)
      assert.deepStrictEqual(yield* refusal(invitations.reject(null, key, home)), closedAs("rejected"))
      assert.deepStrictEqual(yield* refusal(invitations.accept(yield* person(bob), key)), closedAs("rejected"))
      const invitationId = invitation.id
      assert.deepStrictEqual(yield* takeEvents(at), [
        { _tag: "InvitationRejected", organizationId: at, actorId: null, invitationId },
      ])
      assert.deepStrictEqual((yield* auditOf(at)).at(-1), {
        type: "organization-invitation.rejected",
        userId: null,
        before: null,
        after: null,
        data: { invitationId },
      })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("turns it down by id for whoever proved the address, and for nobody else", () =>
    Effect.gen(function* () {
      const { at, invite, invitations } = yield* begin
      const key = byId(yield* invite(bob))
      yield* takeEvents(at)
      const actor = yield* person(bob)
      const unverified = { ...actor, user: { ...actor.user, emailVerifiedAt: null } }
      const reject = (by: typeof actor | null) => invitations.reject(by, key, home)
      assert.deepStrictEqual(yield* refusal(reject(null)), noInvitation)
      assert.deepStrictEqual(yield* refusal(reject(yield* person(carol))), noInvitation)
      assert.deepStrictEqual(yield* refusal(reject(unverified)), ["InvitationForAnother", "unverified"])
      yield* reject(actor)
      const [event] = yield* takeEvents(at)
      assert.deepInclude(event, { _tag: "InvitationRejected", actorId: actor.user.id })
    }).pipe(Effect.provide(layer())),
  )
})

describe("Invitations.mine", () => {
  it.effect("lists open invitations to the actor's own address once it is proved", () =>
    Effect.gen(function* () {
      const [here, there] = [yield* begin, yield* begin]
      const { invitations } = here
      const first = yield* here.invite(bob, { lifetime: Duration.days(1) })
      const second = yield* there.invite(bob)
      yield* here.invite(carol)
      const actor = yield* person(bob)
      const mine = (options?: Parameters<typeof invitations.mine>[1]) => invitations.mine(actor, options)
      const page = yield* mine({ limit: 1 })
      assert.deepStrictEqual(
        page.items.map(({ id }) => id),
        [second.id],
      )
      const rest = yield* mine({ limit: 1, cursor: page.cursor ?? "" })
      assert.deepStrictEqual([rest.items.map(({ id }) => id), rest.cursor], [[first.id], null])
      const unverified = { ...actor, user: { ...actor.user, emailVerifiedAt: null } }
      assert.deepStrictEqual(yield* invitations.mine(unverified), { items: [], cursor: null })
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(
        (yield* mine()).items.map(({ id }) => id),
        [second.id],
      )
      yield* invitations.reject(actor, byId(second), home)
      assert.deepStrictEqual((yield* mine()).items, [])
    }).pipe(Effect.provide(layer())),
  )
})

describe("Signing up with an invitation", () => {
  it.effect("proves the address of an open invitation, and uses nothing up", () =>
    Effect.gen(function* () {
      const { inviteByMail, invitations } = yield* begin
      const { key, token } = yield* inviteByMail(bob)
      const other = yield* inviteByMail(carol)
      for (const _ of [1, 2]) assert.deepStrictEqual(yield* invitations.provenAddress(token, home), Option.some(bob))
      yield* invitations.reject(null, key, home)
      assert.deepStrictEqual(yield* invitations.provenAddress(token, home), Option.none())
      assert.deepStrictEqual(yield* invitations.provenAddress(Redacted.make("x"), home), Option.none())
      yield* TestClock.adjust("7 days")
      assert.deepStrictEqual(yield* invitations.provenAddress(other.token, home), Option.none())
    }).pipe(Effect.provide(layer())),
  )

  it.effect("makes the new user a member, whose session comes after", () =>
    Effect.gen(function* () {
      const { at, inviteByMail, invitations, team } = yield* begin
      const one = yield* team
      const { token } = yield* inviteByMail(bob, { roles: roles("billing"), teams: [{ teamId: one.id }] })
      yield* takeEvents(at)
      const { session, user } = yield* person(bob)
      assert.isTrue(yield* invitations.acceptForNewUser(token, user, home))
      assert.deepStrictEqual(yield* rolesOf(at, user.id), [named("billing")])
      assert.deepStrictEqual(yield* activeIn({ session, user }), [at, "only"])
      const events = yield* takeEvents(at)
      assert.deepStrictEqual(
        events.map(({ _tag }) => _tag),
        ["InvitationAccepted", "MemberAdded", "TeamMemberAdded"],
      )
      assert.deepStrictEqual(
        events.slice(0, 2).map(({ actorId }) => actorId),
        [user.id, user.id],
      )
      assert.isTrue(yield* invitations.acceptForNewUser(token, user, home))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is refused for another address, a token that is dead, and where there is no room", () =>
    Effect.gen(function* () {
      const { ada, at, inviteByMail, invitations } = yield* begin
      const first = yield* inviteByMail(bob)
      const second = yield* inviteByMail(carol)
      const [{ user }, other] = [yield* person(bob), yield* person(carol)]
      const accept = invitations.acceptForNewUser
      assert.isFalse(yield* accept(first.token, other.user, home))
      assert.isFalse(yield* accept(Redacted.make("x"), user, home))
      assert.isTrue(yield* accept(first.token, user, home))
      assert.isFalse(yield* accept(second.token, other.user, home))
      assert.strictEqual((yield* invitations.preview(second.token, home)).status, "pending")
      yield* remove(at, user.id)
      yield* invitations.revoke(ada.actor, at, second.invitation.id)
      assert.isFalse(yield* accept(second.token, other.user, home))
      assert.deepStrictEqual(yield* rolesOf(at, other.user.id), undefined)
    }).pipe(Effect.provide(layer({ limits: { members: 2 } }))),
  )
})

describe("Invitations.expire", () => {
  it.effect("writes down 100 at a time, so that nobody waits for long", () =>
    Effect.gen(function* () {
      const { at, invitations } = yield* begin
      yield* Effect.replicateEffect(OrganizationBuilders.storedInvitation({ organizationId: at }), 101)
      yield* TestClock.adjust("7 days")
      assert.strictEqual(yield* invitations.expire, 100)
      assert.strictEqual(yield* invitations.expire, 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("writes down what is over, of all organizations, and tells of it once", () =>
    Effect.gen(function* () {
      const [here, there] = [yield* begin, yield* begin]
      const { invitations } = here
      const first = yield* here.invite(bob)
      yield* here.invite(Email.make("dan@example.com"))
      const second = yield* there.invite(bob)
      yield* here.invite(carol, { lifetime: Duration.days(8) })
      const all = [here, there]
      for (const { at } of all) yield* takeEvents(at)
      yield* TestClock.adjust(Duration.subtract(Duration.days(7), Duration.millis(1)))
      assert.strictEqual(yield* invitations.expire, 0)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* invitations.expire, 3)
      assert.strictEqual(yield* invitations.expire, 0)
      const events = yield* takeEvents(there.at)
      assert.deepStrictEqual(events, [
        { _tag: "InvitationExpired", organizationId: there.at, actorId: null, invitationId: second.id },
      ])
      const audited = (yield* auditOf(here.at)).filter(({ type }) => type === "organization-invitation.expired")
      assert.deepStrictEqual(audited.map(({ data, userId }) => [data["invitationId"] === first.id, userId]).sort(), [
        [false, null],
        [true, null],
      ])
      const row = yield* InvitationStore.use((store) => store.findByEmail(bob, first.id))
      assert.strictEqual(Option.getOrThrow(row).invitation.status, "expired")
    }).pipe(Effect.provide(layer())),
  )
})

describe("An inviter who is gone", () => {
  it.effect("leaves the invitation as it is, in nobody's name", () =>
    Effect.gen(function* () {
      const { at, invitations, join } = yield* begin
      const { actor } = yield* join(builtIn("admin", "member"))
      const { id } = yield* invitations.create(actor, at, { email: bob, roles: roles("member") })
      yield* remove(at, actor.user.id)
      yield* UserStore.use((users) => users.remove(actor.user.id))
      const bobs = yield* person(bob)
      const [shown] = (yield* invitations.mine(bobs)).items
      assert.deepStrictEqual([shown?.id, shown?.inviterName], [id, null])
      yield* invitations.accept(bobs, { _tag: "Id", id })
    }).pipe(Effect.provide(layer())),
  )
})
