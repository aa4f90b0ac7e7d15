/**
 * Signing in with another provider, and linking its accounts: from the start URL to what the callback leads to.
 *
 * A provider's word is a first factor and no more: {@link SignInGate} says what else is asked for.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import type { LinkedAccount } from "@belfry/core/LinkedAccount"
import { PagePaths } from "@belfry/core/PagePaths"
import type { RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import type { Session, SessionNotFresh } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import type { StoreError } from "@belfry/core/StoreError"
import type { User } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Memberships from "./internal/memberships.ts"
import * as ProviderAnswers from "./internal/providerAnswers.ts"
import * as Redirects from "./internal/redirects.ts"
import { type GateRefusal, refuse, Refusal } from "./internal/refusals.ts"
import * as Starts from "./internal/starts.ts"
import type { OAuthProvider } from "./OAuthProvider.ts"
import { OAuthProviders } from "./OAuthProviders.ts"
import { limits } from "./OAuthRules.ts"
import { type GateRefused, OAuthRefused, type OAuthRequest, type ProviderNotFound } from "./OAuthSignIn.ts"
import type { OAuthState } from "./OAuthState.ts"
import { OAuthStates, type StateCookie } from "./OAuthStates.ts"
import type { ProviderUnavailable } from "./OAuthTokens.ts"
import { OAuthTransport } from "./OAuthTransport.ts"
import { type GateOutcome, SignInGate } from "./SignInGate.ts"

/**
 * A start URL of this site, good for ten minutes in the browser that keeps `browser` in the start cookie.
 *
 * @category models
 * @since 0.1.0
 */
export interface StartUrl {
  readonly url: string
  readonly browser: Redacted.Redacted
  readonly expiresAt: DateTime.Utc
}

/**
 * The parameters of a callback, from the query or the form. What is not named here (Apple's `user`) is in `fields`.
 *
 * @category models
 * @since 0.1.0
 */
export interface CallbackParameters {
  readonly state?: string | undefined
  readonly code?: string | undefined
  readonly error?: string | undefined
  readonly iss?: string | undefined
  readonly fields: Readonly<Record<string, string>>
}

/**
 * What a callback, or an ID token, led to: who the person is, by which account, whether the user was made just now, and
 * how the sign-in stands; null after a link. The tokens of the account are those that came this time.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProviderOutcome {
  readonly user: User
  readonly account: LinkedAccount
  readonly isNewUser: boolean
  readonly signIn: GateOutcome | null
}

/**
 * How a callback ends: the browser goes to `redirectTo` (absolute, or a path of this site), and `outcome` is what was
 * achieved, or why nothing was.
 *
 * @category models
 * @since 0.1.0
 */
export type CallbackResult =
  | { readonly _tag: "Done"; readonly outcome: ProviderOutcome; readonly redirectTo: string }
  | {
      readonly _tag: "Refused"
      readonly error: OAuthRefused
      /** Null where no target is known: a page tells the error then. */
      readonly redirectTo: string | null
    }

/**
 * An ID token that a client got from the provider itself, as mobile applications do, with what else the provider gave.
 *
 * @category models
 * @since 0.1.0
 */
export interface DirectIdToken {
  readonly idToken: Redacted.Redacted
  readonly nonce: string | null
  readonly accessToken: Redacted.Redacted | null
  readonly refreshToken: Redacted.Redacted | null
  readonly accessTokenExpiresAt: DateTime.Utc | null
  readonly refreshTokenExpiresAt: DateTime.Utc | null
  readonly tokenType: string | null
  readonly scopes: ReadonlyArray<string>
  readonly requestSignUp: boolean
}

/**
 * Signing in with another provider, and linking its accounts.
 *
 * @category services
 * @since 0.1.0
 */
