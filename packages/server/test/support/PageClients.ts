/**
 * Clients for page tests: they send browsers to the authorization endpoint, and read what comes back.
 */
import type { ClientMetadata, OAuthClient } from "@belfry/oauth-server/OAuthClient"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { type Browser, browser, layerServices, serveWithApi, signUp, type Visited } from "./PageBrowser.ts"

export const origin = "https://id.example.com"

/** Where the answers for {@link makeClient} go. */
export const redirectUri = "https://client.example.com/callback"

/** The services of a site with its authorization server. */
export const layer = layerServices()

/** A client on file. */
export const makeClient = (
  metadata: Partial<ClientMetadata> = {},
  fields: Omit<NonNullable<Parameters<typeof OAuthBuilders.storedClient>[0]>, "metadata"> = {},
) => OAuthBuilders.storedClient({ ...fields, metadata })

/**
 * A site with a client, whose people all have an account; the first one's browser is signed in, since a second: who
 * asks for a sign-in of now gets another.
 */
export const openSite = Effect.fnUntraced(function* (email: string, ...others: ReadonlyArray<string>) {
  const site = yield* serveWithApi()
  const signedIn = browser(site)
  yield* signUp(signedIn, email)
  for (const other of others) yield* signUp(browser(site), other)
  yield* TestClock.adjust("1 second")
  return { site, client: yield* makeClient(), signedIn }
})

/** The address at which a client begins: by default it asks for `openid profile email`. */
export const authorizeUrl = (client: OAuthClient, parameters: Readonly<Record<string, string>> = {}): string => {
  const query = new URLSearchParams({
    response_type: "code",
    client_id: client.id,
    redirect_uri: client.metadata.redirectUris[0] ?? redirectUri,
    scope: "openid profile email",
    state: "the state",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
    ...parameters,
  })
  return `/auth/oauth2/authorize?${query.toString()}`
}

/** A page that a way ended at; or where it left the site, with `page` being the redirect. */
export interface Arrived {
  readonly page: Visited
  readonly path: string
  readonly url: URL
}

/** Follows redirects as long as they stay on the site. */
export const follow = Effect.fnUntraced(function* (visitor: Browser, first: Visited, at: string) {
  let page = first
  let url = new URL(at, origin)
  for (let count = 0; page.location !== null; count++) {
    assert.isBelow(count, 10, `redirects without an end, at ${url.pathname}`)
    url = new URL(page.location, url)
    if (url.origin !== origin) break
    page = yield* visitor.open(url.pathname + url.search)
  }
  const arrived: Arrived = { page, path: url.pathname, url }
  return arrived
})

/** Opens an address of the site, and follows where it leads. */
export const go = (visitor: Browser, path: string) =>
  Effect.flatMap(visitor.open(path), (page) => follow(visitor, page, path))

/** Sends a form of a page with what it has hidden, and follows where that leads. */
export const send = Effect.fnUntraced(function* (
  visitor: Browser,
  page: Visited,
  action: string,
  fields: Readonly<Record<string, string>> = {},
) {
  const answer = yield* visitor.submit(action, { ...hiddenOf(page, action), ...fields })
  return yield* follow(visitor, answer, action)
})

/** The hidden fields of the first form of a page that goes to a path. */
export const hiddenOf = ({ text }: Visited, action: string): Readonly<Record<string, string>> => {
  const form = text.split("<form").find((part) => part.includes(`action="${action}"`))
  assert.isDefined(form, `a form that goes to ${action}`)
  return Object.fromEntries(
    [
      ...(form ?? "").replace(/<\/form>[^]*/u, "").matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/gu),
    ].map(([, name = "", value = ""]) => [name, unescape(value)]),
  )
}

/** The parameters of an answer that left the site. */
export const answerOf = ({ url }: Arrived): Readonly<Record<string, string>> => {
  assert.notStrictEqual(url.origin, origin, "the answer leaves the site")
  return Object.fromEntries(url.searchParams)
}

/** The heading of a page. */
export const headingOf = ({ text }: Visited): string => /<h1>([^<]*)<\/h1>/u.exec(text)?.[1] ?? ""

/** The text of a page without its tags. */
export const textOf = ({ text }: Visited): string =>
  unescape(
    text
      .replace(/[^]*<main>/u, "")
      .replace(/<[^>]*>/gu, " ")
      .replace(/\s+/gu, " ")
      .trim(),
  )

/** Where a page leads who wants to use another account for the client. */
export const otherAccountOf = ({ text }: Visited): string => {
  const href = /href="(\/sign-in\?[^"]*switch=1)"/u.exec(text)?.[1]
  return href === undefined ? assert.fail("a way to another account") : unescape(href)
}

/** Where forms of a page may lead. */
export const formActionsOf = ({ headers }: Visited): string =>
  /form-action ([^;]*)/u.exec(headers.get("content-security-policy") ?? "")?.[1] ?? ""

// internal

const unescape = (text: string): string =>
  text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&")
