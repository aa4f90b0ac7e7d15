/**
 * What is done to clients that are there, the same way for their owners and for those who are trusted; each change with
 * its audit event.
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { SessionId } from "@belfry/core/Session"
import { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ClientStore } from "../ClientStore.ts"
import {
  ClientChangeRefused,
  type ClientId,
  ClientMetadata,
  ClientMetadataInvalid,
  ClientNotFound,
  type ClientPrivileges,
  type ClientSecret,
  type OAuthClient,
} from "../OAuthClient.ts"
import { OAuthServerSettings } from "../OAuthServerSettings.ts"
import { makeNewClients } from "./newClients.ts"

/** Who changes something, for the audit log. */
export interface Changer {
  readonly userId?: UserId | undefined
  readonly sessionId?: SessionId | undefined
  readonly clientInfo: ClientInfo
}

/** What becomes of a client; what is left out stays. */
export interface ClientPatch {
  readonly metadata?: Partial<ClientMetadata> | undefined
  readonly privileges?: Partial<ClientPrivileges> | undefined
  readonly isDisabled?: boolean | undefined
}

/** May fail for a client that must not be changed. */
type Permit<E> = (client: OAuthClient) => Effect.Effect<void, E>

/** The changes, over the stores. */
export const makeClientChanges = Effect.gen(function* () {
  const store = yield* ClientStore
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const settings = yield* OAuthServerSettings
  const newClients = yield* makeNewClients

  const record = ({ userId, sessionId, clientInfo }: Changer, type: string, data: AuditData) =>
    audit.record({
      type,
      ...(userId === undefined ? {} : { userId }),
      ...(sessionId === undefined ? {} : { sessionId }),
      client: clientInfo,
      data,
    })

  const get = Effect.fnUntraced(function* (id: ClientId) {
    const found = yield* store.find(id)
    return Option.isSome(found) ? found.value : yield* new ClientNotFound({ clientId: id })
  })

  const validated = (metadata: Partial<ClientMetadata>) => newClients.validated(metadata, { isDynamic: false })

  /** The client as the patch makes it. */
  const patched = Effect.fnUntraced(function* (client: OAuthClient, patch: ClientPatch) {
    const metadata = definedOf(patch.metadata ?? {})
    if (client.documentUntil !== null && (Object.keys(metadata).length > 0 || patch.privileges?.skipConsent === true)) {
      return yield* isOfDocument
    }
    const method = metadata.tokenEndpointAuthMethod ?? client.metadata.tokenEndpointAuthMethod
    // A client would lose its secret, or have none to begin with.
    if (method !== client.metadata.tokenEndpointAuthMethod) return yield* methodIsFixed
    const now = yield* DateTime.now
    const next: OAuthClient = {
      ...client,
      metadata: yield* validated({ ...client.metadata, ...metadata }),
      privileges: { ...client.privileges, ...definedOf(patch.privileges ?? {}) },
      isDisabled: patch.isDisabled ?? client.isDisabled,
      // Each change has an instant of its own, by which the next one knows what it saw.
      updatedAt: DateTime.max(now, DateTime.add(client.updatedAt, { milliseconds: 1 })),
    }
    return next
  })

  /**
   * Changes a client as `decide` says, which may refuse; as often as somebody else was faster, and then on what they
   * left. What is asked of others is asked outside of the transaction.
   */
  const update = Effect.fnUntraced(function* <E>(
    id: ClientId,
    by: Changer,
    decide: (client: OAuthClient) => Effect.Effect<ClientPatch, E>,
  ) {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const client = yield* get(id)
      const patch = yield* decide(client)
      const next = yield* patched(client, patch)
      const isChanged = yield* transactions.run(
        Effect.gen(function* () {
          if (!(yield* store.update(client, next))) return false
          yield* record(by, "oauth-client.updated", { clientId: id, fields: fieldsOf(patch) })
          return true
        }),
      )
      if (isChanged) return next
    }
    return yield* tooBusy
  })

  const rotateSecret = Effect.fnUntraced(function* <E>(id: ClientId, by: Changer, permit: Permit<E>) {
    const seen = yield* get(id)
    yield* permit(seen)
    const method = seen.metadata.tokenEndpointAuthMethod
    if (method !== "client_secret_basic" && method !== "client_secret_post") {
      return yield* new ClientChangeRefused({ reason: "public" })
    }
    const now = yield* DateTime.now
    const { secret, row } = yield* newClients.secretOf(id, now, endOfSuccessor(seen.secrets[0], now))
    const overlapUntil = DateTime.addDuration(now, settings.secretOverlap)
    const client = yield* transactions.run(
      Effect.gen(function* () {
        const rotated = yield* store.rotateSecret(id, row, overlapUntil, now)
        if (Option.isNone(rotated)) return yield* new ClientNotFound({ clientId: id })
        yield* record(by, "oauth-client.secret-rotated", { clientId: id })
        return rotated.value
      }),
    )
    return { client, secret }
  })

  const remove = Effect.fnUntraced(function* <E>(id: ClientId, by: Changer, permit: Permit<E>) {
    yield* permit(yield* get(id))
    yield* transactions.run(
      Effect.gen(function* () {
        if (Option.isNone(yield* store.remove(id))) return yield* new ClientNotFound({ clientId: id })
        yield* record(by, "oauth-client.deleted", { clientId: id })
      }),
    )
  })

  return { get, validated, create: newClients.create, update, rotateSecret, remove }
})

// internal

type AuditData = NonNullable<Parameters<Audit["Service"]["record"]>[0]["data"]>

const maxAttempts = 5

/** A patch in which a member is there but undefined changes it as little as one without it. */
const definedOf = <Fields extends object>(fields: Fields): Fields => {
  const defined = { ...fields }
  for (const [name, value] of Object.entries(fields)) if (value === undefined) Reflect.deleteProperty(defined, name)
  return defined
}

/** The members that a patch names, of those that there are. */
const fieldsOf = ({ metadata = {}, privileges = {}, isDisabled }: ClientPatch): ReadonlyArray<string> => [
  ...Object.keys(definedOf(metadata)).filter((name) => Object.hasOwn(ClientMetadata.fields, name)),
  ...Object.keys(definedOf(privileges)),
  ...(isDisabled === undefined ? [] : ["isDisabled"]),
]

/** A secret that takes the place of one with an end lasts as long as that one did. */
const endOfSuccessor = (former: ClientSecret | undefined, now: DateTime.Utc): DateTime.Utc | null =>
  former === undefined || former.expiresAt === null
    ? null
    : DateTime.add(now, { milliseconds: former.expiresAt - former.createdAt })

const methodIsFixed = Effect.fail(
  new ClientMetadataInvalid({
    code: "invalid_client_metadata",
    member: "token_endpoint_auth_method",
    description: "The way in which a client proves itself cannot be changed",
  }),
)

const isOfDocument = Effect.fail(
  new ClientMetadataInvalid({
    code: "invalid_client_metadata",
    member: null,
    description: "The client is what its metadata document says, and is never trusted",
  }),
)

const tooBusy = Effect.fail(
  new StoreError({
    store: "ClientStore",
    method: "update",
    isRetryable: true,
    cause: new Error("The client is changed by others all the time"),
  }),
)
