import { unknownClient } from "@belfry/core/AuditEvent"
import { Session } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { Email, User } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { AdminClient, AdminClientWithSecret } from "@belfry/oauth-server/AdminClientsApi"
import { SigningKeyView } from "@belfry/oauth-server/SigningKey"
import * as ApiReference from "@belfry/server/ApiReference"
import * as Server from "@belfry/server/Server"
import * as Postgres from "@belfry/sql/Postgres"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import * as Path from "node:path"
import * as Cli from "./support/Cli.ts"

/** Every command is a process that compiles its sources: slow where the machine is busy. */
vi.setConfig({ testTimeout: 300_000 })

/** Commands on an embedded database. */
const embedded = Effect.gen(function* () {
  const environment = { BELFRY_DATA_DIR: Path.join(yield* Cli.temporaryDirectory, "data") }
  const run = (...words: ReadonlyArray<string>) => Cli.run(words, environment)
  return { environment, run, ...sayings(run) }
})

type Run = (...words: ReadonlyArray<string>) => Effect.Effect<Cli.Ended>

const sayings = (run: Run) => {
  /** What a command says that succeeds. */
  const says = Effect.fnUntraced(function* (...words: ReadonlyArray<string>) {
    const { code, stderr, stdout } = yield* run(...words)
    assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" }, words.join(" "))
    return stdout
  })
  return {
    says,
    /** The document that it prints, in the form that a schema says. */
    shows: <A, I>(schema: Schema.Codec<A, I>, ...words: ReadonlyArray<string>) =>
      Effect.flatMap(says(...words, "--json"), (text) =>
        Schema.decodeUnknownEffect(Schema.toCodecJson(schema))(JSON.parse(text)),
      ),
  }
}

describe("belfry user", () => {
  it.live("makes users and lists them, newest first, in lines that no name can break", () =>
    Effect.gen(function* () {
      const { run, says, shows } = yield* embedded
      assert.strictEqual(yield* says("user", "list"), "")
      assert.deepStrictEqual(yield* shows(Schema.Array(User), "user", "list"), [])
      const made = yield* says(
        "user",
        "create",
        "Ada@Example.com",
        "--name",
        'A\u200eB "x"',
        "--scope",
        "a",
        "--verified",
      )
      assert.match(
        made,
        /^id {8}\S{36}\nemail {5}ada@example\.com\nname {6}"A\ufffdB \\"x\\""\nverified {2}\S+Z\nscopes {4}a\ncreated {3}\S+Z\n$/u,
      )
      const grace = yield* shows(User, "user", "create", "grace@example.com")
      assert.deepInclude(grace, {
        email: Email.make("grace@example.com"),
        name: null,
        scopes: [],
        emailVerifiedAt: null,
      })
      const lines = (yield* says("user", "list")).split("\n")
      assert.strictEqual(lines[0], `${grace.id}  grace@example.com  unverified`)
      assert.match(lines[1] ?? "", /^\S{36} {2}ada@example\.com {2}verified {2}a {2}"A\ufffdB \\"x\\""$/u)
      const listed = yield* shows(Schema.Array(User), "user", "list")
      assert.deepStrictEqual(listed[0], grace)
      assert.deepInclude(yield* shows(User, "user", "scopes", "grace@example.com", "oauth:admin"), {
        id: grace.id,
        scopes: ["oauth:admin"],
      })
      assert.isNotNull((yield* shows(User, "user", "disable", "grace@example.com")).disabledAt)
      assert.include(yield* says("user", "list"), "grace@example.com  unverified  disabled  oauth:admin\n")
      assert.strictEqual(yield* says("user", "enable", "grace@example.com"), "enabled grace@example.com\n")
      assert.deepInclude(yield* run("user", "disable", "nobody@example.com"), {
        code: 1,
        stderr: "belfry: There is no user of this address\n",
      })
      assert.deepInclude(yield* run("user", "create", "ADA@example.com"), {
        code: 1,
        stdout: "",
        stderr: "belfry: Another user has this e-mail address\n",
      })
      assert.strictEqual((yield* run("user", "create", "no address")).code, 2)
    }).pipe(Effect.scoped),
  )
})

