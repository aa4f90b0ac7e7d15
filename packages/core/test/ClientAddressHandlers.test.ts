import * as ClientAddressHandlers from "@belfry/core/ClientAddressHandlers"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"

/** What the router says the client's address is, for a request of `peer` with these headers. */
const addressOf = Effect.fnUntraced(function* (
  trustedProxies: string,
  peer: string | undefined,
  headers: Record<string, string> = {},
) {
  const routes = HttpRouter.add(
    "GET",
    "/",
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const address = yield* ClientAddressHandlers.currentAddress
      return HttpServerResponse.text(`${address ?? "none"} ${request.headers["host"] ?? ""}`)
    }),
  )
  const app = yield* HttpRouter.toHttpEffect(
    Layer.merge(routes, ClientAddressHandlers.layerConfig).pipe(
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ BELFRY_TRUSTED_PROXIES: trustedProxies }))),
    ),
  )
  const request = HttpServerRequest.fromWeb(new Request("http://app.example/", { headers })).modify({
    remoteAddress: Option.fromUndefinedOr(peer),
  })
  const response = yield* Effect.provideService(app, HttpServerRequest.HttpServerRequest, request)
  return yield* Effect.promise(() => HttpServerResponse.toWeb(response).text())
}, Effect.scoped)

const forwarded = (list: string) => ({ "x-forwarded-for": list })

describe("The client's address", () => {
  describe("RFC 9700 §4.13", () => {
    it.effect("SHOULD be the peer's when no proxy is trusted, whatever the headers say", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* addressOf("", "198.51.100.7", forwarded("203.0.113.9")), "198.51.100.7 ")
      }),
    )

    it.effect("SHOULD be the peer's when the peer is not one of the trusted proxies", () =>
      Effect.gen(function* () {
        const headers = { ...forwarded("10.0.0.1"), "x-forwarded-host": "evil.example" }
        assert.strictEqual(yield* addressOf("10.0.0.0/8", "198.51.100.7", headers), "198.51.100.7 ")
      }),
    )
  })

  it.effect("is what a trusted proxy states", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* addressOf("10.0.0.0/8", "10.0.0.1", forwarded("203.0.113.9")), "203.0.113.9 ")
    }),
  )

  it.effect("is the right-most one that is no proxy: the client wrote what stands left of it", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* addressOf(
          "10.0.0.0/8,192.0.2.1",
          "10.0.0.1",
          forwarded("6.6.6.6, 10.9.9.9, 203.0.113.9, 192.0.2.1, 10.0.0.2"),
        ),
        "203.0.113.9 ",
      )
    }),
  )

  it.effect("stays the peer's when the nearest entry is no address", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* addressOf("10.0.0.0/8", "10.0.0.1", forwarded("203.0.113.9, unknown")), "10.0.0.1 ")
    }),
  )

  it.effect("is written in its one form, also of IPv4 peers on an IPv6 socket", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* addressOf("", "::ffff:198.51.100.7"), "198.51.100.7 ")
      assert.strictEqual(yield* addressOf("10.0.0.1", "::ffff:10.0.0.1", forwarded("2001:DB8::0:1")), "2001:db8::1 ")
    }),
  )

  it.effect("is null where the transport has none", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* addressOf("", undefined, forwarded("203.0.113.9")), "none ")
    }),
  )
})
