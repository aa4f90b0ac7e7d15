/**
 * Attacks by whoever may name a URL as the id of a client, and by whoever answers there.
 */
import * as HttpClientOutboundHttp from "@belfry/core/HttpClientOutboundHttp"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import * as LocalServer from "@belfry/testing/LocalServer"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { post, serve } from "./support/Attacker.ts"
import { browser, callback, home, locationOf, noLimits, open } from "./support/Authorizing.ts"
import { askAs, documentOf, documentUrl, layerOf, makeWeb, outcomeFor } from "./support/Documents.ts"

const kept = ClientStore.use((clients) => clients.listAll({ limit: 100 }))

/** Runs over a web whose one origin is a real server on this machine. */
const against = <A, E>(
  body: (
    server: Effect.Success<typeof LocalServer.make>,
  ) => Effect.Effect<A, E, Layer.Success<ReturnType<typeof layerOf>>>,
) =>
  Effect.gen(function* () {
    const server = yield* LocalServer.make
    const http = yield* Effect.provide(
      OutboundHttp,
      HttpClientOutboundHttp.layer({ allowedHosts: ["127.0.0.1"] }).pipe(Layer.provide(FetchHttpClient.layer)),
    )
    const toServer = (url: string) => url.replace("https://app.example.com", server.url)
    const web = {
      ...makeWeb(),
      layer: Layer.succeed(
        OutboundHttp,
        OutboundHttp.of({ send: (request) => http.send({ ...request, url: toServer(request.url) }) }),
      ),
    }
    return yield* Effect.provide(body(server), layerOf(web))
  })

const at = new URL(documentUrl).pathname

describe("A server that answers for a client", () => {
  it.live("does not lead on: what is behind a redirect is not fetched", () =>
    against((server) =>
      Effect.gen(function* () {
        server.answer(at, LocalServer.redirect("/elsewhere"))
        server.answer("/elsewhere", LocalServer.json({ ...documentOf(documentUrl) }))
        assert.include(yield* outcomeFor(documentUrl), "is not answered with 200")
        assert.deepStrictEqual(
          server.requests.map(({ path }) => path),
          [at],
        )
        assert.deepStrictEqual(yield* kept, [])
      }),
    ),
  )

  it.live("does not fill the memory: who sends without end is left after 5 kilobytes", () =>
    against((server) =>
      Effect.gen(function* () {
        server.answer(at, LocalServer.endless)
        assert.include(yield* outcomeFor(documentUrl), "is too large")
      }),
    ),
  )

  it.live("does not keep people waiting: who does not answer is left after 5 seconds", () =>
    against((server) =>
      Effect.gen(function* () {
        server.answer("/silent", LocalServer.silent)
        server.answer("/stalled", LocalServer.stalled)
        for (const slow of ["silent", "stalled"]) {
          const [taken, outcome] = yield* Effect.timed(outcomeFor(`https://app.example.com/${slow}`))
          assert.include(outcome, "invalid_client: The client's metadata document does not answer in time", slow)
          assert.isBelow(Duration.toSeconds(taken), 9)
        }
      }),
    ),
  )

  it.live("learns nothing of who asks: no cookie, no secret, no trace", () =>
    against((server) =>
      Effect.gen(function* () {
        server.answer(at, LocalServer.json({ ...documentOf(documentUrl) }))
        assert.strictEqual(yield* outcomeFor(documentUrl), "page")
        const [request] = server.requests
        assert.strictEqual(request?.method, "GET")
        for (const name of ["cookie", "authorization", "traceparent", "b3", "referer"]) {
          assert.notProperty(request?.headers, name)
        }
      }),
    ),
  )
})

