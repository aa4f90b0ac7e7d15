/**
 * Who waits for whom in PostgreSQL: changes of one organization for each other, and nobody else. What somebody may is
 * looked at once they hold the lock, so that what was taken from them while they waited counts.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserDeletionRefused } from "@belfry/core/User"
import { UserRemovals } from "@belfry/core/UserRemovals"
import { Users } from "@belfry/core/Users"
import { Invitations } from "@belfry/organization/Invitations"
import type { MemberId } from "@belfry/organization/Member"
import { MemberStore } from "@belfry/organization/MemberStore"
import type { Actor } from "@belfry/organization/Membership"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import { type OrganizationId, OrganizationPatch } from "@belfry/organization/Organization"
import { Organizations } from "@belfry/organization/Organizations"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { isWaitingForLock } from "@belfry/testing/PostgresLocks"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { DateTime, Deferred, Effect, Fiber, Layer } from "effect"
import { layerOver } from "./support/HostServer.ts"

const database = TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations])

const patch = OrganizationPatch.make({ name: "Renamed" })

/** An organization with an administrator. */
const begin = Effect.gen(function* () {
  const { organization } = yield* OrganizationBuilders.storedOrganization()
  const actor = yield* OrganizationBuilders.actor()
  const { id: memberId } = yield* OrganizationBuilders.storedMember(organization.id, {
    user: actor.user,
    roles: OrganizationBuilders.builtIn("admin"),
  })
  return { id: organization.id, actor, memberId }
})

/** Locks an organization, does something to it, and goes on holding it until it is told to let go. */
const hold = Effect.fnUntraced(function* (id: OrganizationId, change: Effect.Effect<unknown, StoreError>) {
  const { lock } = yield* MembershipStore
  return yield* holding(Effect.andThen(lock(id, null), change))
})

/** Changes something, and does not end the transaction until it is told to let go. */
const holding = Effect.fnUntraced(function* <E>(change: Effect.Effect<unknown, E>) {
  const { run } = yield* TransactionStore
  const isHeld = yield* Deferred.make<void>()
  const release = yield* Deferred.make<void>()
  const fiber = yield* change.pipe(
    Effect.andThen(Deferred.succeed(isHeld, undefined)),
    Effect.andThen(Deferred.await(release)),
    run,
    Effect.forkChild,
  )
  yield* Deferred.await(isHeld)
  return { letGo: Effect.andThen(Deferred.succeed(release, undefined), Fiber.join(fiber)) }
})

/** What is taken from an administrator, and what they are told then. */
const losses: Record<
  string,
  {
    readonly tag: string
    readonly take: (
      id: OrganizationId,
      memberId: MemberId,
    ) => Effect.Effect<unknown, StoreError, MemberStore | OrganizationStore>
  }
> = {
  "has another role": {
    tag: "PermissionMissing",
    take: (organizationId, memberId) =>
      Effect.flatMap(DateTime.now, (now) =>
        MemberStore.use((members) =>
          members.setRoles({ organizationId, memberId, roles: OrganizationBuilders.builtIn("member"), now }),
        ),
      ),
  },
  "is no member any more": {
    tag: "OrganizationNotFound",
    take: (id, memberId) => MemberStore.use((members) => members.remove(id, memberId)),
  },
  "finds the organization deleted": {
    tag: "OrganizationNotFound",
    take: (id) =>
      Effect.flatMap(DateTime.now, (now) =>
        OrganizationStore.use((organizations) => organizations.markDeleted(id, now)),
      ),
  },
}

