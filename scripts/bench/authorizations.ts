/**
 * Sign-ins that are begun at a contender and come back from the provider: what a browser has in its hands when the
 * provider sends it to the callback. They are prepared over the contender's own HTTP, and never timed.
 */
import { join } from "node:path"
import { run } from "./load.ts"
import type { Get } from "./load.ts"
import type { ProviderContestant } from "./contenders/provider.ts"
import type { Cores } from "./processes.ts"

/** Sign-ins to begin: of `count` people from number `first` on, who start over after `people`. */
export interface Authorizations extends Pick<ProviderContestant, "port" | "signIn"> {
  readonly first: number
  readonly count: number
  readonly people: number
}

const program = join(import.meta.dirname, "authorizationsProgram.ts")

/** Begins the sign-ins and returns the callbacks, in the order of the people. */
export const authorize = async (
  cores: Cores | undefined,
  authorizations: Authorizations,
): Promise<ReadonlyArray<Get>> =>
  JSON.parse(await run(cores?.others, process.execPath, [program, JSON.stringify(authorizations)]))
