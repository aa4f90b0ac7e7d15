import * as Server from "@belfry/server/Server"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs/promises"
import * as Net from "node:net"
import * as Path from "node:path"
import * as Buyer from "./support/Buyer.ts"
import * as Cli from "./support/Cli.ts"

/** Every server is two processes that compile their sources: slow where the machine is busy. */
vi.setConfig({ testTimeout: 300_000 })

const local = { BELFRY_STRIPE: "local", BELFRY_STRIPE_LOCAL_PORT: "0" }

/** A server with its local Stripe, and where that listens. */
const serve = Effect.fnUntraced(function* (environment: Cli.Environment = {}) {
  const server = yield* Cli.serve({ ...local, ...environment })
  const [, url = ""] = yield* Effect.promise(() => server.says(/A local Stripe listens on (http:\S+)\./))
  return { server, url }
})

const prices = (url: string) =>
  fetch(`${url}/v1/prices`).then(
    ({ status }) => status,
    () => null,
  )

/** Waits until a local Stripe answers, or no more. A stranger gets 401. */
const answers = (url: string, wanted: 401 | null) =>
  Effect.gen(function* () {
    while ((yield* Effect.promise(() => prices(url))) !== wanted) yield* Effect.sleep(50)
  })

const childOf = ({ pid }: Cli.Running): number =>
  Number(execFileSync("pgrep", ["-P", String(pid)], { encoding: "utf8" }))

describe("BELFRY_STRIPE=local", () => {
  it.live("shows billing without an account: plans, a checkout to pay, what webhooks tell, and commands", () =>
    Effect.gen(function* () {
      const dataDir = yield* Cli.temporaryDirectory
      const { server, url } = yield* serve({ BELFRY_DATA_DIR: dataDir })
      const plans = yield* Effect.promise(() =>
        fetch(`http://127.0.0.1:${server.port}/auth/billing/plans`).then((answer) => answer.text()),
      )
      assert.include(plans, '"prices":[{"interval":"month","currency":"eur","amount":1200,"seatAmount":null}')

      const buyer = yield* Effect.promise(() => Buyer.signUp(server))
      const outcome = yield* Effect.promise(() => buyer.upgrade(server.port, { plan: "pro" }))
      assert.deepInclude(outcome, { status: 200, kind: "checkout" })
      assert.isTrue(outcome?.url.startsWith(`${url}/checkout/`))
      const back = yield* Effect.promise(() => Buyer.pay(outcome?.url ?? ""))
      assert.match(back.href, /^http:\/\/localhost:3000\/auth\/billing\/checkouts\/[^/]+\/return/)

      // The person has not come back yet: it is a webhook that says so.
      const mine = Effect.promise(() => buyer.subscriptions(server.port))
      while ((yield* mine).length === 0) yield* Effect.sleep(50)
      assert.deepStrictEqual(yield* mine, [{ plan: "pro", status: "trialing", interval: "month" }])

      // What is sold stays, for nobody else to read, and a command finds it there.
      server.kill("SIGTERM")
      assert.strictEqual((yield* Effect.promise(() => server.ended)).code, 0)
      assert.isNull(yield* Effect.promise(() => prices(url)))
      for (const file of ["stripe.json", "stripe-secrets"]) {
        const { mode } = yield* Effect.promise(() => Fs.stat(Path.join(dataDir, file)))
        assert.strictEqual(mode & 0o777, 0o600, file)
      }
      const command = Effect.fnUntraced(function* (...parameters: ReadonlyArray<string>) {
        const { code, stderr, stdout } = yield* Cli.run(parameters, { ...local, BELFRY_DATA_DIR: dataDir })
        assert.deepStrictEqual([stderr, code], ["", 0])
        return stdout
      })
      assert.strictEqual(yield* command("billing", "reconcile", "ada@example.com"), "looked at 1 subscriptions\n")
      const doctor = yield* command("doctor")
      assert.include(doctor, "ok      billing: a local Stripe\nok      prices: 8, all at Stripe\n")
    }).pipe(Effect.scoped),
  )

  it.live("starts its Stripe again where it was when that dies, and has it end with the server that is killed", () =>
    Effect.gen(function* () {
      const { server, url } = yield* serve()
      yield* answers(url, 401)
      const first = childOf(server)
      process.kill(first, "SIGKILL")
      yield* answers(url, null)
      yield* answers(url, 401)
      assert.notStrictEqual(childOf(server), first)
      server.kill("SIGKILL")
      yield* Effect.promise(() => server.ended)
      yield* answers(url, null)
    }).pipe(Effect.scoped),
  )

  it.live("does not start where another program has its port, nor in production, and says so in one line", () =>
    Effect.gen(function* () {
      const DATABASE_URL = Redacted.value(yield* TestDatabase.acquirePostgres(Server.migrations))
      const other = yield* Effect.acquireRelease(
        Effect.promise(
          () =>
            new Promise<Net.Server>((resolve) => {
              const server = Net.createServer().listen(0, "127.0.0.1", () => resolve(server))
            }),
        ),
        (server) => Effect.sync(() => server.close()),
      )
      const address = other.address()
      const taken = typeof address === "object" && address !== null ? String(address.port) : assert.fail("no port")
      const production = {
        NODE_ENV: "production",
        BELFRY_SECRETS: "k1:0123456789abcdefghijklmnopqrstuvwxyz",
        BELFRY_BASE_URL: "https://id.example.com",
        BELFRY_SMTP_URL: "smtp://127.0.0.1:2525",
        BELFRY_MAIL_FROM: "Belfry <belfry@example.com>",
      }
      for (const [environment, pattern] of [
        [{ BELFRY_STRIPE_LOCAL_PORT: taken }, /^belfry: BELFRY_STRIPE_LOCAL_PORT: the port is taken[^\n]*\n$/],
        [production, /^belfry: BELFRY_STRIPE is unsafe in production: [^\n]*\n$/],
      ] as const) {
        const { code, stderr, stdout } = yield* Cli.run(["serve"], { DATABASE_URL, ...local, ...environment })
        assert.match(stderr, pattern)
        assert.deepStrictEqual({ code, stdout }, { code: 1, stdout: "" })
      }
    }).pipe(Effect.scoped),
  )
})