export class OAuthSignIns extends Context.Service<
  OAuthSignIns,
  {
    /** The cookie that carries the token of an attempt that goes on: see {@link SignInGate}. */
    readonly attemptCookie: string
    /** The URL that begins a sign-in. `browser` is what the start cookie of this browser holds already. */
    readonly signInUrl: (
      providerId: string,
      request: OAuthRequest,
      browser: Redacted.Redacted | null,
      client: ClientInfo,
    ) => Effect.Effect<StartUrl, ProviderNotFound | RateLimited | StoreError>
    /** The URL that begins to link an account to the user of a session, which must be fresh: a link is a way in. */
    readonly linkUrl: (
      providerId: string,
      session: Session,
      request: OAuthRequest,
      browser: Redacted.Redacted | null,
      client: ClientInfo,
    ) => Effect.Effect<StartUrl, ProviderNotFound | SessionNotFresh | RateLimited | StoreError>
    /**
     * Opens a start URL: keeps a state and tells where to at the provider. `state_mismatch` when the token is altered,
     * over, or another browser's.
     */
    readonly start: (
      providerId: string,
      token: Redacted.Redacted,
      browser: Redacted.Redacted | null,
      client: ClientInfo,
    ) => Effect.Effect<
      { readonly location: URL; readonly cookie: StateCookie },
      ProviderNotFound | OAuthRefused | ProviderUnavailable | RateLimited | StoreError
    >
    /**
     * Takes a callback. In this order: `state` is there, it is used up (cookie and expiry fit), it is this provider's,
     * `iss`, the provider's `error`, `code`, exchange, ID token, profile, link or sign-in.
     *
     * `session` is who is signed in, for a link; `attemptToken` and `replaces` as in {@link SignInGate}.
     */
    readonly callback: (options: {
      readonly providerId: string
      readonly parameters: CallbackParameters
      readonly stateCookie: Redacted.Redacted | null
      readonly session: Session | null
      readonly attemptToken: Redacted.Redacted | null
      readonly replaces: Redacted.Redacted | null
      readonly client: ClientInfo
    }) => Effect.Effect<CallbackResult, ProviderNotFound | StoreError>
    /** Signs in by an ID token that the client got from the provider itself. */
    readonly signInByIdToken: (options: {
      readonly providerId: string
      readonly token: DirectIdToken
      readonly attemptToken: Redacted.Redacted | null
      readonly replaces: Redacted.Redacted | null
      readonly client: ClientInfo
    }) => Effect.Effect<
      ProviderOutcome & { readonly signIn: GateOutcome },
      ProviderNotFound | OAuthRefused | GateRefused | RateLimited | StoreError
    >
    /**
     * Links an account by an ID token, in a fresh session. The provider must have verified the address, or be trusted.
     */
    readonly linkByIdToken: (options: {
      readonly providerId: string
      readonly token: DirectIdToken
      readonly session: Session
      readonly client: ClientInfo
    }) => Effect.Effect<void, ProviderNotFound | OAuthRefused | SessionNotFresh | RateLimited | StoreError>
  }
>()("@belfry/oauth-client/OAuthSignIns") {}

/**
 * The callback that is under way: its state and what the host gave along. Hooks find it in their context.
 *
 * @category services
 * @since 0.1.0
 */
export const CurrentOAuthState = Context.Reference<OAuthState | null>("@belfry/oauth-client/CurrentOAuthState", {
  defaultValue: () => null,
})

