import * as Server from "@belfry/server/Server"
import * as Postgres from "@belfry/sql/Postgres"
import * as PostgresServer from "@belfry/testing/PostgresServer"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it, vi } from "@effect/vitest"
import { Deferred, Effect, Redacted } from "effect"
import * as Http from "node:http"
import * as Path from "node:path"
import * as Cli from "./support/Cli.ts"

/** Every command is a process that compiles its sources: slow where the machine is busy. */
vi.setConfig({ testTimeout: 120_000 })

const migrations = Server.migrations.flatMap((set) => set.migrations.map(({ name }) => `${set.package}/${name}`))

interface Answer {
  readonly status: number | undefined
  readonly body: string
}

const request = (port: number, path: string, options: Http.RequestOptions = {}, body?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const outgoing = Http.request({ port, host: "127.0.0.1", path, ...options }, (response) => {
      let text = ""
      response.on("data", (chunk: Buffer) => (text += chunk.toString()))
      response.on("end", () => resolve({ status: response.statusCode, body: text }))
    })
    outgoing.on("error", reject)
    outgoing.end(body)
  })

const isRefused = (port: number): Promise<boolean> =>
  request(port, "/health/live", { agent: new Http.Agent() }).then(
    () => false,
    (cause: unknown) => cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED",
  )

