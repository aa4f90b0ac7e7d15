/**
 * HTTP adapter of providers: start URLs, ID tokens that clients bring, and the accounts of a user.
 *
 * @since 0.1.0
 */
import type { AccountSummary } from "@belfry/core/LinkedAccount"
import { RateLimited } from "@belfry/core/RateLimit"
import { RequestGuard } from "@belfry/core/ProblemApi"
import {
  bearerToken,
  clientInfo,
  cookieToken,
  rateLimited,
  readCookie,
  seeing,
  storeUnavailable,
} from "@belfry/core/RequestHandlers"
import { Authentication, CurrentSession, CurrentUser } from "@belfry/core/SessionsApi"
import { Site } from "@belfry/core/Site"
import { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as Redacted from "effect/Redacted"
import { accountCookie } from "./internal/cookieNames.ts"
import { keepOutcome } from "./internal/oauthCookies.ts"
import { AccountUnusable } from "./OAuthAccount.ts"
import { type AccountSelector, type AccountTokens, OAuthAccounts } from "./OAuthAccounts.ts"
import { OAuthClientApi } from "./OAuthClientApi.ts"
import { clearAccountCookie, setStartCookie, startToken } from "./OAuthHandlers.ts"
import { OAuthProviders } from "./OAuthProviders.ts"
import { type DirectIdToken, OAuthSignIns, type StartUrl } from "./OAuthSignIns.ts"
import type { IdTokenSubmission } from "./ProvidersApi.ts"

/**
 * The handlers of {@link ProvidersApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OAuthClientApi,
  "providers",
  Effect.fnUntraced(function* (handlers) {
    const providers = yield* OAuthProviders
    const signIns = yield* OAuthSignIns
    const accounts = yield* OAuthAccounts
    const site = yield* Site

    /** Binds a start URL to the browser, for as long as the URL is good. */
    const started = (start: StartUrl) =>
      Effect.as(setStartCookie(start, site), { url: start.url, expiresAt: start.expiresAt })

    return handlers.handleAll({
      list: () =>
        Effect.map(providers.list, (all) => ({ providers: all.map(({ id, name }) => ({ id: String(id), name })) })),

      signIn: ({ params, payload, request }) =>
        signIns
          .signInUrl(params.providerId, payload, startToken(request, site), clientInfo(request))
          .pipe(Effect.flatMap(started), answeringFailures),

      link: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const session = yield* CurrentSession
          const browser = startToken(request, site)
          return yield* started(
            yield* signIns.linkUrl(params.providerId, session, payload, browser, clientInfo(request)),
          )
        }).pipe(answeringFailures),

      signInByIdToken: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const bearer = bearerToken(request)
          const transport = payload.transport ?? (bearer === undefined ? "cookie" : "bearer")
          const outcome = yield* signIns.signInByIdToken({
            providerId: params.providerId,
            token: toDirectIdToken(payload),
            attemptToken: bearer ?? readCookie(request, signIns.attemptCookie, site) ?? null,
            replaces: transport === "bearer" ? null : (cookieToken(request, site) ?? null),
            client: clientInfo(request),
          })
          const { isNewUser, signIn, user } = outcome
          if (transport === "cookie") yield* keepOutcome(outcome, { accounts, signIns, site })
          const token = transport === "bearer" ? signIn.token : null
          return signIn._tag === "Complete"
            ? ({ status: "complete", redirect: false, isNewUser, session: signIn.session, user, token } as const)
            : ({ status: "continue", redirect: false, isNewUser, token, expiresAt: signIn.expiresAt } as const)
        }).pipe(answeringFailures),

      linkByIdToken: ({ params, payload, request }) =>
        Effect.gen(function* () {
          yield* signIns.linkByIdToken({
            providerId: params.providerId,
            token: toDirectIdToken(payload),
            session: yield* CurrentSession,
            client: clientInfo(request),
          })
          return { status: true, redirect: false } as const
        }).pipe(answeringFailures),

      accounts: ({ params }) =>
        Effect.gen(function* () {
          const { id } = yield* providers.get(params.providerId)
          const user = yield* CurrentUser
          return { accounts: (yield* accounts.list(user.id, id)).map(toSummary) }
        }).pipe(answeringFailures),

      unlink: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const user = yield* CurrentUser
          const cookie = readCookie(request, accountCookie(params.providerId), site)
          yield* accounts.unlink({
            account: selector(params.providerId, user.id, payload, cookie),
            session: yield* CurrentSession,
            user,
            client: clientInfo(request),
          })
          yield* clearAccountCookie(params.providerId, request, site)
          return { status: true } as const
        }).pipe(answeringFailures),

      accessToken: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const user = yield* CurrentUser
          const cookie = readCookie(request, accountCookie(params.providerId), site)
          const found = yield* accounts.tokenSet(selector(params.providerId, user.id, payload, cookie))
          if (found.tokens.accessToken === null) {
            return yield* new AccountUnusable({ providerId: params.providerId, reason: "no-token" })
          }
          return toAccessToken(params.providerId, found)
        }).pipe(answeringFailures),

      refreshToken: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const user = yield* CurrentUser
          const cookie = readCookie(request, accountCookie(params.providerId), site)
          const found = yield* accounts.refresh(selector(params.providerId, user.id, payload, cookie))
          return {
            ...toAccessToken(params.providerId, found),
            refreshToken: found.tokens.refreshToken,
            refreshTokenExpiresAt: found.tokens.refreshTokenExpiresAt,
          }
        }).pipe(answeringFailures),

      accountInfo: ({ params, query, request }) =>
        Effect.gen(function* () {
          const user = yield* CurrentUser
          const cookie = readCookie(request, accountCookie(params.providerId), site)
          const info = yield* accounts.info(selector(params.providerId, user.id, query, cookie))
          return { provider: params.providerId, providerAccountId: info.accountId, user: info.user }
        }).pipe(answeringFailures),
    })
  }),
).pipe(seeing(OAuthProviders, OAuthSignIns, OAuthAccounts, Site, RequestGuard, Authentication))