/**
 * Builds the service over providers, their transport, states, users, sessions and the gate.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const providers = yield* OAuthProviders
  const states = yield* OAuthStates
  const rateLimits = yield* RateLimits
  const audit = yield* Audit
  const sessions = yield* Sessions
  const paths = yield* PagePaths
  const starts = yield* Starts.make
  const answers = ProviderAnswers.make(yield* OAuthTransport)
  const memberships = yield* Memberships.make
  const { attemptCookie } = yield* SignInGate

  /** Writes a refusal down, outside of whatever it undid. The person learns the code alone. */
  const refused = Effect.fnUntraced(function* (
    provider: OAuthProvider,
    client: ClientInfo,
    { code, detail, userId }: Pick<Refusal, "code" | "detail" | "userId">,
  ) {
    yield* audit.record({
      type: "oauth.refused",
      reason: code,
      client,
      data: { providerId: provider.id, ...(detail === undefined ? {} : { detail }) },
      ...(userId === undefined ? {} : { userId }),
    })
    return new OAuthRefused({ providerId: provider.id, code })
  })

  const failWith = (provider: OAuthProvider, client: ClientInfo) => (refusal: Refusal) =>
    Effect.flatMap(refused(provider, client, refusal), Effect.fail)

  type CallbackOptions = Parameters<OAuthSignIns["Service"]["callback"]>[0]

  const takeState = Effect.fnUntraced(function* (provider: OAuthProvider, options: CallbackOptions) {
    const { parameters, stateCookie } = options
    if (parameters.state === undefined || parameters.state === "") {
      return yield* refuse("state_mismatch", { detail: "no state" })
    }
    const token = Redacted.make(parameters.state)
    return yield* states
      .consume(provider, { token, cookie: stateCookie, redirectUri: starts.redirectUriOf(provider) })
      .pipe(Effect.catchTag("OAuthRefused", ({ code }) => new Refusal({ code })))
  })

  const complete = Effect.fnUntraced(function* (provider: OAuthProvider, state: OAuthState, options: CallbackOptions) {
    const { parameters, session, attemptToken, replaces, client } = options
    const { intent, userId, requestSignUp } = state
    // Who began to link must be who is signed in, or somebody's account would be linked to another's.
    if (intent === "link" && (userId === null || session?.userId !== userId)) {
      return yield* refuse("state_mismatch", { detail: "session" })
    }
    const answer = yield* answers.toCallback(provider, state, parameters)
    if (intent === "link" && userId !== null) {
      const linked = yield* memberships.link({ answer, userId, by: "callback", client })
      const outcome: ProviderOutcome = { ...linked, isNewUser: false, signIn: null }
      return { outcome, redirectTo: Redirects.successTarget(state, false) ?? paths.account }
    }
    const returnTo = (isNewUser: boolean) => Redirects.successTarget(state, isNewUser)
    const outcome = yield* memberships.signIn({ answer, requestSignUp, returnTo, attemptToken, replaces, client })
    const { signIn, isNewUser } = outcome
    return {
      outcome,
      // Where a sign-in that goes on wanted to go is in its attempt.
      redirectTo:
        signIn._tag === "Continues" ? paths.continueSignIn : (returnTo(isNewUser) ?? signIn.returnTo ?? paths.account),
    }
  })

  /** What an ID token proves that a client brings itself. */
  const byIdToken = Effect.fnUntraced(function* (provider: OAuthProvider, token: DirectIdToken) {
    if (provider.disableIdTokenSignIn) return yield* refuse("id_token_sign_in_disabled")
    return yield* answers.toIdToken(provider, token)
  })

  return OAuthSignIns.of({
    attemptCookie,

    signInUrl: Effect.fn("OAuthSignIns.signInUrl")(function* (providerId, request, browser, client) {
      return yield* starts.url(yield* providers.get(providerId), null, request, browser, client)
    }),

    linkUrl: Effect.fn("OAuthSignIns.linkUrl")(function* (providerId, session, request, browser, client) {
      const provider = yield* providers.get(providerId)
      yield* sessions.requireFresh(session)
      return yield* starts.url(provider, session.userId, request, browser, client)
    }),

    start: Effect.fn("OAuthSignIns.start")(function* (providerId, token, browser, client) {
      const provider = yield* providers.get(providerId)
      yield* rateLimits.consume(limits.startByAddress, rateLimitSubject(client.ipAddress))
      return yield* Effect.catchTag(starts.open(provider, token, browser), "Refusal", failWith(provider, client))
    }),

    callback: Effect.fn("OAuthSignIns.callback")(function* (options) {
      const { client } = options
      const provider = yield* providers.get(options.providerId)
      const answerTo = (state: OAuthState | null) => (refusal: Pick<Refusal, "code" | "detail" | "userId">) =>
        Effect.map(refused(provider, client, refusal), (error): CallbackResult => ({
          _tag: "Refused",
          error,
          redirectTo: Redirects.errorTarget(provider, state, error.code),
        }))
      return yield* Effect.matchEffect(takeState(provider, options), {
        onFailure: (failure) => (failure._tag === "Refusal" ? answerTo(null)(failure) : Effect.fail(failure)),
        onSuccess: (state) =>
          complete(provider, state, options).pipe(
            Effect.map((done): CallbackResult => ({ _tag: "Done", ...done })),
            Effect.catchTags({
              Refusal: answerTo(state),
              GateRefusal: (refusal) => answerTo(state)(fromGate(refusal)),
            }),
            Effect.provideService(CurrentOAuthState, state),
          ),
      })
    }),

    signInByIdToken: Effect.fn("OAuthSignIns.signInByIdToken")(function* (options) {
      const { token, attemptToken, replaces, client } = options
      const provider = yield* providers.get(options.providerId)
      yield* rateLimits.consume(limits.idTokenByAddress, rateLimitSubject(client.ipAddress))
      return yield* byIdToken(provider, token).pipe(
        Effect.flatMap((answer) =>
          memberships.signIn({
            answer,
            requestSignUp: token.requestSignUp,
            returnTo: () => null,
            attemptToken,
            replaces,
            client,
          }),
        ),
        Effect.catchTag("GateRefusal", (refusal) =>
          Effect.andThen(refused(provider, client, fromGate(refusal)), Effect.fail(refusal.error)),
        ),
        Effect.catchTag("Refusal", failWith(provider, client)),
      )
    }),

    linkByIdToken: Effect.fn("OAuthSignIns.linkByIdToken")(function* (options) {
      const { token, session, client } = options
      const provider = yield* providers.get(options.providerId)
      yield* sessions.requireFresh(session)
      yield* rateLimits.consume(limits.idTokenByAddress, rateLimitSubject(client.ipAddress))
      return yield* byIdToken(provider, token).pipe(
        Effect.flatMap((answer) => memberships.link({ answer, userId: session.userId, by: "id-token", client })),
        Effect.asVoid,
        Effect.catchTag("Refusal", failWith(provider, client)),
      )
    }),
  })
})

/**
 * Layer of sign-ins through the providers of an installation.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(OAuthSignIns, make)

// internal

/** A refusal of the gate, as the audit log and the browser know it. */
const fromGate = ({ error, userId }: GateRefusal) => ({
  code: "oauth_callback_failed",
  detail: `gate: ${error.reason}`,
  userId,
})
