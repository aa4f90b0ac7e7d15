import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { ask, refusalOf, sdkOf, start } from "./support/localStripe.ts"

const program = fileURLToPath(import.meta.resolve("@belfry/testing/localStripeProgram"))

/** The program, until the scope closes; its address is in the line that it says when it is ready. */
const running = (...parameters: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = spawn(process.execPath, [program, "--port", "0", ...parameters], {
        stdio: ["ignore", "pipe", "inherit"],
      })
      const ended = once(child, "exit")
      const first = await createInterface(child.stdout)[Symbol.asyncIterator]().next()
      const stop = async () => {
        child.kill("SIGTERM")
        return (await ended)[0]
      }
      return { line: String(first.value), stop }
    }),
    ({ stop }) => Effect.promise(stop),
  )

const urlOf = (line: string) => line.replace("Local Stripe listens on ", "")

layer(NodeServices.layer)("the program of the local Stripe", (it) => {
  it.effect("sells the plans for demonstrations, keeps its state in a file, and ends when it is told to", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const file = `${yield* fs.makeTempDirectoryScoped()}/stripe.json`
      const parameters = ["--data", file, "--secret-key", "sk_test_1", "--webhook-secret", "whsec_1"]

      const first = yield* running(...parameters)
      assert.match(first.line, /^Local Stripe listens on http:\/\/127\.0\.0\.1:\d+$/u)
      const stripe = sdkOf({ url: urlOf(first.line), secretKey: "sk_test_1" })
      const prices = yield* ask(() => stripe.prices.list({ lookup_keys: ["pro_month", "team_seat_year"] }))
      assert.deepStrictEqual(prices.data.map(({ lookup_key, unit_amount }) => [lookup_key, unit_amount]).toSorted(), [
        ["pro_month", 1200],
        ["team_seat_year", 8000],
      ])
      const made = yield* ask(() => stripe.customers.create({ name: "Ada" }))
      assert.strictEqual(yield* ask(first.stop), 0)

      const second = yield* running(...parameters)
      const again = sdkOf({ url: urlOf(second.line), secretKey: "sk_test_1" })
      const found = yield* ask(() => again.customers.retrieve(made.id))
      assert.isTrue(!found.deleted && found.name === "Ada")
      assert.lengthOf((yield* ask(() => again.prices.list({ limit: 100 }))).data, 8)
      assert.deepStrictEqual(yield* fs.readDirectory(file.replace("/stripe.json", "")), ["stripe.json"])
    }),
  )

  it.effect("is controlled by other processes: time, webhooks, failures", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const tell = (name: string, body: object) =>
        ask(() =>
          fetch(`${local.url}/_local/${name}`, { method: "POST", body: JSON.stringify(body) }).then(
            (response): Promise<unknown> => response.json(),
          ),
        )
      assert.deepStrictEqual(yield* tell("advance", { milliseconds: 86_400_000 }), { now: 86_400_000 })
      assert.strictEqual(local.now(), 86_400_000)

      const taken: Array<string> = []
      local.deliveries.to(async ({ body }) => {
        taken.push(body)
        return 200
      })
      yield* tell("deliveries", { mode: "held" })
      yield* ask(() => stripe.customers.create({ name: "Ada" }))
      yield* tell("settled", {})
      assert.lengthOf(taken, 0)
      assert.deepStrictEqual(yield* tell("flush", { shuffle: 1 }), { taken: 1, refused: 0, dropped: 0 })

      yield* tell("failing", { rate: 1, seed: 1 })
      yield* refusalOf(() => stripe.customers.list())
      yield* tell("failing", { rate: 0 })
      yield* ask(() => stripe.customers.list())

      const objects = yield* ask(() => fetch(`${local.url}/_local/objects`).then((response) => response.text()))
      assert.include(objects, '"name":"Ada"')
      const unknown = yield* ask(() => fetch(`${local.url}/_local/other`, { method: "POST" }))
      assert.strictEqual(unknown.status, 404)
    }),
  )
})
