/**
 * What a constraint of the database would have refused.
 */
import { StoreError } from "../StoreError.ts"

/** The failure of a row that breaks a foreign key, a unique constraint or a check. */
export const constraintViolation = (store: string, method: string, constraint: string): StoreError =>
  new StoreError({
    store,
    method,
    isRetryable: false,
    cause: new Error(`The row violates the constraint: ${constraint}`),
  })
