/**
 * What stands behind a provider's word: the sign-in state machine of factors, with its policy.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { Enrolments } from "@belfry/factors/Enrolments"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import type { SignInOutcome } from "@belfry/factors/SignInOutcome"
import { signInCookie } from "@belfry/factors/SignInHandlers"
import { UnlinkRefused } from "@belfry/oauth-client/OAuthAccount"
import { GateRefused } from "@belfry/oauth-client/OAuthSignIn"
import { type GateOutcome, SignInGate } from "@belfry/oauth-client/SignInGate"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"

/**
 * The gate over sign-in attempts and enrolments: a provider's word is the factor `oauth`.
 *
 * **Details**
 *
 * In an attempt that waits for `oauth`, after other factors or to make a session fresh again, it goes on with it. In
 * any other it begins a sign-in, where the policy lets one begin so.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SignInGate, never, SignInAttempts | Enrolments> = Layer.effect(
  SignInGate,
  Effect.gen(function* () {
    const attempts = yield* SignInAttempts
    const enrolments = yield* Enrolments

    /** Whether the attempt of a token has a user already, and `oauth` is what this user may prove next. */
    const awaitsProvider = (token: Redacted.Redacted, client: ClientInfo) =>
      attempts.get(token, client).pipe(
        Effect.map(({ attempt, factors }) => attempt.userId !== null && factors.includes("oauth")),
        // One that is over is of no use, and no obstacle either.
        Effect.catchTag("SignInRefused", () => Effect.succeed(false)),
      )

    const open = Effect.fnUntraced(function* (token: Redacted.Redacted | null, client: ClientInfo) {
      return token !== null && (yield* awaitsProvider(token, client))
        ? // Without rules nothing is counted that could be too much: the provider counts its own guesses.
          yield* Effect.catchTag(attempts.open({ token, factor: "oauth", uses: [], client }), "RateLimited", (error) =>
            Effect.die(error),
          )
        : yield* attempts.begin({ token: token ?? undefined, factor: "oauth", client })
    })

    return SignInGate.of({
      attemptCookie: signInCookie,

      prove: ({ token, user, returnTo, replaces, client }) =>
        Effect.gen(function* () {
          const opened = yield* open(token, client)
          return toGateOutcome(
            yield* attempts.prove({
              open: opened,
              user,
              amr: ["oauth"],
              context: returnTo === null ? {} : { returnTo },
              replaces: replaces ?? undefined,
              confirm: Effect.void,
            }),
          )
        }).pipe(Effect.catchTag("SignInRefused", ({ reason }) => Effect.fail(new GateRefused({ reason })))),

      takeOver: enrolments.takeOver,

      removeWayIn: ({ session, user, remove, client }) =>
        enrolments.remove({ session, user, factor: "oauth", remove, client }).pipe(
          Effect.catchTags({
            NotEnrolled: () => Effect.fail(new UnlinkRefused({ reason: "not-linked" })),
            LastWayIn: () => Effect.fail(new UnlinkRefused({ reason: "last-way-in" })),
          }),
        ),
    })
  }),
)

// internal

const toGateOutcome = (outcome: SignInOutcome): GateOutcome =>
  outcome._tag === "SignInComplete"
    ? {
        _tag: "Complete",
        session: outcome.session,
        token: outcome.token,
        returnTo: outcome.context.returnTo ?? null,
      }
    : { _tag: "Continues", token: outcome.token, expiresAt: outcome.state.attempt.expiresAt }
