/**
 * How memory adapters fail: as the database does with a row that breaks a constraint.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { StoreError } from "./StoreError.ts"

/**
 * Fails as the database does with a row that breaks a foreign key, a unique constraint or a check.
 *
 * @category errors
 * @since 0.1.0
 */
export const refuse = (store: string, method: string, constraint: string): Effect.Effect<never, StoreError> =>
  Effect.fail(
    new StoreError({
      store,
      method,
      isRetryable: false,
      cause: new Error(`The row violates the constraint: ${constraint}`),
    }),
  )
