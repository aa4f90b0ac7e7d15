/**
 * Which passwords are taken, and whether a password is the user's.
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import { type Email, isDisabled, type User } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { CommonPasswords } from "../CommonPasswords.ts"
import { check, common, InvalidCredentials, normalize, type PasswordHash } from "../Password.ts"
import { PasswordHasher } from "../PasswordHasher.ts"
import { PasswordStore } from "../PasswordStore.ts"
import type { SignInContext } from "../SignInAttempt.ts"
import { type OpenSignIn, SignInAttempts } from "../SignInAttempts.ts"

/** Why credentials are refused: known to the audit log alone. */
export type Refusal = "unknown-address" | "no-password" | "wrong-password" | "user-disabled"

/**
 * A password that somebody claims to be a user's; `refuse` records why it is not, and fails. `stored` is the hash that
 * is kept, where it was looked up already.
 */
export interface Claim {
  readonly user: Option.Option<User>
  readonly stored?: Option.Option<PasswordHash>
  readonly password: Redacted.Redacted
  readonly refuse: (reason: Refusal) => Effect.Effect<never, InvalidCredentials | StoreError>
}

/** What a claim proved: the password of `hash` is that of `user`, when it was read. */
export interface Proof {
  readonly user: User
  readonly hash: PasswordHash
}

/** The checks of {@link make}. */
export type PasswordChecks = Effect.Success<typeof make>

/** Builds the checks over the password store and the hasher. */
export const make = Effect.gen(function* () {
  const store = yield* PasswordStore
  const hasher = yield* PasswordHasher
  const commonPasswords = yield* CommonPasswords
  const attempts = yield* SignInAttempts
  const audit = yield* Audit
  const site = yield* Site

  /** Fails when a password will not do for the user of an address. */
  const accept = Effect.fnUntraced(function* (password: Redacted.Redacted, email: Email) {
    const normalized = normalize(password)
    yield* Effect.fromResult(check(normalized))
    const context = [email, email.slice(0, email.indexOf("@")), site.name]
    if (yield* commonPasswords.includes(normalized, context)) return yield* common()
  })

  /** Refuses the claim of a user, or of nobody, by an audit event of a type. */
  const refuseBy =
    (type: string, user: Option.Option<User>, client: ClientInfo): Claim["refuse"] =>
    (reason) =>
      Effect.andThen(
        audit.record({ type, reason, client, ...(Option.isSome(user) ? { userId: user.value.id } : {}) }),
        Effect.fail(new InvalidCredentials()),
      )

  // A claim on an address nobody has brings what was found: the one look-up that finds users with passwords.
  const find = (user: Option.Option<User>) => (Option.isSome(user) ? store.find(user.value.id) : Effect.succeedNone)

  const compare = (
    password: Redacted.Redacted,
    user: Option.Option<User>,
    stored: Option.Option<PasswordHash>,
  ): Effect.Effect<Result.Result<Proof, Refusal>, StoreError> =>
    Effect.gen(function* () {
      // Also without a hash, in the same time.
      const { matches, isOutdated } = yield* hasher.compare(password, stored)
      if (Option.isNone(user)) return Result.fail("unknown-address")
      if (Option.isNone(stored)) return Result.fail("no-password")
      if (!matches) return Result.fail("wrong-password")
      if (isDisabled(user.value)) return Result.fail("user-disabled")
      if (!isOutdated) return Result.succeed({ user: user.value, hash: stored.value })
      const hash = yield* hasher.hash(password)
      const isRenewed = yield* store.rehash(user.value.id, stored.value, hash, yield* DateTime.now)
      // Another sign-in renewed it first, or the password was changed: what is kept now decides.
      return isRenewed
        ? Result.succeed({ user: user.value, hash })
        : yield* compare(password, user, yield* store.find(user.value.id))
    })

  /** Fails unless the password is the user's. Unknown address, no password and wrong password cost the same. */
  const prove = Effect.fnUntraced(function* ({ user, stored, password, refuse }: Claim) {
    const proof = yield* compare(password, user, stored ?? (yield* find(user)))
    return Result.isSuccess(proof) ? proof.success : yield* refuse(proof.failure)
  })

  /**
   * Moves a sign-in on by the password, in one transaction with a last look at it: a password that was changed since it
   * was compared proves nothing, and who changes it from then on waits, and ends what it started.
   */
  const advance = Effect.fnUntraced(function* (
    claim: Claim,
    signIn: {
      readonly open: OpenSignIn
      readonly context?: SignInContext
      readonly replaces?: Redacted.Redacted | undefined
    },
  ) {
    const { user, hash } = yield* prove(claim)
    const confirm = Effect.flatMap(store.confirm(user.id, hash), (isConfirmed) =>
      isConfirmed ? Effect.void : Effect.fail(new InvalidCredentials()),
    )
    return yield* attempts
      .prove({ ...signIn, user, amr: ["pwd"], confirm })
      // Recorded here: a failure in there would undo its own audit event.
      .pipe(Effect.catchTag("InvalidCredentials", () => claim.refuse("wrong-password")))
  })

  return { accept, refuseBy, prove, advance }
})
