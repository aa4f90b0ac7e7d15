import { SignInMessages } from "@belfry/factors/SignInMessages"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"

describe("SignInMessages", () => {
  const values = { siteName: "Bats & Bells", lifetime: Duration.minutes(10) }
  const url = "http://localhost:3000/sign-in/link?token=belfry_verify_x"

  it.effect("say in every mail which site it is, how long it is good, and what to do when it was somebody else", () =>
    Effect.gen(function* () {
      const { code, link } = yield* SignInMessages
      for (const { subject, text, html } of [code({ ...values, code: "BCDFGH" }), link({ ...values, url })]) {
        assert.include(subject, "Bats & Bells")
        for (const body of [text, html]) {
          assert.include(body, "once, for 10 minutes")
          assert.include(body, "If this was not you, ignore this message")
        }
        assert.notInclude(html, "Bats & Bells")
      }
    }),
  )

  it.effect("write a code on a line of its own, and never into the subject", () =>
    Effect.gen(function* () {
      const { code } = yield* SignInMessages
      const { subject, text, html } = code({ ...values, code: "BCDFGH" })
      assert.notInclude(subject, "BCDFGH")
      assert.deepStrictEqual(
        text.split("\n").filter((line) => line.includes("BCDFGH")),
        ["BCDFGH"],
      )
      assert.include(html, ">BCDFGH<")
    }),
  )

  it.effect("bring a link as text and as one to follow", () =>
    Effect.gen(function* () {
      const { link } = yield* SignInMessages
      const { subject, text, html } = link({ ...values, url })
      assert.notInclude(subject, "token")
      assert.include(text, url)
      assert.include(html, `href="${url}"`)
    }),
  )

  it.effect("are the host's own when it provides some", () =>
    Effect.gen(function* () {
      const english = yield* SignInMessages
      const subjectOf = Effect.map(SignInMessages, ({ link }) => link({ ...values, url }).subject)
      const german = { ...english, link: () => ({ subject: "Anmelden", text: "", html: "" }) }
      assert.strictEqual(yield* Effect.provideService(subjectOf, SignInMessages, german), "Anmelden")
    }),
  )
})
