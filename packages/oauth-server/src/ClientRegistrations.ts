/**
 * Clients that register themselves.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import type { RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import type { Actor, ClientWithSecret } from "./Clients.ts"
import { prefixes } from "./Grant.ts"
import { InitialAccessTokenStore } from "./InitialAccessTokenStore.ts"
import { fromWire } from "./internal/clientMetadataNames.ts"
import { makeNewClients } from "./internal/newClients.ts"
import { vouchedFor } from "./internal/softwareStatements.ts"
import { ClientMetadataInvalid } from "./OAuthClient.ts"
import { OAuthError } from "./OAuthError.ts"
import { OAuthServerHooks } from "./OAuthServerHooks.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"

/**
 * An initial access token that was made: the only moment at which it exists outside of its holder.
 *
 * @category models
 * @since 0.1.0
 */
export interface IssuedInitialAccessToken {
  readonly id: string
  readonly token: Redacted.Redacted
  readonly expiresAt: DateTime.Utc
}

/**
 * Clients that register themselves.
 *
 * @see [RFC 7591 §3](https://www.rfc-editor.org/rfc/rfc7591.html#section-3)
 * @category services
 * @since 0.1.0
 */
export class ClientRegistrations extends Context.Service<
  ClientRegistrations,
  {
    /**
     * Registers a client by the JSON of a registration request, decoded but unchecked.
     *
     * **Details**
     *
     * `token` is an initial access token, `actor` who is signed in, and may be kept away by the hook
     * `clientPrivileges`; with neither, registration must be open. What cannot be had is left out of what is kept
     * (grant types, scopes) or refused (everything else); the client reads what it got. `client_credentials` can be had
     * by an initial access token, or by the leave of the hook `clientPrivileges`. Members that only the host decides
     * are refused by name.
     */
    readonly register: (options: {
      readonly metadata: Schema.Json
      readonly token: Redacted.Redacted | null
      readonly actor: Actor | null
      readonly clientInfo: ClientInfo
    }) => Effect.Effect<ClientWithSecret, ClientMetadataInvalid | OAuthError | RateLimited | StoreError>
    /**
     * Makes an initial access token. `uses`: null for any number. `by` is who asked for it, whose the clients are that
     * register by it; none where the host's code does it by itself.
     */
    readonly issueToken: (options: {
      readonly lifetime: Duration.Duration
      readonly uses: number | null
      readonly clientInfo: ClientInfo
      readonly by?: UserId
    }) => Effect.Effect<IssuedInitialAccessToken, StoreError>
    /** Revokes an initial access token; false when there is none. `by` is who asked for it, for the audit log. */
    readonly revokeToken: (id: string, clientInfo: ClientInfo, by?: UserId) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/oauth-server/ClientRegistrations") {}

/**
 * Builds the service over the stores.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const settings = yield* OAuthServerSettings
  const hooks = yield* OAuthServerHooks
  const limits = yield* RateLimits
  const tokens = yield* InitialAccessTokenStore
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const random = yield* SecureRandom.SecureRandom
  const hasher = yield* (yield* KeyRing).hasher("oauth-initial-access-token")
  const newClients = yield* makeNewClients

  /** Takes one use of an initial access token, in the transaction that registers. */
  const useToken = Effect.fnUntraced(function* (token: Redacted.Redacted) {
    if (!OpaqueToken.isWellFormed(prefixes.initialAccessToken, Redacted.value(token))) return yield* invalidToken
    const used = yield* tokens.use(yield* hasher.candidates(token), yield* DateTime.now)
    return Option.isSome(used) ? used.value : yield* invalidToken
  })

  /** What the host says of a client that who is signed in makes, and what it would belong to. */
  const decisionOn = Effect.fnUntraced(function* ({ user, session }: Actor) {
    const referenceId = yield* hooks.clientReference({ user, session })
    const decision = yield* hooks.clientPrivileges({ action: "create", user, session, referenceId })
    return { decision, referenceId }
  })

  const record = (
    what: string,
    by: UserId | null,
    client: ClientInfo,
    data: { readonly id: string; readonly uses?: number | null },
  ) => audit.record({ type: `oauth-registration-token.${what}`, ...(by === null ? {} : { userId: by }), client, data })

  return ClientRegistrations.of({
    register: Effect.fn("ClientRegistrations.register")(function* ({ metadata, token, actor, clientInfo }) {
      if (settings.rateLimits.registration !== null) {
        yield* limits.consume(settings.rateLimits.registration, rateLimitSubject(clientInfo.ipAddress))
      }
      if (settings.registration === "off") return yield* switchedOff
      if (token === null && actor === null && settings.registration !== "open") return yield* invalidToken
      const { decision, referenceId } = actor === null ? ofNobody : yield* decisionOn(actor)
      if (decision === false) return yield* keptAway
      if (!isObject(metadata)) return yield* noObject
      const privileged = hostMembers.find((member) => Object.hasOwn(metadata, member))
      if (privileged !== undefined) {
        return yield* new ClientMetadataInvalid({
          code: "invalid_client_metadata",
          member: privileged,
          description: "Only the host decides about this member",
        })
      }
      const said = yield* Effect.fromResult(fromWire(metadata))
      const vouched = yield* vouchedFor(hooks, said)
      const isMachineAllowed = token !== null || decision === true
      const checked = yield* newClients.validated(vouched, { isDynamic: true, isMachineAllowed })
      const now = yield* DateTime.now
      const lifetime = settings.registrationSecretLifetime
      const register = Effect.gen(function* () {
        const used = token === null ? null : yield* useToken(token)
        return yield* newClients.create({
          metadata: checked,
          secretExpiresAt: lifetime === null ? null : DateTime.addDuration(now, lifetime),
          userId: used?.userId ?? actor?.user.id ?? null,
          referenceId,
          isDynamic: true,
          clientInfo,
        })
      })
      return yield* transactions.run(register)
    }),
    issueToken: Effect.fn("ClientRegistrations.issueToken")(function* ({
      lifetime,
      uses,
      clientInfo,
      by: userId = null,
    }) {
      const token = yield* Effect.provideService(
        OpaqueToken.generate(prefixes.initialAccessToken),
        SecureRandom.SecureRandom,
        random,
      )
      const now = yield* DateTime.now
      const expiresAt = DateTime.addDuration(now, lifetime)
      const id = yield* random.uuidV7()
      const hash = yield* hasher.hash(token)
      yield* transactions.run(
        Effect.gen(function* () {
          yield* tokens.insert({ id, hash, userId, uses, createdAt: now, expiresAt })
          yield* record("issued", userId, clientInfo, { id, uses })
        }),
      )
      return { id, token, expiresAt }
    }),
    revokeToken: Effect.fn("ClientRegistrations.revokeToken")(function* (id, clientInfo, by) {
      return yield* transactions.run(
        Effect.gen(function* () {
          const isRemoved = yield* tokens.remove(id)
          if (isRemoved) yield* record("revoked", by ?? null, clientInfo, { id })
          return isRemoved
        }),
      )
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(ClientRegistrations, make)

// internal

/** Members of `ClientPrivileges`, as somebody might write them into a request. */
const hostMembers: ReadonlyArray<string> = ["skip_consent", "enable_end_session", "require_pkce"]

const isObject = (json: Schema.Json): json is { readonly [member: string]: Schema.Json } =>
  typeof json === "object" && json !== null && !Array.isArray(json)

const switchedOff = Effect.fail(
  new OAuthError({ code: "access_denied", description: "Clients cannot register themselves here" }),
)

const ofNobody = { decision: "default", referenceId: null } as const

const keptAway = Effect.fail(
  new OAuthError({ code: "access_denied", description: "Whoever is signed in may make no clients here" }),
)

const invalidToken = Effect.fail(
  new OAuthError({
    code: "invalid_token",
    description: "An initial access token is needed, and this is none that holds",
  }),
)

const noObject = Effect.fail(
  new OAuthError({ code: "invalid_request", description: "The request is not a JSON object" }),
)
