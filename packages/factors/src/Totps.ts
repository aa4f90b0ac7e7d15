/**
 * TOTP: codes that an authenticator app computes from the time.
 *
 * @see [RFC 6238](https://www.rfc-editor.org/rfc/rfc6238.html)
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { SessionNotFresh } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type { AlreadyEnrolled, LastWayIn, NotEnrolled } from "./Enrolment.ts"
import type { CodeConfirmation, SessionOwner, Enrolled, Enroller } from "./Enrolments.ts"
import * as OneTimePasswordFactor from "./internal/oneTimePasswordFactor.ts"
import * as OneTimePasswords from "./internal/oneTimePasswords.ts"
import { type Digits, type Provisioning, timeStepAt, type Totp, type TotpAlgorithm } from "./OneTimePassword.ts"
import type { CodeInvalid, SignInRefused } from "./SignInAttempt.ts"
import type { CodeProof } from "./SignInAttempts.ts"
import type { SignInOutcome } from "./SignInOutcome.ts"
import { TotpStore } from "./TotpStore.ts"

/**
 * TOTP.
 *
 * @category services
 * @since 0.1.0
 */
export class Totps extends Context.Service<
  Totps,
  {
    /**
     * Begins to set up an authenticator app: makes a secret (20 bytes for SHA-1, 32 and 64 for the others), which opens
     * nothing until it is confirmed, and replaces one that never was.
     */
    readonly enrol: (options: {
      readonly by: Enroller
      readonly algorithm?: TotpAlgorithm | undefined
      readonly digits?: Digits | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<Provisioning, AlreadyEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError>
    /** The secret that waits to be confirmed, to be shown again. */
    readonly pending: (options: {
      readonly by: Enroller
      readonly client: ClientInfo
    }) => Effect.Effect<Provisioning, NotEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError>
    /** Completes the set-up by a first code, which is used up. */
    readonly confirm: (
      options: CodeConfirmation,
    ) => Effect.Effect<Enrolled, CodeInvalid | NotEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError>
    /** Proves the factor in a sign-in: the code of this time step or of one either side, and never one twice. */
    readonly prove: (
      options: CodeProof,
    ) => Effect.Effect<SignInOutcome, CodeInvalid | SignInRefused | RateLimited | StoreError>
    /** Takes the authenticator app off, in a fresh session. */
    readonly remove: (
      options: SessionOwner,
    ) => Effect.Effect<void, NotEnrolled | LastWayIn | SessionNotFresh | StoreError>
  }
>()("@belfry/factors/Totps") {}

/**
 * TOTP over its store, enrolments and sign-in attempts.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  Totps,
  Effect.gen(function* () {
    const store = yield* TotpStore
    const passwords = yield* OneTimePasswords.make
    const factor = yield* OneTimePasswordFactor.make<Totp>({
      factor: "totp",
      store: {
        ...store,
        name: "TotpStore",
        confirm: ({ position, ...claim }) => store.confirm({ ...claim, step: position }),
        claim: ({ position, ...claim }) => store.claimStep({ ...claim, step: position }),
      },
      parameters: ({ algorithm, period }) => ({ algorithm, moving: { period } }),
      match: ({ algorithm, digits, period, lastStep }, secret, codes, now) => {
        const step = timeStepAt(now, period)
        const steps = [step - 1, step, step + 1].filter((candidate) => candidate >= 0)
        return Effect.map(passwords.matches({ secret, algorithm, digits }, steps, codes), (matching) => {
          // Should two steps have the same code, both are used up.
          const newest = matching[matching.length - 1]
          if (newest === undefined) return Result.fail("wrong-code")
          return lastStep !== null && newest <= lastStep ? Result.fail("replayed") : Result.succeed(newest)
        })
      },
    })

    return Totps.of({
      enrol: Effect.fn("Totps.enrol")(function* ({ by, algorithm = "SHA1", digits = 6, client }) {
        return yield* factor.enrol({
          by,
          secret: yield* passwords.generateSecret(algorithm),
          row: (fields) => ({ ...fields, algorithm, digits, period, lastStep: null }),
          client,
        })
      }),
      pending: Effect.fn("Totps.pending")(({ by, client }) => factor.pending(by, client)),
      confirm: Effect.fn("Totps.confirm")((options) => factor.confirm(options)),
      prove: Effect.fn("Totps.prove")(({ token, code, replaces, client }) =>
        factor.prove({ token, codes: [code], replaces, client }),
      ),
      remove: Effect.fn("Totps.remove")(({ session, user, client }) => factor.remove(session, user, client)),
    })
  }),
)

// internal

/** Seconds of a time step: what apps take for granted. */
const period = 30
