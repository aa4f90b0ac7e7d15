/**
 * Messages are composed at once, as nodemailer's streams would compose them.
 */
import { make } from "@belfry/core/Mail"
import { Email } from "@belfry/core/User"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { loadComposer } from "../src/internal/nodemailer.ts"

const to = Schema.decodeSync(Email)("ada@example.com")
const from = { name: "Belfry, Inc. – Zürich", address: "belfry@example.com" }

interface Content {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** A message composed both ways. */
const composed = Effect.fnUntraced(function* (content: Content) {
  const { compile, toText } = yield* loadComposer
  const node = compile(make({ to, category: "test", ...content }), from)
  const atOnce = toText(node)
  const streamed = yield* Effect.promise(() => node.build())
  return { atOnce, streamed: streamed.toString("utf8") }
})

describe("a composed message is what the streams give:", () => {
  const contents: Readonly<Record<string, Content>> = {
    "plain, in short lines": { subject: "Hello", text: "Hello,\nAda.", html: "<p>Hello</p>\n<p>Ada</p>" },
    "long lines": {
      subject: "x".repeat(200),
      text: `${"word ".repeat(100)}\n\n  end `,
      html: `<p>${"=".repeat(500)}</p>`,
    },
    "another script": {
      subject: "Подтвердите адрес",
      text: "Привет, мир. ".repeat(30),
      html: "<p>日本語のメール</p>".repeat(20),
    },
    "some letters of another one": {
      subject: "Zürich",
      text: `Grüße aus Zürich ${"a".repeat(100)}`,
      html: "<p>Grüße</p>",
    },
    "lines that mean something elsewhere": {
      subject: "--",
      text: "--\n.\nFrom me\n",
      html: "<p>a</p>\r\n.\r\n\t<p>b</p> \n",
    },
    "a megabyte": { subject: "Long", text: "0123456789 ü\n".repeat(80_000), html: `<p>${"x".repeat(1_000_000)}</p>` },
  }
  for (const [name, content] of Object.entries(contents)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const { atOnce, streamed } = yield* composed(content)
        assert.strictEqual(atOnce, streamed)
      }),
    )
  }
})
