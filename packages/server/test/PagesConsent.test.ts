import { unknownClient } from "@belfry/core/AuditEvent"
import { ClientId, type OAuthClient } from "@belfry/oauth-server/OAuthClient"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import { Consents } from "@belfry/oauth-server/Consents"
import { ScopeDescriptions } from "@belfry/server/ScopeDescriptions"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { type Browser, browser, password, serveWithApi, signUp, type Visited } from "./support/PageBrowser.ts"
import {
  answerOf,
  authorizeUrl,
  formActionsOf,
  go,
  headingOf,
  hiddenOf,
  layer,
  makeClient,
  send,
  textOf,
} from "./support/PageClients.ts"
import { sessionOf } from "./support/PageFactors.ts"

const email = "ada@example.com"
const allow = { decision: "allow", "scope:profile": "1", "scope:email": "1" }

/** Somebody who is signed in. */
const makeAda = Effect.gen(function* () {
  const site = yield* serveWithApi()
  const ada = browser(site)
  yield* signUp(ada, email)
  yield* TestClock.adjust("1 second")
  return { site, ada }
})

const askConsent = Effect.fnUntraced(function* (ada: Browser, url: string) {
  const asked = yield* go(ada, url)
  assert.strictEqual(asked.path, "/authorize/consent")
  return asked.page
})

/** The scopes that can be given one by one. */
const choicesOf = ({ text }: Visited): ReadonlyArray<string> =>
  [...text.matchAll(/<input type="checkbox" name="scope:([^"]*)" value="1" checked>/gu)].map(([, scope]) => scope ?? "")

/** What the user agreed to for a client. */
const agreed = Effect.fnUntraced(function* (ada: Browser) {
  const { user } = yield* sessionOf(ada)
  const consents = yield* Consents.use((consents) => consents.list(user.id))
  return consents.map(({ scopes, declinedScopes }) => ({ scopes, declinedScopes }))
})

