/** The linter's configuration refuses what the house rules refuse, and lets ordinary Effect code pass. */
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"

const repository = resolve(import.meta.dirname, "../..")

describe(".oxlintrc.json", () => {
  // The linter passes over the fixtures where they are, so it is shown a tree of its own.
  let root: string

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "belfry-lint-"))
    cpSync(join(repository, ".oxlintrc.json"), join(root, ".oxlintrc.json"))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  /** The findings as `file rule`, sorted, each once. */
  const lint = (files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    const command = join(repository, "node_modules/.bin/oxlint")
    const { stdout } = spawnSync(command, ["--deny-warnings", "--format", "unix"], { cwd: root, encoding: "utf8" })
    const findings = stdout.matchAll(/^([^:\n]+):\d+:\d+: .*\[Error\/([^\]]+)\]$/gmu)
    return [...new Set(Array.from(findings, ([, path, rule]) => `${path} ${rule}`))].toSorted()
  }

  const core = "packages/core/src/User.ts"
  const refused: ReadonlyArray<readonly [rule: string, text: string]> = [
    ["typescript(no-explicit-any)", "export const f = (value: any) => value"],
    ["typescript(no-non-null-assertion)", "export const f = (value?: string) => value!"],
    ["typescript(ban-ts-comment)", "// @ts-ignore\nexport const f: number = g()\ndeclare const g: () => number"],
    ["typescript(consistent-type-imports)", 'import { Option } from "o"\nexport type O = Option'],
    ["typescript(no-import-type-side-effects)", 'import { type Option } from "o"\nexport type O = Option'],
    ["typescript(no-namespace)", "export namespace Users { export const a = 1 }"],
    ["eslint(no-unused-vars)", "const unused = 1\nexport const used = 2"],
    ["eslint(no-console)", 'export const f = () => console.log("debug")'],
    ["eslint(eqeqeq)", "export const f = (a: number, b: number) => a == b"],
    ["eslint(prefer-const)", "let a = 1\nexport { a }"],
    ["eslint(no-restricted-properties)", "export const now = () => Date.now()"],
    ["eslint(no-restricted-properties)", "export const random = () => Math.random()"],
    ["import(no-default-export)", "export default 1"],
    ["unicorn(prefer-node-protocol)", 'import { join } from "path"\nexport const f = () => join("a")'],
  ]
  for (const [rule, text] of refused) {
    it(`refuses ${JSON.stringify(text.split("\n")[0])} by ${rule}`, () => {
      assert.deepStrictEqual(lint({ [core]: `${text}\n` }), [`${core} ${rule}`])
    })
  }

  it("finds a circular import by value, and lets one by type pass", () => {
    cpSync(join(repository, "scripts/test/fixtures/cycle"), root, { recursive: true })
    assert.deepStrictEqual(lint({}), [
      "packages/core/src/LinkedAccount.ts import(no-cycle)",
      "packages/core/src/Session.ts import(no-cycle)",
      "packages/core/src/User.ts import(no-cycle)",
    ])
  })

  it("finds a circular import between packages by name", () => {
    for (const name of ["core", "factors"]) {
      const manifest = JSON.stringify({ name: `@belfry/${name}`, exports: { "./*": "./src/*.ts" } })
      mkdirSync(join(root, "node_modules/@belfry"), { recursive: true })
      mkdirSync(join(root, "packages", name), { recursive: true })
      symlinkSync(join("../../packages", name), join(root, "node_modules/@belfry", name))
      writeFileSync(join(root, "packages", name, "package.json"), manifest)
    }
    assert.deepStrictEqual(
      lint({
        [core]: 'import { password } from "@belfry/factors/Password"\nexport const user = () => password\n',
        "packages/factors/src/Password.ts":
          'import { user } from "@belfry/core/User"\nexport const password = () => user\n',
      }),
      [`${core} import(no-cycle)`, "packages/factors/src/Password.ts import(no-cycle)"],
    )
  })

  it("lets ordinary Effect code pass", () => {
    assert.deepStrictEqual(
      lint({
        [core]: [
          'import * as Array from "effect/Array"',
          'import * as Context from "effect/Context"',
          'import * as Effect from "effect/Effect"',
          'import type * as Option from "effect/Option"',
          'import * as Schema from "effect/Schema"',
          'export const UserId = Schema.String.pipe(Schema.brand("UserId"))',
          "export type UserId = typeof UserId.Type",
          'export class Gone extends Schema.TaggedError<Gone>("Gone")("Gone", { id: UserId }) {}',
          "export class Users extends Context.Service<",
          "  Users,",
          "  { readonly find: (id: UserId) => Effect.Effect<Option.Option<string>> }",
          '>()("Users") {}',
          "export const make = Effect.gen(function* () {",
          "  const users = yield* Users",
          "  const trim = (text: string) => text.trim()",
          '  const find = Effect.fn("find")(function* (id: UserId) {',
          '    if (id === "") return yield* new Gone({ id })',
          "    return Array.fromOption(yield* users.find(id)).map(trim)",
          "  })",
          "  return (id: UserId) =>",
          "    find(id).pipe(",
          '      Effect.catchTag("Gone", () => Effect.succeed([])),',
          "      Effect.catch(() => Effect.void),",
          "      Effect.andThen((names) => Effect.log(names)),",
          "    )",
          "})",
          "",
        ].join("\n"),
        "packages/core/test/User.test.ts": "export const now = () => Date.now()\n",
      }),
      [],
    )
  })
})
