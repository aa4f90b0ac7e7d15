import * as Web from "@belfry/server/Web"
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { temporaryDirectory } from "./support/TestServer.ts"

const started = Effect.gen(function* () {
  const dataDir = yield* temporaryDirectory
  vi.stubEnv("BELFRY_DATA_DIR", dataDir)
  vi.stubEnv("BELFRY_TRUSTED_PROXIES", "10.0.0.0/8")
  const { handler } = yield* Effect.acquireRelease(Effect.sync(Web.make), ({ dispose }) =>
    Effect.promise(async () => {
      await dispose()
      vi.unstubAllEnvs()
    }),
  )
  const fetch = (path: string, init?: RequestInit, connection?: Web.Connection) =>
    Effect.promise(() => handler(new Request(`http://localhost:3000${path}`, init), connection))
  return { fetch, dataDir }
})

const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
})

describe("the Fetch handler", () => {
  it.live(
    "serves what the server on Node serves: a sign-up to its session, failures, pages, limits",
    () =>
      Effect.gen(function* () {
        const { fetch, dataDir } = yield* started
        assert.strictEqual((yield* fetch("/health/ready")).status, 200)

        const credentials = { email: "ada@example.com", password: "correct horse battery staple" }
        const signUp = yield* fetch("/auth/sign-up/password", post(credentials))
        assert.strictEqual(signUp.status, 202)
        const cookie = signUp.headers.getSetCookie()[0]?.split(";")[0] ?? ""
        const token = yield* tokenInMail(Path.join(dataDir, "mail"))
        const confirmation = post({ token, transport: "bearer" })
        const confirmed = yield* fetch("/auth/sign-up/password/confirm", {
          ...confirmation,
          headers: { "content-type": "application/json", cookie, origin: "http://localhost:3000" },
        })
        assert.strictEqual(confirmed.status, 200)
        const signedIn: { readonly token: string } = JSON.parse(yield* Effect.promise(() => confirmed.text()))
        const session = yield* fetch("/auth/session", { headers: { authorization: `Bearer ${signedIn.token}` } })
        assert.strictEqual(session.status, 200)
        assert.include(yield* Effect.promise(() => session.text()), credentials.email)

        for (const docs of [yield* fetch("/auth/docs"), yield* fetch("/auth/docs")]) {
          assert.deepStrictEqual([docs.status, docs.headers.get("content-type")], [200, "text/html"])
        }
        const missing = yield* fetch("/auth/nothing-here")
        assert.strictEqual(missing.status, 404)
        assert.strictEqual(missing.headers.get("x-content-type-options"), "nosniff")
        assert.isNotNull(missing.headers.get("x-request-id"))
        const long = yield* fetch(`/auth/oauth2/clients/${encodeURIComponent("https://".padEnd(2048, "x"))}`)
        assert.strictEqual(long.status, 401)
        const large = yield* fetch("/auth/password/forgot", post({ email: "a".repeat(70_000) }))
        assert.strictEqual(large.status, 413)
        // A peer is whom the host names. Without one nobody can tell where a request comes from.
        assert.strictEqual((yield* fetch("/metrics")).status, 404)
        assert.strictEqual((yield* fetch("/metrics", {}, { peerAddress: "192.0.2.7" })).status, 404)
        assert.strictEqual((yield* fetch("/metrics", {}, { peerAddress: "::1" })).status, 200)

        const addressOfSession = Effect.fnUntraced(function* (connection?: Web.Connection) {
          const signIn = post({ ...credentials, transport: "bearer" })
          const headers = { "content-type": "application/json", "x-forwarded-for": "198.51.100.9" }
          const response = yield* fetch("/auth/sign-in/password", { ...signIn, headers }, connection)
          assert.strictEqual(response.status, 200)
          const { session }: { readonly session: { readonly ipAddress: string | null } } = JSON.parse(
            yield* Effect.promise(() => response.text()),
          )
          return session.ipAddress
        })
        assert.isNull(yield* addressOfSession())
        assert.strictEqual(yield* addressOfSession({ peerAddress: "192.0.2.7" }), "192.0.2.7")
        // A proxy that is trusted is believed, and no other peer.
        assert.strictEqual(yield* addressOfSession({ peerAddress: "10.0.0.1" }), "198.51.100.9")
        assert.strictEqual((yield* fetch("/sign-in")).headers.get("content-type"), "text/html; charset=utf-8")
      }).pipe(Effect.scoped),
    60_000,
  )
})

/** The token of the link in the first mail of the directory, as soon as it is there. */
const tokenInMail = (directory: string) =>
  Effect.gen(function* () {
    while (true) {
      const [name] = yield* Effect.promise(() => Fs.readdir(directory))
      const mail =
        name === undefined ? "" : yield* Effect.promise(() => Fs.readFile(Path.join(directory, name), "utf8"))
      const token = /belfry_verify_\w{43}/.exec(mail)?.[0]
      if (token !== undefined) return token
      yield* Effect.sleep(10)
    }
  }).pipe(Effect.timeout("10 seconds"))