withLayer(layerOver(TestServices.layerSql(database)).pipe(Layer.provideMerge(database)))(
  "Whoever changes something in an organization",
  (it) => {
    for (const [what, { tag, take }] of Object.entries(losses)) {
      it.effect(`waits for others, and is refused who ${what} when the wait is over`, () =>
        Effect.gen(function* () {
          const { id, actor, memberId } = yield* begin
          const context = yield* Effect.context<MemberStore | OrganizationStore>()
          const organizations = yield* Organizations
          const { letGo } = yield* hold(id, Effect.provideContext(take(id, memberId), context))
          const changing = yield* Effect.forkChild(Effect.flip(organizations.update(actor, id, patch)))
          assert.isTrue(yield* isWaitingForLock(changing))
          yield* letGo
          assert.strictEqual((yield* Fiber.join(changing))._tag, tag)
        }),
      )
    }

    it.effect("sees what others did before", () =>
      Effect.gen(function* () {
        const { id, actor } = yield* begin
        const organizations = yield* Organizations
        const now = yield* DateTime.now
        const store = yield* OrganizationStore
        const { letGo } = yield* hold(id, store.update(id, { name: "Renamed" }, now))
        const changing = yield* Effect.forkChild(organizations.update(actor, id, patch))
        assert.isTrue(yield* isWaitingForLock(changing))
        yield* letGo
        yield* Fiber.join(changing)
        // The name was so already: nothing happened that somebody would be told.
        const events = yield* store.listAuditEvents(
          { userId: actor.user.id, organization: id },
          { after: null, limit: 10, search: null, userId: null },
        )
        assert.strictEqual(events._tag === "Some" ? events.value.value.length : -1, 0)
      }),
    )

    it.effect("finds that they are gone who make an organization, or join one, while they are deleted", () =>
      Effect.gen(function* () {
        const { id } = yield* begin
        const [organizations, invitations] = [yield* Organizations, yield* Invitations]
        const [founder, guest] = [yield* OrganizationBuilders.actor(), yield* OrganizationBuilders.actor()]
        const { invitation } = yield* OrganizationBuilders.storedInvitation({
          organizationId: id,
          email: guest.user.email,
        })
        const key = { _tag: "Id", id: invitation.id } as const
        const calls: ReadonlyArray<readonly [Actor, Effect.Effect<unknown, { readonly _tag: string }>]> = [
          [founder, organizations.create(founder, { name: "Mills" })],
          [guest, invitations.accept(guest, key)],
        ]
        for (const [{ user }, call] of calls) {
          const users = yield* Users
          const { letGo } = yield* holding(users.remove(user.id))
          const late = yield* Effect.forkChild(Effect.flip(call))
          assert.isTrue(yield* isWaitingForLock(late))
          yield* letGo
          assert.strictEqual((yield* Fiber.join(late))._tag, "SessionInvalid")
        }
      }),
    )

    it.effect("keeps those from being deleted who own, by then, what they were making", () =>
      Effect.gen(function* () {
        const organizations = yield* Organizations
        const trusted = yield* TrustedOrganizations
        const users = yield* Users
        const founder = yield* OrganizationBuilders.actor()
        yield* UserRemovals.use((removals) =>
          removals.register(({ id }, client) =>
            Effect.catchTag(trusted.removeUser(id, client), "LastOwner", () =>
              Effect.fail(new UserDeletionRefused({ reason: "the last owner" })),
            ),
          ),
        )
        const { letGo } = yield* holding(organizations.create(founder, { name: "Mills" }))
        const removal = yield* Effect.forkChild(Effect.flip(users.remove(founder.user.id)))
        assert.isTrue(yield* isWaitingForLock(removal))
        yield* letGo
        const refusal = yield* Fiber.join(removal)
        assert.deepStrictEqual(refusal, new UserDeletionRefused({ reason: "the last owner" }))
      }),
    )

    it.effect("holds up no outsiders, no readers, and nobody in other organizations", () =>
      Effect.gen(function* () {
        const [held, other] = [yield* begin, yield* begin]
        const organizations = yield* Organizations
        const outsider = yield* OrganizationBuilders.actor()
        const { letGo } = yield* hold(held.id, Effect.void)
        const error = yield* Effect.flip(organizations.update(outsider, held.id, patch))
        assert.strictEqual(error._tag, "OrganizationNotFound")
        yield* organizations.get(held.actor, held.id)
        yield* organizations.update(other.actor, other.id, patch)
        yield* letGo
      }),
    )
  },
)
