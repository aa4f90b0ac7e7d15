/**
 * Which factors complete a sign-in, which ones prove again who somebody is, and how much that is worth.
 *
 * A host provides its own to change any of it.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { ConfigList } from "@belfry/core/ConfigList"
import type { AuthenticationMethod, Session } from "@belfry/core/Session"
import type { User } from "@belfry/core/User"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Factor } from "./Factor.ts"
import type { Proof, StepUp } from "./SignInAttempt.ts"

/**
 * What a policy decides from.
 *
 * **Details**
 *
 * `provable` are the factors that the user can prove: those that are set up, and `email-code` and `magic-link`, which
 * everybody has. `proofs` are those given so far in this attempt.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignInFacts {
  readonly user: User
  readonly provable: ReadonlyArray<Factor>
  readonly proofs: ReadonlyArray<Proof>
  readonly client: ClientInfo
}

/**
 * What a policy decides from when a session is to be made fresh again.
 *
 * @category models
 * @since 0.1.0
 */
export interface StepUpFacts extends SignInFacts {
  readonly stepUp: StepUp
}

/**
 * Sets of factors. Who proved every factor of one of them, in any order, is through.
 *
 * @category models
 * @since 0.1.0
 */
export type Alternatives = ReadonlyArray<ReadonlyArray<Factor>>

/**
 * The decisions of a policy. It is asked after every proof; only factors among `firstFactors` begin a sign-in.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignInPolicyService {
  readonly firstFactors: ReadonlyArray<Factor>
  /** Which sets of factors complete a sign-in of this user. */
  readonly signIn: (facts: SignInFacts) => Effect.Effect<Alternatives>
  /** Which sets of factors prove again who the user of a session is, for what `stepUp.action` names, if anything. */
  readonly stepUp: (facts: StepUpFacts) => Effect.Effect<Alternatives>
  /**
   * Factors of which the user must have one: `totp`, `hotp` or `passkey`. Who has none sets one up before the sign-in
   * is complete. None: nothing is demanded.
   */
  readonly enrolment: (facts: SignInFacts) => Effect.Effect<ReadonlyArray<Factor>>
  /** How much a session is worth that these methods opened; null leaves it open. */
  readonly acr: (amr: ReadonlyArray<AuthenticationMethod>) => Session["acr"]
}

/**
 * What can be chosen without writing a policy.
 *
 * **Details**
 *
 * `firstFactors`: how a sign-in may begin (password, e-mail code, magic link, another provider, passkey).
 * `secondFactor`: `if-enrolled` demands one from whoever has one; `required` also has everybody set one up.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignInPolicyOptions {
  readonly firstFactors?: ReadonlyArray<Factor>
  readonly secondFactor?: "if-enrolled" | "required"
}

/**
 * The default policy, or a variation of it.
 *
 * **Details**
 *
 * Sign-in: a second factor that is set up (TOTP, HOTP, passkey or security key) is demanded after every first factor;
 * a backup code stands in for it. A passkey that verified its user counts as both. Step-up: a second factor where there
 * is one, since who holds a session and a password must not take the second factor off; any first factor otherwise.
 *
 * `acr` is `aal2` for two kinds of evidence and `aal1` for one. It differs from NIST in one point: NIST knows e-mail
 * and other providers as no authenticators at all, so a host that must follow it to the letter replaces `acr`.
 *
 * @see [NIST SP 800-63B-4 §2](https://pages.nist.gov/800-63-4/sp800-63b.html#sec2)
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: SignInPolicyOptions = {}): SignInPolicyService => {
  const { firstFactors = defaultFirstFactors, secondFactor = "if-enrolled" } = options
  const single = firstFactors.filter((factor) => !secondFactors.includes(factor))
  const seconds = (provable: ReadonlyArray<Factor>): ReadonlyArray<Factor> => {
    const enrolled = secondFactors.filter((factor) => provable.includes(factor))
    return enrolled.length > 0 && provable.includes("backup-code") ? [...enrolled, "backup-code"] : enrolled
  }
  return {
    firstFactors,
    signIn: ({ provable }) => {
      const second = seconds(provable)
      return Effect.succeed(
        second.length === 0
          ? single.map((factor) => [factor])
          : [
              ...(firstFactors.includes("passkey") ? [["passkey" as const]] : []),
              ...single.flatMap((first) => second.map((factor) => [first, factor])),
            ],
      )
    },
    stepUp: ({ provable }) => {
      const second = seconds(provable)
      return Effect.succeed((second.length === 0 ? single : second).map((factor) => [factor]))
    },
    enrolment: () => Effect.succeed(secondFactor === "required" ? ["passkey", "totp"] : []),
    acr: (amr) => (amr.includes("mfa") ? "aal2" : "aal1"),
  }
}

/**
 * The policy of the host; the default one of {@link make} without a layer for it.
 *
 * **Example** (Everybody has a second factor)
 *
 * ```ts
 * const PolicyLive = Layer.succeed(SignInPolicy.SignInPolicy, SignInPolicy.make({ secondFactor: "required" }))
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export const SignInPolicy = Context.Reference<SignInPolicyService>("@belfry/factors/SignInPolicy", {
  defaultValue: () => make(),
})

/**
 * The policy of `BELFRY_FIRST_FACTORS` (the factors that may begin a sign-in, by comma) and `BELFRY_SECOND_FACTOR`
 * (`if-enrolled` or `required`).
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = Layer.effect(
  SignInPolicy,
  Effect.gen(function* () {
    const firstFactors = yield* Config.schema(FirstFactors, "BELFRY_FIRST_FACTORS").pipe(
      Config.withDefault(defaultFirstFactors),
    )
    const secondFactor = yield* Config.schema(
      Schema.Literals(["if-enrolled", "required"]),
      "BELFRY_SECOND_FACTOR",
    ).pipe(Config.withDefault("if-enrolled" as const))
    return make({ firstFactors, secondFactor })
  }),
)

// internal

// With none of them nobody could sign in.
const FirstFactors = ConfigList(Factor.pick(["password", "email-code", "magic-link", "oauth", "passkey"])).check(
  Schema.isMinLength(1),
)

const defaultFirstFactors: ReadonlyArray<Factor> = ["password", "email-code", "magic-link", "oauth", "passkey"]

const secondFactors: ReadonlyArray<Factor> = ["passkey", "security-key", "totp", "hotp"]
