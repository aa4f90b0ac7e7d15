import { type LinkValues, PasswordMessages } from "@belfry/factors/PasswordMessages"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"

describe("PasswordMessages", () => {
  const values: LinkValues = {
    siteName: "Bats & Bells",
    url: "http://localhost:3000/page?token=belfry_verify_x",
    lifetime: Duration.hours(24),
  }

  it.effect("say in every mail which site it is and how long the link works, in text and in HTML", () =>
    Effect.gen(function* () {
      const { confirmSignUp, alreadySignedUp, resetPassword } = yield* PasswordMessages
      for (const write of [confirmSignUp, alreadySignedUp, resetPassword]) {
        const { subject, text, html } = write(values)
        assert.include(subject, "Bats & Bells")
        assert.include(text, values.url)
        assert.include(html, `href="${values.url}"`)
        for (const body of [text, html]) assert.include(body, "once, for 24 hours")
        assert.notInclude(html, "Bats & Bells")
      }
    }),
  )

  it.effect("lead from the news of a changed password to setting a new one", () =>
    Effect.gen(function* () {
      const { passwordChanged } = yield* PasswordMessages
      const { text, html } = passwordChanged({ siteName: "Belfry", resetUrl: "http://localhost:3000/forgot-password" })
      for (const body of [text, html]) assert.include(body, "http://localhost:3000/forgot-password")
    }),
  )

  it.effect("are the host's own when it provides some", () =>
    Effect.gen(function* () {
      const english = yield* PasswordMessages
      const subjectOf = Effect.map(PasswordMessages, (messages) => messages.resetPassword(values).subject)
      const german = { ...english, resetPassword: () => ({ subject: "Neues Passwort", text: "", html: "" }) }
      assert.strictEqual(yield* Effect.provideService(subjectOf, PasswordMessages, german), "Neues Passwort")
    }),
  )
})
