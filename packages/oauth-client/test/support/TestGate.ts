/**
 * A gate that lets everybody in whom it is not told to stop.
 */
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import { Sessions } from "@belfry/core/Sessions"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import { GateRefused } from "@belfry/oauth-client/OAuthSignIn"
import { SignInGate } from "@belfry/oauth-client/SignInGate"
import { Context, DateTime, Effect, Layer, Redacted } from "effect"

/** What the gate was asked, and how it answers. */
export class GateScript extends Context.Service<
  GateScript,
  {
    /** The answer from now on. */
    answer: "complete" | "continue" | "refuse"
    /** Where the attempt that the browser carries wanted to go. */
    attemptReturnTo: string | null
    readonly asked: Array<{
      readonly token: Redacted.Redacted | null
      readonly returnTo: string | null
    }>
    /** Who was taken over, and the accounts that each had at providers then. */
    readonly takenOver: Array<{ readonly userId: UserId; readonly providerIds: ReadonlyArray<string> }>
  }
>()("test/GateScript") {}

export const layer = Layer.effectContext(
  Effect.gen(function* () {
    const accounts = yield* LinkedAccounts
    const sessions = yield* Sessions
    const transactions = yield* TransactionStore
    const script = GateScript.of({ answer: "complete", attemptReturnTo: null, asked: [], takenOver: [] })
    const gate = SignInGate.of({
      attemptCookie: "belfry_sign_in",
      prove: ({ token, user, returnTo, replaces, client }) =>
        transactions.run(
          Effect.gen(function* () {
            script.asked.push({ token, returnTo })
            if (script.answer === "refuse") return yield* new GateRefused({ reason: "user-mismatch" })
            if (script.answer === "continue") {
              return { _tag: "Continues" as const, token: Redacted.make("attempt"), expiresAt: yield* DateTime.now }
            }
            const issued = yield* sessions.start({ user, amr: ["oauth"], client, replaces: replaces ?? undefined })
            return { _tag: "Complete" as const, ...issued, returnTo: returnTo ?? script.attemptReturnTo }
          }),
        ),
      takeOver: (userId) =>
        Effect.gen(function* () {
          const providerIds = (yield* accounts.list(userId)).map(({ providerId }) => providerId)
          script.takenOver.push({ userId, providerIds })
        }).pipe(Effect.catchTag("SealBroken", Effect.die)),
      removeWayIn: () => Effect.die("nothing is unlinked here"),
    })
    return Context.make(SignInGate, gate).pipe(Context.add(GateScript, script))
  }),
)