describe("the question of consent", () => {
  it.effect("says who asks, for whom, for what, in words, and how to take it back", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const client = yield* makeClient({
        tosUri: "https://client.example.com/terms",
        policyUri: "https://client.example.com/privacy",
        logoUri: "https://client.example.com/logo.png",
      })
      const page = yield* askConsent(ada, authorizeUrl(client, { scope: "openid profile email offline_access" }))
      assert.strictEqual(headingOf(page), "Allow Analytical Engine to use your account?")
      const text = textOf(page)
      for (const words of [
        `Signed in as ${email}`,
        "know that it is you",
        "see your name and picture",
        "see your e-mail address",
        "keep its access while you are away",
        "You will be taken to client.example.com",
        "It says that its website is https://client.example.com",
        "You can take this back at any time in your account, under “Applications with access”.",
      ]) {
        assert.include(text, words)
      }
      assert.deepStrictEqual(choicesOf(page), ["profile", "email", "offline_access"])
      assert.include(page.text, '<a href="https://client.example.com/terms" rel="noopener noreferrer">')
      assert.include(page.text, '<a href="https://client.example.com/privacy" rel="noopener noreferrer">')
      // Its website is no link, and its picture is not loaded.
      assert.notInclude(page.text, 'href="https://client.example.com"')
      assert.notInclude(page.text, "logo.png")
      assert.include(page.headers.get("content-security-policy"), "img-src 'self';")
      assert.strictEqual(formActionsOf(page), "'self' https:")
    }).pipe(Effect.provide(layer)),
  )

  describe("RFC 7591 §5", () => {
    it.effect("SHOULD warn of a client that registered itself", () =>
      Effect.gen(function* () {
        const { ada } = yield* makeAda
        const dynamic = yield* makeClient({}, { isDynamic: true })
        assert.include(
          textOf(yield* askConsent(ada, authorizeUrl(dynamic))),
          "Analytical Engine registered itself, and nobody has checked who is behind it.",
        )
        assert.notInclude(textOf(yield* askConsent(ada, authorizeUrl(yield* makeClient()))), "registered itself")
      }).pipe(Effect.provide(layer)),
    )
  })

  it.effect("warns of a client on this computer", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const local = yield* makeClient({ applicationType: "native", redirectUris: ["http://127.0.0.1/callback"] })
      const page = yield* askConsent(ada, authorizeUrl(local, { redirect_uri: "http://127.0.0.1:4711/callback" }))
      assert.include(textOf(page), "The answer goes to a program on this computer.")
      assert.include(textOf(page), "You will be taken to 127.0.0.1:4711")
      assert.strictEqual(formActionsOf(page), "'self' https: http://localhost:* http://127.0.0.1:*")
      const ipv6 = yield* makeClient({ applicationType: "native", redirectUris: ["http://[::1]/callback"] })
      assert.strictEqual(formActionsOf(yield* askConsent(ada, authorizeUrl(ipv6))), "'self' https: http:")
      const app = yield* makeClient({ applicationType: "native", redirectUris: ["com.example.app:/callback"] })
      const appPage = yield* askConsent(ada, authorizeUrl(app))
      assert.include(textOf(appPage), "You will be taken to an application on this device.")
      assert.strictEqual(formActionsOf(appPage), "'self' https: com.example.app:")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("says that any program can take the name of a client that registered itself for this computer alone", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const warning = "any program here can say that it is Analytical Engine"
      const loopback = "http://127.0.0.1/callback"
      const asked = (metadata: Parameters<typeof makeClient>[0], isDynamic: boolean) =>
        Effect.flatMap(makeClient({ applicationType: "native", ...metadata }, { isDynamic }), (client) =>
          Effect.map(askConsent(ada, authorizeUrl(client)), textOf),
        )
      assert.include(yield* asked({ redirectUris: [loopback, "http://[::1]/callback"] }, true), warning)
      assert.notInclude(yield* asked({ redirectUris: [loopback, "https://client.example.com/"] }, true), warning)
      assert.notInclude(yield* asked({ redirectUris: [loopback] }, false), warning)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("tells clients of one name apart by the host of the metadata document", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const documentUntil = DateTime.add(yield* DateTime.now, { days: 1 })
      for (const host of ["bank.example", "bank.example.evil.example:8443"]) {
        const id = ClientId.make(`https://${host}/client.json`)
        const client = yield* makeClient({ clientName: "Bank" }, { id, isDynamic: true, documentUntil })
        const page = yield* askConsent(ada, authorizeUrl(client))
        assert.strictEqual(headingOf(page), `Allow Bank (${host}) to use your account?`)
        assert.include(textOf(page), `Bank (${host}) registered itself, and nobody has checked who is behind it.`)
      }
      const client = yield* makeClient({ clientName: "Bank" }, { isDynamic: true })
      assert.strictEqual(headingOf(yield* askConsent(ada, authorizeUrl(client))), "Allow Bank to use your account?")
    }).pipe(
      Effect.provide(
        layer.pipe(
          Layer.provideMerge(
            Layer.succeed(
              OAuthServerSettings.OAuthServerSettings,
              OAuthServerSettings.make({ clientMetadataDocuments: "on" }),
            ),
          ),
        ),
      ),
    ),
  )

  it.effect("names resources, and has the host's words for its scopes; others stand as they are", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const client = yield* makeClient({ scopes: ["openid", "notes:read", "notes:<write>", "email"] })
      const url = authorizeUrl(client, { scope: "openid notes:read notes:<write> email" })
      const page = yield* askConsent(ada, `${url}&resource=https%3A%2F%2Fnotes.example.com%2F`)
      assert.include(textOf(page), "read your notes")
      assert.include(page.text, "<code>notes:&lt;write&gt;</code>")
      assert.include(textOf(page), "see the address that you write from")
      assert.include(textOf(page), "It asks for this at: The Notes")
    }).pipe(
      Effect.provide(
        layer.pipe(
          Layer.provideMerge(
            Layer.mergeAll(
              Layer.succeed(ScopeDescriptions, (scope, locale) =>
                locale !== "en"
                  ? undefined
                  : scope === "notes:read"
                    ? "read your notes"
                    : scope === "email"
                      ? "see the address that you write from"
                      : undefined,
              ),
              Layer.succeed(
                OAuthServerSettings.OAuthServerSettings,
                OAuthServerSettings.make({
                  scopes: ["notes:read", "notes:<write>"],
                  resources: [OAuthBuilders.resource("https://notes.example.com/", { name: "The Notes" })],
                }),
              ),
            ),
          ),
        ),
      ),
    ),
  )

  it.effect("lets nothing of a client be more than text", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const hostile = '"><script>alert(1)</script>'
      const client = yield* makeClient({
        clientName: `${hostile}\u202E\u0000\u2028Bank${"x".repeat(200)}`,
        clientUri: `https://client.example.com/${hostile}`,
        tosUri: "javascript:alert(1)",
        policyUri: `https://client.example.com/${hostile}`,
        scopes: ["openid", hostile],
      })
      const page = yield* askConsent(ada, authorizeUrl(client, { scope: "openid" }))
      assert.notInclude(page.text, "<script>alert")
      assert.notInclude(page.text, "javascript:")
      assert.notMatch(page.text, /[\u202E\u2028]|\p{Cc}(?<!\n)/u)
      assert.isBelow(headingOf(page).length, 250)
      const account = yield* Effect.andThen(
        send(ada, page, "/authorize/consent", { decision: "allow" }),
        ada.open("/account"),
      )
      assert.include(account.text, "&lt;script&gt;alert(1)")
      assert.notMatch(account.text, /<script>alert|[\u202E\u2028]|\p{Cc}(?<!\n)/u)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("names a client without a name by its id", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const client = yield* makeClient({ clientName: "\u200B \u202E" }, { id: ClientId.make("notes-web") })
      assert.strictEqual(
        headingOf(yield* askConsent(ada, authorizeUrl(client))),
        "Allow notes-web to use your account?",
      )
    }).pipe(Effect.provide(layer)),
  )
})

