/**
 * Entitlements: what payers may use. Answered from here alone, in one statement; the provider is not asked.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import { aggregateOf } from "@belfry/organization/Organization"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { BillingSettings } from "./BillingSettings.ts"
import { EntitlementMissing, EntitlementOverride, type EntitlementsView, resolve } from "./Entitlement.ts"
import { EntitlementStore } from "./EntitlementStore.ts"
import { type Payer, toPayerText } from "./Payer.ts"
import type { Feature, LimitName } from "./Plan.ts"
import { PlanCatalogue } from "./PlanCatalogue.ts"

/**
 * What payers may use. Stands on stores and the catalogue alone, so that limits of organizations can be asked of it.
 *
 * @category services
 * @since 0.1.0
 */
export class Entitlements extends Context.Service<
  Entitlements,
  {
    readonly of: (payer: Payer) => Effect.Effect<EntitlementsView, StoreError>
    readonly has: (payer: Payer, feature: Feature) => Effect.Effect<boolean, StoreError>
    /** Fails unless the payer has all of them, and says which are missing. */
    readonly require: (
      payer: Payer,
      ...features: ReadonlyArray<Feature>
    ) => Effect.Effect<void, EntitlementMissing | StoreError>
    /** How many; null: no limit. A limit that nobody sets is 0. */
    readonly limit: (payer: Payer, limit: LimitName) => Effect.Effect<number | null, StoreError>
    /** Grants or takes away beside plans, or with null no longer; the host's code says so, nobody's request. */
    readonly override: (
      payer: Payer,
      override: EntitlementOverride | null,
      by?: { readonly by?: UserId | undefined },
    ) => Effect.Effect<EntitlementsView, StoreError>
  }
>()("@belfry/billing/Entitlements") {}

/**
 * Makes the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const audit = yield* Audit
  const catalogue = yield* PlanCatalogue
  const { granting } = yield* BillingSettings
  const store = yield* EntitlementStore
  const transactions = yield* TransactionStore

  const find = Effect.fnUntraced(function* (payer: Payer): Effect.fn.Return<EntitlementsView, StoreError> {
    const rules = yield* catalogue.rules
    const facts = yield* store.facts(payer)
    return resolve(facts, rules, { now: yield* DateTime.now, granting })
  })

  const missingOf = (payer: Payer, features: ReadonlyArray<Feature>) =>
    Effect.map(find(payer), ({ features: given }) => features.filter((feature) => !given.includes(feature)))

  return Entitlements.of({
    of: Effect.fn("Entitlements.of")(find),
    has: Effect.fn("Entitlements.has")((payer, feature) =>
      Effect.map(missingOf(payer, [feature]), (missing) => missing.length === 0),
    ),
    require: Effect.fn("Entitlements.require")(function* (payer, ...features) {
      const missing = yield* missingOf(payer, features)
      if (missing.length > 0) return yield* new EntitlementMissing({ features: missing })
    }),
    limit: Effect.fn("Entitlements.limit")((payer, limit) =>
      Effect.map(find(payer), ({ limits: { [limit]: granted = 0 } }) => granted),
    ),
    override: Effect.fn("Entitlements.override")((payer, override, { by } = {}) =>
      transactions.run(
        Effect.gen(function* () {
          const before = yield* store.setOverride(payer, override, yield* DateTime.now)
          yield* audit.record({
            type: "billing.entitlements-overridden",
            ...(by === undefined ? {} : { userId: by }),
            ...(payer._tag === "User" ? {} : { aggregate: aggregateOf(payer.organizationId) }),
            data: { payer: toPayerText(payer) },
            before: { override: yield* toJson(before) },
            after: { override: yield* toJson(override) },
          })
          return yield* find(payer)
        }),
      ),
    ),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Entitlements, never, Audit | EntitlementStore | TransactionStore> = Layer.effect(
  Entitlements,
  make,
)

// internal

const encode = Schema.encodeEffect(Schema.toCodecJson(Schema.NullOr(EntitlementOverride)))

// An override is one of its own schema here, so encoding cannot fail.
const toJson = (override: EntitlementOverride | null) => Effect.orDie(encode(override))
