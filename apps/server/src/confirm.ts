/**
 * Asks back before what cannot be undone.
 */
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import * as Effect from "effect/Effect"
import { ConfirmationNeeded, Declined } from "./CommandError.ts"

/** The flag of every command that destroys. */
export const yes = Flag.Boolean("yes").pipe(
  Flag.withAlias("y"),
  Flag.withDescription("Do not ask back; needed where there is no terminal"),
  Flag.withDefault(false),
)

/** Goes on where the person is sure, or says so on the terminal. */
export const confirmed = Effect.fnUntraced(function* (isSure: boolean, question: string) {
  if (isSure) return
  if (!process.stdin.isTTY || !process.stdout.isTTY) return yield* new ConfirmationNeeded({ question })
  if (!(yield* Prompt.run(Prompt.Confirm({ message: question })))) return yield* new Declined()
})
