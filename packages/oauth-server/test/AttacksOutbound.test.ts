/**
 * Attacks that make the server call somewhere (SSRF): key sets, logos, sector documents and request URIs that lead
 * inside. Over HTTP, against the whole server.
 */
import type { OutboundRequest } from "@belfry/core/Outbound"
import { OutboundFailed } from "@belfry/core/Outbound"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import * as NodeOutboundHttp from "@belfry/server/NodeOutboundHttp"
import * as LocalServer from "@belfry/testing/LocalServer"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Redacted } from "effect"
import { CompactSign, exportJWK, generateKeyPair } from "jose"
import { createServer, type AddressInfo } from "node:net"
import { errorOf, layer, layerCalling, notes, post, type Send, serve, start } from "./support/Attacker.ts"
import { authorizePath, callback, issuer, noLimits, open, queryOf } from "./support/Authorizing.ts"
import { outcomeFor } from "./support/Documents.ts"

const register = (send: Send, json: Readonly<Record<string, string | ReadonlyArray<string>>>) =>
  send("/auth/oauth2/register", { method: "POST", json })

/** A listener on loopback that counts who connects. */
const listening = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      let connections = 0
      const server = createServer((socket) => {
        connections += 1
        socket.destroy()
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return { server, count: () => connections }
    }),
    ({ server }) => Effect.promise(() => new Promise<void>((resolve) => void server.close(() => resolve()))),
  ),
  ({ count, server }) => {
    const address = server.address()
    if (address === null || typeof address === "string") return assert.fail("no port")
    return { count, port: (address satisfies AddressInfo).port }
  },
)

/** Hosts that lead inside, by their form or by what their name resolves to. */
const inside = [
  "127.0.0.1",
  "127.1",
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "0.0.0.0",
  "0",
  "localhost",
  "localhost.",
  "sub.localhost",
  "intranet",
  "[::1]",
  "[::]",
  "[::ffff:127.0.0.1]",
  "[64:ff9b::7f00:1]",
  "[fe80::1]",
  "[fc00::1]",
  "10.0.0.1",
  "172.16.0.1",
  "192.168.1.1",
  "169.254.169.254",
  "100.100.100.200",
  "168.63.129.16",
  "metadata.google.internal",
  "printer.local",
  "127.0.0.1.nip.example",
  "rebinding.example.com",
]

/** Calls as a server on Node makes them, where every name leads to loopback. */
const calling = NodeOutboundHttp.layerWith({
  timeout: "2 seconds",
  lookup: (_hostname, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]),
})

const openly = { settings: { registration: "open" } } as const

const pairwise = { pairwiseSecret: Redacted.make("pairwise secret of at least 32 characters") }

const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/** An assertion of a client, signed with a key that it made. */
const assertionOf = Effect.fnUntraced(function* (clientId: string) {
  const { privateKey, publicKey } = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const claims = { iss: clientId, sub: clientId, aud: issuer, iat: now, exp: now + 60, jti: `jti of ${clientId}` }
  const assertion = yield* Effect.promise(() =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: "ES256", kid: "own" })
      .sign(privateKey),
  )
  const jwk = yield* Effect.promise(() => exportJWK(publicKey))
  return { assertion, keys: JSON.stringify({ keys: [{ ...jwk, kid: "own" }] }) }
})

const exchangeBy = (send: Send, client_assertion: string) =>
  post(send)("token", {
    grant_type: "client_credentials",
    scope: "notes:read",
    client_assertion_type: type,
    client_assertion,
  })

describe("Client ID Metadata Document §8.6", () => {
  const documents = { settings: { clientMetadataDocuments: "on", rateLimits: noLimits } } as const

  /** What becomes of clients whose documents are at these hosts, and how often somebody connected. */
  const connectionsFor = Effect.fnUntraced(function* (hosts: ReadonlyArray<string>) {
    const { count, port } = yield* listening
    for (const host of hosts) {
      const outcome = yield* outcomeFor(`https://${host}:${port}/client.json`)
      assert.match(
        outcome,
        /^invalid_client: The client's metadata document (?:is at an address|has a URL|cannot)/,
        host,
      )
    }
    return count()
  })

  it.live("MUST NOT fetch a document from an address that leads inside, by whatever name or form", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* connectionsFor(inside), 0)
    }).pipe(Effect.provide(layerCalling(calling, documents))),
  )

  it.live("MUST NOT fetch it where a name leads inside once it was examined", () => {
    let lookups = 0
    const rebinding = NodeOutboundHttp.layerWith({
      timeout: "2 seconds",
      lookup: (_hostname, callback) =>
        // Nothing listens at the first one, which is public.
        callback(null, [
          lookups++ === 0 ? { address: "2606:4700::1", family: 6 } : { address: "127.0.0.1", family: 4 },
        ]),
    })
    return Effect.gen(function* () {
      const { count, port } = yield* listening
      assert.include(yield* outcomeFor(`https://rebinding.example.com:${port}/client.json`), "invalid_client")
      assert.isAbove(lookups, 0)
      assert.strictEqual(count(), 0)
    }).pipe(Effect.provide(layerCalling(rebinding, documents)))
  })
})

