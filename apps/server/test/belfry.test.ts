/**
 * The command line as it explains itself, without what commands do.
 */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Option } from "effect"
import { CliError, CliOutput, Command, type HelpDoc } from "effect/cli"
import { vi } from "vitest"
import { belfry } from "../src/belfry.ts"

// Whatever a command would do next fails there.
vi.mock("../src/commands.ts", () => ({}))

const root = belfry(Effect.void)

type Words = ReadonlyArray<string>

const run = (words: Words) =>
  Command.runWith(root, { version: "0" })(words).pipe(Effect.provide([NodeServices.layer, NodeCrypto.layer]))

/** What `--help` shows, as data. */
const helpOf = Effect.fnUntraced(function* (path: Words) {
  let found: HelpDoc.HelpDoc | undefined
  const present = (event: CliOutput.Presenter.Event) =>
    Effect.sync(() => {
      if (event._tag === "Help") found = event.helpDoc
    })
  yield* Effect.provideService(run([...path, "--help"]), CliOutput.Presenter, { present })
  return found ?? assert.fail(`no help of ${path.join(" ")}`)
})

interface Documented {
  readonly path: Words
  readonly help: HelpDoc.HelpDoc
  readonly isLeaf: boolean
}

const all = (path: Words = []): Effect.Effect<ReadonlyArray<Documented>> =>
  Effect.gen(function* () {
    const help = yield* helpOf(path).pipe(Effect.orDie)
    const names = (help.subcommands ?? []).flatMap(({ commands }) => commands.map(({ name }) => name))
    const below = yield* Effect.forEach(names, (name) => all([...path, name]))
    return [{ path, help, isLeaf: names.length === 0 }, ...below.flat()]
  })

/** The words of an example up to a pipe, a redirection or a comment, as a shell splits them. */
const wordsOf = (example: string): Words =>
  [...example.replace(/ [|>#] ?.*$/u, "").matchAll(/'([^']*)'|\S+/gu)].map(([word, inQuotes]) => inQuotes ?? word)

describe("belfry", () => {
  it.effect("says of every command what it is for, with examples, and of every flag and argument what it means", () =>
    Effect.gen(function* () {
      const commands = yield* all()
      assert.isAtLeast(commands.length, 40)
      for (const { help, path } of commands) {
        const name = path.join(" ")
        assert.match(help.description, /^[A-Z].{10,}$/su, name)
        assert.isNotEmpty(help.examples ?? [], `examples of ${name}`)
        for (const { command, description } of help.examples ?? []) {
          assert.isTrue(command.startsWith(["belfry", ...path].join(" ")) || path.length === 0, command)
          assert.isNotEmpty(description, command)
        }
        for (const { description, name: option } of [...help.flags, ...(help.args ?? [])]) {
          assert.isTrue(Option.isSome(description), `${name} ${option}`)
        }
      }
    }),
  )

  it.effect("gives examples that it takes itself", () =>
    Effect.gen(function* () {
      for (const { help, path } of yield* all()) {
        for (const { command } of path.length === 0 ? [] : (help.examples ?? [])) {
          const exit = yield* Effect.exit(run(wordsOf(command).slice(1)))
          const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : assert.fail(command)
          // It came as far as to what the command does, or asks back before that.
          if (CliError.isCliError(error)) assert.fail(`${command}: ${error.message}`)
        }
      }
    }),
  )

  it.effect("prints JSON by every command that prints data, and asks back before what cannot be undone", () =>
    Effect.gen(function* () {
      const has = (flag: string, commands: ReadonlyArray<Documented>) =>
        commands.filter(({ help }) => help.flags.some(({ name }) => name === flag)).map(({ path }) => path.join(" "))
      const leaves = (yield* all()).filter(({ isLeaf }) => isLeaf)
      const printing = has("json", leaves)
      assert.deepStrictEqual(
        leaves.map(({ path }) => path.join(" ")).filter((name) => !printing.includes(name)),
        ["serve", "openapi"],
      )
      const destroying = ["client remove", "keys rotate", "sessions revoke", "organization delete"]
      assert.deepStrictEqual(has("yes", leaves).toSorted(), destroying.toSorted())
    }),
  )

  it.effect("does nothing that cannot be undone where nobody can be asked", () =>
    Effect.gen(function* () {
      for (const words of [
        ["client", "remove", "somebody"],
        ["keys", "rotate", "--compromised"],
        ["sessions", "revoke", "ada@example.com", "--all"],
        ["organization", "delete", "acme", "--purge"],
      ]) {
        assert.deepInclude(yield* Effect.flip(run(words)), { _tag: "ConfirmationNeeded" }, words.join(" "))
        const exit = yield* Effect.exit(run([...words, "--yes"]))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause), `${words.join(" ")} --yes`)
      }
    }),
  )

  it.effect("ends one session or all, and asks which", () =>
    Effect.gen(function* () {
      const id = "0197a6c2-5c1f-7d8e-9b3a-2f6d1e4c8b70"
      for (const words of [[], [id, "--all"]]) {
        const error = yield* Effect.flip(run(["sessions", "revoke", "ada@example.com", ...words]))
        assert.isTrue(CliError.isCliError(error), words.join(" "))
      }
    }),
  )
})
