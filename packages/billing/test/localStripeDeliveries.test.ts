import { assert, describe, it } from "@effect/vitest"
import { LocalServer } from "@belfry/testing"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Stripe } from "stripe"
import { ask, refusalOf, sdkOf, start } from "./support/localStripe.ts"

interface Taken {
  readonly body: string
  readonly signature: string
}

/** A receiver that answers as it is told, and what it got. */
const receiver = () => {
  const taken: Array<Taken> = []
  const answers = { status: 200 }
  const receive = async (webhook: Taken) => {
    taken.push(webhook)
    return answers.status
  }
  const ids = () => taken.map(({ body }) => idOf(body))
  return { taken, answers, receive, ids }
}

const idOf = (body: string): unknown => {
  const event: unknown = JSON.parse(body)
  return typeof event === "object" && event !== null && "id" in event ? event.id : undefined
}

const customers = (stripe: Stripe, count: number) =>
  Effect.forEach(Array.from({ length: count }), (_, index) => ask(() => stripe.customers.create({ name: `${index}` })))

describe("webhooks of the local Stripe", () => {
  it.effect("are signed over their bytes, at the host's time", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_800_000_000_000)
      const { local, stripe } = yield* start()
      const { receive, taken } = receiver()
      local.deliveries.to(receive)
      yield* local.advance("40 days")
      yield* customers(stripe, 1)
      yield* local.deliveries.settled

      const [webhook] = taken
      assert.match(webhook?.signature ?? "", /^t=1800000000,v1=/u)
      const read = (body: string, secret: string) =>
        stripe.webhooks.constructEventAsync(body, webhook?.signature ?? "", secret, 300, undefined, 1_800_000_000_000)
      const event = yield* ask(() => read(webhook?.body ?? "", local.webhookSecret))
      assert.strictEqual(event.type, "customer.created")
      assert.strictEqual(event.api_version, Stripe.API_VERSION)
      assert.strictEqual(
        (yield* refusalOf(() => read(webhook?.body ?? "", "whsec_other"))).type,
        "StripeSignatureVerificationError",
      )
      assert.strictEqual(
        (yield* refusalOf(() => read(`${webhook?.body} `, local.webhookSecret))).type,
        "StripeSignatureVerificationError",
      )
    }),
  )

  it.effect("go to an address", () =>
    Effect.gen(function* () {
      const server = yield* LocalServer.make
      server.answer("/hook", LocalServer.json({}))
      const { local, stripe } = yield* start({ webhookUrl: `${server.url}/hook` })
      yield* customers(stripe, 3)
      yield* local.deliveries.settled
      assert.strictEqual(server.countOf("/hook"), 3)
      assert.match(String(server.requests[0]?.headers["stripe-signature"]), /^t=\d+,v1=[0-9a-f]{64}$/u)
      assert.lengthOf(local.deliveries.waiting(), 0)
    }),
  )

  it.effect("that are not taken come again, later and later, for three days", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const { answers, receive, taken } = receiver()
      answers.status = 500
      local.deliveries.to(receive)
      yield* customers(stripe, 1)
      yield* local.deliveries.settled
      const after = (duration: "59 seconds" | "1 second" | "2 minutes") =>
        Effect.andThen(local.advance(duration), local.deliveries.settled)
      assert.lengthOf(taken, 1)
      yield* after("59 seconds")
      assert.lengthOf(taken, 1)
      yield* after("1 second")
      assert.lengthOf(taken, 2)
      answers.status = 204
      yield* after("2 minutes")
      assert.lengthOf(taken, 3)
      assert.lengthOf(local.deliveries.waiting(), 0)

      answers.status = 0
      yield* customers(stripe, 1)
      for (let hour = 0; hour < 100; hour += 1) {
        yield* local.advance("1 hour")
        yield* local.deliveries.settled
      }
      assert.lengthOf(local.deliveries.waiting(), 0)
      assert.isBelow(taken.length, 20)
    }),
  )

  it.effect("that are held come when they are let go: shuffled by a seed, twice, or not at all", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const first = receiver()
      local.deliveries.to(first.receive)
      local.deliveries.mode("held")
      yield* customers(stripe, 40)
      yield* local.deliveries.settled
      assert.lengthOf(first.taken, 0)
      const ids = local.events.map(({ id }) => id)

      const done = yield* local.deliveries.flush({ shuffle: 7, twice: 1 / 3, drop: 1 / 10 })
      assert.lengthOf(local.deliveries.waiting(), 0)
      assert.isAbove(done.dropped, 0)
      assert.strictEqual(new Set(first.ids()).size, 40 - done.dropped)
      assert.isAbove(first.taken.length, 40 - done.dropped)
      assert.notDeepEqual(
        [...new Set(first.ids())],
        ids.filter((id) => first.ids().includes(id)),
      )

      yield* customers(stripe, 3)
      const second = receiver()
      local.deliveries.to(second.receive)
      assert.deepStrictEqual(yield* local.deliveries.flush(), { taken: 3, refused: 0, dropped: 0 })
      assert.deepStrictEqual(
        second.ids(),
        local.events.slice(40).map(({ id }) => id),
      )
    }),
  )

  it.effect("that are refused while they are let go wait for the next time", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const { answers, receive } = receiver()
      local.deliveries.to(receive)
      local.deliveries.mode("held")
      answers.status = 503
      yield* customers(stripe, 2)
      assert.deepStrictEqual(yield* local.deliveries.flush(), { taken: 0, refused: 2, dropped: 0 })
      answers.status = 200
      assert.deepStrictEqual(yield* local.deliveries.flush(), { taken: 2, refused: 0, dropped: 0 })
    }),
  )

  it.effect("can be sent again, and forged", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_800_000_000_000)
      const { local, stripe } = yield* start()
      const { receive, taken } = receiver()
      local.deliveries.mode("held")
      local.deliveries.to(receive)
      yield* customers(stripe, 1)
      const id = local.events[0]?.id ?? ""
      assert.strictEqual(yield* local.deliveries.send(id), 200)
      yield* local.deliveries.send(id, { age: 301, secrets: ["a", "b"], apiVersion: "2020-01-01", isLive: true })
      yield* local.deliveries.send(id, { event: (event) => (event["type"] = "other"), body: (body) => `${body}\n` })
      assert.match(taken[1]?.signature ?? "", /^t=1799999699,v1=[0-9a-f]{64},v1=[0-9a-f]{64}$/u)
      assert.include(taken[1]?.body ?? "", '"api_version":"2020-01-01"')
      assert.include(taken[1]?.body ?? "", '"livemode":true')
      assert.include(taken[2]?.body ?? "", '"type":"other"')
      assert.lengthOf(local.deliveries.waiting(), 1)
    }),
  )

  it.effect("can be asked for afterwards, by time and type, newest first", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const [ada] = yield* customers(stripe, 2)
      yield* TestClock.adjust("1 hour")
      yield* ask(() => stripe.customers.update(ada?.id ?? "", { name: "Ada" }))
      yield* ask(() => stripe.customers.del(ada?.id ?? ""))
      const since = yield* ask(() => stripe.events.list({ created: { gte: 3600 } }))
      assert.deepStrictEqual(
        since.data.map(({ type }) => type),
        ["customer.deleted", "customer.updated"],
      )
      const created = yield* ask(() =>
        stripe.events.list({ types: ["customer.created", "customer.deleted"], limit: 2 }),
      )
      assert.deepStrictEqual(
        created.data.map(({ type }) => type),
        ["customer.deleted", "customer.created"],
      )
      assert.isTrue(created.has_more)
      const types = Array.from({ length: 21 }, () => "customer.created")
      assert.strictEqual((yield* refusalOf(() => stripe.events.list({ types }))).statusCode, 400)
      const one = yield* ask(() => stripe.events.retrieve(local.events[0]?.id ?? ""))
      assert.strictEqual(one.type, "customer.created")
    }),
  )
})

