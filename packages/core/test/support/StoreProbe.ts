/**
 * Stores that write down what is asked of them, and fail when a test says so.
 */
import { AuditStore } from "@belfry/core/AuditStore"
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import { SessionStore } from "@belfry/core/SessionStore"
import { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserStore } from "@belfry/core/UserStore"
import { VerificationTokenStore } from "@belfry/core/VerificationTokenStore"
import { Context, Effect, Layer } from "effect"

/** What was asked of the stores. A method is named `SessionStore.touch`. */
export class StoreProbe extends Context.Service<
  StoreProbe,
  {
    /** The calls since the last `clear`, in order. */
    readonly calls: Effect.Effect<ReadonlyArray<string>>
    readonly clear: Effect.Effect<void>
    /** Makes these methods fail with `StoreError` while `effect` runs. */
    readonly failing: <A, E, R>(
      methods: ReadonlyArray<string>,
      effect: Effect.Effect<A, E, R>,
    ) => Effect.Effect<A, E, R>
  }
>()("@belfry/core/test/StoreProbe") {}

/** The same stores, observed. */
export const layer = Layer.effectContext(
  Effect.gen(function* () {
    const calls: Array<string> = []
    const broken = new Set<string>()

    const observe = <Store extends object>(name: string, store: Store): Store =>
      new Proxy(store, {
        get: (target, key, receiver) => {
          const method: unknown = Reflect.get(target, key, receiver)
          if (typeof method !== "function") return method
          return (...parameters: ReadonlyArray<unknown>): unknown => {
            const call = `${name}.${String(key)}`
            calls.push(call)
            return broken.has(call) ? Effect.fail(away(name, String(key))) : Reflect.apply(method, target, parameters)
          }
        },
      })

    const probe = StoreProbe.of({
      calls: Effect.sync(() => [...calls]),
      clear: Effect.sync(() => void calls.splice(0)),
      failing: (methods, effect) =>
        Effect.acquireUseRelease(
          Effect.sync(() => methods.forEach((method) => broken.add(method))),
          () => effect,
          () => Effect.sync(() => broken.clear()),
        ),
    })

    return Context.make(StoreProbe, probe).pipe(
      Context.add(AuditStore, observe("AuditStore", yield* AuditStore)),
      Context.add(LinkedAccountStore, observe("LinkedAccountStore", yield* LinkedAccountStore)),
      Context.add(SessionStore, observe("SessionStore", yield* SessionStore)),
      Context.add(TransactionStore, observe("TransactionStore", yield* TransactionStore)),
      Context.add(UserStore, observe("UserStore", yield* UserStore)),
      Context.add(VerificationTokenStore, observe("VerificationTokenStore", yield* VerificationTokenStore)),
    )
  }),
)

const away = (store: string, method: string) =>
  new StoreError({ store, method, isRetryable: true, cause: new Error("ECONNREFUSED") })
