import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as Server from "@belfry/server/Server"
import * as Postgres from "@belfry/sql/Postgres"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Cli from "./support/Cli.ts"

/** Every command is a process that compiles its sources: slow where the machine is busy. */
vi.setConfig({ testTimeout: 180_000 })

const environment = Effect.map(TestDatabase.acquirePostgres(Server.migrations), (url) => ({
  DATABASE_URL: Redacted.value(url),
  BELFRY_SECRETS: "k1:0123456789abcdefghijklmnopqrstuvwxyz",
}))

const found = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1] ?? assert.fail(`${pattern}: ${text}`)

/** What a client says of itself to the token endpoint of a server. */
const post = (port: number, path: string, body: URLSearchParams, id: string, secret: string) =>
  Effect.promise(() =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` },
      body,
    }),
  )

describe("belfry client", () => {
  it.live("makes a client whose secret gets tokens, rotates the secret, and shuts the client out", () =>
    Effect.gen(function* () {
      const environmentOfAll = yield* environment
      const client = (...parameters: ReadonlyArray<string>) => Cli.run(["client", ...parameters], environmentOfAll)
      const made = yield* client("create", "--name", "Nightly", "--machine")
      assert.deepInclude(made, { code: 0, stderr: "" })
      const id = found(made.stdout, /^client_id +(belfry_client_\w{43})$/m)
      const secret = found(made.stdout, /^client_secret +(belfry_client_secret_\w{43}) /m)
      const rotated = yield* client("rotate-secret", id)
      const next = found(rotated.stdout, /^client_secret +(belfry_client_secret_\w{43}) /m)
      assert.notStrictEqual(next, secret)

      const server = yield* Cli.serve(environmentOfAll)
      const tokenWith = (value: string) =>
        Effect.map(
          post(server.port, "/auth/oauth2/token", new URLSearchParams({ grant_type: "client_credentials" }), id, value),
          ({ status }) => status,
        )
      // The former secret holds for a while.
      assert.deepStrictEqual([yield* tokenWith(secret), yield* tokenWith(next)], [200, 200])
      assert.strictEqual(yield* tokenWith("belfry_client_secret_x"), 401)
      assert.deepInclude(yield* client("disable", id), { code: 0, stderr: "", stdout: `disabled ${id}\n` })
      assert.strictEqual(yield* tokenWith(next), 401)
      assert.deepInclude(yield* client("enable", id), { code: 0, stderr: "", stdout: `enabled ${id}\n` })
      assert.strictEqual(yield* tokenWith(next), 200)
      assert.deepInclude(yield* client("remove", id, "--yes"), { code: 0, stderr: "", stdout: `removed ${id}\n` })
      assert.strictEqual(yield* tokenWith(next), 401)
    }).pipe(Effect.scoped),
  )

  it.live("lists all clients, newest first, in lines that no name of a client can break", () =>
    Effect.gen(function* () {
      const environmentOfAll = yield* environment
      const client = (...parameters: ReadonlyArray<string>) => Cli.run(["client", ...parameters], environmentOfAll)
      const make = (...parameters: ReadonlyArray<string>) =>
        Effect.map(client("create", ...parameters), ({ stdout }) => found(stdout, /^client_id +(\S+)$/m))
      assert.deepInclude(yield* client("list"), { code: 0, stdout: "", stderr: "" })
      const nightly = yield* make("--name", "Nightly", "--machine")
      const redirect = ["--redirect-uri", "https://app.example/callback"]
      const strange = yield* make("--name", 'A\u200eB  "disabled"', "--public", ...redirect)
      yield* client("disable", nightly)
      const { code, stderr, stdout } = yield* client("list")
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      assert.deepStrictEqual(stdout.split("\n"), [
        `${strange}  public  "A\ufffdB  \\"disabled\\""`,
        `${nightly}  confidential  disabled  "Nightly"`,
        "",
      ])
    }).pipe(Effect.scoped),
  )

  it.live("makes an initial access token that registers one client", () =>
    Effect.gen(function* () {
      const environmentOfAll = { ...(yield* environment), BELFRY_OAUTH_REGISTRATION: "token" }
      const made = yield* Cli.run(["client", "registration-token"], environmentOfAll)
      const token = found(made.stdout, /^(belfry_registration_\w{43})$/m)
      const server = yield* Cli.serve(environmentOfAll)
      const register = Effect.promise(() =>
        fetch(`http://127.0.0.1:${server.port}/auth/oauth2/register`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ redirect_uris: ["https://app.example/callback"] }),
        }),
      )
      assert.strictEqual((yield* register).status, 201)
      assert.strictEqual((yield* register).status, 401)
    }).pipe(Effect.scoped),
  )

  it.live("makes no initial access token that registers nobody", () =>
    Effect.gen(function* () {
      for (const [flag, pattern] of [
        ["--uses=0", /--uses: "0"\. Expected 1 to 1000000/],
        ["--uses=-3", /--uses: "-3"\. Expected 1 to 1000000/],
        ["--uses=1000001", /--uses: "1000001"\. Expected 1 to 1000000/],
        ["--lifetime=0 seconds", /--lifetime: "[^"]+"\. Expected a time that is longer than none/],
        ["--lifetime=-1 day", /--lifetime: "[^"]+"\. Expected a time that is longer than none/],
        ["--lifetime=Infinity", /--lifetime: "[^"]+"\. Expected a time that is longer than none/],
      ] as const) {
        const { code, stderr, stdout } = yield* Cli.run(["client", "registration-token", flag])
        assert.match(stderr, pattern)
        assert.strictEqual(code, 2)
        assert.notInclude(stdout, "belfry_registration_")
      }
    }).pipe(Effect.scoped),
  )

  it.live("says in one line what it cannot do", () =>
    Effect.gen(function* () {
      const environmentOfAll = yield* environment
      for (const [parameters, pattern] of [
        [["client", "create", "--name", "X", "--redirect-uri", "javascript:alert(1)"], /redirect/],
        [["client", "rotate-secret", "nobody"], /No such client/],
        [["user", "scopes", "nobody@example.com", "oauth:admin"], /no user of this address/],
      ] as const) {
        const { code, stdout, stderr } = yield* Cli.run(parameters, environmentOfAll)
        assert.match(stderr, /^belfry: [^\n]+\n$/)
        assert.match(stderr, pattern)
        assert.deepStrictEqual({ code, stdout }, { code: 1, stdout: "" })
      }
    }).pipe(Effect.scoped),
  )
})

