/**
 * Stores in memory that count their statements and fail when a test says so.
 */
import { AuditStore } from "@belfry/core/AuditStore"
import * as MemoryAuditStore from "@belfry/core/MemoryAuditStore"
import * as MemoryLinkedAccountStore from "@belfry/core/MemoryLinkedAccountStore"
import * as MemoryOutboxStore from "@belfry/core/MemoryOutboxStore"
import * as MemorySessionStore from "@belfry/core/MemorySessionStore"
import * as MemoryTables from "@belfry/core/MemoryTables"
import * as MemoryTransactionStore from "@belfry/core/MemoryTransactionStore"
import * as MemoryUserStore from "@belfry/core/MemoryUserStore"
import * as MemoryVerificationTokenStore from "@belfry/core/MemoryVerificationTokenStore"
import { StoreError } from "@belfry/core/StoreError"
import { UserStore } from "@belfry/core/UserStore"
import * as MemoryFactorStores from "@belfry/factors/MemoryFactorStores"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import { Context, Effect, Layer } from "effect"

/** How many statements all stores ran so far. */
export class Statements extends Context.Service<Statements, { readonly count: Effect.Effect<number> }>()(
  "@belfry/factors/test/Statements",
) {}

/** What fails from now on: `UserStore.findByEmail`, `PasswordStore.find`, `PasswordStore.findByEmail`, or the insertion of audit events by type. */
export class Failures extends Context.Service<
  Failures,
  { readonly begin: (name: string) => Effect.Effect<void>; readonly end: Effect.Effect<void> }
>()("@belfry/factors/test/Failures") {}

const layerTables = Layer.effectContext(
  Effect.gen(function* () {
    const tables = yield* MemoryTables.make
    let count = 0
    const counted = MemoryTables.MemoryTables.of({
      ...tables,
      statement: (body) =>
        tables.statement(() => {
          count++
          return body()
        }),
    })
    return Context.make(MemoryTables.MemoryTables, counted).pipe(
      Context.add(Statements, Statements.of({ count: Effect.sync(() => count) })),
    )
  }),
)

const layerCounted = MemoryFactorStores.layer.pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      MemoryAuditStore.layer,
      MemoryLinkedAccountStore.layer,
      MemoryOutboxStore.layer,
      MemorySessionStore.layer,
      MemoryTransactionStore.layer,
      MemoryUserStore.layer,
      MemoryVerificationTokenStore.layer,
    ),
  ),
  Layer.provideMerge(layerTables),
)

/** All stores, with {@link Statements} and {@link Failures}. */
export const layer = Layer.effectContext(
  Effect.gen(function* () {
    const audit = yield* AuditStore
    const users = yield* UserStore
    const passwords = yield* PasswordStore
    const failing = new Set<string>()
    const unless = <A, E>(name: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E | StoreError> =>
      Effect.suspend((): Effect.Effect<A, E | StoreError> => (failing.has(name) ? Effect.fail(away(name)) : effect))
    return Context.make(
      AuditStore,
      AuditStore.of({ ...audit, insert: (event) => unless(event.type, audit.insert(event)) }),
    ).pipe(
      Context.add(
        UserStore,
        UserStore.of({ ...users, findByEmail: (email) => unless("UserStore.findByEmail", users.findByEmail(email)) }),
      ),
      Context.add(
        PasswordStore,
        PasswordStore.of({
          ...passwords,
          find: (userId) => unless("PasswordStore.find", passwords.find(userId)),
          findByEmail: (email) => unless("PasswordStore.findByEmail", passwords.findByEmail(email)),
        }),
      ),
      Context.add(
        Failures,
        Failures.of({
          begin: (name) => Effect.sync(() => void failing.add(name)),
          end: Effect.sync(() => failing.clear()),
        }),
      ),
    )
  }),
).pipe(Layer.provideMerge(layerCounted))

const away = (name: string) =>
  new StoreError({ store: name, method: "test", isRetryable: true, cause: new Error("The store is away") })
