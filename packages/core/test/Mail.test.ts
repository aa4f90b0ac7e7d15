import * as Mail from "@belfry/core/Mail"
import { Email } from "@belfry/core/User"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"

const message = {
  to: Schema.decodeSync(Email)("ada@example.com"),
  subject: "Hello",
  text: "Hello,\nAda",
  html: "<p>Hello, Ada</p>",
  category: "greeting",
}

describe("A mail message", () => {
  it("keeps what it is made of", () => {
    const made = Mail.make({ ...message, subject: "Grüße an Ada \u{1F511}" })
    assert.deepStrictEqual({ ...made }, { ...message, subject: Mail.MailSubject.make("Grüße an Ada \u{1F511}") })
  })

  it("has a subject of one line, whatever it was made of", () => {
    const subjects: ReadonlyArray<readonly [given: string, kept: string]> = [
      ["Hello\r\nBcc: eve@evil.example", "Hello Bcc: eve@evil.example"],
      ["Hello\nX: y", "Hello X: y"],
      ["Hello\rX: y", "Hello X: y"],
      ["a\u0000b\u0085c\u2028d\u2029e\tf\u000bg", "a b c d e f g"],
      ["Join \u202Eemca\u2066 now\u2069 at\uD800 once", "Join emca now at once"],
      ["  much   space  ", "much space"],
      ["", "(no subject)"],
      ["\r\n", "(no subject)"],
    ]
    for (const [given, kept] of subjects) {
      assert.strictEqual(Mail.make({ ...message, subject: given }).subject, kept)
    }
  })

  it("has a subject of 200 characters at most, cut between characters", () => {
    assert.strictEqual(Mail.make({ ...message, subject: "a".repeat(200) }).subject.length, 200)
    const cut = Mail.make({ ...message, subject: "\u{1F511}".repeat(150) }).subject
    assert.isAtMost(cut.length, 200)
    assert.match(cut, /^\u{1F511}+…$/u)
  })

  it("cannot be built with a line break in the subject or the recipient", () => {
    const is = Schema.is(Mail.MailMessage)
    const good = Mail.make(message)
    assert.isTrue(is(good))
    for (const bad of ["a\r\nb", "a\nb", "a\rb", "a\u2028b", "a\u0000b", "a\u202Eb"]) {
      assert.isFalse(is({ ...good, subject: bad }), JSON.stringify(bad))
      assert.isFalse(is({ ...good, to: `${bad}@example.com` }), JSON.stringify(bad))
      assert.isFalse(is({ ...good, to: `ada@example.com${bad}` }), JSON.stringify(bad))
    }
    for (const bad of ["ada@example.com, eve@evil.example", "<ada@example.com>", "Ada <ada@example.com>", "ada", ""]) {
      assert.isFalse(is({ ...good, to: bad }), bad)
    }
  })

  it("has a category that can be a metric's label", () => {
    for (const category of ["", "Verify", "a b", "a\n", "ä", "a".repeat(65)]) {
      assert.throws(() => Mail.make({ ...message, category }), undefined, undefined, category)
    }
  })
})

describe("A mail sender", () => {
  const senders: ReadonlyArray<readonly [text: string, name: string | null, address: string]> = [
    ["belfry@example.com", null, "belfry@example.com"],
    [" belfry@localhost ", null, "belfry@localhost"],
    ["<belfry@example.com>", null, "belfry@example.com"],
    ["Belfry <belfry@example.com>", "Belfry", "belfry@example.com"],
    ['"Example, Inc." <no-reply@mail.example.com>', "Example, Inc.", "no-reply@mail.example.com"],
    ["Grüße & Co < a.b+c@example.com >", "Grüße & Co", "a.b+c@example.com"],
  ]
  for (const [text, name, address] of senders) {
    it(`is read from ${text}`, () => {
      assert.deepStrictEqual(Mail.parseSender(text), Result.succeed({ name, address }))
    })
  }

  for (const text of [
    "",
    "Belfry",
    "belfry@",
    "@example.com",
    "a@b@c",
    "Belfry <>",
    "<a@example.com> <b@example.com>",
    "a@example.com, b@example.com",
    "Belfry <a@example.com>, b@example.com",
    "a@example.com\r\nBcc: eve@evil.example",
    "Bel\r\nBcc: eve@evil.example\r\n <a@example.com>",
    "a b@example.com",
    "a@exa mple.com",
    "a@-example.com",
  ]) {
    it(`is not read from ${JSON.stringify(text)}`, () => {
      assert.isTrue(Result.isFailure(Mail.parseSender(text)))
    })
  }
})
