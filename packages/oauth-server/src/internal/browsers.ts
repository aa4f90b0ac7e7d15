/**
 * The browser behind a request: its cookies, what it sends, and whether a person or a script waits for the answer.
 */
import type { RequestBodyService } from "@belfry/core/RequestBodyHandlers"
import { clientInfo, cookieSession, readCookie, setCookie } from "@belfry/core/RequestHandlers"
import type { Sessions } from "@belfry/core/Sessions"
import type { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as Redacted from "effect/Redacted"
import type { AuthorizationResponse, Browser } from "../Authorizations.ts"
import { browserCookie } from "../WaitingRequests.ts"
import { isForm } from "./forms.ts"

/** Reads browsers. A session that is prolonged by this use gets its cookie again. */
export const browsers = (services: { readonly sessions: Sessions["Service"]; readonly site: Site["Service"] }) => {
  const { sessions, site } = services

  return {
    of: Effect.fnUntraced(function* (
      request: HttpServerRequest.HttpServerRequest,
    ): Effect.fn.Return<Browser, StoreError, HttpServerRequest.HttpServerRequest> {
      return {
        token: readCookie(request, browserCookie, site) ?? null,
        signedIn: yield* Effect.catchTag(cookieSession(request, sessions, site), "SessionInvalid", () =>
          Effect.succeed(null),
        ),
        clientInfo: clientInfo(request),
      }
    }),

    /** Ties requests that wait to this browser. It outlives every one of them by far. */
    keep: (token: Redacted.Redacted) => setCookie({ name: browserCookie, value: token, maxAge: "1 day" }, site),
  }
}

/**
 * Whether script waits for the answer, and not a person: it cannot follow a redirect to another site. A browser says so
 * itself, and others by what they accept.
 *
 * @see [Fetch Metadata §2.2](https://www.w3.org/TR/fetch-metadata/#sec-fetch-mode-header)
 */
export const isScript = ({ headers }: HttpServerRequest.HttpServerRequest): boolean => {
  const mode = headers["sec-fetch-mode"]
  if (mode !== undefined) return mode !== "navigate"
  const accept = headers["accept"] ?? ""
  return accept.includes("application/json") && !accept.includes("text/html")
}

/**
 * Whether an answer would take a person to a site that they do not come from. In a frame, nobody's window goes
 * anywhere; and who comes from there was there.
 *
 * @see [Fetch Metadata §2.1](https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header)
 */
export const isLedAway = (
  request: HttpServerRequest.HttpServerRequest,
  { redirectUri }: AuthorizationResponse,
): boolean => {
  const { "sec-fetch-dest": destination = "document", referer = "" } = request.headers
  return (
    !isScript(request) && destination === "document" && URL.parse(referer)?.origin !== URL.parse(redirectUri)?.origin
  )
}

/** The query of a request, as it came. */
export const queryOf = ({ url }: HttpServerRequest.HttpServerRequest): URLSearchParams => {
  const start = url.indexOf("?")
  return new URLSearchParams(start < 0 ? "" : url.slice(start + 1).replace(/#.*$/su, ""))
}

/** The form of a request; empty where the body is none, is too large, or does not come to its end. */
export const formOf = (
  body: RequestBodyService,
  request: HttpServerRequest.HttpServerRequest,
): Effect.Effect<URLSearchParams> =>
  isForm(request)
    ? Effect.match(body.text(request, maxSize), {
        onFailure: () => new URLSearchParams(),
        onSuccess: (text) => new URLSearchParams(text),
      })
    : Effect.succeed(new URLSearchParams())

// internal

const maxSize = ByteSize.kibibytes(64)
