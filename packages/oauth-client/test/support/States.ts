/**
 * States of authorization requests in tests: providers, key rings of readable secrets, and states in a line each.
 */
import * as KeyRing from "@belfry/core/KeyRing"
import * as OAuthProvider from "@belfry/oauth-client/OAuthProvider"
import type { OAuthStart } from "@belfry/oauth-client/OAuthSignIn"
import type { OAuthState } from "@belfry/oauth-client/OAuthState"
import { OAuthStateStore } from "@belfry/oauth-client/OAuthStateStore"
import * as OAuthStates from "@belfry/oauth-client/OAuthStates"
import * as TestServices from "@belfry/testing/TestServices"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { Array, DateTime, Effect, Layer, Redacted, Result } from "effect"

type Strategy = OAuthProvider.OAuthProvider["stateStrategy"]

export const strategies: ReadonlyArray<Strategy> = ["adapter", "cookie"]

/** A provider that keeps states by this strategy. */
export const provider = (stateStrategy: Strategy, id = "acme"): OAuthProvider.OAuthProvider =>
  Result.getOrThrow(
    OAuthProvider.make({
      id,
      clientId: "belfry",
      discoveryUrl: "https://id.acme.example/.well-known/openid-configuration",
      stateStrategy,
    }),
  )

export const redirectUri = "http://localhost:3000/auth/provider/acme/callback"

export const verifier = "verifier-dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

/** What a sign-in that begins now remembers, for ten minutes. */
export const state = Effect.fnUntraced(function* (fields: Partial<OAuthState> = {}) {
  const now = yield* DateTime.now
  const defaults: OAuthState = {
    providerId: OAuthProvider.ProviderId.make("acme"),
    intent: "sign-in",
    userId: null,
    redirectUri,
    codeVerifier: Redacted.make(verifier),
    nonce: "nonce-1",
    scopes: ["openid", "calendar"],
    redirectUrl: "/inbox?q=«a»&b='\\",
    errorRedirectUrl: null,
    newUserRedirectUrl: "/welcome",
    requestSignUp: true,
    payload: { invitation: "payload-7", nested: [1, null, { on: false }] },
    createdAt: now,
    expiresAt: DateTime.add(now, { minutes: 10 }),
  }
  return { ...defaults, ...fields }
})

/** What a start URL that is made now asks for, for ten minutes. */
export const start = Effect.fnUntraced(function* (fields: Partial<OAuthStart> = {}) {
  const defaults: OAuthStart = {
    providerId: OAuthProvider.ProviderId.make("acme"),
    intent: "sign-in",
    userId: null,
    request: { redirectUrl: "/inbox", payload: { invitation: 7 }, scopes: ["openid"], requestSignUp: true },
    expiresAt: DateTime.add(yield* DateTime.now, { minutes: 10 }),
  }
  return { ...defaults, ...fields }
})

const asked = () => Effect.die(new Error("Nothing is to be computed"))

/** The service under the keys with these ids, the first one current, over the stores in scope. */
export const withKeys = (...ids: Array.NonEmptyReadonlyArray<string>) =>
  OAuthStates.make.pipe(
    Effect.provide(
      KeyRing.layer(
        Array.map(ids, (id) => ({ id, value: Redacted.make(`${id}-0123456789abcdefghijklmnopqrstuvwxyz`) })),
      ),
    ),
  )

/** The service over a store and keys that die when they are asked. */
export const untouchable = OAuthStates.make.pipe(
  Effect.provideService(
    KeyRing.KeyRing,
    KeyRing.KeyRing.of({
      hasher: () => Effect.succeed({ hash: asked, candidates: asked, isCurrent: () => false }),
      sealer: () => Effect.succeed({ seal: asked, open: asked, isCurrent: () => false }),
    }),
  ),
  Effect.provide(Layer.mock(OAuthStateStore, {})),
)

/** Stores in memory. */
export const layerMemory = Layer.merge(TestServices.layerMemoryStores, NodeCrypto.layer)

type States = OAuthStates.OAuthStates["Service"]

/** A state that was kept, as the browser has it: by `finish` it comes back. */
export const begin = Effect.fnUntraced(function* (
  states: States,
  from: OAuthProvider.OAuthProvider,
  fields: Partial<OAuthState> = {},
) {
  const kept = yield* state(fields)
  const { token, cookie } = yield* states.create(from, kept)
  return { kept, token, cookie, finish: finish(states, from, { token, cookie: cookie.value }) }
})

/** A callback at this site's redirect URI. */
export const finish = (
  states: States,
  at: OAuthProvider.OAuthProvider,
  given: {
    readonly token: Redacted.Redacted
    readonly cookie: Redacted.Redacted | null
    readonly redirectUri?: string
  },
) => states.consume(at, { redirectUri, ...given })

/** The code by which it is refused, or `taken`. */
export const codeOf = (consumed: ReturnType<typeof finish>) =>
  consumed.pipe(
    Effect.as("taken"),
    Effect.catchTag("OAuthRefused", ({ code }) => Effect.succeed(code)),
  )

/** What a cookie that is set holds. */
export const textOf = ({ value }: OAuthStates.StateCookie): string => Redacted.value(value)

/** A state in a form that compares: two `Redacted` of different text would count as equal. */
export const plain = (given: OAuthState) => ({
  ...given,
  codeVerifier: given.codeVerifier === null ? null : Redacted.value(given.codeVerifier),
})

/** The text with each of its characters replaced in turn, by one of each class; and longer, shorter or padded. */
export const alterations = (text: string): ReadonlyArray<string> => {
  const classes = ["A", "B", "a", "b", "0", "1", "-", "_", ".", "=", " ", "\u0000", "é"]
  return [
    ...[...text].flatMap((character, at) =>
      classes.filter((other) => other !== character).map((other) => text.slice(0, at) + other + text.slice(at + 1)),
    ),
    ...[...text].map((_, at) => text.slice(0, at) + text.slice(at + 1)),
    ...["", " ", "A", "=", "=="].flatMap((more) => (more === "" ? [""] : [text + more, more + text])),
    text.toUpperCase(),
    text.toLowerCase(),
  ].filter((altered) => altered !== text)
}
