/**
 * RP-initiated logout by links that `openid-client` builds, and those that an application on `oauth4webapi` does.
 */
import { Sessions } from "@belfry/core/Sessions"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { discovered, publicClient, signIn } from "./support/Flows.ts"
import type { Person } from "@belfry/testing/Person"
import { layer, real, type RealServer, signedOut } from "./support/RealServer.ts"
import { libraries } from "./support/RelyingParty.ts"

const mayEndSessions = { privileges: { enableEndSession: true } }

/** Whether a session that a browser had still opens. */
const opens = (server: RealServer["Service"], token: string) =>
  server.run(
    Sessions.use((sessions) => sessions.verify(Redacted.make(token))).pipe(
      Effect.as(true),
      Effect.catchTag("SessionInvalid", () => Effect.succeed(false)),
    ),
  )

const sessionOf = (browser: Person): string => browser.cookies.get("belfry_session") ?? assert.fail("no session")

withLayer(layer(), { excludeTestServices: true })("Real clients, logging out", (it) => {
  for (const library of libraries) {
    const { discover, name } = library

    describe("OpenID Connect RP-Initiated Logout §2", () => {
      it.effect(`ends the session that the ID token names, and goes back with state, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library, {}, mayEndSessions)
          const { browser, tokens } = await signIn(server, party, { scope: "openid" })
          const session = sessionOf(browser)
          const url = party.endSession({
            id_token_hint: tokens.id_token ?? "",
            post_logout_redirect_uri: signedOut,
            state: "of the client",
          })
          const { location } = await browser.go(url)
          assert.strictEqual(location?.origin, "https://client.example.com")
          assert.strictEqual(location?.searchParams.get("state"), "of the client")
          assert.isUndefined(browser.cookies.get("belfry_session"))
          assert.isFalse(await opens(server, session))
          assert.isFalse((await party.introspect(tokens.access_token)).active)
        }),
      )

      it.effect(`MUST ask the person first when no ID token names them, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library, {}, mayEndSessions)
          const { browser } = await signIn(server, party)
          const session = sessionOf(browser)
          const asked = await browser.go(party.endSession({ post_logout_redirect_uri: signedOut, state: "s" }))
          assert.strictEqual(asked.location?.pathname, "/sign-out/confirm")
          assert.isTrue(await opens(server, session))
          const request = asked.location?.searchParams.get("request") ?? ""
          const { location } = await browser.submit("/auth/oauth2/end-session/confirm", { request })
          assert.strictEqual(location?.href, `${signedOut}?state=s`)
          assert.isFalse(await opens(server, session))
        }),
      )

      it.effect(`MUST ask the person first when the ID token names somebody else, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library, {}, mayEndSessions)
          const { tokens } = await signIn(server, party)
          const other = await server.person()
          const asked = await other.go(party.endSession({ id_token_hint: tokens.id_token ?? "" }))
          assert.strictEqual(asked.location?.pathname, "/sign-out/confirm")
          assert.isTrue(await opens(server, sessionOf(other)))
        }),
      )

      it.effect(`asks the person first for a client that the host lets end nothing, by ${name}`, () =>
        real(async (server) => {
          const { id } = await server.client(publicClient)
          const party = await discover(server.issuer, { id, proof: { method: "none" } })
          const { browser, tokens } = await signIn(server, party)
          const asked = await browser.go(party.endSession({ id_token_hint: tokens.id_token ?? "" }))
          assert.strictEqual(asked.location?.pathname, "/sign-out/confirm")
          assert.isTrue(await opens(server, sessionOf(browser)))
        }),
      )
    })

    describe("OpenID Connect RP-Initiated Logout §3", () => {
      it.effect(`MUST NOT go where the client did not register, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library, {}, mayEndSessions)
          const { browser, tokens } = await signIn(server, party)
          for (const uri of [`${signedOut}/`, `${signedOut}?a=b`, "https://evil.example/"]) {
            const { location } = await browser.go(
              party.endSession({ id_token_hint: tokens.id_token ?? "", post_logout_redirect_uri: uri }),
            )
            assert.strictEqual(location?.pathname, "/authorize/error")
            assert.isTrue(await opens(server, sessionOf(browser)))
          }
        }),
      )
    })
  }
})
