import * as DevelopmentMailer from "@belfry/core/DevelopmentMailer"
import * as Mail from "@belfry/core/Mail"
import { Mailer } from "@belfry/core/Mailer"
import { Email } from "@belfry/core/User"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import type { Scope } from "effect"
import { Effect, FileSystem, Path, Schema } from "effect"
import { TestClock, TestConsole } from "effect/testing"

const link = `https://app.example/auth/verify-email?token=${"a".repeat(43)}&next=${"b".repeat(80)}`

const message = Mail.make({
  to: Schema.decodeSync(Email)("ada@example.com"),
  subject: "Grüße",
  text: `Hello Ada,\n\n${link}\n`,
  html: `<p>Hello Ada, <a href="${link}">confirm</a></p>`,
  category: "verify-email",
})

const inDirectory = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

const send = (dataDir: string, ...messages: ReadonlyArray<Mail.MailMessage>) =>
  Mailer.use((mailer) => Effect.forEach(messages, mailer.send, { discard: true })).pipe(
    Effect.provide(DevelopmentMailer.layer({ dataDir }), { local: true }),
  )

const filesOf = Effect.fnUntraced(function* (dataDir: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const names = (yield* fs.readDirectory(path.join(dataDir, "mail"))).sort()
  return yield* Effect.forEach(names, (name) =>
    Effect.map(fs.readFileString(path.join(dataDir, "mail", name)), (content) => ({ name, content })),
  )
})

const test = <E>(name: string, body: () => Effect.Effect<void, E, FileSystem.FileSystem | Path.Path | Scope.Scope>) =>
  it.effect(name, () => Effect.provide(body(), NodeServices.layer))

describe("DevelopmentMailer", () => {
  test("prints recipient, subject and text on the console", () =>
    Effect.gen(function* () {
      const dataDir = yield* inDirectory
      yield* send(dataDir, message)
      const printed = (yield* TestConsole.logLines).join("\n")
      for (const part of ["To: ada@example.com\n", "Subject: Grüße\n", "Hello Ada,", link, ".eml"]) {
        assert.include(printed, part)
      }
    }))

  test("prints no control characters of the text but line breaks and tabs", () =>
    Effect.gen(function* () {
      const dataDir = yield* inDirectory
      yield* send(dataDir, { ...message, text: "a\u001b[31mb\u0007c\td\r\ne\u009b1m" })
      assert.include((yield* TestConsole.logLines).join("\n"), "\na[31mbc\td\ne1m\n")
    }))

  test("keeps each message as one .eml file with its links in one piece", () =>
    Effect.gen(function* () {
      const dataDir = yield* inDirectory
      yield* TestClock.setTime(Date.UTC(2026, 0, 31, 12, 0, 0, 5))
      yield* send(dataDir, message)
      const files = yield* filesOf(dataDir)
      assert.deepStrictEqual(
        files.map(({ name }) => name),
        ["2026-01-31T12-00-00.005Z-0001.eml"],
      )
      const content = files[0]?.content ?? ""
      const header = content.slice(0, content.indexOf("\r\n\r\n"))
      for (const line of [
        /^From: Belfry <belfry@localhost>\r$/m,
        /^To: ada@example\.com\r$/m,
        /^Subject: =\?UTF-8\?[QB]\?.*\?=\r$/im,
        /^Date: Sat, 31 Jan 2026 12:00:00 \+0000\r$/m,
      ]) {
        assert.match(`${header}\r\n`, line)
      }
      assert.include(content, `Hello Ada,\r\n\r\n${link}\r\n`)
      assert.include(content, `<a href="${link}">`)
      assert.notMatch(content, /[^\r]\n/)
    }))

  test("names files so that they sort by time, also within a millisecond", () =>
    Effect.gen(function* () {
      const dataDir = yield* inDirectory
      const numbered = Array.from({ length: 12 }, (_, index) => ({ ...message, text: `number ${index}\n` }))
      yield* Mailer.use((mailer) =>
        Effect.forEach(numbered, (mail, index) =>
          Effect.andThen(index % 3 === 0 ? TestClock.adjust("1 hour") : Effect.void, mailer.send(mail)),
        ),
      ).pipe(Effect.provide(DevelopmentMailer.layer({ dataDir }), { local: true }))
      const files = yield* filesOf(dataDir)
      assert.deepStrictEqual(
        files.map(({ content }) => /number \d+/.exec(content)?.[0]),
        numbered.map((_, index) => `number ${index}`),
      )
    }))

  test("keeps lines too long for mail in an encoding that mail allows", () =>
    Effect.gen(function* () {
      const dataDir = yield* inDirectory
      yield* send(dataDir, { ...message, text: "ü".repeat(2000) })
      const content = (yield* filesOf(dataDir))[0]?.content ?? ""
      assert.isTrue(content.split("\r\n").every((line) => Buffer.byteLength(line) <= 998))
    }))

  test("keeps its files from other people", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const dataDir = yield* inDirectory
      yield* send(dataDir, message)
      const directory = path.join(dataDir, "mail")
      const [file = ""] = yield* fs.readDirectory(directory)
      assert.strictEqual((yield* fs.stat(directory)).mode & 0o077, 0)
      assert.strictEqual((yield* fs.stat(path.join(directory, file))).mode & 0o077, 0)
    }))

  test("fails, for good, when the file cannot be written", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const dataDir = yield* inDirectory
      const error = yield* Mailer.use((mailer) =>
        Effect.andThen(fs.remove(path.join(dataDir, "mail"), { recursive: true }), Effect.flip(mailer.send(message))),
      ).pipe(Effect.provide(DevelopmentMailer.layer({ dataDir }), { local: true }))
      assert.deepStrictEqual([error._tag, error.code], ["MailError", "NotFound"])
      assert.deepStrictEqual(yield* TestConsole.logLines, [])
    }))
})