describe("belfry organization", () => {
  it.live(
    "makes an organization, and manages its members, its owner and its end",
    () =>
      Effect.gen(function* () {
        const environmentOfAll = yield* environment
        yield* register(environmentOfAll.DATABASE_URL, "ada@example.com", "grace@example.com")
        const organization = (...parameters: ReadonlyArray<string>) =>
          Cli.run(["organization", ...parameters], environmentOfAll)
        const says = Effect.fnUntraced(function* (...parameters: ReadonlyArray<string>) {
          const { code, stderr, stdout } = yield* organization(...parameters)
          assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
          return stdout
        })

        const made = yield* says("create", 'A\u200bB "deleted"', "--owner", "ada@example.com", "--slug", "acme")
        const id = found(made, /^id {7}(\S{36})$/m)
        assert.match(made, /^name {5}"A\ufffdB \\"deleted\\""\nslug {5}acme\ncreated {2}\S+Z\n$/m)
        assert.strictEqual(yield* says("show", "acme"), made)
        assert.strictEqual(yield* says("list"), `${id}  acme  "A\ufffdB \\"deleted\\""\n`)

        const added = yield* says("add-member", "acme", "Grace@Example.com", "--role", "billing", "--role", "admin")
        assert.match(added, /^\S{36} {2}grace@example\.com {2}admin,billing\n$/)
        assert.match(yield* says("set-roles", id, "grace@example.com", "--role", "member"), / {2}member\n$/)
        const handed = yield* says("transfer", "acme", "--from", "ada@example.com", "--to", "grace@example.com")
        // Without a mail server, mail is printed: to the new owner here, and below to the owners of what is deleted.
        assert.match(handed, /^grace@example\.com owns it now$/m)
        const members = yield* says("members", "acme")
        assert.match(members, /^\S{36} {2}grace@example\.com {2}member,owner$/m)
        assert.match(members, /^\S{36} {2}ada@example\.com {2}admin$/m)
        assert.strictEqual(yield* says("remove-member", "acme", "ada@example.com"), "removed ada@example.com\n")

        assert.match(yield* says("delete", "acme"), /^deleted acme$/m)
        assert.match(yield* says("list"), /^\S{36} {2}acme {2}deleted {2}"/)
        assert.strictEqual(yield* says("restore", "acme"), made)
        assert.match(yield* says("delete", "acme", "--purge", "--yes"), /^removed acme$/m)
        assert.strictEqual(yield* says("list"), "")
      }).pipe(Effect.scoped),
    300_000,
  )

  it.live("asks for roles before it opens the database: each once, and of a name that a role can have", () =>
    Effect.gen(function* () {
      for (const roles of [["member", "member"], ["Not a role"]]) {
        const flags = roles.map((role) => `--role=${role}`)
        const { code, stderr } = yield* Cli.run(["organization", "add-member", "acme", "ada@example.com", ...flags])
        assert.include(stderr, `--role: "${roles.join(",")}". Expected 1 to 20 roles, each once, in lower case`)
        assert.strictEqual(code, 2)
      }
    }).pipe(Effect.scoped),
  )

  it.live("says in one line what it cannot do", () =>
    Effect.gen(function* () {
      const environmentOfAll = yield* environment
      yield* register(environmentOfAll.DATABASE_URL, "ada@example.com")
      const create = ["create", "Acme", "--owner", "ada@example.com", "--slug", "acme"]
      assert.strictEqual((yield* Cli.run(["organization", ...create], environmentOfAll)).code, 0)
      for (const [parameters, pattern] of [
        [create, /Another organization has this slug/],
        [["create", "Acme", "--owner", "nobody@example.com"], /no user of this address/],
        [["show", "other"], /No such organization/],
        [["set-roles", "acme", "ada@example.com", "--role", "strange"], /strange|role/i],
        [["remove-member", "acme", "ada@example.com"], /at least one owner/],
      ] as const) {
        const { code, stdout, stderr } = yield* Cli.run(["organization", ...parameters], environmentOfAll)
        assert.match(stderr, /^belfry: [^\n]+\n$/)
        assert.match(stderr, pattern)
        assert.deepStrictEqual({ code, stdout }, { code: 1, stdout: "" })
      }
    }).pipe(Effect.scoped),
  )
})

/** Users of these addresses in the database of a command. */
const register = (url: string, ...emails: ReadonlyArray<string>) =>
  Effect.forEach(emails, (email) => Users.use((users) => users.create({ email: Email.make(email) }))).pipe(
    Effect.provide(TestServices.layerSql(Postgres.layer({ url: Redacted.make(url) }))),
  )
