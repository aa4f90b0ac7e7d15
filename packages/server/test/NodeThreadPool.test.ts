import * as NodeThreadPool from "@belfry/server/NodeThreadPool"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Os from "node:os"

describe("NodeThreadPool", () => {
  it.effect("lowers the threads that hash passwords on Linux, and never the one that answers", () =>
    Effect.gen(function* () {
      const main = Os.getPriority(process.pid)
      yield* Layer.build(NodeThreadPool.layerBackground)
      if (process.platform === "linux") {
        const threads = yield* Effect.promise(NodeThreadPool.threads)
        assert.isAbove(threads.length, 0)
        for (const thread of threads) assert.strictEqual(Os.getPriority(thread), 10)
      }
      assert.strictEqual(Os.getPriority(process.pid), main)
    }).pipe(Effect.scoped),
  )
})
