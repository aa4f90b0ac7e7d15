/**
 * Clients that other people wrote, in a browser: a single-page app, and a web application with a session of its own.
 */
import { assert, it, onTestFinished } from "@effect/vitest"
import { betterAuth } from "better-auth"
import { memoryAdapter } from "better-auth/adapters/memory"
import { toNodeHandler } from "better-auth/node"
import { genericOAuth } from "better-auth/plugins/generic-oauth"
import type { UserManager } from "oidc-client-ts"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import type { RequestListener } from "node:http"
import { createRequire } from "node:module"
import * as Path from "node:path"
import { signUp } from "./support/people.ts"
import { listen, register } from "./support/RelyingParty.ts"
import type { ServedSite } from "./support/ServedSite.ts"
import { inBrowser } from "./support/Stage.ts"
import type { Visitor } from "./support/Visitor.ts"

const environment = { BELFRY_OAUTH_REGISTRATION: "open", BELFRY_OAUTH_RATE_LIMITS: "false" }

declare global {
  interface Window {
    readonly manager: UserManager
  }
}

/** A server that goes with the test. */
const serve = async (handle: RequestListener): Promise<string> => {
  const { origin, stop } = await listen(handle)
  onTestFinished(stop)
  return origin
}

const heading = (visitor: Visitor, text: string) =>
  visitor.page.getByRole("heading", { level: 1, name: text }).waitFor()

/** The bundle of oidc-client-ts for browsers, as it is published. */
const bundle = Fs.readFileSync(
  Path.join(Path.dirname(createRequire(import.meta.url).resolve("oidc-client-ts")), "../browser/oidc-client-ts.min.js"),
)

/** A single-page app that keeps its tokens itself: all that it does with the server, it does by `fetch`. */
const startApp = async (site: ServedSite): Promise<string> => {
  let settings = "{}"
  const origin = await serve((request, response) => {
    if (request.url === "/oidc-client-ts.js") {
      response.setHeader("content-type", "text/javascript")
      return void response.end(bundle)
    }
    response.setHeader("content-type", "text/html")
    response.end(`<!doctype html>
      <html lang="en"><title>App</title><link rel="icon" href="data:,"><h1>Welcome</h1>
      <script src="/oidc-client-ts.js"></script>
      <script>
        const manager = window.manager = new oidc.UserManager(${settings})
        const show = (text) => document.querySelector("h1").textContent = text
        if (new URLSearchParams(location.search).has("state")) {
          if (location.pathname === "/bye") manager.signoutRedirectCallback().then(() => show("Good bye"), (e) => show(String(e)))
          else manager.signinRedirectCallback().then((user) => show("Hello, " + user.profile.email), (e) => show(String(e)))
        }
      </script></html>`)
  })
  const { client_id } = await register(site, {
    client_name: "Single Page",
    redirect_uris: [`${origin}/`],
    post_logout_redirect_uris: [`${origin}/bye`],
    token_endpoint_auth_method: "none",
  })
  settings = JSON.stringify({
    authority: `${site.origin}/auth`,
    client_id,
    redirect_uri: `${origin}/`,
    post_logout_redirect_uri: `${origin}/bye`,
    scope: "openid profile email offline_access",
    loadUserInfo: true,
    automaticSilentRenew: false,
  })
  return origin
}

