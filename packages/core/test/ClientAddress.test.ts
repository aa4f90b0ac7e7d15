import * as ClientAddress from "@belfry/core/ClientAddress"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Result } from "effect"
import { IpNetwork } from "effect/net"

describe("ClientAddress", () => {
  const addresses: ReadonlyArray<readonly [text: string, normalized: string | null, subject: string]> = [
    ["192.0.2.1", "192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:201", "192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1%eth0", "192.0.2.1", "192.0.2.1"],
    ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
    ["::1", "::1", "::/64"],
    ["2001:DB8:0:1:0:0:0:1", "2001:db8:0:1::1", "2001:db8:0:1::/64"],
    ["2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"],
    ["2001:db8:0:2::1", "2001:db8:0:2::1", "2001:db8:0:2::/64"],
    ["fe80::1%eth0", "fe80::1", "fe80::/64"],
    ["fe80::1%25", "fe80::1", "fe80::/64"],
    ["", null, "unknown"],
    ["unknown", null, "unknown"],
    ["example.com", null, "unknown"],
    ["192.0.2", null, "unknown"],
    ["192.0.2.256", null, "unknown"],
    ["192.0.2.1:80", null, "unknown"],
    ["[::1]", null, "unknown"],
    ["192.0.2.1, 192.0.2.2", null, "unknown"],
    ["::1::", null, "unknown"],
    ["%eth0", null, "unknown"],
  ]
  for (const [text, normalized, subject] of addresses) {
    it(`reads "${text}" as ${normalized ?? "no address"} and counts it as ${subject}`, () => {
      assert.strictEqual(ClientAddress.normalize(text), normalized)
      assert.strictEqual(ClientAddress.rateLimitSubject(text), subject)
    })
  }

  it("counts a request without an address as unknown", () => {
    assert.strictEqual(ClientAddress.rateLimitSubject(null), "unknown")
  })
})

describe("BELFRY_TRUSTED_PROXIES", () => {
  const read = (text: string) => Result.map(ClientAddress.parseTrustedProxies(text), (all) => all.map(IpNetwork.format))

  it("takes addresses and networks of both families", () => {
    assert.deepStrictEqual(
      read(" 10.0.0.0/8 ,192.0.2.1, 2001:db8::/32,::1,::ffff:192.0.2.7,"),
      Result.succeed(["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32", "::1/128", "192.0.2.7/32"]),
    )
  })

  it("may be empty", () => {
    assert.deepStrictEqual(read(""), Result.succeed([]))
  })

  for (const entry of [
    "*",
    "proxy.example",
    "10.0.0.0/33",
    "10.0.0.1/8",
    "10.0.0/8",
    "10.0.0.0/",
    "::1%eth0",
    "10.0.0.0/8 10.1.0.0/16",
  ]) {
    it(`refuses "${entry}" and names it`, () => {
      const parsed = ClientAddress.parseTrustedProxies(`192.0.2.1,${entry}`)
      if (Result.isSuccess(parsed)) return assert.fail("accepted")
      assert.strictEqual(parsed.failure.entry, entry)
      assert.include(parsed.failure.message, `"${entry}"`)
    })
  }

  const fromEnvironment = (env: Record<string, string>) =>
    Effect.provide(ClientAddress.configTrustedProxies, ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)))

  it.effect("is read from the environment, none by default", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* fromEnvironment({}), [])
      const [network] = yield* fromEnvironment({ BELFRY_TRUSTED_PROXIES: "10.0.0.0/8" })
      assert.strictEqual(network === undefined ? "" : IpNetwork.format(network), "10.0.0.0/8")
      const error = yield* Effect.flip(fromEnvironment({ BELFRY_TRUSTED_PROXIES: "all" }))
      assert.strictEqual(error._tag, "TrustedProxiesInvalid")
    }),
  )
})
