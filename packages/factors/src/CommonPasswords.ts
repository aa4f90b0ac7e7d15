/**
 * Port: whether a password is one of those that attackers try first.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"

/**
 * Whether a password is a common one. Without a layer for it, none is.
 *
 * **Details**
 *
 * `context` holds words an attacker would try for this very person: the address, its local part, the name of the site.
 *
 * @see [NIST SP 800-63B-4 §3.1.1.2](https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver)
 * @category ports
 * @since 0.1.0
 */
export const CommonPasswords = Context.Reference<{
  readonly includes: (password: Redacted.Redacted, context: ReadonlyArray<string>) => Effect.Effect<boolean>
}>("@belfry/factors/CommonPasswords", { defaultValue: () => ({ includes: () => Effect.succeed(false) }) })
