import * as SqlWebhookEventStore from "@belfry/billing/SqlWebhookEventStore"
import { WebhookEventId } from "@belfry/billing/WebhookEvent"
import { WebhookEventStore } from "@belfry/billing/WebhookEventStore"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as Server from "@belfry/server/Server"
import * as Postgres from "@belfry/sql/Postgres"
import * as LocalStripe from "@belfry/testing/LocalStripe"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it, vi } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted } from "effect"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as Cli from "./support/Cli.ts"

/** Every command is a process that compiles its sources: slow where the machine is busy. */
vi.setConfig({ testTimeout: 300_000 })

const plans = {
  features: ["export"],
  limits: ["projects"],
  base: { features: [], limits: { projects: 1 } },
  plans: {
    pro: {
      title: "Pro",
      prices: { month: { lookupKey: "pro_month" } },
      features: ["export"],
      limits: { projects: null },
    },
  },
}

/** A database with one user, a Stripe without prices, and a plan in a file. */
const open = Effect.gen(function* () {
  const url = yield* TestDatabase.acquirePostgres(Server.migrations)
  const local = yield* LocalStripe.make()
  const file = Path.join(yield* Cli.temporaryDirectory, "plans.json")
  yield* Effect.promise(() => Fs.writeFile(file, JSON.stringify(plans)))
  const database = Postgres.layer({ url })
  const user = yield* Users.use((users) => users.create({ email: Email.make("ada@example.com") })).pipe(
    Effect.provide(TestServices.layerSql(database)),
  )
  const environment = {
    DATABASE_URL: Redacted.value(url),
    BELFRY_SECRETS: "k1:0123456789abcdefghijklmnopqrstuvwxyz",
    BELFRY_STRIPE_SECRET_KEY: local.secretKey,
    BELFRY_STRIPE_WEBHOOK_SECRET: local.webhookSecret,
    BELFRY_STRIPE_API_URL: local.url,
    BELFRY_BILLING_PLANS: file,
  }
  const run = (...parameters: ReadonlyArray<string>) => Cli.run(parameters, environment)
  return {
    database,
    local,
    run,
    user,
    /** What a command says that succeeds. */
    says: Effect.fnUntraced(function* (...parameters: ReadonlyArray<string>) {
      const { code, stderr, stdout } = yield* run("billing", ...parameters)
      assert.deepStrictEqual([stderr, code], ["", 0])
      return stdout
    }),
  }
})

const sell = (local: LocalStripe.LocalStripe["Service"]) =>
  Effect.promise(() =>
    fetch(`${local.url}/v1/prices`, {
      method: "POST",
      headers: { authorization: `Bearer ${local.secretKey}` },
      body: new URLSearchParams({
        currency: "eur",
        unit_amount: "1200",
        lookup_key: "pro_month",
        "recurring[interval]": "month",
        "product_data[name]": "Pro",
      }),
    }).then(({ status }) => assert.strictEqual(status, 200)),
  )

