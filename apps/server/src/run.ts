/**
 * The way from a command to what it does.
 */
import * as Effect from "effect/Effect"
import type * as Commands from "./commands.ts"
import { inFormat } from "./output.ts"

/**
 * Does what a command is for. The server, which all of them are about, is loaded then: a file of its own in the bundle.
 *
 * **Details**
 *
 * Help and completions come without it. And a process keeps much of what reading its largest file took at the peak:
 * with the command line in another file, 8 MB less as long as it serves.
 */
export const run = <A, E, R>(use: (commands: typeof Commands) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    Effect.promise(() => import("./commands.ts")),
    use,
  )

/** The same for a command that prints data: as lines, or with `json` as one document. */
export const runIn = <A, E, R>(
  json: boolean,
  use: (commands: typeof Commands) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> => inFormat(json)(run(use))
