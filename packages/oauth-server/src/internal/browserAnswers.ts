/**
 * Answers to a browser that is on its way between a client and this site: redirects, a form that posts itself, and
 * pages for what has no other page. None of them is kept, framed, or tells the next site where the browser came from.
 */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Schema from "effect/Schema"
import type { AuthorizationResponse } from "../Authorizations.ts"
import type { OAuthClient } from "../OAuthClient.ts"
import * as RedirectUri from "../RedirectUri.ts"
import { withQuery } from "./authorizationAnswers.ts"
import { json as protocolJson, noStore } from "./protocolAnswers.ts"

/** RFC 9700 §4.2.4: codes and states are nobody else's business. */
const privately = { ...noStore, "referrer-policy": "no-referrer" } as const

/** A redirect. After a POST it is 303, so that nobody posts what was posted here (RFC 9700 §4.12). */
export const redirect = (
  location: string,
  method: string,
  headers: Readonly<Record<string, string>> = {},
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.redirect(location, {
    status: method === "GET" || method === "HEAD" ? 302 : 303,
    headers: { ...privately, ...headers },
  })

/** A JSON answer for script. */
export const json = (
  body: Schema.Json,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): HttpServerResponse.HttpServerResponse => protocolJson(body, { status, headers: { ...privately, ...headers } })

/** Where an answer goes by a redirect. */
export const urlOf = ({ redirectUri, parameters }: AuthorizationResponse): string => withQuery(redirectUri, parameters)

/**
 * A form that posts itself, with a button for browsers without script.
 *
 * @see [OAuth 2.0 Form Post Response Mode §2](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html#FormPostResponseMode)
 */
export const formPost = (response: AuthorizationResponse): HttpServerResponse.HttpServerResponse =>
  page(
    200,
    `<form method="post" action="${escape(response.redirectUri)}">${fieldsOf(response)}` +
      `<button type="submit">Continue</button></form><script>${submit}</script>`,
  )

/**
 * Asks the person before an error leads them to a client that nobody knows. What it says of itself is text here.
 *
 * @see [RFC 9700 §4.11.2](https://www.rfc-editor.org/rfc/rfc9700.html#section-4.11.2)
 */
export const leaving = (
  response: AuthorizationResponse,
  { id, metadata }: OAuthClient,
): HttpServerResponse.HttpServerResponse => {
  const { parameters, redirectUri, responseMode } = response
  const name = escape(oneLine(metadata.clientName ?? "") || id)
  const host = escape(RedirectUri.hostOf(redirectUri) ?? redirectUri)
  const error = escape(parameters.find(([name]) => name === "error")?.[1] ?? "")
  const way =
    responseMode === "form_post"
      ? `<form method="post" action="${escape(redirectUri)}">${fieldsOf(response)}<button>Continue to ${host}</button></form>`
      : `<p><a href="${escape(urlOf(response))}">Continue to ${host}</a></p>`
  return page(
    400,
    `<h1>This cannot go on here</h1><p>${name} sent you here, and asks to have you back at <strong>${host}</strong> ` +
      `(${error}). It registered itself, and nobody has checked who is behind it.</p>` +
      `<p>Go on only if you started this yourself. Otherwise close this window: nothing was changed.</p>${way}`,
  )
}

/** A page of one sentence, for what has no page: the server is overloaded or away. */
export const notice = (
  status: number,
  text: string,
  headers: Readonly<Record<string, string>>,
): HttpServerResponse.HttpServerResponse => page(status, `<p>${escape(text)}</p>`, headers)

/** Text as it stands in HTML, also in an attribute. */
export const escape = (text: string): string =>
  text.replaceAll(/[&<>"']/gu, (character) => `&#${character.codePointAt(0) ?? 0};`)

// internal

const fieldsOf = ({ parameters }: AuthorizationResponse): string =>
  parameters.map(([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`).join("")

/** Without characters that nobody sees or that turn text around, and not too long. */
const oneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Z}]+/gu, " ")
    .trim()
    .slice(0, 80)

const submit = "document.forms[0].submit()"

const style =
  ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}h1{font-size:1.5rem}"

const page = (
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>One moment</title><style>${style}</style></head><body>${body}</body></html>`,
    {
      status,
      contentType: "text/html; charset=utf-8",
      headers: {
        ...privately,
        // Without `form-action`: browsers would hold to it what the client does with the form. The hashes are of
        // `submit` and `style`.
        "content-security-policy":
          "default-src 'none'; script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='; style-src 'sha256-f8FTN2iWuCl9lIltBxgwepxstJR13IPcbUZahARJn6g='; base-uri 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        ...headers,
      },
    },
  )