describe("belfry sessions", () => {
  it.live("shows where somebody is signed in, and ends one session, or all", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.acquirePostgres(Server.migrations)
      const run: Run = (...words) => Cli.run(["sessions", ...words], { DATABASE_URL: Redacted.value(url) })
      const { says, shows } = sayings(run)
      const [ada, grace] = ["ada@example.com", "grace@example.com"]
      const client = { ...unknownClient, ipAddress: "192.0.2.1", userAgent: 'Fox\u001b[31m "1"' }
      const started = yield* Effect.gen(function* () {
        const sessions = yield* Sessions
        const [user, other] = yield* Effect.forEach([ada, grace], (email) =>
          Users.use((users) => users.create({ email: Email.make(email) })),
        )
        const start = (user: User | undefined) =>
          Effect.map(sessions.start({ user: user ?? assert.fail(), amr: ["pwd"], client }), ({ session }) => session)
        return [yield* start(user), yield* start(user), yield* start(user), yield* start(other)] as const
      }).pipe(Effect.provide(TestServices.layerSql(Postgres.layer({ url }))))
      const [first, second, third, ofGrace] = started

      const list = Effect.map(shows(Schema.Array(Session), "list", ada), (all) => all.map(({ id }) => id))
      assert.deepStrictEqual((yield* list).toSorted(), [first.id, second.id, third.id].toSorted())
      const lines = yield* says("list", ada)
      assert.match(
        lines,
        /^(?:\S{36} {2}since \S+Z {2}seen \S+Z {2}until \S+Z {2}pwd {2}192\.0\.2\.1 {2}"\P{Cc}+"\n){3}$/u,
      )
      assert.strictEqual(yield* says("revoke", ada, first.id), `ended ${first.id}\n`)
      assert.deepStrictEqual((yield* list).toSorted(), [second.id, third.id].toSorted())
      // Somebody else's is not to be found.
      for (const id of [first.id, ofGrace.id]) {
        assert.deepInclude(yield* run("revoke", ada, id), { code: 1, stdout: "", stderr: "belfry: No such session\n" })
      }
      const refused = yield* run("revoke", ada, "--all")
      assert.match(refused.stderr, /^belfry: End every session of ada@example\.com\? Say --yes[^\n]+\n$/)
      assert.strictEqual(refused.code, 1)
      assert.lengthOf(yield* list, 2)
      assert.strictEqual(yield* says("revoke", ada, "--all", "--yes"), "ended 2 sessions\n")
      assert.deepStrictEqual(yield* list, [])
      assert.lengthOf(yield* shows(Schema.Array(Session), "list", grace), 1)
      assert.deepInclude(yield* run("list", "nobody@example.com"), {
        code: 1,
        stderr: "belfry: There is no user of this address\n",
      })
    }).pipe(Effect.scoped),
  )
})

describe("belfry keys", () => {
  it.live("makes keys that sign at once, and after a theft takes the former ones away", () =>
    Effect.gen(function* () {
      const { run, says, shows } = yield* embedded
      const views = Schema.Array(SigningKeyView)
      assert.deepStrictEqual(yield* shows(views, "keys", "list"), [])
      const first = yield* shows(views, "keys", "rotate")
      assert.deepStrictEqual(
        first.map(({ algorithm, state }) => `${algorithm} ${state}`),
        ["ES256 signing", "RS256 signing"],
      )
      const [formerly] = first
      const rotated = yield* shows(views, "keys", "rotate", "--algorithm", "ES256")
      assert.deepStrictEqual(
        rotated.map(({ algorithm, state }) => `${algorithm} ${state}`),
        ["ES256 signing", "ES256 verifying", "RS256 signing"],
      )
      assert.strictEqual(rotated[1]?.kid, formerly?.kid)
      assert.strictEqual((yield* run("keys", "rotate", "--compromised")).code, 1)
      assert.deepStrictEqual(yield* shows(views, "keys", "list"), rotated)
      const lines = (yield* says("keys", "rotate", "--compromised", "--yes")).trimEnd().split("\n")
      assert.deepStrictEqual(
        lines.map((line) => line.split("  ").slice(1, 3).join(" ")),
        ["ES256 signing", "ES256 over", "ES256 over", "RS256 signing", "RS256 over"],
      )
      assert.notInclude(lines.join(), "private")
    }).pipe(Effect.scoped),
  )

  it.live("has none to show where JWTs are disabled, and says so", () =>
    Effect.gen(function* () {
      const { environment } = yield* embedded
      const disabled = { ...environment, BELFRY_OAUTH_DISABLE_JWT: "true" }
      for (const words of [["list"], ["rotate"]]) {
        const { code, stderr } = yield* Cli.run(["keys", ...words], disabled)
        assert.deepStrictEqual(
          [code, stderr],
          [1, "belfry: There are no signing keys: BELFRY_OAUTH_DISABLE_JWT is set\n"],
        )
      }
    }).pipe(Effect.scoped),
  )
})

