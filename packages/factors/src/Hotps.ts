/**
 * HOTP: codes that a token computes from a counter.
 *
 * @see [RFC 4226](https://www.rfc-editor.org/rfc/rfc4226.html)
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { SessionNotFresh } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { AlreadyEnrolled, LastWayIn, NotEnrolled } from "./Enrolment.ts"
import type { CodeConfirmation, SessionOwner, Enrolled, Enroller } from "./Enrolments.ts"
import { HotpStore } from "./HotpStore.ts"
import * as OneTimePasswordFactor from "./internal/oneTimePasswordFactor.ts"
import * as OneTimePasswords from "./internal/oneTimePasswords.ts"
import { type Digits, type Hotp, HotpCounter, type Provisioning, type SecretInvalid } from "./OneTimePassword.ts"
import type { CodeInvalid, SignInRefused } from "./SignInAttempt.ts"
import type { CodeProof } from "./SignInAttempts.ts"
import type { SignInOutcome } from "./SignInOutcome.ts"

/**
 * HOTP.
 *
 * @category services
 * @since 0.1.0
 */
export class Hotps extends Context.Service<
  Hotps,
  {
    /**
     * Begins to set up a token: makes a secret of 20 bytes, or takes that of a token which has one (base32, 16 to 64
     * bytes), at `counter` (0). It opens nothing until it is confirmed, and replaces one that never was.
     */
    readonly enrol: (options: {
      readonly by: Enroller
      readonly digits?: Digits | undefined
      readonly secret?: Redacted.Redacted | undefined
      readonly counter?: number | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<
      Provisioning,
      SecretInvalid | AlreadyEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError
    >
    /** The secret that waits to be confirmed, to be shown again. */
    readonly pending: (options: {
      readonly by: Enroller
      readonly client: ClientInfo
    }) => Effect.Effect<Provisioning, NotEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError>
    /** Completes the set-up by a first code, which is used up. */
    readonly confirm: (
      options: CodeConfirmation,
    ) => Effect.Effect<Enrolled, CodeInvalid | NotEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError>
    /**
     * Proves the factor in a sign-in: the code of the next counter or of one of 5 after it, and never one twice. With
     * `nextCode`, the code that follows, it looks 100 ahead: so a token that ran away is caught up with.
     */
    readonly prove: (
      options: CodeProof & { readonly nextCode?: Redacted.Redacted | undefined },
    ) => Effect.Effect<SignInOutcome, CodeInvalid | SignInRefused | RateLimited | StoreError>
    /** Takes the token off, in a fresh session. */
    readonly remove: (
      options: SessionOwner,
    ) => Effect.Effect<void, NotEnrolled | LastWayIn | SessionNotFresh | StoreError>
  }
>()("@belfry/factors/Hotps") {}

/**
 * HOTP over its store, enrolments and sign-in attempts.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  Hotps,
  Effect.gen(function* () {
    const store = yield* HotpStore
    const passwords = yield* OneTimePasswords.make
    const factor = yield* OneTimePasswordFactor.make<Hotp>({
      factor: "hotp",
      store: {
        ...store,
        name: "HotpStore",
        confirm: ({ position, ...claim }) => store.confirm({ ...claim, counter: position }),
        claim: ({ position, ...claim }) => store.claimCounter({ ...claim, counter: position }),
      },
      parameters: ({ counter }) => ({ algorithm, moving: { counter } }),
      match: ({ digits, counter }, secret, codes) => {
        const ahead = codes.length === 1 ? lookAhead : resynchronisation
        const counters = Array.from({ length: ahead + 1 }, (_, index) => counter + index)
        return Effect.map(passwords.matches({ secret, algorithm, digits }, counters, codes), ([first]) =>
          // Should two counters have the same code, the token is likelier to be at the lower one.
          first === undefined ? Result.fail("wrong-code") : Result.succeed(first + codes.length - 1),
        )
      },
    })

    return Hotps.of({
      enrol: Effect.fn("Hotps.enrol")(function* ({ by, digits = 6, secret, counter = 0, client }) {
        const first = HotpCounter.make(counter)
        return yield* factor.enrol({
          by,
          secret:
            secret === undefined
              ? yield* passwords.generateSecret(algorithm)
              : yield* Effect.fromResult(OneTimePasswords.readSecret(secret)),
          row: (fields) => ({ ...fields, digits, counter: first }),
          client,
        })
      }),
      pending: Effect.fn("Hotps.pending")(({ by, client }) => factor.pending(by, client)),
      confirm: Effect.fn("Hotps.confirm")((options) => factor.confirm(options)),
      prove: Effect.fn("Hotps.prove")(({ token, code, nextCode, replaces, client }) =>
        factor.prove({ token, codes: nextCode === undefined ? [code] : [code, nextCode], replaces, client }),
      ),
      remove: Effect.fn("Hotps.remove")(({ session, user, client }) => factor.remove(session, user, client)),
    })
  }),
)

// internal

/** RFC 4226 §5.1: HOTP is HMAC-SHA-1. */
const algorithm = "SHA1"

/**
 * RFC 4226 §7.4: how many counters after the next one are looked at, for one code and for two that follow one another.
 */
const lookAhead = 5
const resynchronisation = 100
