/**
 * The challenges of passkeys: verification tokens, each good once, for 5 minutes, where it was asked for.
 *
 * @see [WebAuthn Level 3 §13.4.3](https://www.w3.org/TR/webauthn-3/#sctn-cryptographic-challenges)
 */
import { SessionId } from "@belfry/core/Session"
import { type Purpose, VerificationTokens } from "@belfry/core/VerificationTokens"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Enroller, Enrolling } from "../Enrolments.ts"
import { type SignInAttempt, SignInAttemptId } from "../SignInAttempt.ts"
import type { OpenSignIn } from "../SignInAttempts.ts"
import type { AuthenticationResponse, RegistrationResponse } from "../WebAuthn.ts"
import { challengeOf, Refusal, toChallenge } from "./webAuthnVerifier.ts"

/** How long a challenge is good. */
export const lifetime = Duration.minutes(5)

/** Builds the challenges over verification tokens. */
export const make = Effect.gen(function* () {
  const tokens = yield* VerificationTokens

  /** Reads the token that a response carries, without using it up: `use` does that, where the response counts. */
  const peek = Effect.fnUntraced(function* <P extends Schema.Codec<unknown, unknown>>(
    purpose: Purpose<P>,
    response: { readonly clientDataJSON: string },
  ) {
    const challenge = yield* challengeOf(response)
    const { payload } = yield* Effect.catchTag(tokens.peek(purpose, challenge), "VerificationTokenInvalid", refuse)
    return {
      payload,
      challenge,
      use: Effect.catchTag(tokens.consume(purpose, challenge), "VerificationTokenInvalid", refuse),
    }
  })

  return {
    /** A challenge for a new passkey, bound to the session or sign-in that asks for it, and so to its user. */
    issueForRegistration: (by: Enroller, enrolling: Enrolling) =>
      Effect.map(
        tokens.issue({
          purpose: registration,
          subject: enrolling.user.id,
          userId: enrolling.user.id,
          payload: bindingOf(by, enrolling),
        }),
        toChallenge,
      ),
    /** The challenge of a registration, if it is one of those. */
    ofRegistration: Effect.fnUntraced(function* (by: Enroller, enrolling: Enrolling, response: RegistrationResponse) {
      const { payload, ...challenge } = yield* peek(registration, response.response)
      const { sessionId, attemptId } = bindingOf(by, enrolling)
      return payload.sessionId === sessionId && payload.attemptId === attemptId ? challenge : yield* refuse()
    }),
    /** A challenge for an assertion, bound to the attempt that asks for it. */
    issueForAssertion: ({ id, userId }: SignInAttempt) =>
      Effect.map(
        tokens.issue({ purpose: authentication, subject: id, userId, payload: { attemptId: id } }),
        toChallenge,
      ),
    /** The challenge of an assertion, if it is one of those. */
    ofAssertion: Effect.fnUntraced(function* ({ stored }: OpenSignIn, response: AuthenticationResponse) {
      const { payload, ...challenge } = yield* peek(authentication, response.response)
      return payload.attemptId === stored?.attempt.id ? challenge : yield* refuse()
    }),
  }
})

// internal

const registration = {
  name: "passkey.registration",
  lifetime,
  payload: Schema.Struct({
    sessionId: Schema.NullOr(SessionId),
    attemptId: Schema.NullOr(SignInAttemptId),
  }),
}

const authentication = {
  name: "passkey.authentication",
  lifetime,
  payload: Schema.Struct({ attemptId: SignInAttemptId }),
}

const bindingOf = (by: Enroller, { open }: Enrolling): typeof registration.payload.Type => ({
  sessionId: by._tag === "Session" ? by.session.id : null,
  attemptId: open?.stored?.attempt.id ?? null,
})

const refuse = () => Effect.fail(new Refusal({ reason: "challenge" }))
