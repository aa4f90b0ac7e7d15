/**
 * What every hosted page needs: the site, its words and looks, its files, and the way from a request to a document.
 *
 * @since 0.1.0
 */
import { PagePaths, type PagePathsService } from "@belfry/core/PagePaths"
import { Site } from "@belfry/core/Site"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { html } from "./html.ts"
import { type Catalogue, PageCatalogues } from "../PageCatalogues.ts"
import { PageTheme, PageThemeInvalid, Theme } from "../PageTheme.ts"
import { codesScript } from "./codesScript.ts"
import { passkeyScript } from "./passkeyScript.ts"
import { script } from "./script.ts"
import { stylesheet } from "./stylesheet.ts"
import { document, type Page } from "./views/document.ts"

/**
 * Paths of all pages: those that mails link to, and those that pages link to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Paths extends PagePathsService {
  readonly addPasskey: `/${string}`
  readonly authorizeAccount: `/${string}`
  readonly authorizeCancel: `/${string}`
  readonly authorizeConsent: `/${string}`
  readonly authorizeError: `/${string}`
  readonly authorizeOrganization: `/${string}`
  readonly backupCodes: `/${string}`
  readonly billingInvoices: `/${string}`
  readonly billingPlans: `/${string}`
  readonly cancelSignIn: `/${string}`
  readonly checkMail: `/${string}`
  readonly checkout: `/${string}`
  readonly confirmAccess: `/${string}`
  readonly confirmSignOut: `/${string}`
  readonly deleteAccount: `/${string}`
  readonly editPasskey: `/${string}`
  readonly endSubscription: `/${string}`
  readonly enrol: `/${string}`
  readonly enrolHotp: `/${string}`
  readonly enrolPasskey: `/${string}`
  readonly enrolTotp: `/${string}`
  readonly enterCode: `/${string}`
  readonly hotp: `/${string}`
  readonly newOrganization: `/${string}`
  readonly passkeys: `/${string}`
  readonly removeFactor: `/${string}`
  readonly signedOut: `/${string}`
  readonly signInEmail: `/${string}`
  readonly signInPasskey: `/${string}`
  readonly signInProvider: `/${string}`
  readonly signOut: `/${string}`
  readonly totp: `/${string}`
  readonly unlinkAccount: `/${string}`
}

/**
 * A file that the pages load, at a path that changes with its content.
 *
 * @category models
 * @since 0.1.0
 */
export interface Asset {
  readonly path: `/${string}`
  readonly contentType: string
  readonly content: string
}

/**
 * What every hosted page needs.
 *
 * @category services
 * @since 0.1.0
 */
export class PageKit extends Context.Service<
  PageKit,
  {
    readonly site: Site["Service"]
    readonly paths: Paths
    readonly catalogues: readonly [Catalogue, ...ReadonlyArray<Catalogue>]
    readonly assets: ReadonlyArray<Asset>
    /** The response with a page. */
    readonly respond: (page: Page, words: Catalogue) => HttpServerResponse.HttpServerResponse
    /** Sends the browser on, by GET. `target` is a path of this site or a checked redirect target. */
    readonly redirect: (target: string) => HttpServerResponse.HttpServerResponse
  }
>()("@belfry/server/pages/PageKit") {}

/**
 * Layer of the kit. Fails when the theme is not of its form.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<PageKit, PageThemeInvalid, Site> = Layer.effect(
  PageKit,
  Effect.gen(function* () {
    const site = yield* Site
    const pagePaths = yield* PagePaths
    const catalogues = yield* PageCatalogues
    const theme = yield* Effect.mapError(
      Schema.decodeUnknownEffect(Theme)(yield* PageTheme),
      ({ message }) => new PageThemeInvalid({ issue: message }),
    )
    const { account, billing, organizations, signIn } = pagePaths
    const paths: Paths = {
      ...pagePaths,
      addPasskey: `${account}/passkeys/add`,
      authorizeAccount: "/authorize/account",
      authorizeCancel: "/authorize/cancel",
      authorizeConsent: "/authorize/consent",
      authorizeError: "/authorize/error",
      authorizeOrganization: "/authorize/organization",
      backupCodes: `${account}/backup-codes`,
      billingInvoices: `${billing}/invoices`,
      billingPlans: `${billing}/plans`,
      cancelSignIn: `${signIn}/cancel`,
      checkMail: "/check-mail",
      checkout: `${billing}/checkout`,
      confirmAccess: `${account}/confirm`,
      confirmSignOut: "/sign-out/confirm",
      deleteAccount: `${account}/delete`,
      editPasskey: `${account}/passkeys/edit`,
      endSubscription: `${billing}/cancel`,
      enrol: `${signIn}/enrol`,
      enrolHotp: `${signIn}/enrol/hotp`,
      enrolPasskey: `${signIn}/enrol/passkey`,
      enrolTotp: `${signIn}/enrol/totp`,
      enterCode: `${signIn}/code`,
      hotp: `${account}/hotp`,
      newOrganization: `${organizations}/new`,
      passkeys: `${account}/passkeys`,
      removeFactor: `${account}/remove`,
      signedOut: "/sign-out/done",
      signInEmail: `${signIn}/email`,
      signInPasskey: `${signIn}/passkey`,
      signInProvider: `${signIn}/provider`,
      signOut: "/sign-out",
      totp: `${account}/totp`,
      unlinkAccount: `${account}/unlink`,
    }
    const css = yield* asset("css", "text/css; charset=utf-8", stylesheet(theme))
    const js = yield* asset("js", "text/javascript; charset=utf-8", script)
    const passkeysJs = yield* asset("js", "text/javascript; charset=utf-8", passkeyScript)
    const codesJs = yield* asset("js", "text/javascript; charset=utf-8", codesScript)
    const svg = yield* asset("svg", "image/svg+xml", icon(site.name, theme))
    const headers = headersOf(site, theme)
    const policyOf = ({ formActions = [], needs }: Page): string =>
      // The script of passkeys asks the API of the same origin.
      [contentSecurityPolicy(site, theme, formActions), ...(needs === "passkeys" ? ["connect-src 'self'"] : [])].join(
        "; ",
      )
    const frame = {
      siteName: site.name,
      logo: theme.logo,
      assets: { stylesheet: css.path, script: js.path, passkeys: passkeysJs.path, codes: codesJs.path, icon: svg.path },
    }

    return PageKit.of({
      site,
      paths,
      catalogues,
      assets: [css, js, passkeysJs, codesJs, svg],
      respond: (page, browserWords) => {
        const words = page.words ?? browserWords
        return HttpServerResponse.text(document({ ...frame, words }, page).text, {
          status: page.status ?? 200,
          contentType: "text/html; charset=utf-8",
          headers: {
            ...headers,
            "content-security-policy": policyOf(page),
            ...(page.holdsToken === true ? { "referrer-policy": "strict-origin" } : {}),
            "content-language": words.locale,
            vary: "accept-language",
            ...page.headers,
          },
        })
      },
      redirect: (target) => HttpServerResponse.redirect(target, { status: 303, headers }),
    })
  }),
)

/**
 * The response with a file that the pages load: compressed for browsers that say that they read that, when the first of
 * them asks. It has no secret, so its length tells nothing; pages, which have some, are never compressed.
 *
 * @see [RFC 9110 §12.5.3](https://www.rfc-editor.org/rfc/rfc9110.html#section-12.5.3)
 * @category accessors
 * @since 0.1.0
 */
