/**
 * The states of authorization requests: made for one browser, over after ten minutes.
 *
 * By the strategy `adapter` a row keeps the state and a cookie marks the browser; by `cookie` the browser keeps all of
 * it, sealed. Start URLs, which a browser opens before it is sent to the provider, are made here too.
 *
 * @since 0.1.0
 */
import { isEqualText } from "@belfry/core/ConstantTime"
import { Sealed } from "@belfry/core/KeyedHash"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as StateCookies from "./internal/stateCookies.ts"
import type { OAuthProvider } from "./OAuthProvider.ts"
import { OAuthRefused, OAuthStart } from "./OAuthSignIn.ts"
import { OAuthState, OAuthStateTooLarge, statePolicy, tokenPrefix } from "./OAuthState.ts"
import { OAuthStateStore } from "./OAuthStateStore.ts"

/**
 * A cookie to set: `name` is without the prefix that https allows.
 *
 * @category models
 * @since 0.1.0
 */
export interface StateCookie {
  readonly name: string
  readonly value: Redacted.Redacted
  readonly expiresAt: DateTime.Utc
}

/**
 * The states of authorization requests.
 *
 * **Details**
 *
 * Every state has a cookie of its own, so that sign-ins begun in several tabs all come to their end. By `adapter` its
 * value is a keyed hash over the token and the provider, and nobody uses a state up whose browser does not send it: who
 * learns of a state cannot make it worthless either.
 *
 * **Gotchas**
 *
 * Single use is a promise of `adapter`. By `cookie` nothing is written down, so a browser that keeps its cookie,
 * against the answer to the callback that takes it away, opens the state again until it is over. What stops the second
 * callback then is the provider, whose code is good once.
 *
 * @category services
 * @since 0.1.0
 */
export class OAuthStates extends Context.Service<
  OAuthStates,
  {
    /**
     * Keeps a state. `token` goes to the provider as `state`, `cookie` into the browser that is sent there. Refused
     * when the payload has more than 4,096 bytes, or when a state that a cookie keeps does not fit into one.
     */
    readonly create: (
      provider: OAuthProvider,
      state: OAuthState,
    ) => Effect.Effect<
      { readonly token: Redacted.Redacted; readonly cookie: StateCookie },
      OAuthStateTooLarge | StoreError
    >
    /**
     * The name of the cookie that binds this state to the browser, without the prefix of https; null for what is no
     * state at all, whose cookie need not be looked for. A callback that used the state up, or that the provider or a
     * later step refused, forgets it; after `state_mismatch` it stays, since it may be another's.
     */
    readonly cookieName: (provider: OAuthProvider, token: Redacted.Redacted) => string | null
    /**
     * The state cookies of a request that are too many, by their full names: to be forgotten where one more is set. The
     * latest stay, at most 7, and no more than 4 kB of them.
     */
    readonly surplusCookies: (cookies: Readonly<Record<string, string>>) => ReadonlyArray<string>
    /**
     * Uses a state up: of concurrent calls one gets it (by the strategy `adapter`, see above). `redirectUri` is where
     * the callback came in.
     *
     * `state_mismatch` without a cookie or with another's, which leaves the state as it is; and for a state that is
     * over, of another provider or redirect URI, or kept under a key that is gone, which is used up thereby.
     * `state_not_found` when the cookie fits and the state is not there: it was used before, or was over long ago.
     */
    readonly consume: (
      provider: OAuthProvider,
      given: {
        readonly token: Redacted.Redacted
        readonly cookie: Redacted.Redacted | null
        readonly redirectUri: string
      },
    ) => Effect.Effect<OAuthState, OAuthRefused | StoreError>
    /** Seals what a start URL asks for, for the browser that has `browser` in its cookie. */
    readonly sealStart: (start: OAuthStart, browser: Redacted.Redacted) => Effect.Effect<Redacted.Redacted>
    /** Opens the token of a start URL; null when it is altered, over, another browser's or another provider's. */
    readonly openStart: (
      provider: OAuthProvider,
      token: Redacted.Redacted,
      browser: Redacted.Redacted | null,
    ) => Effect.Effect<OAuthStart | null>
  }
>()("@belfry/oauth-client/OAuthStates") {}

