import { english } from "@belfry/server/PageCatalogues"
import { offer, offerFor } from "@belfry/server/pages/views/billingMoney"
import { assert, describe, it } from "@effect/vitest"

describe("amounts of money", () => {
  it("have as many decimals as the provider counts in", () => {
    assert.deepStrictEqual(
      [
        english.money(1200, "eur"),
        english.money(5, "usd"),
        english.money(-1234567, "gbp"),
        english.money(500, "jpy"),
        english.money(50_000, "isk"),
        english.money(5120, "kwd"),
      ].map((text) => text.replaceAll("\u00A0", " ")),
      ["€12.00", "$0.05", "-£12,345.67", "¥500", "ISK 500", "KWD 5.120"],
    )
  })

  it("of no currency stand with what was given for one", () => {
    assert.strictEqual(english.money(5, "<b>"), "5 <b>")
  })
})

describe("prices", () => {
  const price = { interval: "month", currency: "eur", amount: 2000, seatAmount: null } as const

  it("say how often, and what a seat is", () => {
    assert.strictEqual(offer(english, price), "€20.00 a month")
    assert.strictEqual(offer(english, { ...price, interval: "year" }), "€20.00 a year")
    assert.strictEqual(offer(english, { ...price, seatAmount: 800 }), "€20.00 a month, and €8.00 for each seat")
    assert.strictEqual(offer(english, { ...price, amount: 0, seatAmount: 600 }), "€6.00 for each seat a month")
    assert.strictEqual(offer(english, { ...price, amount: null }), "By what is used")
  })

  it("are added up where the seats are known", () => {
    const seats = { ...price, seatAmount: 800 }
    assert.strictEqual(offerFor(english, seats, 3), "€44.00 a month, 3 seats")
    assert.strictEqual(offerFor(english, seats, 1), "€28.00 a month, 1 seat")
    assert.strictEqual(offerFor(english, seats, null), offer(english, seats))
    assert.strictEqual(offerFor(english, price, 3), offer(english, price))
  })
})
