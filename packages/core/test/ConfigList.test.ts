import { ConfigList, config, parse } from "@belfry/core/ConfigList"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Schema } from "effect"

const read = <A>(setting: Config.Config<A>, env: Record<string, string>) =>
  setting.parse(ConfigProvider.fromEnvRecord(env))

describe("ConfigList", () => {
  it("has items without the spaces around them, and none where there is nothing", () => {
    assert.deepStrictEqual(parse(" a, b c ,,d, "), ["a", "b c", "d"])
    assert.deepStrictEqual(parse(""), [])
  })

  it.effect("is empty where the setting is not there", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read(config("BELFRY_NAMES"), {}), [])
      assert.deepStrictEqual(yield* read(config("BELFRY_NAMES"), { BELFRY_NAMES: "a,b" }), ["a", "b"])
    }),
  )

  it.effect("has items of a schema, and is refused for one that is not", () =>
    Effect.gen(function* () {
      const sizes = Config.schema(ConfigList(Schema.Literals(["small", "large"])), "BELFRY_SIZES")
      assert.deepStrictEqual(yield* read(sizes, { BELFRY_SIZES: "large, small," }), ["large", "small"])
      const error = yield* Effect.flip(read(sizes, { BELFRY_SIZES: "large,huge" }))
      assert.include(error.message, "BELFRY_SIZES")
    }),
  )

  it("is written with commas", () => {
    const encode = Schema.encodeSync(ConfigList(Schema.String))
    assert.strictEqual(encode(["a", "b"]), "a,b")
  })
})
