/**
 * Answers to a browser that is on its way between a client and this site: redirects, a form that posts itself, and pages
 * for what has no other page. None of them is kept, framed, or tells the next site where the browser came from.
 */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Schema from "effect/Schema"
import type { AuthorizationResponse } from "../Authorizations.ts"
import { withQuery } from "./authorizationAnswers.ts"

/** RFC 9700 §4.2.4: codes and states are nobody else's business. */
const privately = {
  "cache-control": "no-store",
  pragma: "no-cache",
  "referrer-policy": "no-referrer",
} as const

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
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify(body), {
    status,
    contentType: "application/json",
    headers: { ...privately, ...headers },
  })

/** Where an answer goes by a redirect. */
export const urlOf = ({ redirectUri, parameters }: AuthorizationResponse): string => withQuery(redirectUri, parameters)

/**
 * A form that posts itself, with a button for browsers without script.
 *
 * @see [OAuth 2.0 Form Post Response Mode §2](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html#FormPostResponseMode)
 */
export const formPost = ({ parameters, redirectUri }: AuthorizationResponse): HttpServerResponse.HttpServerResponse => {
  const fields = parameters.map(
    ([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`,
  )
  return page(
    200,
    `<form method="post" action="${escape(redirectUri)}">${fields.join("")}<button type="submit">Continue</button></form>` +
      `<script>${submit}</script>`,
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

const submit = "document.forms[0].submit()"

const page = (
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>One moment</title></head><body>${body}</body></html>`,
    {
      status,
      contentType: "text/html; charset=utf-8",
      headers: {
        ...privately,
        // Without `form-action`: browsers would hold to it what the client does with the form. The hash is of `submit`.
        "content-security-policy":
          "default-src 'none'; script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='; base-uri 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        ...headers,
      },
    },
  )
