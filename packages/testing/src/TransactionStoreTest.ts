/**
 * Contract suite of {@link TransactionStore}.
 *
 * @since 0.1.0
 */
import { AuditStore } from "@belfry/core/AuditStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { User } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<AuditStore | TransactionStore | UserStore, E>): void =>
  withLayer(layer)(`TransactionStore (${name})`, (it) => {
    it.effect("commits what several stores wrote", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const user = yield* Builders.user()
        assert.strictEqual(yield* transactions.run(Effect.as(insertWithEvent(user), "done")), "done")
        assert.deepStrictEqual(yield* whatIsKept(user), { user: true, event: true })
      }),
    )

    it.effect("undoes what several stores wrote when the effect fails, and passes the failure on", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const [kept, user] = [yield* Builders.user(), yield* Builders.user()]
        yield* insertWithEvent(kept)
        const work = Effect.gen(function* () {
          const users = yield* UserStore
          yield* insertWithEvent(user)
          yield* users.remove(kept.id)
          return yield* Effect.fail("refused" as const)
        })
        assert.strictEqual(yield* Effect.flip(transactions.run(work)), "refused")
        assert.deepStrictEqual(yield* whatIsKept(user), { user: false, event: false })
        assert.deepStrictEqual(yield* whatIsKept(kept), { user: true, event: true })
      }),
    )

    it.effect("undoes what was written when the effect dies", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const user = yield* Builders.user()
        const exit = yield* Effect.exit(transactions.run(Effect.andThen(insertWithEvent(user), Effect.die("bug"))))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        assert.deepStrictEqual(yield* whatIsKept(user), { user: false, event: false })
      }),
    )

    it.effect("undoes what was written when the effect is interrupted", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const user = yield* Builders.user()
        const written = yield* Deferred.make<void>()
        const fiber = yield* insertWithEvent(user).pipe(
          Effect.andThen(Deferred.succeed(written, undefined)),
          Effect.andThen(Effect.never),
          transactions.run,
          Effect.forkChild,
        )
        yield* Deferred.await(written)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* whatIsKept(user), { user: false, event: false })
      }),
    )

    it.effect("shows nobody what is undone later", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const user = yield* Builders.user()
        const [written, goOn] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const writer = yield* insertWithEvent(user).pipe(
          Effect.andThen(Deferred.succeed(written, undefined)),
          Effect.andThen(Deferred.await(goOn)),
          Effect.andThen(Effect.fail("refused")),
          transactions.run,
          Effect.forkChild,
        )
        yield* Deferred.await(written)
        // May answer at once or wait for the end of the transaction, but never with the row.
        const reader = yield* Effect.forkChild(whatIsKept(user))
        yield* Deferred.succeed(goOn, undefined)
        assert.deepStrictEqual(yield* Fiber.join(reader), { user: false, event: false })
        yield* Effect.flip(Fiber.join(writer))
      }),
    )

    it.effect("joins a nested transaction to the outer one: what fails later undoes both", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const [outer, inner] = [yield* Builders.user(), yield* Builders.user()]
        const work = insertWithEvent(outer).pipe(
          Effect.andThen(transactions.run(insertWithEvent(inner))),
          Effect.andThen(Effect.fail("refused")),
        )
        yield* Effect.flip(transactions.run(work))
        assert.deepStrictEqual(yield* whatIsKept(outer), { user: false, event: false })
        assert.deepStrictEqual(yield* whatIsKept(inner), { user: false, event: false })
      }),
    )

    it.effect("undoes all when a nested transaction failed, and says so where the outer one went on", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const [outer, inner] = [yield* Builders.user(), yield* Builders.user()]
        const nested = transactions.run(Effect.andThen(insertWithEvent(inner), Effect.fail("refused")))
        const work = Effect.andThen(insertWithEvent(outer), nested)
        assert.strictEqual(yield* Effect.flip(transactions.run(work)), "refused")
        const failure = yield* Effect.flip(transactions.run(Effect.ignore(work)))
        assert.deepInclude(failure, {
          _tag: "StoreError",
          store: "TransactionStore",
          method: "run",
          isRetryable: false,
        })
        assert.deepStrictEqual(yield* whatIsKept(outer), { user: false, event: false })
        assert.deepStrictEqual(yield* whatIsKept(inner), { user: false, event: false })
        yield* transactions.run(insertWithEvent(outer))
        assert.deepStrictEqual(yield* whatIsKept(outer), { user: true, event: true })
      }),
    )

    it.effect("goes on after an address that was taken", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const users = yield* UserStore
        const [ada, bob] = [yield* Builders.user(), yield* Builders.user()]
        const again = yield* Builders.user({ email: ada.email })
        yield* users.insert(ada)
        const work = Effect.gen(function* () {
          const onInsert = yield* Effect.flip(users.insert(again))
          yield* insertWithEvent(bob)
          const onUpdate = yield* Effect.flip(users.update(bob.id, { email: ada.email }, bob.updatedAt))
          yield* users.update(bob.id, { name: "Bob" }, bob.updatedAt)
          return [onInsert._tag, onUpdate._tag]
        })
        assert.deepStrictEqual(yield* transactions.run(work), ["EmailTaken", "EmailTaken"])
        assert.deepStrictEqual(yield* users.findById(bob.id), Option.some({ ...bob, name: "Bob" }))
      }),
    )

    it.effect("lets one of 50 transactions win that write the same address", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const { email } = yield* Builders.user()
        const candidates = yield* Effect.replicateEffect(Builders.user({ email }), 50)
        const exits = yield* Effect.forEach(
          candidates,
          (user) => Effect.exit(transactions.run(insertWithEvent(user))),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
        const kept = yield* Effect.forEach(candidates, whatIsKept)
        assert.strictEqual(kept.filter((row) => row.user && row.event).length, 1)
        assert.strictEqual(kept.filter((row) => row.user || row.event).length, 1)
      }),
    )

    it.effect("runs what waits for the commit once, after it, in order, with the rows in place", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const user = yield* Builders.user()
        const context = yield* Effect.context<AuditStore | UserStore>()
        const log: Array<unknown> = []
        const note = (entry: unknown) => Effect.sync(() => void log.push(entry))
        const looking = whatIsKept(user).pipe(Effect.flatMap(note), Effect.orDie, Effect.provideContext(context))
        const work = Effect.gen(function* () {
          yield* transactions.afterCommit(note("first"))
          yield* insertWithEvent(user)
          yield* transactions.run(transactions.afterCommit(looking))
          yield* transactions.afterCommit(note("last"))
          yield* note("work")
        })
        yield* transactions.run(work)
        assert.deepStrictEqual(log, ["work", "first", { user: true, event: true }, "last"])
      }),
    )

    it.effect("forgets what waits for the commit of a transaction that is undone, itself or by a nested one", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const log: Array<string> = []
        const note = (entry: string) => transactions.afterCommit(Effect.sync(() => void log.push(entry)))
        const undone = transactions.run(Effect.andThen(note("undone"), Effect.fail("refused")))
        yield* Effect.ignore(undone)
        yield* Effect.ignore(transactions.run(Effect.andThen(note("outer"), Effect.ignore(undone))))
        assert.deepStrictEqual(log, [])
        yield* transactions.run(Effect.andThen(note("kept"), transactions.run(note("inner"))))
        assert.deepStrictEqual(log, ["kept", "inner"])
      }),
    )

    it.effect("runs what waits for a commit at once when no transaction is open", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const log: Array<string> = []
        yield* transactions.afterCommit(Effect.sync(() => void log.push("done")))
        assert.deepStrictEqual(log, ["done"])
      }),
    )

    it.effect("runs what waited for the commit outside of the transaction", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const user = yield* Builders.user()
        const context = yield* Effect.context<AuditStore | UserStore>()
        const log: Array<string> = []
        const note = (entry: string) => Effect.sync(() => void log.push(entry))
        const undone = transactions.run(Effect.andThen(insertWithEvent(user), Effect.fail("refused")))
        const later = Effect.all([transactions.afterCommit(note("at once")), note("then"), Effect.ignore(undone)])
        yield* transactions.run(transactions.afterCommit(Effect.asVoid(Effect.provideContext(later, context))))
        assert.deepStrictEqual(log, ["at once", "then"])
        assert.deepStrictEqual(yield* whatIsKept(user), { user: false, event: false })
      }),
    )

    it.effect("keeps what was committed when something that waited for the commit dies, and runs the rest", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const user = yield* Builders.user()
        const log: Array<string> = []
        const work = Effect.gen(function* () {
          yield* insertWithEvent(user)
          yield* transactions.afterCommit(Effect.die("bug"))
          yield* transactions.afterCommit(Effect.sync(() => void log.push("rest")))
        })
        yield* transactions.run(work)
        assert.deepStrictEqual(log, ["rest"])
        assert.deepStrictEqual(yield* whatIsKept(user), { user: true, event: true })
      }),
    )

    it.effect("runs exclusive work of one name once at a time, and other names beside it", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const [entered, goOn] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const first = yield* Deferred.succeed(entered, undefined).pipe(
          Effect.andThen(Deferred.await(goOn)),
          Effect.as("first"),
          (work) => transactions.runExclusive("sweep", work),
          Effect.forkChild,
        )
        yield* Deferred.await(entered)
        const second = yield* transactions.runExclusive("sweep", Effect.succeed("second"))
        assert.deepStrictEqual(second, Option.none())
        const other = yield* Effect.forkChild(transactions.runExclusive("other", Effect.succeed("other")))
        yield* Deferred.succeed(goOn, undefined)
        assert.deepStrictEqual(yield* Fiber.join(first), Option.some("first"))
        assert.deepStrictEqual(yield* Fiber.join(other), Option.some("other"))
        const third = yield* transactions.runExclusive("sweep", Effect.succeed("third"))
        assert.deepStrictEqual(third, Option.some("third"))
      }),
    )

    it.effect("runs exclusive work in a transaction, and frees the name when it fails", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const user = yield* Builders.user()
        const failing = Effect.andThen(insertWithEvent(user), Effect.fail("refused"))
        assert.strictEqual(yield* Effect.flip(transactions.runExclusive("failing", failing)), "refused")
        assert.deepStrictEqual(yield* whatIsKept(user), { user: false, event: false })
        const again = yield* transactions.runExclusive("failing", insertWithEvent(user))
        assert.isTrue(Option.isSome(again))
        assert.deepStrictEqual(yield* whatIsKept(user), { user: true, event: true })
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const insertWithEvent = Effect.fnUntraced(function* (user: User) {
  const event = yield* Builders.auditEvent({ userId: user.id, type: "user.created" })
  yield* UserStore.use((users) => users.insert(user))
  yield* AuditStore.use((audit) => audit.insert(event))
})

const whatIsKept = Effect.fnUntraced(function* ({ id }: User) {
  const user = yield* UserStore.use((users) => users.findById(id))
  const events = yield* AuditStore.use((audit) =>
    audit.list({
      userId: Option.some(id),
      aggregate: Option.none(),
      typePrefix: Option.none(),
      before: Option.none(),
      limit: 1,
    }),
  )
  return { user: Option.isSome(user), event: events.length > 0 }
})
