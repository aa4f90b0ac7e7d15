/**
 * Making clients and their secrets, and judging what clients say of themselves, the same way for all who may.
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ClientAuthentications } from "../ClientAuthentications.ts"
import { ClientStore } from "../ClientStore.ts"
import { prefixes } from "../Grant.ts"
import {
  ClientId,
  type ClientMetadata,
  ClientMetadataInvalid,
  type ClientPrivileges,
  type ClientSecret,
  type OAuthClient,
} from "../OAuthClient.ts"
import { OAuthServerSettings } from "../OAuthServerSettings.ts"
import type { UncheckedMetadata } from "./clientMetadataNames.ts"
import { type ClientRules, validate } from "./clientRules.ts"

/** The name by which the key ring derives the keys that hash and seal client secrets. */
export const secretPurpose = "oauth-client-secret"

/** What a client is made of. Its metadata was validated. */
export interface NewClient {
  readonly metadata: ClientMetadata
  readonly privileges?: Partial<ClientPrivileges> | undefined
  readonly id?: ClientId | undefined
  readonly secret?: Redacted.Redacted | undefined
  readonly secretExpiresAt?: DateTime.Utc | null | undefined
  readonly userId?: UserId | null | undefined
  readonly referenceId?: string | null | undefined
  readonly isDynamic?: boolean | undefined
  readonly clientInfo: ClientInfo
  /** Who asked for it, where that is not its owner. */
  readonly by?: UserId | undefined
}

/** What a client may that nobody gave a privilege. */
export const noPrivileges: ClientPrivileges = {
  skipConsent: false,
  enableEndSession: false,
  requirePkce: true,
  resources: null,
  metadata: {},
}

/** Makes secrets, and clients with them; each with its audit event. */
export const makeNewClients = Effect.gen(function* () {
  const store = yield* ClientStore
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const random = yield* SecureRandom.SecureRandom
  const settings = yield* OAuthServerSettings
  const { methods } = yield* ClientAuthentications
  const outbound = yield* OutboundHttp
  const keyRing = yield* KeyRing
  const hasher = yield* keyRing.hasher(secretPurpose)
  const sealer = yield* keyRing.sealer(secretPurpose)
  const generate = (prefix: string) =>
    Effect.provideService(OpaqueToken.generate(prefix), SecureRandom.SecureRandom, random)

  /** The metadata as it is kept. */
  const validated = (metadata: UncheckedMetadata, of: Pick<ClientRules, "isDynamic" | "isMachineAllowed">) =>
    validate(metadata, { ...of, settings, methods, outbound })

  /** A secret for a client: a new one, unless it is given. */
  const secretOf = Effect.fnUntraced(function* (
    id: ClientId,
    now: DateTime.Utc,
    expiresAt: DateTime.Utc | null,
    given?: Redacted.Redacted,
  ) {
    const secret = given ?? (yield* generate(prefixes.clientSecret))
    const row: ClientSecret = {
      hash: yield* hasher.hash(secret),
      // Only HMAC with the secret as its key needs more than the hash.
      sealed: settings.disableJwt ? yield* sealer.seal(secret, id) : null,
      createdAt: now.epochMilliseconds,
      expiresAt: expiresAt?.epochMilliseconds ?? null,
    }
    return { secret, row }
  })

  const create = Effect.fnUntraced(function* (options: NewClient) {
    const { metadata, clientInfo, userId = null, referenceId = null, isDynamic = false } = options
    const by = options.by ?? userId
    const now = yield* DateTime.now
    const id = options.id ?? ClientId.make(Redacted.value(yield* generate(prefixes.clientId)))
    const method = metadata.tokenEndpointAuthMethod
    const hasSecret = method === "client_secret_basic" || method === "client_secret_post"
    const made = hasSecret ? yield* secretOf(id, now, options.secretExpiresAt ?? null, options.secret) : null
    const client: OAuthClient = {
      id,
      metadata,
      privileges: { ...noPrivileges, ...options.privileges },
      secrets: made === null ? [] : [made.row],
      userId,
      referenceId,
      isDisabled: false,
      isDynamic,
      documentUntil: null,
      createdAt: now,
      updatedAt: now,
    }
    yield* transactions.run(
      Effect.gen(function* () {
        if (!(yield* store.insert(client))) {
          return yield* options.id === undefined ? collision : idTaken
        }
        yield* audit.record({
          type: isDynamic ? "oauth-client.registered" : "oauth-client.created",
          ...(by === null ? {} : { userId: by }),
          client: clientInfo,
          data: { clientId: id, method },
        })
      }),
    )
    return { client, secret: made?.secret ?? null }
  })

  return { validated, create, secretOf }
})

// internal

const idTaken = Effect.fail(
  new ClientMetadataInvalid({
    code: "invalid_client_metadata",
    member: "client_id",
    description: "There is a client of this id already",
  }),
)

/** Random ids do not meet; if they do, the random source is broken. */
const collision = Effect.fail(
  new StoreError({
    store: "ClientStore",
    method: "insert",
    isRetryable: false,
    cause: new Error("A random client id is taken"),
  }),
)
