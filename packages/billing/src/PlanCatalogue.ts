/**
 * What is sold: the plans that the host declared, or an effect that says which they are at the moment.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type BillingRules, nothing } from "./BillingDefinition.ts"

/**
 * What is sold; nothing, unless a host says otherwise. Asked in transactions too, so it should answer from memory.
 *
 * @category services
 * @since 0.1.0
 */
export const PlanCatalogue = Context.Reference<{ readonly rules: Effect.Effect<BillingRules, StoreError> }>(
  "@belfry/billing/PlanCatalogue",
  { defaultValue: () => ({ rules: Effect.succeed(nothing) }) },
)

/**
 * Layer of a host's declaration.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (definition: { readonly rules: BillingRules }) =>
  Layer.succeed(PlanCatalogue, { rules: Effect.succeed(definition.rules) })

/**
 * Layer of plans that are found when they are needed.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerEffect = (rules: Effect.Effect<BillingRules, StoreError>) => Layer.succeed(PlanCatalogue, { rules })
