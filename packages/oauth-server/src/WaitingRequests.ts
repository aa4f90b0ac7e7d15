/**
 * Authorization requests that wait for a person, each in one browser.
 *
 * @since 0.1.0
 */
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import type { SessionId } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import {
  type AuthorizationRequest,
  type RequestStep,
  type WaitingRequest,
  WaitingRequestId,
} from "./AuthorizationRequest.ts"
import { prefixes } from "./Grant.ts"
import { AuthorizationRefused } from "./OAuthError.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"
import { WaitingRequestStore } from "./WaitingRequestStore.ts"

/**
 * The base name of the cookie that ties waiting requests to a browser. `Site.cookieName` makes it whole.
 *
 * @category models
 * @since 0.1.0
 */
export const browserCookie = "belfry_authorization"

/**
 * Authorization requests that wait for a person.
 *
 * **Details**
 *
 * The browser is known by an opaque token in a cookie (`SameSite=Lax`, `HttpOnly`), of which the hash is kept. One
 * browser may have several requests that wait. A request that is unknown, over, used, or another browser's fails alike:
 * `expired`, or `other_browser` where the browser has no cookie at all, since then cookies may be off.
 *
 * @category services
 * @since 0.1.0
 */
export class WaitingRequests extends Context.Service<
  WaitingRequests,
  {
    /** Lets a request wait. `newBrowserToken` is for the cookie, when the browser had none that is well-formed. */
    readonly begin: (
      request: AuthorizationRequest,
      browserToken: Redacted.Redacted | null,
    ) => Effect.Effect<
      { readonly waiting: WaitingRequest; readonly newBrowserToken: Redacted.Redacted | null },
      StoreError
    >
    readonly get: (
      id: string,
      browserToken: Redacted.Redacted | null,
    ) => Effect.Effect<WaitingRequest, AuthorizationRefused | StoreError>
    readonly advance: (
      id: string,
      browserToken: Redacted.Redacted | null,
      sessionId: SessionId,
      step: RequestStep,
    ) => Effect.Effect<WaitingRequest, AuthorizationRefused | StoreError>
    /** Takes a request that is answered now: one of concurrent calls gets it. */
    readonly consume: (
      id: string,
      browserToken: Redacted.Redacted | null,
    ) => Effect.Effect<WaitingRequest, AuthorizationRefused | StoreError>
  }
>()("@belfry/oauth-server/WaitingRequests") {}

/**
 * Builds the service over its store and the key ring.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* WaitingRequestStore
  const random = yield* SecureRandom.SecureRandom
  const settings = yield* OAuthServerSettings
  const hasher = yield* (yield* KeyRing).hasher("oauth-authorization-browser")

  const generate = Effect.provideService(OpaqueToken.generate(prefixes.browser), SecureRandom.SecureRandom, random)

  /** Looks a request up by `use`, if id and cookie have the form of one. */
  const inBrowser = Effect.fnUntraced(function* (
    id: string,
    browserToken: Redacted.Redacted | null,
    use: (
      id: WaitingRequestId,
      browser: Effect.Success<ReturnType<typeof hasher.candidates>>,
    ) => Effect.Effect<Option.Option<WaitingRequest>, StoreError>,
  ) {
    if (browserToken === null) return yield* new AuthorizationRefused(noCookie)
    if (!isId(id) || !isWellFormed(browserToken)) return yield* new AuthorizationRefused(over)
    const found = yield* use(id, yield* hasher.candidates(browserToken))
    if (Option.isNone(found) || isOver(found.value, yield* DateTime.now)) return yield* new AuthorizationRefused(over)
    return found.value
  })

  return WaitingRequests.of({
    begin: Effect.fn("WaitingRequests.begin")(function* (request, browserToken) {
      const isKept = browserToken !== null && isWellFormed(browserToken)
      const kept = isKept ? browserToken : yield* generate
      const now = yield* DateTime.now
      const waiting: WaitingRequest = {
        id: WaitingRequestId.make(yield* random.uuidV7()),
        browserHash: yield* hasher.hash(kept),
        request,
        sessionId: null,
        steps: [],
        createdAt: now,
        expiresAt: DateTime.addDuration(now, settings.requestLifetime),
      }
      yield* store.insert(waiting)
      return { waiting, newBrowserToken: isKept ? null : kept }
    }),
    get: Effect.fn("WaitingRequests.get")((id, browserToken) => inBrowser(id, browserToken, store.find)),
    advance: Effect.fn("WaitingRequests.advance")((id, browserToken, sessionId, step) =>
      inBrowser(id, browserToken, (id, browser) => store.advance({ id, browser, sessionId, step })),
    ),
    consume: Effect.fn("WaitingRequests.consume")((id, browserToken) => inBrowser(id, browserToken, store.consume)),
  })
})

/**
 * Layer of requests that wait, over their store and the key ring.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<WaitingRequests, never, KeyRing | SecureRandom.SecureRandom | WaitingRequestStore> =
  Layer.effect(WaitingRequests, make)

// internal

const isId = Schema.is(WaitingRequestId)

const isWellFormed = (token: Redacted.Redacted): boolean =>
  OpaqueToken.isWellFormed(prefixes.browser, Redacted.value(token))

const isOver = ({ expiresAt }: WaitingRequest, now: DateTime.Utc): boolean =>
  now.epochMilliseconds >= expiresAt.epochMilliseconds

const over = {
  reason: "expired",
  description: "This request is over, was answered already, or was made in another browser",
} as const

const noCookie = {
  reason: "other_browser",
  description: "The browser sends no cookie: the request was made in another one, or cookies are off",
} as const