describe("belfry client", () => {
  it.live("prints a client as the HTTP API does, with a secret this once, by its former name too", () =>
    Effect.gen(function* () {
      const { says, shows } = yield* embedded
      const made = yield* shows(AdminClientWithSecret, "client", "create", "--name", "Nightly", "--machine")
      assert.deepInclude(made, { clientName: "Nightly", grantTypes: ["client_credentials"], isDisabled: false })
      const secret = made.clientSecret ?? assert.fail()
      assert.match(Redacted.value(secret), /^belfry_client_secret_\w{43}$/)
      const rotated = yield* shows(AdminClientWithSecret, "client", "rotate", made.clientId)
      assert.notStrictEqual(Redacted.value(rotated.clientSecret ?? assert.fail()), Redacted.value(secret))
      assert.lengthOf(rotated.secrets, 2)
      assert.match(
        yield* says("client", "rotate-secret", made.clientId),
        /^client_id .*\nclient_secret .*\nformer secret {2}holds until \S+Z\n$/,
      )
      const listed = yield* says("client", "list", "--json")
      assert.notMatch(listed, /belfry_client_secret_|clientSecret/)
      assert.deepInclude(yield* shows(AdminClient, "client", "disable", made.clientId), { isDisabled: true })
      assert.lengthOf(yield* shows(Schema.Array(AdminClient), "client", "list"), 1)
    }).pipe(Effect.scoped),
  )

  it.live("asks on a terminal before it removes one, and does what is answered", () =>
    Effect.gen(function* () {
      const { environment, says } = yield* embedded
      const create = ["client", "create", "--name", "Nightly", "--machine"]
      const id = /^client_id +(\S+)$/m.exec(yield* says(...create))?.[1] ?? assert.fail()
      const refused = yield* onTerminal(["client", "remove", id], environment, "n")
      assert.match(refused.stdout, /This cannot be undone\.[^]*belfry: Nothing was done/)
      assert.strictEqual(refused.code, 1)
      assert.include(yield* says("client", "list"), id)
      const removed = yield* onTerminal(["client", "remove", id], environment, "y")
      assert.include(removed.stdout, `removed ${id}`)
      assert.strictEqual(removed.code, 0)
      assert.strictEqual(yield* says("client", "list"), "")
    }).pipe(Effect.scoped),
  )
})

