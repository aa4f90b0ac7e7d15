/**
 * Stand-ins for Google, Microsoft, Apple and GitHub on loopback, and somebody who signs in on their pages.
 */
import type { OAuthProvider } from "@belfry/oauth-client/OAuthProvider"
import { OAuthTransport } from "@belfry/oauth-client/OAuthTransport"
import { Effect, Redacted, type Scope } from "effect"
import { createEmulator, type ServiceName } from "emulate"
import { request } from "node:http"

/** Where the providers send people back to. Nobody listens there. */
export const redirectUri = "http://127.0.0.1:9/callback"

/** Starts a stand-in with this seed, which stops with the scope, and returns where it is. */
export const start = (
  service: ServiceName,
  seed: Readonly<Record<string, unknown>>,
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => createEmulator({ service, port: 0, seed: { [service]: seed } })),
      (emulator) => Effect.promise(() => emulator.close()),
    ),
    ({ url }) => url,
  )

/** What a provider sent back: how, and the fields. */
export interface Arrival {
  readonly method: "GET" | "POST"
  readonly fields: Readonly<Record<string, string>>
}

/**
 * Sends a browser to a provider with a fresh state, verifier and nonce, where it chooses `account`, and returns what
 * comes back with what was sent.
 */
export const visit = Effect.fnUntraced(function* (provider: OAuthProvider, account: string) {
  const transport = yield* OAuthTransport
  const sent = {
    redirectUri,
    state: Redacted.make(crypto.randomUUID()),
    codeVerifier: Redacted.make(crypto.randomUUID() + crypto.randomUUID()),
    nonce: provider.useNonce && provider.scopes.includes("openid") ? crypto.randomUUID() : null,
  }
  const url = yield* transport.authorizationUrl(provider, sent)
  const arrival = yield* Effect.promise(() => choose(url, account))
  return { ...sent, ...arrival, url, code: Redacted.make(arrival.fields["code"] ?? "") }
})

/** Signs `account` in, as far as it goes without accounts of ours: tokens, claims, profile. */
export const signIn = Effect.fnUntraced(function* (provider: OAuthProvider, account: string) {
  const transport = yield* OAuthTransport
  const visited = yield* visit(provider, account)
  const tokens = yield* transport.exchange(provider, visited)
  const { idToken, accessToken } = tokens
  const claims =
    idToken === null ? null : yield* transport.validateIdToken(provider, idToken, { nonce: visited.nonce, accessToken })
  const profile = yield* transport.profile(provider, { tokens, claims, callbackFields: visited.fields })
  return { ...visited, tokens, claims, profile }
})

// internal

interface Page {
  readonly status: number
  readonly location: string | undefined
  readonly body: string
}

// As a browser's navigation, which `fetch` is not.
const navigate = (url: URL, form?: URLSearchParams) =>
  new Promise<Page>((resolve, reject) => {
    const headers = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }
    const options =
      form === undefined
        ? { headers }
        : { method: "POST", headers: { ...headers, "content-type": "application/x-www-form-urlencoded" } }
    const sending = request(url, options, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => (body += chunk))
      response.on("end", () => resolve({ status: response.statusCode ?? 0, location: response.headers.location, body }))
    })
    sending.on("error", reject)
    sending.end(form?.toString())
  })

const choose = async (url: URL, account: string): Promise<Arrival> => {
  const page = await navigate(url)
  const form = formsOf(page.body).find(({ fields }) => Object.values(fields).includes(account))
  if (form === undefined) throw new Error(`The page (${page.status}) offers no such account`)
  const answer = await navigate(new URL(form.action, url), new URLSearchParams(form.fields))
  if (answer.location !== undefined) {
    return { method: "GET", fields: Object.fromEntries(new URL(answer.location).searchParams) }
  }
  const [posted] = formsOf(answer.body)
  if (posted?.action !== redirectUri) throw new Error(`The page (${answer.status}) leads nowhere`)
  return { method: "POST", fields: posted.fields }
}

const formsOf = (html: string) =>
  [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gsu)].map(([, attributes = "", body = ""]) => ({
    action: attributeOf(attributes, "action"),
    fields: Object.fromEntries(
      [...body.matchAll(/<input\b([^>]*)>/gsu)].map(([, input = ""]) => [
        attributeOf(input, "name"),
        attributeOf(input, "value"),
      ]),
    ),
  }))

const attributeOf = (attributes: string, name: string): string =>
  (new RegExp(`\\b${name}="([^"]*)"`, "u").exec(attributes)?.[1] ?? "")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
