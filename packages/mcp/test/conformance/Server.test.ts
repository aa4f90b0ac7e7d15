/**
 * The official conformance suite for MCP servers, against Effect's server behind access tokens.
 */
import { RealServer } from "@belfry/testing/RealServer"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Conformance from "../support/Conformance.ts"
import * as Everything from "../support/Everything.ts"
import * as baseline from "./baseline.ts"

/** How the suite is asked for the scenarios of a version, and how many there are. */
const versions = [
  { version: "2026-07-28", given: ["--requirements", "2026-07-28"], scenarios: 50 },
  { version: "2025-11-25", given: ["--requirements", "2025-11-25"], scenarios: 33 },
  { version: "2025-06-18", given: ["--suite", "all", "--spec-version", "2025-06-18"], scenarios: 27 },
  { version: "2025-03-26", given: ["--suite", "all", "--spec-version", "2025-03-26"], scenarios: 1 },
]

withLayer(Everything.layer.pipe(Layer.provideMerge(Everything.layerForwarder)), {
  excludeTestServices: true,
  timeout: "2 minutes",
})("The conformance suite, servers", (it) => {
  for (const { given, scenarios, version } of versions) {
    describe(`MCP ${version}`, () => {
      it.effect(
        "MUST pass all that is not known to fail, behind access tokens",
        () =>
          Effect.gen(function* () {
            const url = `${yield* Everything.aim}/mcp`
            const report = yield* Effect.promise(() => Conformance.run("server", ["--url", url, ...given]))
            assert.strictEqual(report.size, scenarios)
            assert.deepStrictEqual(Conformance.failures(report), Conformance.known(baseline.server, report))
          }),
        120_000,
      )
    })
  }

  it.effect("MUST have been asked for an access token: without one, the suite gets nowhere", () =>
    Effect.gen(function* () {
      yield* Everything.aim
      const { origin } = yield* RealServer
      const given = ["--url", `${origin}/mcp`, "--scenario", "tools-list", "--spec-version", "2025-11-25"]
      const report = yield* Effect.promise(() => Conformance.run("server", given))
      assert.include(Conformance.failures(report), "tools-list: tools-list")
    }),
  )
})
