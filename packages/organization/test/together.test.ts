/**
 * Changes that come at the same time in PostgreSQL: one statement for all of them, and each by itself all the same.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { InvitationStore, type NewInvitation } from "@belfry/organization/InvitationStore"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import type { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { textsOf } from "@belfry/testing/StatementPlans"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Context, DateTime, Deferred, Effect, Exit, Fiber, Option } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"

const database = TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations])

withLayer(TestServices.layerSql(database))("Changes of many organizations at the same time", (it) => {
  it.effect("are one statement for those that come while another one is under way", () =>
    Effect.gen(function* () {
      const [invitations, organizations] = [yield* InvitationStore, yield* OrganizationStore]
      const drafts = yield* Effect.forEach(yield* some(20), (id) => draft(id))
      const inserting = Effect.forEach(drafts, (one) => invitations.insert(one), { concurrency: "unbounded" })
      assert.lengthOf(yield* textsOf(inserting), 2)
      const acceptances = yield* Effect.forEach(drafts, acceptance)
      const accepted: Array<boolean> = []
      const accepting = Effect.forEach(acceptances, (one) => invitations.accept(one), { concurrency: "unbounded" })
      const texts = yield* textsOf(Effect.map(accepting, (answers) => accepted.push(...answers)))
      assert.lengthOf(texts, 2)
      assert.isTrue(accepted.every((isAccepted) => isAccepted))
      // All of one person, in one session, which acts for one of them from then on.
      const { session, user } = yield* OrganizationBuilders.actor()
      const made = yield* Effect.forEach(Array.from({ length: 20 }), () =>
        Effect.all([OrganizationBuilders.organization({}), OrganizationBuilders.memberId]),
      )
      const making = Effect.forEach(
        made,
        ([organization, id]) => organizations.insert(organization, { id, userId: user.id, sessionId: session.id }),
        { concurrency: "unbounded" },
      )
      assert.lengthOf(yield* textsOf(making), 2)
    }),
  )

  // On the real clock: whoever waited for the lock after all would go on when PostgreSQL gives up, after 5 seconds.
  it.effect("do not wait for one whose organization somebody has locked, which is told that it changes", () =>
    Effect.gen(function* () {
      const { accept, insert } = yield* InvitationStore
      const [inviting, accepting] = [yield* some(6), yield* some(6)]
      const drafts = yield* Effect.forEach(inviting, (id) => draft(id))
      const invited = yield* Effect.forEach(accepting, (id) => Effect.tap(draft(id), (one) => insert(one)))
      const acceptances = yield* Effect.forEach(invited, acceptance)
      const locked = yield* Effect.forEach([inviting, accepting], (ids) => lock(ids[3] ?? assert.fail()))
      const changing = Effect.all(
        [
          Effect.forEach(drafts, (one) => insert(one), { concurrency: "unbounded" }),
          Effect.forEach(acceptances, (one) => accept(one), { concurrency: "unbounded" }),
        ],
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(yield* TestClock.withLive(Effect.timeout(changing, "3 seconds")), [
        ["kept", "kept", "kept", "changed", "kept", "kept"],
        [true, true, true, false, true, true],
      ])
      yield* Effect.forEach(locked, ({ release }) => release)
    }),
  )

  it.effect("do not fail with one that the database refuses", () =>
    Effect.gen(function* () {
      const { insert } = yield* InvitationStore
      const nobody = yield* Builders.user()
      const drafts = yield* Effect.forEach(yield* some(6), (id, index) =>
        draft(id, index === 3 ? { inviterId: nobody.id } : {}),
      )
      const exits = yield* Effect.forEach(drafts, (one) => Effect.exit(insert(one)), { concurrency: "unbounded" })
      for (const [index, exit] of exits.entries()) {
        if (index === 3) assert.isTrue(Exit.isFailure(exit))
        else assert.deepStrictEqual(exit, Exit.succeed("kept"))
      }
    }),
  )

  it.effect("are undone with their transaction, and those beside it are not", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { findByToken, insert } = yield* InvitationStore
      const drafts = yield* Effect.forEach(yield* some(4), (id) => draft(id))
      const leave = Context.omit(sql.transactionService)
      const isInside = (index: number) => index % 2 === 0
      const undone = yield* Effect.forEach(
        drafts,
        (one, index) =>
          isInside(index)
            ? insert(one)
            : Effect.updateContext(insert(one), (inside: Context.Context<never>) => leave(inside)),
        { concurrency: "unbounded" },
      ).pipe(
        Effect.tap((answers) => Effect.sync(() => assert.deepStrictEqual(answers, ["kept", "kept", "kept", "kept"]))),
        Effect.andThen(Effect.fail("undo")),
        sql.withTransaction,
        Effect.exit,
      )
      assert.deepStrictEqual(undone, Exit.fail("undo"))
      for (const [index, { tokenHash }] of drafts.entries()) {
        assert.strictEqual(Option.isNone(yield* findByToken([tokenHash])), isInside(index))
      }
    }),
  )

  it.effect("are one of each organization: what was read before somebody else was let in lets in nobody", () =>
    Effect.gen(function* () {
      const { accept, insert, prepare } = yield* InvitationStore
      const [id = assert.fail(), other = assert.fail()] = yield* some(2)
      const invite = (organizationId: OrganizationId) => Effect.tap(draft(organizationId), (one) => insert(one))
      const elsewhere = yield* acceptance(yield* invite(other))
      const drafts = yield* Effect.forEach([1, 2, 3], () => invite(id))
      const acceptances = yield* Effect.forEach(drafts, acceptance)
      // Alone at first, so that the others come together.
      const [first, ...answers] = yield* Effect.forEach([elsewhere, ...acceptances], (one) => accept(one), {
        concurrency: "unbounded",
      })
      assert.isTrue(first)
      assert.lengthOf(
        answers.filter((isAccepted) => isAccepted),
        1,
      )
      const index = answers.indexOf(true)
      const userId = (acceptances[index] ?? assert.fail()).member.userId
      const facts = yield* prepare({ userId, organization: id }, { email: (yield* Builders.user()).email, roles: [] })
      const [{ version } = assert.fail()] = drafts
      // Three invitations and one acceptance later.
      assert.strictEqual(Option.getOrThrow(facts).value.version, (version ?? 0) + 4)
    }),
  )
})

// internal

/** Holds the lock of an organization until it is told to let go. */
const lock = Effect.fnUntraced(function* (id: OrganizationId) {
  const { run } = yield* TransactionStore
  const memberships = yield* MembershipStore
  const [isLocked, end] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
  const fiber = yield* memberships
    .lock(id, null)
    .pipe(
      Effect.andThen(Deferred.succeed(isLocked, undefined)),
      Effect.andThen(Deferred.await(end)),
      run,
      Effect.forkChild,
    )
  yield* Deferred.await(isLocked)
  return { release: Effect.andThen(Deferred.succeed(end, undefined), Fiber.join(fiber)) }
})