/** A failure is one line on standard error, without a stack, and exit code 1. */
const assertOneLine = ({ code, stdout, stderr }: Cli.Ended, pattern: RegExp) => {
  assert.match(stderr, pattern)
  assert.match(stderr, /^belfry: [^\n]+\n$/)
  assert.notMatch(stderr, /sekret|\bat .*\(|node_modules|Error:/)
  assert.strictEqual(stdout, "")
  assert.strictEqual(code, 1)
}

const hooks = `import { registerHooks } from "node:module"
registerHooks({ load: (url, context, next) => (console.log("loads " + url), next(url, context)) })`

/** Makes a process say which modules it loads, on standard output. */
const tellingLoads = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hooks)}` }

const postgresUrl = (sets: typeof Server.migrations) =>
  Effect.map(TestDatabase.acquirePostgres(sets), (url) => Redacted.value(url))

describe("belfry serve", () => {
  it.live("says where to go, serves from an empty directory, and ends well on an interrupt from the keyboard", () =>
    Effect.gen(function* () {
      const server = yield* Cli.serve({})
      const [, link] = yield* Effect.promise(() => server.says(/Open (\S+)/))
      assert.strictEqual(link, "http://localhost:3000/sign-up")
      assert.strictEqual((yield* Effect.promise(() => request(server.port, "/health/ready"))).status, 200)
      const started = performance.now()
      server.kill("SIGINT")
      const { code, signal, stderr } = yield* Effect.promise(() => server.ended)
      assert.deepStrictEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" })
      assert.isBelow(performance.now() - started, 5000)
    }).pipe(Effect.scoped),
  )

  it.live("told to stop, lets the request finish that is under way and takes no other", () =>
    Effect.gen(function* () {
      const url = yield* postgresUrl(Server.migrations)
      const server = yield* Cli.serve({ DATABASE_URL: url })
      const sql = yield* Postgres.make({ url: Redacted.make(url), maxConnections: 2 })

      const mayGoOn = yield* Deferred.make<void>()
      const isLocked = yield* Deferred.make<void>()
      yield* sql
        .withTransaction(
          sql`LOCK TABLE belfry_audit_events IN ACCESS EXCLUSIVE MODE`.pipe(
            Effect.andThen(Deferred.succeed(isLocked, undefined)),
            Effect.andThen(Deferred.await(mayGoOn)),
          ),
        )
        .pipe(Effect.forkScoped)
      yield* Deferred.await(isLocked)
      const agent = new Http.Agent({ keepAlive: true })
      const underWay = request(
        server.port,
        "/auth/password/forgot",
        { method: "POST", agent, headers: { "content-type": "application/json" } },
        JSON.stringify({ email: "ada@example.com" }),
      )
      while ((yield* sql`SELECT 1 FROM pg_locks WHERE NOT granted`).length === 0) yield* Effect.sleep(10)

      server.kill("SIGTERM")
      while (!(yield* Effect.promise(() => isRefused(server.port)))) yield* Effect.sleep(10)
      yield* Deferred.succeed(mayGoOn, undefined)
      assert.strictEqual((yield* Effect.promise(() => underWay)).status, 202)
      const answered = performance.now()
      const { code, signal, stderr } = yield* Effect.promise(() => server.ended)
      assert.deepStrictEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" })
      // The client's connection was to stay open, which holds up nobody.
      assert.isBelow(performance.now() - answered, 3000)
      agent.destroy()
    }).pipe(Effect.scoped),
  )

  it.live("loads what few visits need when it is needed", () =>
    Effect.gen(function* () {
      const server = yield* Cli.serve(tellingLoads)
      for (const path of ["/health/ready", "/sign-in", "/auth/session", "/auth/docs"]) {
        yield* Effect.promise(() => request(server.port, path))
      }
      server.kill("SIGTERM")
      const { stdout } = yield* Effect.promise(() => server.ended)
      assert.include(stdout, "NodeServer.ts")
      assert.notMatch(stdout, /@simplewebauthn|zxcvbn|\/uqr\/|redis\/|undici\/|Otlp|node_modules\/stripe\//)
      assert.isAbove(stdout.indexOf("httpApiScalar"), stdout.indexOf("Belfry listens"))
    }).pipe(Effect.scoped),
  )

  it.live("does not start on settings that cannot be used, and says which in one line", () =>
    Effect.gen(function* () {
      const DATABASE_URL = yield* postgresUrl(Server.migrations)
      const starts = yield* Effect.forEach(
        [
          [{ BELFRY_PORT: "http" }, /BELFRY_PORT/],
          [{ BELFRY_BASE_URL: "localhost:3000" }, /BELFRY_BASE_URL/],
          [{ BELFRY_SECRETS: "sekret" }, /BELFRY_SECRETS/],
          [{ DATABASE_URL: "postgres://ada:sekret@127.0.0.1:1/belfry" }, /DATABASE_URL: .*ECONNREFUSED/],
          [{ DATABASE_URL: "postgres://ada:sekret@belfry.invalid/belfry" }, /DATABASE_URL: .*(?:ENOTFOUND|EAI_AGAIN)/],
          [{ DATABASE_URL: "mysql://ada:sekret@127.0.0.1/belfry" }, /DATABASE_URL: it is no URL/],
          [{ BELFRY_REDIS_URL: "sekret" }, /BELFRY_REDIS_URL: it is no URL/],
          [{ BELFRY_HOST: "203.0.113.1" }, /BELFRY_HOST/],
          [{ BELFRY_DATA_DIR: "/dev/null/belfry" }, /BELFRY_DATA_DIR/],
        ] as const,
        ([environment, pattern]) =>
          Effect.map(Cli.run(["serve"], { DATABASE_URL, ...environment }), (ended) => ({ ended, pattern })),
        { concurrency: 2 },
      )
      for (const { ended, pattern } of starts) assertOneLine(ended, pattern)
    }).pipe(Effect.scoped),
  )

  it.live("refuses in production what is unsafe there, and says what to do", () =>
    Effect.gen(function* () {
      const production = {
        DATABASE_URL: yield* postgresUrl(Server.migrations),
        NODE_ENV: "production",
        BELFRY_SECRETS: "k1:0123456789abcdefghijklmnopqrstuvwxyz",
        BELFRY_BASE_URL: "https://id.example.com",
        BELFRY_SMTP_URL: "smtp://ada:sekret@127.0.0.1:2525",
        BELFRY_MAIL_FROM: "Belfry <belfry@example.com>",
      }
      for (const [change, pattern] of [
        [{ BELFRY_SECRETS: "" }, /BELFRY_SECRETS is unsafe in production: .*set one/],
        [{ BELFRY_BASE_URL: "http://id.example.com" }, /BELFRY_BASE_URL is unsafe in production: .*use https/],
        [{ BELFRY_SMTP_URL: "" }, /BELFRY_SMTP_URL is unsafe in production/],
      ] as const) {
        assertOneLine(yield* Cli.run(["serve"], { ...production, ...change }), pattern)
      }
      const server = yield* Cli.serve(production)
      server.kill("SIGTERM")
      assert.strictEqual((yield* Effect.promise(() => server.ended)).code, 0)
    }).pipe(Effect.scoped),
  )

  it.live("says why the database lets it not in", () =>
    Effect.gen(function* () {
      const postgres = yield* PostgresServer.acquire()
      const url = new URL(postgres.url)
      url.password = "sekret"
      assertOneLine(yield* Cli.run(["serve"], { DATABASE_URL: url.href }), /DATABASE_URL: the server refuses the user/)
      const other = new URL(postgres.url)
      other.pathname = "/no_such_database"
      const ended = yield* Cli.run(["migrate"], { DATABASE_URL: other.href })
      assertOneLine(ended, /DATABASE_URL: the server has no database of that name/)
      assert.notInclude(ended.stderr, other.password)
    }).pipe(Effect.scoped),
  )

  it.live("says that another has the port, or the data", () =>
    Effect.gen(function* () {
      const dataDir = Path.join(yield* Cli.temporaryDirectory, "data")
      const first = yield* Cli.serve({ BELFRY_DATA_DIR: dataDir })
      const samePort = { BELFRY_PORT: String(first.port), DATABASE_URL: yield* postgresUrl(Server.migrations) }
      assertOneLine(yield* Cli.run(["serve"], samePort), /BELFRY_PORT: the port is taken/)
      assertOneLine(
        yield* Cli.run(["serve"], { BELFRY_DATA_DIR: dataDir }),
        /BELFRY_DATA_DIR: .*in use by another process/,
      )
      const { code, stdout } = yield* Cli.run(["doctor"], { BELFRY_DATA_DIR: dataDir })
      assert.match(stdout, /FAILED {2}database: BELFRY_DATA_DIR: .*in use by another process/)
      assert.strictEqual(code, 1)
      // It was not disturbed.
      assert.strictEqual((yield* Effect.promise(() => request(first.port, "/health/ready"))).status, 200)
    }).pipe(Effect.scoped),
  )
})

describe("belfry migrate", () => {
  it.live("says what it would apply, applies it once, and then has nothing to do", () =>
    Effect.gen(function* () {
      const DATABASE_URL = yield* postgresUrl([])
      const run = (...parameters: ReadonlyArray<string>) => Cli.run(["migrate", ...parameters], { DATABASE_URL })
      const lines = (word: string) => migrations.map((name) => `${word} ${name}\n`).join("")
      assert.deepInclude(yield* run("--dry-run"), { code: 0, stderr: "", stdout: lines("pending") })
      assert.deepInclude(yield* run("--dry-run"), { code: 0, stderr: "", stdout: lines("pending") })
      assert.deepInclude(yield* run(), { code: 0, stderr: "", stdout: lines("applied") })
      assert.deepInclude(yield* run(), { code: 0, stderr: "", stdout: "Nothing to apply\n" })
      assert.deepInclude(yield* run("--dry-run"), { code: 0, stderr: "", stdout: "Nothing to apply\n" })
    }).pipe(Effect.scoped),
  )
})

describe("belfry doctor", () => {
  const doctor = (environment: Cli.Environment) => Cli.run(["doctor"], environment)

  it.live("finds nothing to mend where all is well", () =>
    Effect.gen(function* () {
      const { code, stdout, stderr } = yield* doctor({ DATABASE_URL: yield* postgresUrl(Server.migrations) })
      assert.strictEqual(stderr, "")
      assert.match(stdout, /^(?:ok {6}[^\n]+\n)+$/)
      for (const check of ["configuration", "secrets", "mail", "data directory", "database", "migrations", "clock"]) {
        assert.include(stdout, `ok      ${check}: `)
      }
      assert.include(stdout, "ok      billing: off\nok      database: ")
      assert.include(stdout, "ok      billing events: none is parked\n")
      assert.strictEqual(code, 0)
    }).pipe(Effect.scoped),
  )

  it.live("warns of migrations that are not applied, and applies none", () =>
    Effect.gen(function* () {
      const DATABASE_URL = yield* postgresUrl([])
      for (let again = 0; again < 2; again++) {
        const { code, stdout } = yield* doctor({ DATABASE_URL })
        assert.include(stdout, `warning migrations: ${migrations.length} to apply\n  Run belfry migrate`)
        assert.strictEqual(code, 0)
      }
    }).pipe(Effect.scoped),
  )

  it.live("says that the database does not answer, and checks the rest", () =>
    Effect.gen(function* () {
      const { code, stdout, stderr } = yield* doctor({ DATABASE_URL: "postgres://ada:sekret@127.0.0.1:1/belfry" })
      assert.match(stdout, /FAILED {2}database: DATABASE_URL: the server does not answer \(ECONNREFUSED\)/)
      assert.include(stdout, "ok      configuration: ")
      assert.notMatch(stdout + stderr, /sekret|\n\s+at /)
      assert.strictEqual(code, 1)
    }),
  )

  it.live("names every setting that is wrong, with what to do, and shows no secret", () =>
    Effect.gen(function* () {
      const { code, stdout, stderr } = yield* doctor({
        NODE_ENV: "production",
        BELFRY_BASE_URL: "http://id.example.com",
        BELFRY_SECRETS: "sekret",
        BELFRY_SMTP_URL: "smtp://ada:sekret@mail.example.com",
        BELFRY_DATA_DIR: "/dev/null/belfry",
        BELFRY_STRIPE_SECRET_KEY: "sekret",
      })
      for (const [check, setting] of [
        ["configuration", "BELFRY_BASE_URL"],
        ["secrets", "BELFRY_SECRETS"],
        ["mail", "BELFRY_MAIL_FROM"],
        ["billing", "BELFRY_STRIPE_SECRET_KEY"],
        ["data directory", "BELFRY_DATA_DIR"],
        ["database", "BELFRY_DATA_DIR"],
      ] as const) {
        assert.match(stdout, new RegExp(`^FAILED {2}${check}: .*${setting}`, "m"))
      }
      assert.notMatch(stdout + stderr, /sekret|\n\s+at /)
      assert.strictEqual(code, 1)
    }),
  )

  it.live("warns where the server would listen elsewhere than it is known on this machine", () =>
    Effect.gen(function* () {
      const DATABASE_URL = yield* postgresUrl(Server.migrations)
      const { code, stdout } = yield* doctor({ DATABASE_URL, BELFRY_PORT: "4000" })
      assert.match(
        stdout,
        /warning configuration: .*127\.0\.0\.1:4000.*http:\/\/localhost:3000\n {2}Set BELFRY_BASE_URL/,
      )
      assert.strictEqual(code, 0)
    }).pipe(Effect.scoped),
  )
})

describe("belfry", () => {
  it.live("explains itself", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* Cli.run(["--help"])
      for (const command of ["serve", "migrate", "doctor"]) assert.include(stdout, command)
      assert.strictEqual(code, 0)
      const ofOne = yield* Cli.run(["migrate", "--help"])
      assert.include(ofOne.stdout, "--dry-run")
      assert.strictEqual(ofOne.code, 0)
    }),
  )

  it.live("loads nothing of the server to explain itself", () =>
    Effect.gen(function* () {
      const { stdout } = yield* Cli.run(["--help"], tellingLoads)
      assert.include(stdout, "manage.ts")
      assert.notMatch(stdout, /NodeServer\.ts|AdminClients\.ts|sql-pg/)
    }),
  )

  it.live("does not know other commands and flags", () =>
    Effect.gen(function* () {
      for (const parameters of [["serv"], ["migrate", "--all"]]) {
        const { code, stdout, stderr } = yield* Cli.run(parameters)
        assert.notStrictEqual(code, 0)
        assert.match(stdout + stderr, /Unknown subcommand "serv"|Unrecognized flag: --all/)
        assert.notMatch(stdout + stderr, /\n\s+at |is a bug/)
      }
    }),
  )
})
