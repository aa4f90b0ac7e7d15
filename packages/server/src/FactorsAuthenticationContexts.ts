/**
 * What a session is worth, by the sign-in factors that were proved in it.
 *
 * @since 0.1.0
 */
import type { AuthenticationMethod } from "@belfry/core/Session"
import { provable } from "@belfry/factors/Enrolment"
import { EnrolmentStore } from "@belfry/factors/EnrolmentStore"
import { amrOf, type Factor } from "@belfry/factors/Factor"
import { SignInPolicy } from "@belfry/factors/SignInPolicy"
import { AuthenticationContexts } from "@belfry/oauth-server/AuthenticationContexts"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * Authentication contexts over the sign-in policy: `aal1` for one factor, `aal2` for two, as in NIST 800-63.
 *
 * **Details**
 *
 * A session that is worth more meets what asks for less. A user reaches a context who has enrolled what the policy asks
 * for in a step-up, and whose session would then be worth it. A policy with contexts of its own is met by equal values.
 *
 * @see [NIST SP 800-63B §4](https://pages.nist.gov/800-63-4/sp800-63b.html)
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<AuthenticationContexts, never, EnrolmentStore> = Layer.effect(
  AuthenticationContexts,
  Effect.gen(function* () {
    const policy = yield* SignInPolicy
    const enrolments = yield* EnrolmentStore
    const supported = [...new Set([policy.acr(["pwd"]), policy.acr(["pwd", "otp", "mfa"])])].filter(
      (acr) => acr !== null,
    )
    const rank = (acr: string | null): number => (acr === null ? -1 : supported.indexOf(acr))
    const meets = (acr: string | null, wanted: ReadonlyArray<string>): boolean =>
      wanted.some((value) => acr === value || (rank(value) >= 0 && rank(acr) >= rank(value)))

    return AuthenticationContexts.of({
      supported,
      isMet: (session, acrValues) => meets(session.acr, acrValues),
      isReachable: Effect.fn("AuthenticationContexts.isReachable")(function* ({ user, session, acrValues, client }) {
        const { id: sessionId, amr, acr } = session
        const able = provable(yield* enrolments.list(user.id))
        const alternatives = yield* policy.stepUp({
          user,
          provable: able,
          proofs: [],
          client,
          stepUp: { sessionId, amr, acr, action: "oauth.authorize" },
        })
        return alternatives.some(
          (factors) =>
            factors.length > 0 &&
            factors.every((factor) => able.includes(factor)) &&
            meets(policy.acr(amrOf([...amr, ...factors.flatMap((factor) => methodsOf[factor])])), acrValues),
        )
      }),
    })
  }),
)

// internal

/** What a proof by each factor adds to `amr`. */
const methodsOf: Readonly<Record<Factor, ReadonlyArray<AuthenticationMethod>>> = {
  password: ["pwd"],
  "email-code": ["email"],
  "magic-link": ["email"],
  oauth: ["oauth"],
  passkey: ["pop", "user", "mfa"],
  "security-key": ["pop"],
  totp: ["otp"],
  hotp: ["otp"],
  "backup-code": ["otp"],
}
