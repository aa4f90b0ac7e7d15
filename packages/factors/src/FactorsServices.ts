/**
 * All services of this package at once, over whatever stores and hasher the host provides.
 *
 * @since 0.1.0
 */
import * as Passwords from "./Passwords.ts"

/**
 * All services of this package.
 *
 * **Details**
 *
 * Needs the services of `core` (`CoreServices.layer`) with their stores, a `PasswordStore` and a `PasswordHasher`. The
 * check against common passwords is the host's choice: without a layer for `CommonPasswords` there is none.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Passwords.layer