describe("belfry billing", () => {
  it.live("shows what somebody may use, and grants it and takes it back", () =>
    Effect.gen(function* () {
      const { run, says, user } = yield* open
      const payer = `payer         user:${user.id}\ncustomer      none\n`
      const nothing = "plans         none\nfeatures      none\nlimits        projects=1\n"
      assert.strictEqual(yield* says("status", "Ada@Example.com"), payer + nothing)

      const friend = ["--until", "2099-01-31", "--reason", 'A\u200b"friend"']
      const granted = "plans         none\nfeatures      export\nlimits        projects=none\n"
      assert.strictEqual(
        yield* says("grant", "ada@example.com", "--feature", "export", "--limit", "projects=none", ...friend),
        granted,
      )
      const why = '+export  projects=none  until 2099-01-31T00:00:00.000Z  "A\ufffd\\"friend\\""'
      assert.strictEqual(yield* says("status", "ada@example.com"), `${payer}${granted}granted       ${why}\n`)
      // In place of what was granted before, not beside it.
      assert.include(yield* says("grant", "ada@example.com", "--without", "export"), "limits        projects=1\n")
      assert.strictEqual(yield* says("grant", "ada@example.com", "--clear"), nothing)
      assert.strictEqual(yield* says("subscriptions", "ada@example.com"), "")

      for (const [parameters, pattern] of [
        [["grant", "ada@example.com", "--feature", "sso"], /There is no feature sso/],
        [["grant", "ada@example.com", "--limit", "rooms=1"], /There is no limit rooms/],
        [["grant", "ada@example.com"], /Say what is granted/],
        [["grant", "ada@example.com", "--clear", "--feature", "export"], /Say what is granted/],
        [["status", "nobody@example.com"], /no user of this address/],
        [["status", "me"], /A payer is an address/],
        [["status", "organization:nowhere"], /No such organization/],
        [["reconcile", "ada@example.com"], /Nothing has been paid for yet/],
      ] as const) {
        const { code, stderr, stdout } = yield* run("billing", ...parameters)
        assert.match(stderr, /^belfry: [^\n]+\n$/)
        assert.match(stderr, pattern)
        assert.deepStrictEqual({ code, stdout }, { code: 1, stdout: "" })
      }
    }).pipe(Effect.scoped),
  )

  it.live("says which prices are missing at Stripe, as the doctor does", () =>
    Effect.gen(function* () {
      const { local, run, says } = yield* open
      const missing = yield* run("billing", "plans")
      assert.strictEqual(missing.stdout, "pro  month  pro_month  MISSING: Stripe has no such price\n")
      assert.deepInclude(missing, { code: 1, stderr: "" })
      assert.include(
        (yield* run("doctor")).stdout,
        "warning prices: nobody can buy by pro_month\n  Make them at Stripe",
      )
      yield* sell(local)
      assert.match(yield* says("plans"), /^pro {2}month {2}pro_month {2}price_\w+ {2}1200 eur\n$/)
      const { stdout } = yield* run("doctor")
      assert.include(stdout, "ok      billing: Stripe, with a test key\nok      prices: 1, all at Stripe\n")
      local.failing({ rate: 1, seed: 1, kinds: ["before"] })
      const failed = yield* run("doctor")
      assert.match(failed.stdout, /FAILED {2}prices: [^\n]*unavailable\n {2}Check BELFRY_STRIPE_SECRET_KEY/)
      assert.strictEqual(failed.code, 1)
    }).pipe(Effect.scoped),
  )

  it.live("lists events that nobody dealt with, and deals with them", () =>
    Effect.gen(function* () {
      const { database, run, says } = yield* open
      const createdAt = DateTime.makeUnsafe("2026-11-22T08:00:00Z")
      yield* WebhookEventStore.use((events) =>
        Effect.gen(function* () {
          const event = {
            id: WebhookEventId.make("evt_1"),
            type: "customer.subscription.updated",
            apiVersion: null,
            isLive: false,
            createdAt,
            objectType: "subscription",
            objectId: "sub_of_nobody",
            customerId: null,
            subscriptionId: null,
          }
          yield* events.receive(event, { now: createdAt, dueAt: createdAt })
          yield* events.fail(event.id, "provider", null)
        }),
      ).pipe(Effect.provide(Layer.provide(SqlWebhookEventStore.layer, database)))

      const line = "evt_1  2026-11-22T08:00:00.000Z  customer.subscription.updated"
      assert.strictEqual(yield* says("events", "--status", "parked"), `${line}  parked  provider  1 attempts\n`)
      assert.strictEqual(yield* says("events", "--status", "waiting"), "")
      assert.include((yield* run("doctor")).stdout, "warning billing events: 1 parked\n  See them by belfry billing")
      assert.match(yield* says("replay", "evt_1"), /^evt_1 {2}\S+ {2}\S+ {2}ignored {2}foreign {2}\d attempts\n$/)
      assert.match(yield* says("events"), /^evt_1 {2}\S+ {2}\S+ {2}ignored /)
      assert.strictEqual(yield* says("reconcile"), "looked at 0 customers\n")
      const unknown = yield* run("billing", "replay", "evt_2")
      assert.deepInclude(unknown, { code: 1, stdout: "", stderr: "belfry: No event evt_2\n" })
    }).pipe(Effect.scoped),
  )

  it.live("asks nobody where billing is off", () =>
    Effect.gen(function* () {
      const DATABASE_URL = Redacted.value(yield* TestDatabase.acquirePostgres(Server.migrations))
      for (const parameters of [["plans"], ["reconcile"], ["replay", "evt_1"]]) {
        const { code, stderr } = yield* Cli.run(["billing", ...parameters], { DATABASE_URL })
        assert.match(stderr, /^belfry: Billing is off: set BELFRY_STRIPE_SECRET_KEY[^\n]*\n$/)
        assert.strictEqual(code, 1)
      }
    }).pipe(Effect.scoped),
  )
})
