/**
 * Forms that clients post, as they are read wherever they come in.
 */
import { platform } from "@belfry/core/RequestBodyHandlers"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import { readForm } from "../src/internal/forms.ts"

const read = (body: string) =>
  readForm(
    platform,
    HttpServerRequest.fromWeb(
      new Request("http://localhost/", {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body,
      }),
    ),
  )

describe("forms", () => {
  it.effect("are read up to 64 KiB", () =>
    Effect.gen(function* () {
      const whole = (length: number) => `a=1&x=${"x".repeat(length - "a=1&x=".length)}`
      assert.strictEqual((yield* read(whole(65_536))).get("a"), "1")
      const error = yield* Effect.flip(read(whole(65_537)))
      assert.deepStrictEqual([error.code, error.description], ["invalid_request", "The body is too large"])
    }),
  )
})