/** A web application on Better Auth, whose users sign in here. */
const startBetterAuth = async (site: ServedSite): Promise<string> => {
  let handle: RequestListener = (_request, response) => void response.writeHead(503).end()
  const origin = await serve((request, response) => {
    if (request.url?.startsWith("/api/auth/") === true) return handle(request, response)
    response.setHeader("content-type", "text/html")
    response.end(`<!doctype html>
      <html lang="en"><title>Application</title><link rel="icon" href="data:,"><h1>Welcome</h1>
      <button>Sign in with Belfry</button>
      <script>
        const ask = (path, body) => fetch("/api/auth/" + path, body && {
          method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
        }).then((response) => response.json())
        ask("get-session").then((session) => {
          if (session) document.querySelector("h1").textContent = "Hello, " + session.user.email
        })
        document.querySelector("button").onclick = async () => {
          const { url } = await ask("sign-in/social", { provider: "belfry", callbackURL: "/" })
          location.href = url
        }
      </script></html>`)
  })
  const { client_id, client_secret = "" } = await register(site, {
    client_name: "Better Application",
    redirect_uris: [`${origin}/api/auth/callback/belfry`],
    token_endpoint_auth_method: "client_secret_post",
  })
  const auth = betterAuth({
    baseURL: origin,
    secret: randomBytes(32).toString("base64url"),
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    telemetry: { enabled: false },
    plugins: [
      genericOAuth({
        config: [
          {
            providerId: "belfry",
            clientId: client_id,
            clientSecret: client_secret,
            discoveryUrl: `${site.origin}/auth/.well-known/openid-configuration`,
            requireIdTokenVerification: true,
            scopes: ["openid", "profile", "email"],
            pkce: true,
          },
        ],
      }),
    ],
  })
  const listener = toNodeHandler(auth)
  handle = (request, response) => void listener(request, response)
  return origin
}

inBrowser(
  "clients that other people wrote",
  (stage) => {
    it("oidc-client-ts signs in as a single-page app of another origin, refreshes, and signs out", async () => {
      const email = "single-page@example.com"
      const visitor = await stage.visitor()
      const origin = await startApp(stage.site)
      await visitor.mayVisit(origin)
      const { page } = visitor
      await signUp(visitor, email)
      await page.goto(`${origin}/`)
      await visitor.arrive(() => page.evaluate(() => void window.manager.signinRedirect()))
      assert.strictEqual(await visitor.heading(), "Allow Single Page to use your account?")
      await visitor.press("Allow")
      await heading(visitor, `Hello, ${email}`)
      const user = await page.evaluate(async () => {
        const found = await window.manager.getUser()
        return {
          access: found?.access_token,
          refresh: found?.refresh_token,
          scope: found?.scope,
          name: found?.profile.name,
        }
      })
      assert.strictEqual(user.name, "Ada")
      assert.strictEqual(user.scope, "openid profile email offline_access")

      const renewed = await page.evaluate(async () => {
        const found = await window.manager.signinSilent()
        return { access: found?.access_token, refresh: found?.refresh_token, email: found?.profile.email }
      })
      assert.isString(renewed.access)
      assert.notStrictEqual(renewed.access, user.access)
      assert.notStrictEqual(renewed.refresh, user.refresh)
      assert.strictEqual(renewed.email, email)
      const claims = await page.evaluate(
        async ([url, token]) => {
          const answer = await fetch(`${url}/auth/oauth2/userinfo`, { headers: { authorization: `Bearer ${token}` } })
          return { status: answer.status, body: (await answer.json()) as { readonly email?: string } }
        },
        [stage.site.origin, renewed.access] as const,
      )
      assert.deepStrictEqual([claims.status, claims.body.email], [200, email])

      await visitor.arrive(() => page.evaluate(() => void window.manager.signoutRedirect({ state: "bye" })))
      assert.strictEqual(await visitor.heading(), "Sign out?")
      assert.include(await visitor.text(), "Single Page asks to sign you out here.")
      await visitor.press("Sign out")
      await heading(visitor, "Good bye")
      await visitor.go(`${stage.site.origin}/account`)
      assert.strictEqual(await visitor.heading(), "Sign in")
    })

    it("Better Auth signs people in as a confidential client, and knows them again", async () => {
      const email = "better@example.com"
      const visitor = await stage.visitor()
      const origin = await startBetterAuth(stage.site)
      await visitor.mayVisit(origin)
      const { page } = visitor
      await signUp(visitor, email)
      await page.goto(`${origin}/`)
      await visitor.arrive(() => page.getByRole("button", { name: "Sign in with Belfry" }).click())
      await heading(visitor, "Allow Better Application to use your account?")
      await visitor.press("Allow")
      await heading(visitor, `Hello, ${email}`)
      // The consent holds: the second time there is no question.
      await page.context().clearCookies({ domain: "127.0.0.1" })
      await page.goto(`${origin}/`)
      await heading(visitor, "Welcome")
      await page.getByRole("button", { name: "Sign in with Belfry" }).click()
      await heading(visitor, `Hello, ${email}`)
    })
  },
  environment,
)
