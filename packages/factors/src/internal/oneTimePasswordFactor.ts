/**
 * What TOTP and HOTP do alike as factors: setting up, proving, removing. They differ in which codes they accept.
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { Sealed } from "@belfry/core/KeyedHash"
import { KeyRing } from "@belfry/core/KeyRing"
import type { Session } from "@belfry/core/Session"
import { Site } from "@belfry/core/Site"
import { StoreError } from "@belfry/core/StoreError"
import type { User, UserId } from "@belfry/core/User"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { AlreadyEnrolled, NotEnrolled } from "../Enrolment.ts"
import { type CodeConfirmation, type Enroller, Enrolments } from "../Enrolments.ts"
import { normalizeCode, type Provisioning, type ProvisioningOptions, provisioningUri } from "../OneTimePassword.ts"
import { CodeInvalid } from "../SignInAttempt.ts"
import { SignInAttempts } from "../SignInAttempts.ts"
import type { Claim, Row } from "./oneTimePasswordRow.ts"
import * as OneTimePasswords from "./oneTimePasswords.ts"

/** How one of the two differs from the other. */
export interface Kind<R extends Row> {
  readonly factor: "totp" | "hotp"
  readonly store: {
    readonly name: string
    readonly find: (userId: UserId) => Effect.Effect<Option.Option<R>, StoreError>
    readonly begin: (row: R) => Effect.Effect<boolean, StoreError>
    readonly confirm: (claim: Claim) => Effect.Effect<boolean, StoreError>
    readonly claim: (claim: Claim) => Effect.Effect<boolean, StoreError>
    readonly reseal: (userId: UserId, from: Sealed, to: Sealed) => Effect.Effect<boolean, StoreError>
    readonly remove: (userId: UserId) => Effect.Effect<boolean, StoreError>
  }
  /** What an app has to know beside the secret. */
  readonly parameters: (row: R) => Pick<ProvisioningOptions, "algorithm" | "moving">
  /** The position that codes which follow one another use up, or why they are wrong. */
  readonly match: (
    row: R,
    secret: Redacted.Redacted<Uint8Array>,
    codes: ReadonlyArray<string>,
    now: DateTime.Utc,
  ) => Effect.Effect<Result.Result<number, string>>
}

