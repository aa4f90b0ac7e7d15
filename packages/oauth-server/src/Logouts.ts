/**
 * RP-initiated logout: a client asks that the session ends.
 *
 * @since 0.1.0
 */
import { Sealed } from "@belfry/core/KeyedHash"
import { KeyRing } from "@belfry/core/KeyRing"
import { SessionId } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Browser } from "./Authorizations.ts"
import { withQuery } from "./internal/authorizationAnswers.ts"
import { clientIdOf, isPlain } from "./internal/authorizeParameters.ts"
import { claimedClientOf, type Hint, idTokenHints } from "./internal/idTokenHints.ts"
import { issuerOf } from "./Issuer.ts"
import { ClientId, type OAuthClient } from "./OAuthClient.ts"
import { AuthorizationRefused } from "./OAuthError.ts"
import { OAuthServerPages } from "./OAuthServerPages.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"
import * as Parameters from "./Parameters.ts"
import { RecordStore } from "./RecordStore.ts"
import { SigningKeys } from "./SigningKeys.ts"
import { Subjects } from "./Subjects.ts"

/**
 * What happens to a request to log out.
 *
 * **Details**
 *
 * `SignedOut`: the session is over, or there was none; the way goes on to `redirectTo`, or to a page when null.
 * `Confirm`: the person is asked first, by a page that then calls {@link Logouts} `confirm` with `request`, which is
 * sealed.
 *
 * @category models
 * @since 0.1.0
 */
export type LogoutOutcome =
  | { readonly _tag: "SignedOut"; readonly redirectTo: string | null }
  | { readonly _tag: "Confirm"; readonly url: string; readonly request: string; readonly client: OAuthClient | null }

/**
 * RP-initiated logout.
 *
 * **Details**
 *
 * `id_token_hint` may be over. Without one that names the user who is signed in, or for clients without
 * `enableEndSession`, the person is asked. `post_logout_redirect_uri` is followed only where it is registered, byte for
 * byte, for the client that the hint or `client_id` names; with any other, or a hint that is no ID token for the
 * client, the person is told, and nothing happens. Where nobody is signed in there is nothing to confirm: then the way
 * goes on, but without a hint not to what a client registered for itself.
 *
 * @see [OpenID Connect RP-Initiated Logout §2](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout)
 * @category services
 * @since 0.1.0
 */
export class Logouts extends Context.Service<
  Logouts,
  {
    readonly begin: (
      search: URLSearchParams,
      browser: Browser,
    ) => Effect.Effect<LogoutOutcome, AuthorizationRefused | StoreError>
    /** What the page of confirmation shows: the client that asks, if it is known. */
    readonly context: (
      request: string,
    ) => Effect.Effect<{ readonly client: OAuthClient | null }, AuthorizationRefused | StoreError>
    /** The person agreed: ends the session that is signed in. */
    readonly confirm: (
      request: string,
      browser: Browser,
    ) => Effect.Effect<LogoutOutcome, AuthorizationRefused | StoreError>
  }
>()("@belfry/oauth-server/Logouts") {}

