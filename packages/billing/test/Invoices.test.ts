import { Invoices } from "@belfry/billing/Invoices"
import type { Actor } from "@belfry/organization/Membership"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { layer, subscribe } from "./support/Buying.ts"

const list = (actor: Actor, options: Parameters<Invoices["Service"]["list"]>[2] = {}) =>
  Invoices.use((invoices) => invoices.list(actor, { _tag: "Self" }, options))

describe("Invoices.list", () => {
  it.effect("has invoices newest first, page by page, without drafts", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      for (let month = 0; month < 4; month++) yield* local.advance("31 days")
      const { items, cursor } = yield* list(actor)
      assert.isAtLeast(items.length, 4)
      assert.isNull(cursor)
      assert.isTrue(items.every(({ status }) => status !== "draft"))
      const times = items.map(({ createdAt }) => createdAt.epochMilliseconds)
      assert.deepStrictEqual(
        times,
        times.toSorted((a, b) => b - a),
      )
      const paged: Array<string> = []
      let place: string | undefined
      do {
        const page = yield* list(actor, { limit: 2, cursor: place })
        paged.push(...page.items.map(({ id }) => id))
        place = page.cursor ?? undefined
      } while (place !== undefined)
      assert.deepStrictEqual(
        paged,
        items.map(({ id }) => id),
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("has none for who has paid nothing, and none after what is no cursor, without asking Stripe", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const [ada, eve] = [yield* OrganizationBuilders.actor(), yield* OrganizationBuilders.actor()]
      yield* subscribe(ada, { plan: "basic" })
      const from = local.calls.length
      assert.deepStrictEqual(yield* list(eve), { items: [], cursor: null })
      for (const cursor of ["", "in_1", "!", "Y3VzXzE"]) {
        assert.deepStrictEqual(yield* list(ada, { cursor }), { items: [], cursor: null })
      }
      assert.strictEqual(local.calls.length, from)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("has none after an invoice that Stripe does not know", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      const cursor = Buffer.from("in_none").toString("base64url")
      assert.deepStrictEqual(yield* list(actor, { cursor }), { items: [], cursor: null })
    }).pipe(Effect.provide(layer())),
  )
})