/** Builds the factor over enrolments and sign-in attempts. */
export const make = Effect.fnUntraced(function* <R extends Row>({ factor, store, parameters, match }: Kind<R>) {
  const attempts = yield* SignInAttempts
  const enrolments = yield* Enrolments
  const site = yield* Site
  const sealer = yield* (yield* KeyRing).sealer(factor)

  // A secret that no key opens is the operator's to mend, and says nothing about the code.
  const openSecret = ({ userId, secret }: R) =>
    Effect.mapError(
      sealer.open(secret, userId),
      (cause) => new StoreError({ store: store.name, method: "find", isRetryable: false, cause }),
    )

  const provisioning = (user: User, row: R, secret: Redacted.Redacted): Provisioning => ({
    secret,
    uri: provisioningUri({
      type: factor,
      issuer: site.name,
      account: user.email,
      secret,
      digits: row.digits,
      ...parameters(row),
    }),
  })

  const findPending = Effect.fnUntraced(function* (userId: UserId) {
    const found = yield* store.find(userId)
    return Option.isSome(found) && found.value.confirmedAt === null ? found.value : yield* new NotEnrolled({ factor })
  })

  /** The claim to be made for right codes, or why they are wrong. */
  const check = Effect.fnUntraced(function* (row: R, codes: ReadonlyArray<Redacted.Redacted>) {
    const digits = Option.all(codes.map((code) => normalizeCode(code, row.digits)))
    if (Option.isNone(digits)) return Result.fail("malformed-code")
    const now = yield* DateTime.now
    const secret = yield* Effect.orDie(Effect.fromResult(OneTimePasswords.decodeSecret(yield* openSecret(row))))
    const position = yield* match(row, secret, digits.value, now)
    return Result.map(position, (position): Claim => ({ userId: row.userId, secret: row.secret, position, now }))
  })

  /** Seals the secret with the current key, if it is not. Should that fail, the next proof does it. */
  const renewSeal = (row: R) =>
    sealer.isCurrent(row.secret)
      ? Effect.void
      : openSecret(row).pipe(
          Effect.flatMap((secret) => sealer.seal(secret, row.userId)),
          Effect.flatMap((sealed) => store.reseal(row.userId, row.secret, sealed)),
          Effect.ignore,
        )

  return {
    /** Keeps `secret` (base32) unconfirmed, in the row that `row` makes of it. */
    enrol: Effect.fnUntraced(function* (options: {
      readonly by: Enroller
      readonly secret: Redacted.Redacted
      readonly row: (fields: Omit<Row, "digits">) => R
      readonly client: ClientInfo
    }) {
      const { by, secret, client } = options
      const { user } = yield* enrolments.authorize({ by, factor, client })
      const row = options.row({
        userId: user.id,
        secret: yield* sealer.seal(secret, user.id),
        createdAt: yield* DateTime.now,
        confirmedAt: null,
        lastUsedAt: null,
      })
      return (yield* store.begin(row)) ? provisioning(user, row, secret) : yield* new AlreadyEnrolled({ factor })
    }),

    pending: Effect.fnUntraced(function* (by: Enroller, client: ClientInfo) {
      const { user } = yield* enrolments.authorize({ by, factor, client })
      const row = yield* findPending(user.id)
      return provisioning(user, row, yield* openSecret(row))
    }),

    confirm: Effect.fnUntraced(function* (options: CodeConfirmation) {
      const { by, code, replaces, client } = options
      const enrolling = yield* enrolments.authorize({ by, factor, client })
      const claim = yield* check(yield* findPending(enrolling.user.id), [code])
      // Nobody guesses here: who sets up a factor was shown its secret.
      if (Result.isFailure(claim)) return yield* new CodeInvalid({ triesLeft: null })
      const confirm = Effect.flatMap(store.confirm(claim.success), (isConfirmed) =>
        isConfirmed ? Effect.void : Effect.fail(new NotEnrolled({ factor })),
      )
      return yield* enrolments.complete({ enrolling, amr: ["otp"], confirm, replaces })
    }),

    prove: Effect.fnUntraced(function* (options: {
      readonly token: Redacted.Redacted
      readonly codes: ReadonlyArray<Redacted.Redacted>
      readonly replaces: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) {
      const { token, codes, replaces, client } = options
      const open = yield* attempts.open({ token, factor, client })
      const { user } = open
      const found = user === undefined ? Option.none<R>() : yield* store.find(user.id)
      if (user === undefined || Option.isNone(found) || found.value.confirmedAt === null) {
        return yield* attempts.refuse(open, "not-enrolled")
      }
      const claim = yield* check(found.value, codes)
      if (Result.isFailure(claim)) return yield* attempts.refuse(open, claim.failure)
      const confirm = Effect.flatMap(store.claim(claim.success), (isClaimed) =>
        isClaimed ? Effect.void : Effect.fail(new CodeUsed()),
      )
      const outcome = yield* attempts
        .prove({ open, user, amr: ["otp"], replaces, confirm })
        // Recorded here: the transaction undid what was recorded in it.
        .pipe(Effect.catchTag("CodeUsed", () => attempts.refuse(open, "replayed")))
      yield* renewSeal(found.value)
      return outcome
    }),

    remove: (session: Session, user: User, client: ClientInfo) =>
      enrolments.remove({ session, user, factor, remove: store.remove(user.id), client }),
  }
})

/** Somebody else used the code first, or the secret is another one since. */
class CodeUsed extends Data.TaggedError("CodeUsed") {}
