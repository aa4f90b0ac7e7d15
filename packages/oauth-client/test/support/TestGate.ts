/**
 * A gate that lets everybody in whom it is not told to stop.
 */
import { Sessions } from "@belfry/core/Sessions"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { GateRefused } from "@belfry/oauth-client/OAuthSignIn"
import { SignInGate } from "@belfry/oauth-client/SignInGate"
import { Context, DateTime, Effect, Layer, Redacted } from "effect"

/** What the gate was asked, and how it answers. */
export class GateScript extends Context.Service<
  GateScript,
  {
    /** The answer from now on. */
    answer: "complete" | "continue" | "refuse"
    /** What happens at the same time, just before a proof is confirmed. */
    meanwhile: Effect.Effect<unknown>
    /** Where the attempt that the browser carries wanted to go. */
    attemptReturnTo: string | null
    readonly asked: Array<{
      readonly token: Redacted.Redacted | null
      readonly returnTo: string | null
      readonly takesOver: boolean
    }>
  }
>()("test/GateScript") {}

export const layer = Layer.effectContext(
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const transactions = yield* TransactionStore
    const script = GateScript.of({ answer: "complete", attemptReturnTo: null, meanwhile: Effect.void, asked: [] })
    const gate = SignInGate.of({
      attemptCookie: "belfry_sign_in",
      prove: ({ token, user, returnTo, replaces, confirm, takesOver = false, client }) =>
        transactions.run(
          Effect.gen(function* () {
            script.asked.push({ token, returnTo, takesOver })
            yield* script.meanwhile
            yield* confirm
            if (script.answer === "refuse") return yield* new GateRefused({ reason: "user-mismatch" })
            if (script.answer === "continue") {
              return { _tag: "Continues" as const, token: Redacted.make("attempt"), expiresAt: yield* DateTime.now }
            }
            const issued = yield* sessions.start({ user, amr: ["oauth"], client, replaces: replaces ?? undefined })
            return { _tag: "Complete" as const, ...issued, returnTo: returnTo ?? script.attemptReturnTo }
          }),
        ),
      removeWayIn: () => Effect.die("nothing is unlinked here"),
    })
    return Context.make(SignInGate, gate).pipe(Context.add(GateScript, script))
  }),
)