describe("the answer to the question of consent", () => {
  it.effect("gives what was left checked, is not asked again, and marks what was given when it is", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const client = yield* makeClient()
      const page = yield* askConsent(ada, authorizeUrl(client))
      const answer = answerOf(yield* send(ada, page, "/authorize/consent", { decision: "allow", "scope:email": "1" }))
      assert.match(answer["code"] ?? "", /^belfry_code_/u)
      assert.deepStrictEqual(yield* agreed(ada), [{ scopes: ["openid", "email"], declinedScopes: ["profile"] }])
      assert.strictEqual((yield* go(ada, authorizeUrl(client))).url.origin, "https://client.example.com")
      const again = yield* askConsent(ada, authorizeUrl(client, { prompt: "consent" }))
      const marked = [...again.text.matchAll(/([^>]*) <span class="optional">\(allowed before\)/gu)].map(
        ([, text]) => text,
      )
      assert.deepStrictEqual(marked, ["know that it is you", "see your e-mail address"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("of no is told to the client, and nothing is remembered", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const client = yield* makeClient()
      const page = yield* askConsent(ada, authorizeUrl(client))
      const answer = answerOf(yield* send(ada, page, "/authorize/consent", { ...allow, decision: "deny" }))
      assert.deepStrictEqual(answer["error"], "access_denied")
      assert.deepStrictEqual(yield* agreed(ada), [])
      yield* askConsent(ada, authorizeUrl(client))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("counts once, and only from who was asked", () =>
    Effect.gen(function* () {
      const { site, ada } = yield* makeAda
      const client = yield* makeClient()
      const page = yield* askConsent(ada, authorizeUrl(client))
      const fields = { ...hiddenOf(page, "/authorize/consent"), ...allow }
      // Another browser, with the same form.
      const bob = browser(site)
      yield* signUp(bob, "bob@example.com")
      assert.strictEqual((yield* bob.submit("/authorize/consent", fields)).status, 400)
      // Somebody else in the same browser, who was not asked.
      const session = ada.cookies.get("__Host-belfry_session") ?? ""
      ada.cookies.set("__Host-belfry_session", bob.cookies.get("__Host-belfry_session") ?? "")
      const asked = yield* send(ada, page, "/authorize/consent", allow)
      assert.strictEqual(asked.path, "/authorize/consent")
      assert.include(textOf(asked.page), "Signed in as bob@example.com")
      assert.deepStrictEqual(yield* agreed(ada), [])
      ada.cookies.set("__Host-belfry_session", session)
      // A form without a decision decides nothing.
      assert.strictEqual((yield* ada.submit("/authorize/consent", { ...fields, decision: "maybe" })).status, 400)
      assert.strictEqual((yield* send(ada, page, "/authorize/consent", allow)).url.origin, "https://client.example.com")
      assert.strictEqual((yield* send(ada, page, "/authorize/consent", allow)).page.status, 400)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is posted to a client that wants it so", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const page = yield* askConsent(ada, authorizeUrl(yield* makeClient(), { response_mode: "form_post" }))
      const { page: posting } = yield* send(ada, page, "/authorize/consent", allow)
      assert.deepStrictEqual([posting.status, posting.location], [200, null])
      assert.include(posting.text, '<form method="post" action="https://client.example.com/callback">')
      assert.match(posting.text, /name="code" value="belfry_code_/u)
      assert.strictEqual(posting.headers.get("cache-control"), "no-store")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not asked for by a client that the host trusts", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const client = yield* makeClient({}, { privileges: { skipConsent: true } })
      assert.strictEqual((yield* go(ada, authorizeUrl(client))).url.origin, "https://client.example.com")
    }).pipe(Effect.provide(layer)),
  )
})

describe("applications with access", () => {
  const sectionOf = ({ text }: Visited): string =>
    (/<section id="applications"[^>]*>([^]*?)<\/section>/u.exec(text)?.[1] ?? "")
      .replace(/<[^>]*>/gu, " ")
      .replace(/\s+/gu, " ")
      .trim()

  /** An access in force, as of a client that redeemed its code. */
  const giveAccess = Effect.fnUntraced(function* (ada: Browser, client: OAuthClient) {
    const { user } = yield* sessionOf(ada)
    const now = yield* DateTime.now
    return yield* OAuthBuilders.storedGrant({
      userId: user.id,
      clientId: client.id,
      scopes: ["openid"],
      code: { redeemedAt: now },
    })
  })

  it.effect("are none at first, and say what they may and since when", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      assert.strictEqual(
        sectionOf(yield* ada.open("/account")),
        "Applications with access No application has access to your account.",
      )
      const client = yield* makeClient()
      yield* send(ada, yield* askConsent(ada, authorizeUrl(client)), "/authorize/consent", allow)
      yield* giveAccess(ada, client)
      yield* TestClock.adjust("3 minutes")
      assert.strictEqual(
        sectionOf(yield* ada.open("/account")),
        "Applications with access These applications may use your account. Analytical Engine Remove access It may know that it is you, see your name and picture, and see your e-mail address. Allowed 3 minutes ago",
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("of one name are told apart by the host of a client whose id is a URL", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      yield* giveAccess(ada, yield* makeClient())
      const id = ClientId.make("https://engine.example/client.json")
      yield* giveAccess(ada, yield* makeClient({}, { id }))
      const text = sectionOf(yield* ada.open("/account"))
      assert.include(text, " Analytical Engine Remove access")
      assert.include(text, " Analytical Engine (engine.example) Remove access")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are ended one access at a time, or all with the consent", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const client = yield* makeClient()
      yield* send(ada, yield* askConsent(ada, authorizeUrl(client)), "/authorize/consent", allow)
      yield* giveAccess(ada, client)
      yield* giveAccess(ada, client)
      const { user } = yield* sessionOf(ada)
      const grants = Consents.use((consents) => consents.grants(user.id))
      const [first, second] = yield* grants
      assert.isDefined(second)
      const shown = yield* ada.open("/account")
      assert.include(shown.text, `name="grant" value="${first?.id}"`)
      const ended = yield* ada.submit("/account", { action: "end-access", grant: first?.id ?? "" })
      assert.strictEqual(ended.location, "/account?done=access-ended")
      assert.deepStrictEqual(
        (yield* grants).map(({ id }) => id),
        [second?.id],
      )
      // Again, it is what was asked for.
      assert.strictEqual((yield* ada.submit("/account", { action: "end-access", grant: first?.id ?? "" })).status, 303)
      assert.notInclude((yield* ada.open("/account")).text, 'name="grant"')
      const removed = yield* ada.submit("/account", { action: "remove-application", client: client.id })
      assert.strictEqual(removed.location, "/account?done=access-removed")
      assert.deepStrictEqual([yield* grants, yield* agreed(ada)], [[], []])
      assert.include(textOf(yield* ada.open("/account?done=access-removed")), "The application has no access any more.")
      yield* askConsent(ada, authorizeUrl(client))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are named when they have no access left but a consent", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const { user } = yield* sessionOf(ada)
      const client = yield* makeClient()
      yield* Consents.use((consents) =>
        consents.give({
          userId: user.id,
          clientId: client.id,
          referenceId: null,
          scopes: ["openid"],
          declinedScopes: [],
          resources: [],
          client: unknownClient,
        }),
      )
      const text = sectionOf(yield* ada.open("/account"))
      assert.include(text, "Analytical Engine Remove access It may know that it is you.")
      assert.include(text, "It has no access at the moment")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are those of the person who is signed in, and of nobody else", () =>
    Effect.gen(function* () {
      const { site, ada } = yield* makeAda
      const client = yield* makeClient()
      yield* giveAccess(ada, client)
      const { user } = yield* sessionOf(ada)
      const grants = Consents.use((consents) => consents.grants(user.id))
      const [grant] = yield* grants
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      assert.notInclude((yield* eve.open("/account")).text, "Analytical Engine")
      yield* eve.submit("/account", { action: "end-access", grant: grant?.id ?? "" })
      yield* eve.submit("/account", { action: "remove-application", client: client.id })
      assert.strictEqual((yield* grants).length, 1)
      for (const action of ["end-access", "remove-application"]) {
        assert.strictEqual((yield* eve.submit("/account", { action })).status, 400)
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("signing in with the password again", () => {
  it.effect("is what a consent page leads to where nobody is signed in any more", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeAda
      const asked = yield* go(ada, authorizeUrl(yield* makeClient()))
      ada.cookies.delete("__Host-belfry_session")
      const start = yield* send(ada, asked.page, "/authorize/consent", allow)
      assert.strictEqual(start.path, "/sign-in")
      assert.strictEqual((yield* go(ada, asked.url.pathname + asked.url.search)).path, "/sign-in")
      assert.strictEqual((yield* send(ada, start.page, "/sign-in", { email, password })).path, "/authorize/consent")
    }).pipe(Effect.provide(layer)),
  )
})
