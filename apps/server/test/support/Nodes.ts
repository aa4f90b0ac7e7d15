/**
 * Two nodes on one database, each of which can be killed and started again, and a client that asks the one, and where
 * that does not answer, once the other.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as Cli from "./Cli.ts"

/** The nodes. */
export interface Nodes {
  /** Where they listen, by their place; the place of one that is down is that of nobody. */
  readonly ports: readonly [number, number]
  /** Kills a node by `SIGKILL`; resolves when it is gone. */
  readonly kill: (place: 0 | 1) => Effect.Effect<void>
  /** Starts a node in the place of one that was killed. */
  readonly restart: (place: 0 | 1) => Effect.Effect<void, never, Effect.Services<ReturnType<typeof Cli.serve>>>
  readonly running: ReadonlyArray<Served>
  /**
   * Asks a node, this one and that one in turn. What breaks or is 503 is asked again of the other, which has to answer.
   */
  readonly ask: <A extends { readonly status: number }>(
    request: (port: number, isAgain: boolean) => Promise<A | null>,
  ) => Promise<A>
  /** How often a node did not answer, by its place. */
  readonly broken: readonly [number, number]
}

type Served = Effect.Success<ReturnType<typeof Cli.serve>>

/** Starts both, one after the other: the first migrates. */
export const start = Effect.fnUntraced(function* (environment: Cli.Environment) {
  const running: [Served, Served] = [yield* Cli.serve(environment), yield* Cli.serve(environment)]
  const broken: [number, number] = [0, 0]
  let turn = 0

  const attempt = async <A extends { readonly status: number }>(
    place: 0 | 1,
    request: (port: number) => Promise<A | null>,
  ): Promise<A | null> => {
    const answer = await request(running[place].port).catch(() => null)
    if (answer !== null && answer.status !== 503) return answer
    broken[place] += 1
    return null
  }

  const nodes: Nodes = {
    get ports() {
      return [running[0].port, running[1].port] as const
    },
    running,
    broken,
    kill: (place) =>
      Effect.promise(async () => {
        running[place].kill("SIGKILL")
        assert.strictEqual((await running[place].ended).signal, "SIGKILL")
      }),
    restart: (place) =>
      Effect.map(Cli.serve(environment), (served) => {
        running[place] = served
      }),
    ask: async (request) => {
      const [first, second] = turn++ % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)
      const answer =
        (await attempt(first, (port) => request(port, false))) ?? (await attempt(second, (port) => request(port, true)))
      return answer ?? assert.fail("both nodes failed in a row")
    },
  }
  return nodes
})
