/**
 * The program that lives through worlds of chaos, as many at a time as it is told of, and tells how each ended.
 */
import { Cause, Effect, Exit, Logger } from "effect"
import { type Ending, run, type World } from "./ChaosWorld.ts"

/** What it answers: how a world ended, or why it did not. */
export type Answer = { readonly seed: number } & ({ readonly ending: Ending } | { readonly failure: string })

const tell = (answer: Answer) => process.send?.(answer)

process.on("message", (world: World) => {
  const { seed } = world
  void Effect.runPromiseExit(Effect.provide(run(world), Logger.layer([]))).then((exit) =>
    tell(Exit.isSuccess(exit) ? { seed, ending: exit.value } : { seed, failure: Cause.pretty(exit.cause) }),
  )
})
// Whoever started it is gone.
process.on("disconnect", () => process.exit())