describe("failures of the local Stripe", () => {
  const create = (stripe: Stripe, idempotencyKey?: string) => () =>
    stripe.customers.create({ name: "Ada" }, idempotencyKey === undefined ? {} : { idempotencyKey })

  it.effect("before do nothing, and after do it and lose the answer, which the key gives back", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const outcomes = new Set<string>()
      for (let seed = 0; seed < 12; seed += 1) {
        local.failing({ rate: 1, seed, kinds: [seed % 2 === 0 ? "before" : "after"] })
        const before = local.events.length
        outcomes.add((yield* refusalOf(create(stripe, `key-${seed}`))).type)
        assert.strictEqual(local.events.length - before, seed % 2)
        local.failing(undefined)
        yield* ask(create(stripe, `key-${seed}`))
        assert.strictEqual(local.events.length - before, 1)
      }
      assert.deepStrictEqual([...outcomes].sort(), ["StripeAPIError", "StripeConnectionError"])
    }),
  )

  it.effect("are of the kind that was asked for", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const kinds = [
        ["429", "rate_limit"],
        ["409", "idempotency_key_in_use"],
      ] as const
      for (const [kind, code] of kinds) {
        local.failing({ rate: 1, seed: 1, kinds: [kind] })
        assert.deepInclude(yield* refusalOf(create(stripe, kind)), { statusCode: Number(kind), code })
        local.failing(undefined)
        yield* ask(create(stripe, kind))
      }
      local.failing({ rate: 1, seed: 1, kinds: ["kept"] })
      yield* refusalOf(create(stripe, "kept"))
      local.failing(undefined)
      assert.strictEqual((yield* refusalOf(create(stripe, "kept"))).statusCode, 500)

      local.failing({ rate: 1, seed: 1, kinds: ["timeout"] })
      const impatient = sdkOf(local, { timeout: 50 })
      assert.strictEqual((yield* refusalOf(create(impatient))).type, "StripeConnectionError")
    }),
  )

  it.effect("are as many as was asked for, where it was asked for, and the same for the same seed", () =>
    Effect.gen(function* () {
      const history = (seed: number) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { local, stripe } = yield* start()
            local.failing({ rate: 1 / 5, seed, kinds: ["before"], only: (method) => method === "POST" })
            for (let n = 0; n < 100; n += 1) {
              yield* ask(() =>
                create(stripe)().then(
                  () => {},
                  () => {},
                ),
              )
              yield* ask(() => stripe.customers.list({ limit: 1 }))
            }
            return local.calls.filter(({ method }) => method === "POST").map(({ status }) => status)
          }),
        )
      const first = yield* history(1)
      const failed = first.filter((status) => status === 500).length
      assert.isTrue(failed > 10 && failed < 30)
      assert.deepStrictEqual(yield* history(1), first)
      assert.notDeepEqual(yield* history(2), first)
    }),
  )

  it.effect("can be words that nobody knows, in answers that are right otherwise", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const { id } = yield* ask(create(stripe))
      local.rewriting((answer, { path }) => {
        if (path.endsWith(id)) answer["name"] = "Somebody"
      })
      const found = yield* ask(() => stripe.customers.retrieve(id))
      assert.isTrue(!found.deleted && found.name === "Somebody")
      local.rewriting(undefined)
      const kept = yield* ask(() => stripe.customers.retrieve(id))
      assert.isTrue(!kept.deleted && kept.name === "Ada")
    }),
  )
})
