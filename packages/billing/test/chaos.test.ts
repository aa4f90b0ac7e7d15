/**
 * Scripted histories in which everything goes wrong that can: webhooks come shuffled and twice or not at all, Stripe
 * fails one call in five, and the process is killed at any statement and call. In the end, what stands here is what
 * Stripe has, and the host was told everything once.
 *
 * `CHAOS_HISTORIES` says how many; `CHAOS_SEED` from which seed on.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as ChaosCrew from "./support/ChaosCrew.ts"
import { type Ending, inWorld } from "./support/ChaosWorld.ts"

const histories = Number(process.env["CHAOS_HISTORIES"] ?? 1000)
const firstSeed = Number(process.env["CHAOS_SEED"] ?? 1)
const worlds = Array.from({ length: Math.max(1, Math.ceil(histories / inWorld)) }, (_, place) => ({
  seed: firstSeed + place,
  drops: place % 2 === 1 ? 0.1 : 0,
}))

describe(`${worlds.length * inWorld} histories`, () => {
  const crew = ChaosCrew.start()
  const endings = new Map<number, Promise<() => Ending>>()

  // All begin, side by side, and each test waits for its own.
  beforeAll(() => {
    for (const world of worlds) {
      const ending = crew.run(world).then(
        (ended) => () => ended,
        (cause: unknown) => () => {
          throw cause
        },
      )
      endings.set(world.seed, ending)
    }
  })
  afterAll(crew.end)

  for (const { drops, seed } of worlds) {
    const how = drops > 0 ? "of whose webhooks one in ten never comes" : "whose webhooks come shuffled and twice"
    it(`end here as at Stripe, and are told once, ${how} (seed ${seed})`, async () => {
      const ended = await endings.get(seed)
      const { compared, kills, told } = ended?.() ?? assert.fail("It never began")
      assert.isAbove(compared, inWorld / 4)
      assert.isAbove(told, compared)
      assert.isAbove(kills, inWorld)
    }, 1_800_000)
  }
})