describe("belfry organization", () => {
  it.live("prints one JSON document and nothing else, though mail is printed too", () =>
    Effect.gen(function* () {
      const { run, says } = yield* embedded
      yield* says("user", "create", "ada@example.com")
      yield* says("organization", "create", "Acme", "--owner", "ada@example.com", "--slug", "acme")
      const { code, stderr, stdout } = yield* run("organization", "delete", "acme", "--json")
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(JSON.parse(stdout), { organization: "acme", isPurged: false })
      // To the owner, who is told.
      assert.include(stderr, "ada@example.com")
    }).pipe(Effect.scoped),
  )

  it.live("asks before it deletes one for good, also where none can ever be restored", () =>
    Effect.gen(function* () {
      const { environment, run, says } = yield* embedded
      yield* says("user", "create", "ada@example.com")
      yield* says("organization", "create", "Acme", "--owner", "ada@example.com", "--slug", "acme")
      assert.strictEqual((yield* run("organization", "delete", "acme", "--purge")).code, 1)
      const noGrace = { ...environment, BELFRY_ORGANIZATION_DELETION_GRACE: "0 seconds" }
      const { code, stderr } = yield* Cli.run(["organization", "delete", "acme"], noGrace)
      assert.match(stderr, /cannot be undone/)
      assert.strictEqual(code, 1)
      assert.include(yield* says("organization", "list"), "acme")
    }).pipe(Effect.scoped),
  )
})

describe("belfry migrate, doctor, sweep, openapi", () => {
  it.live("print their results as JSON", () =>
    Effect.gen(function* () {
      const { run, says, shows } = yield* embedded
      const Steps = Schema.Array(Schema.Struct({ package: Schema.String, name: Schema.String, state: Schema.String }))
      const count = Server.migrations.flatMap(({ migrations }) => migrations).length
      const applied = yield* shows(Steps, "migrate")
      assert.lengthOf(applied, count)
      assert.deepInclude(applied[0], { package: "core", name: "0001_users", state: "applied" })
      assert.deepStrictEqual(yield* shows(Steps, "migrate", "--dry-run"), [])
      const Findings = Schema.Array(Schema.Struct({ check: Schema.String, state: Schema.String, found: Schema.String }))
      const findings = yield* shows(Findings, "doctor")
      assert.includeMembers(
        findings.map(({ check, state }) => `${check} ${state}`),
        ["database ok", "migrations ok"],
      )
      assert.strictEqual(yield* says("sweep"), "nothing is over\n")
      const swept = yield* shows(Schema.Record(Schema.String, Schema.Int), "sweep")
      assert.deepInclude(swept, { sessions: 0, oauth_grants: 0, organizations: 0 })
      const { code, stdout } = yield* run("openapi")
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(ApiReference.document())))
    }).pipe(Effect.scoped),
  )

  it.live("sweep what is over, of however many batches", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.acquirePostgres(Server.migrations)
      const sql = yield* Postgres.make({ url, maxConnections: 1 })
      yield* sql`INSERT INTO belfry_verification_tokens (id, token_hash, purpose, subject, payload, created_at, expires_at)
        SELECT gen_random_uuid(), 'h' || n, 'test', 's' || n, '{}', now() - interval '2 days', now() - interval '1 day'
        FROM generate_series(1, 2500) n`
      const { says } = sayings((...words) => Cli.run(words, { DATABASE_URL: Redacted.value(url) }))
      assert.match(yield* says("sweep"), /^verification_tokens +2500\n$/)
      assert.strictEqual(yield* says("sweep"), "nothing is over\n")
    }).pipe(Effect.scoped),
  )
})

// internal

const program = ["/usr/bin/script", "/bin/script"].find((path) => existsSync(path))

/** Runs a command on a terminal of its own (util-linux), and answers as soon as it is asked. */
const onTerminal = (words: ReadonlyArray<string>, environment: Cli.Environment, answer: string) =>
  Effect.promise(
    () =>
      new Promise<{ readonly code: number | null; readonly stdout: string }>((resolve, reject) => {
        const command = [process.execPath, Cli.main, ...words].map((word) => `'${word}'`).join(" ")
        const child = spawn(program ?? "script", ["-qec", command, "/dev/null"], {
          env: { PATH: process.env["PATH"], TERM: "xterm", ...environment },
          stdio: ["pipe", "pipe", "inherit"],
        })
        let stdout = ""
        let isAnswered = false
        child.stdout.on("data", (text: Buffer) => {
          stdout += text.toString()
          if (isAnswered || !stdout.includes("(y/N)")) return
          isAnswered = true
          child.stdin.write(answer)
        })
        child.once("error", reject)
        child.once("close", (code) => resolve({ code, stdout }))
      }),
  )