/**
 * Builds the service over the store of states and the key ring.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* OAuthStateStore
  const random = yield* SecureRandom.SecureRandom
  const keys = yield* KeyRing
  const hasher = yield* keys.hasher("oauth-state")
  const markers = yield* keys.hasher("oauth-state-marker")
  const sealer = yield* keys.sealer("oauth-state")
  const startSealer = yield* keys.sealer("oauth-start")

  /** Takes the row of a state, once the cookie has shown that this browser asked for it. */
  const takeRow = Effect.fnUntraced(function* (
    provider: OAuthProvider,
    token: Redacted.Redacted,
    cookie: Redacted.Redacted,
  ) {
    const expected = yield* markers.candidates(markedBy(provider, token))
    // Before the row is touched: whoever knows a state without its cookie must not be able to use it up.
    if (!expected.some((marker) => isEqualText(marker, Redacted.value(cookie)))) {
      return yield* refuse(provider, "state_mismatch")
    }
    const row = yield* store.consume(yield* hasher.candidates(token))
    if (Option.isNone(row)) return yield* refuse(provider, "state_not_found")
    return yield* sealer.open(row.value.sealed, rowContext(token))
  })

  const openCookie = Effect.fnUntraced(function* (
    provider: OAuthProvider,
    token: Redacted.Redacted,
    cookie: Redacted.Redacted,
  ) {
    const sealed = parseSealed(cookie)
    if (sealed === null) return yield* refuse(provider, "state_mismatch")
    return yield* sealer.open(sealed, cookieContext(provider, token))
  })

  return OAuthStates.of({
    create: Effect.fn("OAuthStates.create")(function* (provider, state) {
      const payloadBytes = state.payload === null ? 0 : bytesOf(JSON.stringify(state.payload))
      if (payloadBytes > statePolicy.maxPayload) {
        return yield* tooLarge(provider, "payload", payloadBytes, statePolicy.maxPayload)
      }
      const token = yield* Effect.provideService(OpaqueToken.generate(tokenPrefix), SecureRandom.SecureRandom, random)
      const name = StateCookies.nameOf(provider.id, Redacted.value(token))
      // A state encodes, being of its type.
      const text = Redacted.make(yield* Effect.orDie(encodeState(state)))
      if (provider.stateStrategy === "cookie") {
        const value = yield* sealer.seal(text, cookieContext(provider, token))
        const size = StateCookies.sizeOf(name, value)
        if (size > StateCookies.maxCookieBytes) {
          return yield* tooLarge(provider, "cookie", size, StateCookies.maxCookieBytes)
        }
        return { token, cookie: { name, value: Redacted.make(value), expiresAt: state.expiresAt } }
      }
      yield* store.insert({
        stateHash: yield* hasher.hash(token),
        providerId: provider.id,
        userId: state.userId,
        sealed: yield* sealer.seal(text, rowContext(token)),
        createdAt: state.createdAt,
        expiresAt: state.expiresAt,
      })
      const marker = yield* markers.hash(markedBy(provider, token))
      return { token, cookie: { name, value: Redacted.make(marker), expiresAt: state.expiresAt } }
    }),

    cookieName: (provider, token) =>
      isWellFormed(token) ? StateCookies.nameOf(provider.id, Redacted.value(token)) : null,

    surplusCookies: StateCookies.surplus,

    consume: Effect.fn("OAuthStates.consume")(function* (provider, { token, cookie, redirectUri }) {
      if (!isWellFormed(token) || cookie === null) return yield* refuse(provider, "state_mismatch")
      const take = provider.stateStrategy === "cookie" ? openCookie : takeRow
      const state = yield* take(provider, token, cookie).pipe(
        Effect.flatMap((text) => decodeState(Redacted.value(text))),
        Effect.catchTag(["SealBroken", "SchemaError"], () => refuse(provider, "state_mismatch")),
      )
      const fits = state.providerId === provider.id && state.redirectUri === redirectUri
      return fits && !isOver(state, yield* DateTime.now) ? state : yield* refuse(provider, "state_mismatch")
    }),

    sealStart: Effect.fnUntraced(function* (start, browser) {
      // So does what a start URL asks for.
      const text = Redacted.make(yield* Effect.orDie(encodeStart(start)))
      return Redacted.make(yield* startSealer.seal(text, Redacted.value(browser)))
    }),

    openStart: Effect.fnUntraced(function* (provider, token, browser) {
      const sealed = parseSealed(token)
      if (sealed === null || browser === null) return null
      const start = yield* startSealer.open(sealed, Redacted.value(browser)).pipe(
        Effect.flatMap((text) => decodeStart(Redacted.value(text))),
        Effect.orElseSucceed(() => null),
      )
      if (start === null || start.providerId !== provider.id) return null
      return isOver(start, yield* DateTime.now) ? null : start
    }),
  })
})

/**
 * Layer of states over their store and the key ring.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<OAuthStates, never, KeyRing | OAuthStateStore | SecureRandom.SecureRandom> =
  Layer.effect(OAuthStates, make)

// internal

// The verifier is in the open inside of this text, and the text nowhere but inside of a seal.
const StateJson = Schema.fromJsonString(Schema.toCodecJson(OAuthState))
const StartJson = Schema.fromJsonString(Schema.toCodecJson(OAuthStart))

const encodeState = Schema.encodeEffect(StateJson)
const decodeState = Schema.decodeEffect(StateJson)
const encodeStart = Schema.encodeEffect(StartJson)
const decodeStart = Schema.decodeEffect(StartJson)

// What is sealed opens with the token that it was sealed for: not in the row, or the cookie, of another one.
const rowContext = (token: Redacted.Redacted): string => JSON.stringify(["row", Redacted.value(token)])
const cookieContext = (provider: OAuthProvider, token: Redacted.Redacted): string =>
  JSON.stringify(["cookie", provider.id, Redacted.value(token)])

const markedBy = (provider: OAuthProvider, token: Redacted.Redacted): Redacted.Redacted =>
  Redacted.make(JSON.stringify([provider.id, Redacted.value(token)]))

const isWellFormed = (token: Redacted.Redacted): boolean => OpaqueToken.isWellFormed(tokenPrefix, Redacted.value(token))

const isOver = ({ expiresAt }: { readonly expiresAt: DateTime.Utc }, now: DateTime.Utc): boolean =>
  expiresAt.epochMilliseconds <= now.epochMilliseconds

const isSealed = Schema.is(Sealed)

/** What came from outside, where it has the form of sealed text; null for anything else. */
const parseSealed = (given: Redacted.Redacted): Sealed | null => {
  const text = Redacted.value(given)
  return isSealed(text) ? text : null
}

const bytesOf = (text: string): number => new TextEncoder().encode(text).length

const refuse = (provider: OAuthProvider, code: "state_mismatch" | "state_not_found") =>
  Effect.fail(new OAuthRefused({ providerId: provider.id, code }))

const tooLarge = (provider: OAuthProvider, part: OAuthStateTooLarge["part"], bytes: number, limit: number) =>
  Effect.fail(new OAuthStateTooLarge({ providerId: provider.id, part, bytes, limit }))
