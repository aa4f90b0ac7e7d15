/**
 * What many do at once, over memory and both databases: one of them wins, the others are told why not, and what has to
 * hold of an organization holds afterwards.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { Invitations } from "@belfry/organization/Invitations"
import { Members } from "@belfry/organization/Members"
import type { Actor } from "@belfry/organization/Membership"
import { Slug } from "@belfry/organization/Organization"
import { Organizations } from "@belfry/organization/Organizations"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { Roles } from "@belfry/organization/Roles"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import { Teams } from "@belfry/organization/Teams"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as Builders from "@belfry/testing/Builders"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import type { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { begin, eventsOf, fifty, limits, outcomes, settings, whole } from "./support/AtOnce.ts"
import { takeEvents } from "./support/Happenings.ts"
import { named, roles, takeToken } from "./support/Inviting.ts"
import { layerOver } from "./support/HostServer.ts"

/** Everything that the services of this package stand on. */
type Ground = Exclude<Layer.Success<ReturnType<typeof TestServices.layerSql>>, SqlClient.SqlClient>

const suite = <E>(name: string, ground: Layer.Layer<Ground, E>): void =>
  withLayer(layerOver(ground, { settings }))(`At once (${name})`, (it) => {
    it.effect("one of 50 people accepts an invitation, and 49 are told that it is accepted", () =>
      Effect.gen(function* () {
        const { at, ada } = yield* begin
        const invitations = yield* Invitations
        const people = yield* Effect.all(fifty(() => OrganizationBuilders.actor()))
        const email = Email.make(`${at}@example.com`)
        yield* invitations.create(ada.actor, at, { email, roles: roles("member") })
        const key = { _tag: "Token", token: yield* takeToken(email) } as const
        yield* takeEvents(at)
        assert.deepStrictEqual(yield* outcomes(people.map((actor) => invitations.accept(actor, key))), {
          ok: 1,
          "InvitationClosed accepted": 49,
        })
        assert.strictEqual((yield* whole(at)).length, 2)
        assert.deepStrictEqual(yield* eventsOf(at), { InvitationAccepted: 1, MemberAdded: 1 })
      }),
    )

    it.effect("one person who accepts 50 times is a member once, and gets one answer", () =>
      Effect.gen(function* () {
        const { at, ada } = yield* begin
        const invitations = yield* Invitations
        const actor = yield* OrganizationBuilders.actor()
        const { id } = yield* invitations.create(ada.actor, at, { email: actor.user.email, roles: roles("billing") })
        yield* takeEvents(at)
        const answers = yield* Effect.all(
          fifty(() => invitations.accept(actor, { _tag: "Id", id })),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(new Set(answers.map(({ memberId, roles: held }) => `${memberId} ${held.join()}`)).size, 1)
        assert.strictEqual((yield* whole(at)).length, 2)
        assert.deepStrictEqual(yield* eventsOf(at), { InvitationAccepted: 1, MemberAdded: 1 })
      }),
    )

    it.effect("of 50 owners who leave, 49 do, and the last one cannot", () =>
      Effect.gen(function* () {
        const { at, ada, join } = yield* begin
        const organizations = yield* Organizations
        const owners = [ada, ...(yield* Effect.all(fifty(() => join("owner")).slice(1)))]
        assert.deepStrictEqual(yield* outcomes(owners.map(({ actor }) => organizations.leave(actor, at))), {
          ok: 49,
          LastOwner: 1,
        })
        assert.strictEqual((yield* whole(at)).length, 1)
        assert.deepStrictEqual(yield* eventsOf(at), { MemberRemoved: 49 })
      }),
    )

    it.effect("two owners who leave and take the role from one another leave one", () =>
      Effect.gen(function* () {
        const { at, ada, join } = yield* begin
        const [organizations, members] = [yield* Organizations, yield* Members]
        const bob = yield* join("owner")
        const demote = (by: Actor, id: typeof bob.id) => members.setRoles(by, at, { _tag: "Id", id }, roles("member"))
        const calls = fifty((index): Effect.Effect<unknown, { readonly _tag: string }> => {
          const [one, other] = index % 2 === 0 ? [ada, bob] : [bob, ada]
          return index % 4 < 2 ? organizations.leave(one.actor, at) : demote(one.actor, other.id)
        })
        const { ok, StoreError } = yield* outcomes(calls)
        assert.isAtLeast(ok ?? 0, 1)
        assert.isUndefined(StoreError)
        const left = (yield* whole(at)).filter((member) => member.roles.includes(named("owner")))
        assert.strictEqual(left.length, 1)
      }),
    )

    it.effect("50 who are invited take the last 3 seats, and 47 find none", () =>
      Effect.gen(function* () {
        const { at, ada } = yield* begin
        const invitations = yield* Invitations
        limits.set(at, 4)
        const people = yield* Effect.all(fifty(() => OrganizationBuilders.actor()))
        const keys = yield* Effect.forEach(people, ({ user: { email } }) =>
          Effect.map(
            invitations.create(ada.actor, at, { email, roles: roles("member") }),
            ({ id }) => ({ _tag: "Id", id }) as const,
          ),
        )
        yield* takeEvents(at)
        const accepted = people.flatMap((actor, index) => {
          const key = keys[index]
          return key === undefined ? [] : [invitations.accept(actor, key)]
        })
        assert.deepStrictEqual(yield* outcomes(accepted), { ok: 3, LimitReached: 47 })
        assert.strictEqual((yield* whole(at)).length, 4)
        assert.deepStrictEqual(yield* eventsOf(at), { InvitationAccepted: 3, MemberAdded: 3 })
        const open = yield* invitations.list(ada.actor, at, { status: "pending", limit: 100 })
        assert.strictEqual(open.items.length, 47)
      }),
    )

    it.effect("50 are added to 3 seats, and 47 find none", () =>
      Effect.gen(function* () {
        const { at, ada } = yield* begin
        const members = yield* Members
        limits.set(at, 4)
        const people = yield* Effect.all(fifty(() => Builders.storedUser()))
        const added = people.map(({ id: userId }) => members.add(ada.actor, at, { userId, roles: roles("member") }))
        assert.deepStrictEqual(yield* outcomes(added), { ok: 3, LimitReached: 47 })
        assert.strictEqual((yield* whole(at)).length, 4)
      }),
    )

    it.effect("one of 50 organizations gets a slug, made or renamed", () =>
      Effect.gen(function* () {
        const organizations = yield* Organizations
        const people = yield* Effect.all(fifty(() => begin))
        const slug = Slug.make(`acme-${people[0]?.at.slice(-12) ?? ""}`)
        const calls = people.map(({ at, ada }, index): Effect.Effect<unknown, { readonly _tag: string }> =>
          index % 2 === 0
            ? organizations.create(ada.actor, { name: "Acme", slug })
            : organizations.update(ada.actor, at, { slug }),
        )
        assert.deepStrictEqual(yield* outcomes(calls), { ok: 1, SlugTaken: 49 })
        assert.isFalse(yield* organizations.isSlugAvailable(slug))
      }),
    )

    it.effect("one of 50 invitations goes to an address, by one mail", () =>
      Effect.gen(function* () {
        const { at, ada } = yield* begin
        const invitations = yield* Invitations
        const email = Email.make(`${at}@example.com`)
        const calls = fifty(() => invitations.create(ada.actor, at, { email, roles: roles("member") }))
        assert.deepStrictEqual(yield* outcomes(calls), { ok: 1, "InvitationConflict invited": 49 })
        assert.deepStrictEqual(yield* eventsOf(at), { InvitationCreated: 1 })
        const mails = yield* Effect.flatMap(CapturingMailer.CapturingMailer, ({ messages }) => messages)
        assert.strictEqual(mails.filter(({ to }) => to === email).length, 1)
      }),
    )

    it.effect("a role is deleted or given, and nobody has one that is gone", () =>
      Effect.gen(function* () {
        const { at, ada, join } = yield* begin
        const [service, members, invitations] = [yield* Roles, yield* Members, yield* Invitations]
        const role = yield* OrganizationBuilders.storedRole(at, { name: named("auditor") })
        const people = yield* Effect.all(fifty(() => join("member")))
        const calls = people.map(({ id }, index): Effect.Effect<unknown, { readonly _tag: string }> => {
          if (index % 3 === 0) return service.remove(ada.actor, at, role.name)
          if (index % 3 === 1) return members.setRoles(ada.actor, at, { _tag: "Id", id }, roles("auditor"))
          const email = Email.make(`${id}@example.com`)
          return invitations.create(ada.actor, at, { email, roles: roles("auditor") })
        })
        const { ok = 0, ...refused } = yield* outcomes(calls)
        const holders = (yield* whole(at)).filter((member) => member.roles.includes(role.name)).length
        const open = (yield* invitations.list(ada.actor, at, { limit: 100 })).items.length
        // 17 delete it, 17 give it, 16 offer it.
        if (holders + open === 0) {
          assert.strictEqual(ok, 1)
          assert.deepStrictEqual(refused, { RoleNotFound: 49 })
        } else {
          assert.deepStrictEqual([holders, open, ok], [17, 16, 33])
          assert.deepStrictEqual(refused, { "RoleRefused in-use": 17 })
        }
      }),
    )

    it.effect("an organization is handed over to one of 50", () =>
      Effect.gen(function* () {
        const { at, ada, join } = yield* begin
        const organizations = yield* Organizations
        const people = yield* Effect.all(fifty(() => join("member")))
        const calls = people.map(({ id: to }) => organizations.transfer(ada.actor, at, { to }))
        assert.deepStrictEqual(yield* outcomes(calls), { ok: 1, "PermissionMissing permission": 49 })
        const members = yield* whole(at)
        assert.strictEqual(members.filter((member) => member.roles.includes(named("owner"))).length, 1)
        const former = members.find(({ id }) => id === ada.id)
        assert.deepStrictEqual(former?.roles, [named("admin")])
        assert.deepStrictEqual(yield* eventsOf(at), { OwnershipTransferred: 1, MemberRoleChanged: 2 })
      }),
    )

    it.effect("somebody who is added 50 times, to the organization and to a team, is there once", () =>
      Effect.gen(function* () {
        const { at, ada } = yield* begin
        const [members, teams] = [yield* Members, yield* Teams]
        const { id: userId } = yield* Builders.storedUser()
        const team = yield* OrganizationBuilders.storedTeam({ organizationId: at })
        const add = members.add(ada.actor, at, { userId, roles: roles("member") })
        const added = yield* Effect.all(
          fifty(() => add),
          { concurrency: "unbounded" },
        )
        const [memberId, ...others] = new Set(added.map(({ id }) => id))
        if (memberId === undefined) return assert.fail("Nobody was added")
        assert.deepStrictEqual(others, [])
        const put = teams.addMember(ada.actor, at, team.id, { memberId })
        assert.deepStrictEqual(yield* outcomes(fifty(() => put)), { ok: 50 })
        assert.strictEqual((yield* whole(at)).length, 2)
        assert.strictEqual((yield* teams.members(ada.actor, at, team.id)).items.length, 1)
        assert.deepStrictEqual(yield* eventsOf(at), { MemberAdded: 1, TeamMemberAdded: 1 })
      }),
    )

    it.effect("50 join a team with 3 places, and 47 find none; whoever is in it stays", () =>
      Effect.gen(function* () {
        const { at, ada, join } = yield* begin
        const teams = yield* Teams
        const team = yield* OrganizationBuilders.storedTeam({ organizationId: at })
        limits.set(team.id, 4)
        yield* OrganizationBuilders.storedTeamMember(team, ada.id)
        const people = yield* Effect.all(fifty(() => join("member")))
        const put = ({ id: memberId }: { readonly id: typeof ada.id }) =>
          teams.addMember(ada.actor, at, team.id, { memberId })
        assert.deepStrictEqual(yield* outcomes(people.map(put)), { ok: 3, LimitReached: 47 })
        yield* put(ada)
        assert.strictEqual((yield* teams.members(ada.actor, at, team.id)).items.length, 4)
      }),
    )

    it.effect("somebody who makes 50 organizations makes 3, where that is the limit", () =>
      Effect.gen(function* () {
        const organizations = yield* Organizations
        const actor = yield* OrganizationBuilders.actor()
        limits.set(actor.user.id, 3)
        const calls = fifty(() => organizations.create(actor, { name: "Acme" }))
        assert.deepStrictEqual(yield* outcomes(calls), { ok: 3, LimitReached: 47 })
        assert.strictEqual((yield* organizations.list(actor)).items.length, 3)
      }),
    )

    it.effect("an invitation that is sent again 49 times is accepted by the token of before, or not at all", () =>
      Effect.gen(function* () {
        const { at, ada } = yield* begin
        const invitations = yield* Invitations
        const actor = yield* OrganizationBuilders.actor()
        const { email } = actor.user
        const { id } = yield* invitations.create(ada.actor, at, { email, roles: roles("member") })
        const key = { _tag: "Token", token: yield* takeToken(email) } as const
        const calls = fifty((index): Effect.Effect<unknown, { readonly _tag: string }> =>
          index === 0 ? invitations.accept(actor, key) : invitations.resend(ada.actor, at, id),
        )
        const counts = yield* outcomes(calls)
        const isMember = (yield* whole(at)).length === 2
        const events = yield* eventsOf(at)
        assert.strictEqual(events["InvitationAccepted"] ?? 0, isMember ? 1 : 0)
        if (isMember) {
          // Whoever came later is told; whoever came first had made the token worthless, so nobody did.
          assert.deepStrictEqual(counts, { ok: 1, "InvitationClosed accepted": 49 })
        } else {
          assert.deepStrictEqual(counts, { ok: 49, InvitationNotFound: 1 })
          yield* invitations.accept(actor, { _tag: "Token", token: yield* takeToken(email) })
        }
      }),
    )

    it.effect("50 sweeps write down what is over once", () =>
      Effect.gen(function* () {
        const invitations = yield* Invitations
        const places = yield* Effect.all(Array.from({ length: 5 }, () => begin))
        yield* Effect.forEach(places, ({ at, ada }) =>
          Effect.all(
            Array.from({ length: 4 }, (_, index) => {
              const email = Email.make(`${at}-${index}@example.com`)
              return invitations.create(ada.actor, at, { email, roles: roles("member") })
            }),
          ),
        )
        for (const { at } of places) yield* takeEvents(at)
        yield* TestClock.adjust("7 days")
        yield* Effect.all(
          fifty(() => invitations.expire),
          { concurrency: "unbounded" },
        )
        for (const { at, ada } of places) {
          assert.deepStrictEqual(yield* eventsOf(at), { InvitationExpired: 4 })
          assert.strictEqual((yield* invitations.list(ada.actor, at, { status: "expired" })).items.length, 4)
        }
        assert.strictEqual(yield* invitations.expire, 0)
      }),
    )

    it.effect("50 purges remove what was deleted long ago, once", () =>
      Effect.gen(function* () {
        const trusted = yield* TrustedOrganizations
        const places = yield* Effect.all(Array.from({ length: 20 }, () => begin))
        for (const { at } of places) yield* trusted.remove(at)
        for (const { at } of places) yield* takeEvents(at)
        yield* TestClock.adjust("30 days")
        yield* Effect.all(
          fifty(() => trusted.purge),
          { concurrency: "unbounded" },
        )
        for (const { at } of places) {
          assert.deepStrictEqual(yield* eventsOf(at), { OrganizationPurged: 1 })
          assert.deepStrictEqual(yield* OrganizationStore.use((store) => store.find(at)), Option.none())
        }
        assert.strictEqual(yield* trusted.purge, 0)
      }),
    )

    it.effect("an account that goes while its owner's organization is handed over leaves it with an owner", () =>
      Effect.gen(function* () {
        const { at, ada, join } = yield* begin
        const [organizations, trusted, users] = [yield* Organizations, yield* TrustedOrganizations, yield* Users]
        const bob = yield* join("owner")
        const { client } = ada.actor
        const calls = fifty((index): Effect.Effect<unknown, { readonly _tag: string }> => {
          if (index % 3 === 0) return trusted.removeUser(ada.actor.user.id, client)
          if (index % 3 === 1) return trusted.removeUser(bob.actor.user.id, client)
          return organizations.leave(ada.actor, at)
        })
        const { StoreError } = yield* outcomes(calls)
        assert.isUndefined(StoreError)
        assert.strictEqual((yield* whole(at)).length, 1)
        assert.isNotNull(yield* users.get(ada.actor.user.id))
      }),
    )
  })

suite("memory", TestServices.layerMemory)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations])) {
  suite(name, TestServices.layerSql(layer))
}