/**
 * Builds the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const settings = yield* OAuthServerSettings
  const pages = yield* OAuthServerPages
  const issuer = issuerOf(yield* Site)
  const records = yield* RecordStore
  const sessions = yield* Sessions
  const subjects = yield* Subjects
  const ring = yield* KeyRing
  const sealer = yield* ring.sealer("oauth-logout")
  const hints = idTokenHints({
    keys: yield* SigningKeys,
    sealer: yield* ring.sealer("oauth-client-secret"),
    issuer,
    disableJwt: settings.disableJwt,
  })

  const findClient = (id: ClientId) => Effect.map(records.find({ clientId: id }), ({ client }) => client)

  /** The client that a request names, and its hint, if that is good; each null when there is none. */
  const identify = Effect.fnUntraced(function* (parameters: Parameters.Parameters) {
    const text = parameters.get("id_token_hint")
    const token = text === undefined ? null : Redacted.make(text)
    const named = parameters.get("client_id")
    const id = named === undefined ? (token === null ? null : claimedClientOf(token)) : clientIdOf(parameters)
    const client = id === null ? null : yield* findClient(id)
    if (named !== undefined && (client === null || client.isDisabled)) return yield* refuse.client
    if (token === null) return { client, hint: null }
    // RP-Initiated Logout §2: it must be of this server and, where a client is named, for that client.
    const hint = client === null ? null : yield* hints.verify(token, client)
    return client === null || client.isDisabled || hint === null ? yield* refuse.hint : { client, hint }
  })

  const isOf = Effect.fnUntraced(function* (hint: Hint, client: OAuthClient, { session, user }: SignedIn) {
    // A hint of another session of theirs is not enough: it may have been kept for long.
    if (hint.sid !== null && hint.sid !== session.id) return false
    return (yield* subjects.of(client, user.id)) === hint.subject
  })

  const end = ({ session, user }: SignedIn, { clientInfo }: Browser) =>
    Effect.catchTag(sessions.revoke(user.id, session.id, clientInfo), "SessionNotFound", () => Effect.void)

  const open = Effect.fnUntraced(function* (request: string) {
    if (!isSealed(request)) return yield* refuse.over
    const sealed = yield* sealer.open(request, sealContext).pipe(
      Effect.flatMap((text) => decode(Redacted.value(text))),
      Effect.catchTag(["SealBroken", "SchemaError"], () => refuse.over),
    )
    const now = yield* DateTime.now
    return now.epochMilliseconds < sealed.expiresAt.epochMilliseconds ? sealed : yield* refuse.over
  })

  return Logouts.of({
    begin: Effect.fn("Logouts.begin")(function* (search, browser) {
      if (!settings.endSession) return yield* refuse.off
      const parameters = yield* Effect.mapError(Effect.fromResult(Parameters.make(search)), () => refuse.repeated)
      const { client, hint } = yield* identify(parameters)
      const redirectTo = yield* Effect.fromResult(redirectTarget(parameters, client))
      const { signedIn } = browser
      if (signedIn === null) {
        const isKnown = hint !== null || client?.isDynamic === false
        return { _tag: "SignedOut", redirectTo: isKnown ? redirectTo : null } as const
      }
      if (hint !== null && client?.privileges.enableEndSession === true && (yield* isOf(hint, client, signedIn))) {
        yield* end(signedIn, browser)
        return { _tag: "SignedOut", redirectTo } as const
      }
      const asked: LogoutRequest = {
        sessionId: signedIn.session.id,
        clientId: client?.id ?? null,
        redirectTo,
        expiresAt: DateTime.addDuration(yield* DateTime.now, "10 minutes"),
      }
      // It encodes, being of its type.
      const text = yield* Effect.orDie(encode(asked))
      const request = yield* sealer.seal(Redacted.make(text), sealContext)
      return { _tag: "Confirm", url: withQuery(pages.endSession, [["request", request]]), request, client } as const
    }),

    context: Effect.fn("Logouts.context")(function* (request) {
      const { clientId } = yield* open(request)
      return { client: clientId === null ? null : yield* findClient(clientId) }
    }),

    confirm: Effect.fn("Logouts.confirm")(function* (request, browser) {
      const { redirectTo, sessionId } = yield* open(request)
      const { signedIn } = browser
      if (signedIn !== null) {
        if (signedIn.session.id !== sessionId) return yield* refuse.over
        yield* end(signedIn, browser)
      }
      return { _tag: "SignedOut", redirectTo } as const
    }),
  })
})

/**
 * Layer of RP-initiated logout.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Logouts, make)

// internal

type SignedIn = NonNullable<Browser["signedIn"]>

/** A request to log out that waits for the person. */
const LogoutRequest = Schema.Struct({
  sessionId: SessionId,
  clientId: Schema.NullOr(ClientId),
  redirectTo: Schema.NullOr(Schema.String),
  expiresAt: Schema.DateTimeUtc,
})
type LogoutRequest = typeof LogoutRequest.Type

const LogoutRequestJson = Schema.fromJsonString(Schema.toCodecJson(LogoutRequest))

const encode = Schema.encodeEffect(LogoutRequestJson)
const decode = Schema.decodeEffect(LogoutRequestJson)

const isSealed = Schema.is(Sealed)

const sealContext = "request"

const refusal = (reason: AuthorizationRefused["reason"], description: string) =>
  new AuthorizationRefused({ reason, description })

const refuse = {
  off: refusal("invalid_request", "Logging out by clients is not supported"),
  repeated: refusal("invalid_request", "A parameter is repeated"),
  client: refusal("invalid_client", "The client is unknown or disabled"),
  hint: refusal("invalid_request", "id_token_hint is no ID token for the client"),
  state: refusal("invalid_request", "state is too long or has control characters"),
  target: refusal("invalid_redirect_uri", "post_logout_redirect_uri is not one of the client's"),
  over: refusal("expired", "This request is over, or was made in another session"),
}

/** Where the browser goes in the end, with `state`; null when nothing is asked for. */
const redirectTarget = (
  parameters: Parameters.Parameters,
  client: OAuthClient | null,
): Result.Result<string | null, AuthorizationRefused> => {
  const uri = parameters.get("post_logout_redirect_uri")
  const state = parameters.get("state")
  if (uri === undefined) return Result.succeed(null)
  // RP-Initiated Logout §3: byte for byte one of those that the client registered.
  if (client?.metadata.postLogoutRedirectUris.includes(uri) !== true) return Result.fail(refuse.target)
  if (!isPlain("state", state ?? "")) return Result.fail(refuse.state)
  return Result.succeed(state === undefined ? uri : withQuery(uri, [["state", state]]))
}
