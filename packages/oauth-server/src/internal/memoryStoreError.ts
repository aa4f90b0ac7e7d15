/**
 * What a constraint of the database would have refused.
 */
import { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"

/** Fails as the database does with a row that breaks a foreign key, a unique constraint or a check. */
export const refuse = (store: string, method: string, constraint: string): Effect.Effect<never, StoreError> =>
  Effect.fail(
    new StoreError({
      store,
      method,
      isRetryable: false,
      cause: new Error(`The row violates the constraint: ${constraint}`),
    }),
  )
