/**
 * Two servers on one PostgreSQL, and on one Redis where there is one: somebody is signed in at both, and either may
 * die.
 */
import { BelfryClient } from "@belfry/client"
import { User } from "@belfry/core"
import * as PostgresServer from "@belfry/testing/PostgresServer"
import * as RedisServer from "@belfry/testing/RedisServer"
import { Console, Effect, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import { deepStrictEqual, strictEqual } from "node:assert"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const email = User.Email.make("ada@example.com")
const password = Redacted.make("correct horse battery staple")
const wrong = Redacted.make("incorrect horse battery staple")

type Settings = Readonly<Record<string, string | undefined>>

/** A server in a process of its own. `said` resolves as soon as it says what fits, with the first group. */
const startNode = (settings: Settings) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const program = join(import.meta.dirname, "../../../server/src/main.ts")
      const child = spawn(process.execPath, [program, "serve"], { env: settings, stdio: ["ignore", "pipe", "inherit"] })
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
      let text = ""
      child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()))
      const said = async (pattern: RegExp): Promise<string> => {
        while (child.exitCode === null) {
          const found = pattern.exec(text)?.[1]
          if (found !== undefined) return found
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        throw new Error(`A node ended with ${child.exitCode}:\n${text}`)
      }
      const kill = async (): Promise<void> => {
        child.kill("SIGKILL")
        await ended
      }
      const port = await said(/listens on 127\.0\.0\.1:(\d+)/u).catch(async (cause: unknown) => {
        await kill()
        throw cause
      })
      return { baseUrl: `http://127.0.0.1:${port}`, said, kill }
    }),
    ({ kill }) => Effect.promise(kill),
  )

/** Everything that the nodes share. Nothing else has to be kept. */
const shared = Effect.gen(function* () {
  const postgres = yield* PostgresServer.acquire()
  const redis = RedisServer.program === undefined ? undefined : yield* RedisServer.acquire(RedisServer.program)
  // For mail alone, which is kept there in development.
  const directory = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "belfry-nodes-"))),
    (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true })),
  )
  return {
    PATH: process.env["PATH"],
    DATABASE_URL: postgres.url,
    BELFRY_REDIS_URL: redis?.url,
    BELFRY_SECRETS: `k1:${randomBytes(32).toString("base64url")}`,
    BELFRY_DATA_DIR: directory,
    BELFRY_PORT: "0",
  }
})

const program = Effect.gen(function* () {
  const settings = yield* shared
  const start = startNode(settings)
  // They may start at the same moment: one migrates, the other waits.
  const [first, second] = yield* Effect.all([start, start], { concurrency: 2 })
  yield* Console.log("Two nodes serve one database")

  const at = (baseUrl: string, token?: Redacted.Redacted) =>
    BelfryClient.make({ baseUrl, ...(token === undefined ? {} : { token }) })
  const { passwords } = yield* at(first.baseUrl)
  yield* passwords.signUp({ payload: { email, password, name: "Ada" } })
  const link = Redacted.make(yield* Effect.promise(() => first.said(/\?token=(\S+)/u)))
  // The link may lead to any node. In another browser it asks for the password.
  const elsewhere = yield* at(second.baseUrl)
  const signedIn = yield* elsewhere.passwords.confirmSignUp({ payload: { token: link, password, transport: "bearer" } })
  const token = signedIn.status === "complete" ? signedIn.token : null
  if (token === null) return yield* Effect.die("Ada is not signed in")
  const nameAt = (baseUrl: string) =>
    Effect.flatMap(at(baseUrl, token), ({ sessions }) => Effect.map(sessions.current(), ({ user }) => user.name))
  deepStrictEqual([yield* nameAt(first.baseUrl), yield* nameAt(second.baseUrl)], ["Ada", "Ada"])
  yield* Console.log("Ada signs up at the first and is signed in at both")

  yield* Effect.promise(first.kill)
  strictEqual(yield* nameAt(second.baseUrl), "Ada")
  yield* Console.log("The first is killed: Ada is signed in at the second")

  const third = yield* start
  const guess = (baseUrl: string) =>
    Effect.flatMap(at(baseUrl), ({ passwords }) =>
      Effect.flip(passwords.signIn({ payload: { email, password: wrong } })),
    )
  for (let attempt = 0; attempt < 5; attempt++) {
    deepStrictEqual([(yield* guess(second.baseUrl))._tag, (yield* guess(third.baseUrl))._tag], unknown)
  }
  yield* Effect.promise(second.kill)
  strictEqual(yield* nameAt(third.baseUrl), "Ada")
  yield* Console.log("The first is back, the second is killed: Ada is signed in at the first")

  const fourth = yield* start
  deepStrictEqual([(yield* guess(third.baseUrl))._tag, (yield* guess(fourth.baseUrl))._tag], limited)
  yield* Console.log("Ten wrong passwords, five at each: 429 at both, though the second was started since")

  const { sessions } = yield* at(third.baseUrl, token)
  yield* sessions.signOut()
  const over = yield* Effect.flip(nameAt(fourth.baseUrl))
  yield* Console.log(`Signed out at the first: ${over._tag} at the second`)
})

const unknown = ["InvalidCredentials", "InvalidCredentials"]
const limited = ["RateLimited", "RateLimited"]

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer)))