describe("SSRF by jwks_uri", () => {
  it.live("connects to no private address, by whatever name or form it is asked to", () =>
    Effect.gen(function* () {
      const send = yield* serve
      const { count, port } = yield* listening
      for (const host of inside) {
        const made = yield* register(send, {
          redirect_uris: [callback],
          grant_types: ["client_credentials", "authorization_code"],
          token_endpoint_auth_method: "private_key_jwt",
          jwks_uri: `https://${host}:${port}/jwks`,
        })
        if (made.status === 201) {
          const { assertion } = yield* assertionOf(TestHttp.textAt(made, "client_id"))
          assert.deepStrictEqual(errorOf(yield* exchangeBy(send, assertion)), [401, "invalid_client"], host)
        } else assert.deepStrictEqual(errorOf(made), [400, "invalid_client_metadata"], host)
      }
      assert.strictEqual(count(), 0)
    }).pipe(Effect.provide(layerCalling(calling, openly))),
  )

  it.effect("takes none that is not https, or carries a user name", () =>
    Effect.gen(function* () {
      const send = yield* serve
      for (const jwks_uri of [
        "http://client.example.com/jwks",
        "file:///etc/passwd",
        "gopher://client.example.com/",
        "ftp://client.example.com/jwks",
        "data:application/json,{}",
        "//client.example.com/jwks",
        "/jwks",
        "https://user@client.example.com/jwks",
        "https://client.example.com@evil.example/jwks",
        "https://client.example.com/jwks\r\nx: y",
      ]) {
        const made = yield* register(send, {
          redirect_uris: [callback],
          token_endpoint_auth_method: "private_key_jwt",
          jwks_uri,
        })
        assert.deepStrictEqual(errorOf(made), [400, "invalid_client_metadata"], jwks_uri)
      }
    }).pipe(Effect.provide(layer(openly))),
  )

  it.live("follows no redirect, and takes no answer that is huge, endless, or none", () =>
    Effect.gen(function* () {
      const { send } = yield* start
      const local = yield* LocalServer.make
      const machine = (path: string) =>
        OAuthBuilders.storedClient({
          secrets: [],
          metadata: {
            tokenEndpointAuthMethod: "private_key_jwt",
            grantTypes: ["client_credentials"],
            scopes: ["notes:read"],
            // As it was before somebody put the redirect there.
            jwksUri: `${local.url}${path}`,
          },
        })
      const honest = yield* machine("/honest")
      const good = yield* assertionOf(honest.id)
      local.answer("/honest", LocalServer.json(JSON.parse(good.keys)))
      assert.strictEqual((yield* exchangeBy(send, good.assertion)).status, 200)
      const led = yield* machine("/led")
      const { assertion, keys } = yield* assertionOf(led.id)
      local.answer("/inside", LocalServer.json(JSON.parse(keys)))
      local.answer("/led", LocalServer.redirect(`${local.url}/inside`))
      assert.deepStrictEqual(errorOf(yield* exchangeBy(send, assertion)), [401, "invalid_client"])
      assert.deepStrictEqual([local.countOf("/led") > 0, local.countOf("/inside")], [true, 0])
      const endless = yield* machine("/endless")
      local.answer("/endless", LocalServer.endless)
      const { assertion: other } = yield* assertionOf(endless.id)
      assert.deepStrictEqual(errorOf(yield* exchangeBy(send, other)), [401, "invalid_client"])
    }).pipe(Effect.provide(layer())),
  )

  it.live("asks nobody without a client that is registered for it: not for ids and keys that strangers name", () =>
    Effect.gen(function* () {
      const { app, send } = yield* start
      const local = yield* LocalServer.make
      for (const id of ["nobody", app.id, `${local.url}/client`]) {
        const { assertion } = yield* assertionOf(id)
        assert.deepStrictEqual(errorOf(yield* exchangeBy(send, assertion)), [401, "invalid_client"])
      }
      assert.strictEqual(local.requests.length, 0)
    }).pipe(Effect.provide(layer())),
  )
})