export const assetResponse = Effect.fnUntraced(function* ({ content, contentType }: Asset) {
  const headers = {
    "cache-control": "public, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    vary: "accept-encoding",
    "x-content-type-options": "nosniff",
  }
  const plain = Effect.succeed(HttpServerResponse.text(content, { contentType, headers }))
  const compressed = yield* Effect.cached(
    Effect.map(gzip(content), (bytes) =>
      HttpServerResponse.uint8Array(bytes, { contentType, headers: { ...headers, "content-encoding": "gzip" } }),
    ),
  )
  return (request: HttpServerRequest.HttpServerRequest) =>
    readsGzip.test(request.headers["accept-encoding"] ?? "") ? compressed : plain
})

// internal

/** `gzip`, unless it is weighed, which browsers do not do: whoever says `gzip;q=0` gets the file as it is. */
const readsGzip = /(?:^|,)\s*gzip\s*(?:,|$)/iu

/**
 * The headers of every page and redirect.
 *
 * Referrer-Policy is not `no-referrer`: under it browsers send `Origin: null` with a form, even to the page's own site
 * (Fetch Standard §3.2), and over plain http there is no `Sec-Fetch-Site` to make up for it, so the check of origins
 * would refuse the site's own forms. `same-origin` tells other sites just as little. A page whose address carries a
 * token answers `strict-origin` instead, which keeps `Origin` and leaves the address out of every `Referer`.
 */
const headersOf = (site: Site["Service"], theme: Theme): Readonly<Record<string, string>> => ({
  "content-security-policy": contentSecurityPolicy(site, theme),
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
  ...(site.isSecure ? { "strict-transport-security": "max-age=63072000; includeSubDomains" } : {}),
})

const contentSecurityPolicy = (
  site: Site["Service"],
  { logo }: Theme,
  formActions: ReadonlyArray<string> = [],
): string =>
  [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    `img-src ${["'self'", ...logoSource(logo)].join(" ")}`,
    // Browsers hold the redirect after a form to this list too, and a sign-in may lead back to another origin of the
    // site, or to the client that waits for it.
    `form-action ${["'self'", ...new Set([...site.allowedOrigins, ...formActions])].join(" ")}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ")

const logoSource = (logo: Theme["logo"]): ReadonlyArray<string> => {
  if (logo === null || logo.src.startsWith("/")) return []
  return logo.src.startsWith("data:") ? ["data:"] : [new URL(logo.src).origin]
}

const asset = (extension: string, contentType: string, content: string): Effect.Effect<Asset> =>
  Effect.promise(async () => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(content))
    const hash = [...new Uint8Array(digest).subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("")
    return { path: `/assets/belfry.${hash}.${extension}`, contentType, content }
  })

const gzip = (content: string): Effect.Effect<Uint8Array> =>
  Effect.promise(async () => {
    const parts: Array<Uint8Array<ArrayBuffer>> = []
    // A `Response` would collect them in fewer words; on Node it loads an HTTP client with all that belongs to one.
    for await (const part of new Blob([content]).stream().pipeThrough(new CompressionStream("gzip"))) parts.push(part)
    return new Uint8Array(await new Blob(parts).arrayBuffer())
  })

const icon = (siteName: string, { accent, onAccent }: Theme): string =>
  html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
    <rect width="32" height="32" rx="8" fill="${accent.light}"></rect>
    <text
      x="16"
      y="23"
      text-anchor="middle"
      font-family="system-ui, sans-serif"
      font-size="20"
      font-weight="600"
      fill="${onAccent.light}"
    >
      ${[...siteName][0]?.toUpperCase()}
    </text>
  </svg>`.text