// internal

/** Answers what a step may fail with beside the errors of the contract. */
const answeringFailures = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.tapError((error) => (error instanceof RateLimited ? Effect.ignore(rateLimited(error)) : Effect.void)),
    Effect.catchIf(
      (error): error is Extract<E, StoreError> => error instanceof StoreError,
      (error: Extract<E, StoreError>) => storeUnavailable(error),
    ),
  )

const selector = (
  providerId: string,
  userId: UserId,
  { providerAccountId }: { readonly providerAccountId?: string },
  cookie: Redacted.Redacted | undefined,
): AccountSelector => ({
  providerId,
  userId,
  ...(providerAccountId === undefined ? {} : { accountId: providerAccountId }),
  ...(cookie === undefined ? {} : { cookie }),
})

const toDirectIdToken = (payload: IdTokenSubmission): DirectIdToken => ({
  idToken: payload.idToken,
  nonce: payload.nonce ?? null,
  accessToken: payload.accessToken ?? null,
  refreshToken: payload.refreshToken ?? null,
  accessTokenExpiresAt: payload.accessTokenExpiresAt ?? null,
  refreshTokenExpiresAt: payload.refreshTokenExpiresAt ?? null,
  tokenType: payload.tokenType ?? null,
  scopes: payload.scopes ?? payload.scope?.split(" ").filter((scope) => scope !== "") ?? [],
  requestSignUp: payload.requestSignUp ?? false,
})

const toSummary = ({ id, userId, providerId, accountId, tokens, createdAt, updatedAt }: AccountSummary) => ({
  id: String(id),
  userId: String(userId),
  provider: providerId,
  providerAccountId: accountId,
  accessTokenExpiresAt: tokens.accessTokenExpiresAt,
  refreshTokenExpiresAt: tokens.refreshTokenExpiresAt,
  tokenType: tokens.tokenType,
  scope: tokens.scopes.length === 0 ? null : tokens.scopes.join(" "),
  hasAccessToken: tokens.accessToken !== null,
  hasRefreshToken: tokens.refreshToken !== null,
  hasIdToken: tokens.idToken !== null,
  createdAt,
  updatedAt,
})

const toAccessToken = (provider: string, { accountId, tokens }: AccountTokens) => ({
  provider,
  providerAccountId: accountId,
  accessToken: tokens.accessToken,
  tokenType: tokens.tokenType,
  scope: tokens.scope,
  accessTokenExpiresAt: tokens.accessTokenExpiresAt,
  idToken: tokens.idToken,
})