/** So many new organizations. */
const some = Effect.fnUntraced(function* (count: number) {
  const made = yield* Effect.forEach(Array.from({ length: count }), () => OrganizationBuilders.storedOrganization())
  return made.map(({ organization }) => organization.id)
})

/** An invitation to an organization as it is now. */
const draft = Effect.fnUntraced(function* (
  organizationId: OrganizationId,
  fields: Partial<NewInvitation["invitation"]> = {},
): Effect.fn.Return<NewInvitation, unknown, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly version: number }>`SELECT version::float8 AS version FROM belfry_organizations
    WHERE id = ${organizationId}`
  const invitation = yield* OrganizationBuilders.invitation({ organizationId, ...fields })
  const assignment = { builtIn: invitation.roles, custom: [] }
  return { invitation, assignment, tokenHash: yield* Builders.keyedHash, limit: null, version: row?.version ?? 0 }
})

/** An acceptance of an invitation that is kept, by somebody new. */
const acceptance = Effect.fnUntraced(function* ({ tokenHash }: NewInvitation) {
  const invitation = Option.getOrThrow(yield* InvitationStore.use((store) => store.findByToken([tokenHash])))
  const { id: userId } = yield* Builders.storedUser()
  const record = { audit: yield* Builders.auditEvent({}), events: [] }
  const member = { id: yield* OrganizationBuilders.memberId, userId }
  return { invitation, hashes: [tokenHash] as const, member, limit: null, now: yield* DateTime.now, record }
})
