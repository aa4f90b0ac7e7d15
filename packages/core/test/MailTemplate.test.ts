import { english } from "@belfry/core/EmailMessages"
import * as Mail from "@belfry/core/Mail"
import { inWords, render } from "@belfry/core/MailTemplate"
import { PagePaths } from "@belfry/core/PagePaths"
import { Email } from "@belfry/core/User"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"

const content = {
  siteName: "Belfry",
  subject: "Confirm your address",
  heading: "Please confirm",
  paragraphs: ["First paragraph.", "Second paragraph."],
  action: { label: "Confirm", url: "https://app.example/verify-email?token=abc&x=1" },
  closing: ["Ignore this if it was not you."],
}

describe("render", () => {
  it("says the same as text and as HTML, the link in full in both", () => {
    const { text, html, subject } = render(content)
    assert.strictEqual(subject, "Confirm your address")
    assert.strictEqual(
      text,
      [
        "Please confirm",
        "First paragraph.",
        "Second paragraph.",
        "Confirm:\nhttps://app.example/verify-email?token=abc&x=1",
        "Ignore this if it was not you.",
        "Belfry",
      ].join("\n\n"),
    )
    const shown = html.replace(/<title>.*<\/title>/, "").replace(/<[^>]+>/g, "\n")
    for (const line of text.split(/\n+/)) assert.include(shown, line.replace(/:$/, "").replaceAll("&", "&amp;"))
    assert.include(html, `href="https://app.example/verify-email?token=abc&amp;x=1"`)
  })

  it("has no link where there is nothing to do", () => {
    const { action: _, ...notice } = content
    const { text, html } = render(notice)
    assert.notInclude(text, "http")
    assert.notInclude(html, "<a ")
  })

  it("escapes everything that is put into the HTML", () => {
    const evil = `<script>alert("x")</script>&'`
    const { html } = render({
      siteName: evil,
      subject: evil,
      heading: evil,
      paragraphs: [evil],
      action: { label: evil, url: `https://app.example/?q="><script>` },
      closing: [evil],
    })
    assert.notInclude(html, "<script")
    assert.notInclude(html, `"><`.concat("script"))
    assert.strictEqual(html.split("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;").length - 1, 6)
  })

  it("loads nothing from anywhere", () => {
    assert.notMatch(render(content).html, /<(?:img|link|script|iframe)|url\(|@import/)
  })
})

describe("inWords", () => {
  for (const [duration, words] of [
    [Duration.minutes(1), "1 minute"],
    [Duration.minutes(10), "10 minutes"],
    [Duration.minutes(59), "59 minutes"],
    [Duration.hours(1), "1 hour"],
    [Duration.hours(24), "24 hours"],
    [Duration.hours(48), "48 hours"],
    [Duration.days(3), "3 days"],
    [Duration.days(30), "30 days"],
  ] as const) {
    it(`says ${words}`, () => assert.strictEqual(inWords(duration), words))
  }
})

describe("The mails in English", () => {
  const siteName = "The Site"
  const url = "https://app.example/x?token=abc"

  it("say which site they are from, what to follow and for how long", () => {
    for (const [mail, lifetime, words] of [
      [english.verifyEmail, Duration.hours(24), "24 hours"],
      [english.confirmEmailChange, Duration.hours(1), "1 hour"],
    ] as const) {
      const { subject, text } = mail({ siteName, url, lifetime })
      assert.include(subject, siteName)
      assert.include(text, `\n${url}\n`)
      assert.include(text, `once, for ${words}`)
    }
  })

  it("tell the old address which one replaced it", () => {
    const { subject, text } = english.emailChanged({ siteName, newEmail: "new@example.com" })
    assert.include(subject, siteName)
    assert.include(text, "new@example.com")
    assert.notInclude(text, "http")
  })

  it("make messages, also for a site with a name of 100 characters", () => {
    const long = "n".repeat(100)
    for (const rendered of [
      english.verifyEmail({ siteName: long, url, lifetime: Duration.hours(24) }),
      english.confirmEmailChange({ siteName: long, url, lifetime: Duration.hours(1) }),
      english.emailChanged({ siteName: long, newEmail: "new@example.com" }),
    ]) {
      const message = Mail.make({ to: Email.make("ada@example.com"), category: "test", ...rendered })
      assert.strictEqual(message.subject, rendered.subject)
    }
  })
})

describe("PagePaths", () => {
  it.effect("are those of the hosted pages, each of its own", () =>
    Effect.gen(function* () {
      const paths = Object.values(yield* PagePaths)
      assert.strictEqual(new Set(paths).size, paths.length)
      for (const path of paths) assert.match(path, /^(?:\/[a-z-]+)+$/)
    }),
  )
})