/** Calls that are written down, and answered with a redirect to an address inside. */
const recording = () => {
  const asked: Array<OutboundRequest> = []
  const outbound = Layer.succeed(OutboundHttp, {
    send: (request) =>
      Effect.suspend(() => {
        asked.push(request)
        if (request.url.includes("away")) return Effect.fail(new OutboundFailed({ reason: "connection" }))
        return Effect.succeed({
          status: 302,
          headers: { location: "https://127.0.0.1/" },
          body: new TextEncoder().encode(JSON.stringify([callback])),
        })
      }),
  })
  return { asked, outbound }
}

describe("SSRF by sector_identifier_uri", () => {
  it.live("connects to no private address", () =>
    Effect.gen(function* () {
      const send = yield* serve
      const { count, port } = yield* listening
      for (const host of inside) {
        const sector_identifier_uri = `https://${host}:${port}/sector.json`
        const made = yield* register(send, {
          redirect_uris: [callback],
          subject_type: "pairwise",
          sector_identifier_uri,
        })
        assert.deepStrictEqual(errorOf(made), [400, "invalid_client_metadata"], host)
        // What went wrong out there is told to nobody: no scanner of ports.
        const [first] = [TestHttp.textAt(made, "error_description")]
        assert.notMatch(first ?? "", /ECONN|refused|timeout|certificate|port/iu)
      }
      assert.strictEqual(count(), 0)
    }).pipe(Effect.provide(layerCalling(calling, { settings: { ...openly.settings, ...pairwise } }))),
  )

  const { asked, outbound } = recording()
  it.effect("follows no redirect, and calls as for a URL of a stranger", () =>
    Effect.gen(function* () {
      const send = yield* serve
      const made = yield* register(send, {
        redirect_uris: [callback],
        subject_type: "pairwise",
        sector_identifier_uri: "https://sector.example.com/sector.json",
      })
      assert.deepStrictEqual(errorOf(made), [400, "invalid_client_metadata"])
      assert.deepStrictEqual(
        asked.map(({ form, trust, url }) => [url, trust, form]),
        [["https://sector.example.com/sector.json", "foreign", undefined]],
      )
    }).pipe(Effect.provide(layerCalling(outbound, { settings: { ...openly.settings, ...pairwise } }))),
  )
})

describe("SSRF by what is shown and what is asked", () => {
  const { asked, outbound } = recording()
  it.effect("fetches no logo and no page of a client, no request_uri, and no key that a token names", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const made = yield* register(send, {
        redirect_uris: [callback],
        client_name: "Evil",
        logo_uri: "https://169.254.169.254/logo.png",
        client_uri: "https://127.0.0.1/",
        tos_uri: "https://127.0.0.1/tos",
        policy_uri: "https://127.0.0.1/policy",
      })
      assert.strictEqual(made.status, 201, made.text)
      const id = TestHttp.textAt(made, "client_id")
      const { request = "" } = queryOf(yield* browser.go(authorizePath(app.client, { client_id: id, scope: "openid" })))
      const shown = yield* browser.fetch(`/auth/oauth2/requests/${request}`)
      assert.strictEqual(TestHttp.textAt(shown, "client", "logoUri"), "https://169.254.169.254/logo.png")
      yield* browser.submit("/auth/oauth2/consent", { request, accept: "true" })
      for (const request_uri of ["https://127.0.0.1/request.jwt", "urn:ietf:params:oauth:request_uri:x", "file:///x"]) {
        const answer = queryOf(yield* browser.go(authorizePath(app.client, { request_uri })))
        assert.strictEqual(answer["error"], "request_uri_not_supported")
      }
      const header = Buffer.from(JSON.stringify({ alg: "ES256", typ: "at+jwt", jku: "https://evil.example/jwks" }))
      const token = `${header.toString("base64url")}.e30.AAAA`
      yield* send("/auth/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } })
      yield* post(send)("introspect", { token }, app.headers)
      yield* browser.go(authorizePath(app.client, { id_token_hint: token }))
      yield* browser.go(`/auth/oauth2/end-session?id_token_hint=${token}`)
      const stranger = yield* open(send)
      yield* stranger.go(authorizePath(app.client, { client_id: "https://evil.example/client.json" }))
      yield* browser.go(authorizePath(app.client, { resource: "https://127.0.0.1/api" }))
      yield* browser.go(authorizePath(app.client, { resource: notes }))
      assert.deepStrictEqual(asked, [])
    }).pipe(Effect.provide(layerCalling(outbound, openly))),
  )
})