describe("An id that looks like that of another client", () => {
  const web = makeWeb()

  it.effect("is unknown, is fetched by nobody, and gets no tokens of the other one", () =>
    Effect.gen(function* () {
      web.publish(documentUrl)
      assert.strictEqual(yield* outcomeFor(documentUrl), "page")
      const send = yield* serve
      for (const id of [
        "https://APP.example.com/oauth/client.json",
        "HTTPS://app.example.com/oauth/client.json",
        "https://app.example.com:443/oauth/client.json",
        "https://app.example.com./oauth/client.json",
        "https://app.example.com/oauth/../oauth/client.json",
        "https://app.example.com/%2e/oauth/client.json",
        "https://app.example.com@evil.example/oauth/client.json",
        "https://ada@app.example.com/oauth/client.json",
        "https://app.example.com/oauth/client.json#",
        "https://app.example.com\\@evil.example/oauth/client.json",
        "http://app.example.com/oauth/client.json",
        "http://localhost.evil.example/client.json",
      ]) {
        assert.include(yield* outcomeFor(id), "invalid_client", id)
        const tokens = yield* post(send)("token", { grant_type: "refresh_token", refresh_token: "x", client_id: id })
        assert.notStrictEqual(tokens.status, 200, id)
      }
      assert.lengthOf(web.requests, 1)
      // These are ids of their own: what is there says that it is another one's.
      for (const id of [`${documentUrl}?`, `${documentUrl}?a`, "https://app.example.com/oauth/%63lient.json"]) {
        web.publish(id, { client_id: documentUrl })
        assert.include(yield* outcomeFor(id), "is that of another client", id)
      }
      const [client, ...others] = yield* kept
      assert.strictEqual(client?.id, documentUrl)
      assert.deepStrictEqual(others, [])
    }).pipe(Effect.provide(layerOf(web))),
  )

  it.effect("is not taken for that of a client of the host's, nor the other way round", () => {
    const web = makeWeb()
    return Effect.gen(function* () {
      // Whoever gets hold of a place on another host under the same path, or under the same name.
      for (const id of ["https://evil.example/oauth/client.json", "https://app.example.com.evil.example/client.json"]) {
        web.publish(id, { client_name: "Analytical Engine" })
        assert.strictEqual(yield* outcomeFor(id), "page")
      }
      web.publish(documentUrl)
      assert.strictEqual(yield* outcomeFor(documentUrl), "page")
      assert.lengthOf(yield* kept, 3)
    }).pipe(Effect.provide(layerOf(web)))
  })
})

describe("Client ID Metadata Document §8.7", () => {
  it.effect("SHOULD count documents by origin and by address, and count none that is on file", () => {
    const web = makeWeb()
    const limit = { name: "documents", limit: 3, window: Duration.minutes(1) }
    const settings = { rateLimits: { ...noLimits, clientDocuments: limit } }
    return Effect.gen(function* () {
      web.publish(documentUrl)
      for (let i = 0; i < 10; i++) assert.strictEqual(yield* outcomeFor(documentUrl), "page")
      for (const name of ["a", "b"]) {
        assert.include(yield* outcomeFor(`https://${name}.example/c`), "cannot be reached")
      }
      assert.include(yield* outcomeFor("https://c.example/c"), "rate_limited")
      assert.strictEqual(yield* outcomeFor(documentUrl), "page")
      const elsewhere = { ...browser(), clientInfo: { ipAddress: "198.51.100.7", userAgent: null } }
      assert.include(yield* outcomeFor("https://c.example/c", {}, elsewhere), "cannot be reached")
      assert.lengthOf(web.requests, 4)
    }).pipe(Effect.provide(layerOf(web, { settings })))
  })

  it.effect("SHOULD count documents by origin and by address: many of one origin are fetched 30 times a minute", () => {
    const web = makeWeb()
    return Effect.gen(function* () {
      const outcomes: Array<string> = []
      for (let i = 0; i < 40; i++) outcomes.push(yield* outcomeFor(`https://app.example.com/${i}`))
      assert.lengthOf(web.requests, 30)
      assert.include(outcomes.at(-1), "rate_limited")
      assert.include(yield* outcomeFor("https://other.example/0"), "cannot be reached")
      yield* TestClock.adjust("2 minutes")
      assert.include(yield* outcomeFor("https://app.example.com/0"), "cannot be reached")
    }).pipe(Effect.provide(layerOf(web)))
  })
})

describe("Whoever is sent here", () => {
  const web = makeWeb()

  it.effect("is told on a page why the client cannot be used, and is led nowhere", () =>
    Effect.gen(function* () {
      web.publish(documentUrl, { client_secret: "leaked secret" })
      const send = yield* serve
      const person = yield* open(send)
      const answer = yield* person.go(`/auth/oauth2/authorize?${askAs(documentUrl).toString()}`)
      const { origin, searchParams } = locationOf(answer)
      assert.strictEqual(origin, home)
      assert.strictEqual(searchParams.get("error"), "invalid_client")
      assert.include(searchParams.get("error_description") ?? "", "has a secret in it")
      assert.notInclude(answer.location ?? "", "leaked")
      assert.notInclude(searchParams.toString(), new URL(callback).host)
    }).pipe(Effect.provide(layerOf(web))),
  )

  it.effect("is told the host of the document beside the name, by which clients of one name are told apart", () =>
    Effect.gen(function* () {
      const url = "https://app.example.com/named"
      web.publish(url, { client_name: "Bank" })
      const send = yield* serve
      const person = yield* open(send)
      yield* person.signIn()
      const page = yield* person.go(`/auth/oauth2/authorize?${askAs(url).toString()}`)
      const request = new URL(page.location ?? "", "http://localhost").searchParams.get("request") ?? ""
      const context = yield* person.fetch(`/auth/oauth2/requests/${request}`)
      assert.strictEqual(TestHttp.at(context.json, "documentHost"), "app.example.com", context.text)
    }).pipe(Effect.provide(layerOf(web))),
  )
})
