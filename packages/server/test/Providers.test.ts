/**
 * Signing in with another provider, through the whole server: its limits, its cross-origin rules, its time limit.
 */
import * as OpenIdProvider from "@belfry/testing/OpenIdProvider"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import * as TestServer from "./support/TestServer.ts"
import * as Wire from "./support/wire.ts"

const home = "http://localhost:3000"
const callback = "/auth/provider/acme/callback"
const form = ["content-type", "application/x-www-form-urlencoded"] as const

/** Runs a test against a server that is configured with one provider, and at most 2 seconds of a request. */
const withServer = <A, E>(
  test: (
    provider: OpenIdProvider.OpenIdProvider,
  ) => Effect.Effect<A, E, Layer.Success<ReturnType<typeof TestServer.layer>>>,
  environment: Readonly<Record<string, string>> = {},
) =>
  Effect.gen(function* () {
    const provider = yield* OpenIdProvider.make
    const server = TestServer.layer({
      environment: {
        BELFRY_OIDC_PROVIDERS: "acme",
        BELFRY_OIDC_ACME_ISSUER: provider.url,
        BELFRY_OIDC_ACME_CLIENT_ID: OpenIdProvider.clientId,
        BELFRY_OIDC_ACME_CLIENT_SECRET: OpenIdProvider.clientSecret,
        BELFRY_REQUEST_TIMEOUT: "2 seconds",
        BELFRY_ALLOWED_ORIGINS: "https://app.example.com,https://admin.example.com",
        ...environment,
      },
    })
    return yield* Effect.provide(test(provider), server, { local: true })
  }).pipe(Effect.scoped)

/** A browser that keeps cookies over the wire. */
const open = Effect.map(TestServer.TestServer, ({ port }) => {
  const cookies = new Map<string, string>()
  return {
    cookies,
    send: (request: Wire.WireRequest) =>
      Effect.promise(async () => {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
        const response = await Wire.fetch(port, {
          ...request,
          headers: [...(cookie === "" ? [] : [["cookie", cookie] as const]), ...(request.headers ?? [])],
        })
        for (const [, name = "", value = ""] of (response.headers["set-cookie"] ?? "").matchAll(
          /(belfry_\w+)=([^;,]*)/g,
        )) {
          if (value === "") cookies.delete(name)
          else cookies.set(name, value)
        }
        return response
      }),
  }
})

type Browser = Effect.Success<typeof open>

/** Where the browser is sent to consent. */
const leave = Effect.fnUntraced(function* ({ send }: Browser) {
  const json = Wire.json({ redirectUrl: "/reports" })
  const headers = [...(json.headers ?? []), ["origin", home] as const]
  const started = yield* send({ method: "POST", path: "/auth/provider/acme/sign-in", ...json, headers })
  assert.strictEqual(started.status, 200, started.body)
  const { url }: { readonly url: string } = JSON.parse(started.body)
  return yield* send({ path: pathOf(url) })
})

/** The path of the callback that the provider leads to. */
const consent = (location: string | undefined) =>
  Effect.promise(async () => {
    const response = await fetch(location ?? "", { redirect: "manual" })
    return pathOf(response.headers.get("location") ?? "")
  })

const pathOf = (url: string) => url.replace(home, "")

const errorPage = (code: string) => `/sign-in/error?error=${code}&provider=acme`

describe("A provider of the configuration", () => {
  it.live(
    "signs in, and the page of a session is there",
    () =>
      withServer(() =>
        Effect.gen(function* () {
          const browser = yield* open
          const { logs } = yield* TestServer.TestServer
          const left = yield* leave(browser)
          const path = yield* consent(left.headers["location"])
          const back = yield* browser.send({ path })
          assert.deepStrictEqual([back.status, back.headers["location"]], [302, "/reports"])
          assert.strictEqual(back.headers["referrer-policy"], "no-referrer")
          assert.strictEqual(back.headers["cache-control"], "no-store")
          const account = yield* browser.send({ path: "/account" })
          assert.strictEqual(account.status, 200)
          // Neither code, nor state, nor cookie, nor address.
          const secrets = [...new URL(path, home).searchParams.values(), ...browser.cookies.values(), "ada@example.com"]
          for (const secret of secrets.filter((text) => text.length > 15)) assert.notInclude(logs.join("\n"), secret)
        }),
      ),
    60_000,
  )

  it.live(
    "is listed to pages of other origins that are allowed, and to no others",
    () =>
      withServer(() =>
        Effect.gen(function* () {
          const browser = yield* open
          for (const [origin, allowed] of [
            ["https://app.example.com", "https://app.example.com"],
            ["https://evil.example", undefined],
          ] as const) {
            const listed = yield* browser.send({ path: "/auth/providers", headers: [["origin", origin]] })
            assert.deepStrictEqual(JSON.parse(listed.body), { providers: [{ id: "acme", name: "acme" }] })
            assert.strictEqual(listed.headers["access-control-allow-origin"], allowed)
          }
        }),
      ),
    60_000,
  )

  it.live(
    "may have a form posted from its own origin, which signs in by the GET that follows",
    () =>
      withServer((provider) =>
        Effect.gen(function* () {
          const [browser, elsewhere] = [yield* open, yield* open]
          const left = yield* leave(browser)
          const fields = new URL(yield* consent(left.headers["location"]), home).search.slice(1)
          const posted = yield* elsewhere.send({
            method: "POST",
            path: callback,
            headers: [form, ["origin", provider.url], ["sec-fetch-site", "cross-site"], ["sec-fetch-mode", "navigate"]],
            body: fields,
          })
          assert.strictEqual(posted.status, 303)
          const back = yield* browser.send({ path: posted.headers["location"] ?? "" })
          assert.deepStrictEqual([back.status, back.headers["location"]], [302, "/reports"])
        }),
      ),
    60_000,
  )

  it.live(
    "leads to a page whatever is posted",
    () =>
      withServer(() =>
        Effect.gen(function* () {
          const browser = yield* open
          const bodies = ["", "state=x&state=y", `state=${"x".repeat(60_000)}`, `state=${"x".repeat(70_000)}`, "\0\xff"]
          for (const body of bodies) {
            for (const type of [form, ["content-type", "application/json"], ["content-type", "text/html"]] as const) {
              const response = yield* browser.send({ method: "POST", path: callback, headers: [type], body })
              assert.deepStrictEqual(
                [response.status, response.headers["location"], response.body],
                [303, errorPage("state_mismatch"), ""],
              )
            }
          }
          assert.strictEqual((yield* browser.send({ path: errorPage("state_mismatch") })).status, 200)
        }),
      ),
    60_000,
  )

  it.live(
    "that says nothing is given up before the request is, and the person told so",
    () =>
      withServer((provider) =>
        Effect.gen(function* () {
          const browser = yield* open
          const left = yield* leave(browser)
          const path = yield* consent(left.headers["location"])
          provider.isSilent = true
          const started = performance.now()
          const back = yield* browser.send({ path })
          assert.isBelow(performance.now() - started, 1900)
          assert.strictEqual(back.status, 302)
          assert.match(back.headers["location"] ?? "", /^\/sign-in\/error\?error=\w+&provider=acme$/)
        }),
      ),
    60_000,
  )

  it.live(
    "is what the server does not start without where its settings are wrong",
    () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(withServer(() => Effect.void, { BELFRY_OIDC_PROVIDERS: "acme,acme" }))
        assert.include(String(exit), "acme")
        assert.strictEqual(exit._tag, "Failure")
      }),
    60_000,
  )
})
