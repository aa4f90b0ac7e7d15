/**
 * Consents and grants of a user: what they agreed to, and what came of it.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type Consent, ConsentId, ConsentNotFound, ConsentWidened } from "./Consent.ts"
import { ConsentStore } from "./ConsentStore.ts"
import { type GrantId, GrantNotFound, type GrantSummary } from "./Grant.ts"
import { GrantStore } from "./GrantStore.ts"
import type { ClientId } from "./OAuthClient.ts"

/**
 * Consents and grants of a user. Each change is recorded with its audit event.
 *
 * @category services
 * @since 0.1.0
 */
export class Consents extends Context.Service<
  Consents,
  {
    /** Adds to the consent of a user for a client under a reference. */
    readonly give: (options: {
      readonly userId: UserId
      readonly clientId: ClientId
      readonly referenceId: string | null
      readonly scopes: ReadonlyArray<string>
      readonly declinedScopes: ReadonlyArray<string>
      readonly resources: ReadonlyArray<string>
      readonly client: ClientInfo
    }) => Effect.Effect<Consent, StoreError>
    readonly list: (userId: UserId, referenceId?: string | null) => Effect.Effect<ReadonlyArray<Consent>, StoreError>
    readonly get: (userId: UserId, id: ConsentId) => Effect.Effect<Consent, ConsentNotFound | StoreError>
    /** Leaves `scopes` of what was agreed to. Grants of that client (and reference) that have more are revoked. */
    readonly narrow: (options: {
      readonly userId: UserId
      readonly id: ConsentId
      readonly scopes: ReadonlyArray<string>
      readonly client: ClientInfo
    }) => Effect.Effect<Consent, ConsentNotFound | ConsentWidened | StoreError>
    /** Takes a consent back: it is gone, and the grants that stood on it are revoked. */
    readonly withdraw: (
      userId: UserId,
      id: ConsentId,
      client: ClientInfo,
    ) => Effect.Effect<void, ConsentNotFound | StoreError>
    /** The user's grants in force, newest first: applications with access. */
    readonly grants: (userId: UserId) => Effect.Effect<ReadonlyArray<GrantSummary>, StoreError>
    /** Revokes one grant of the user. */
    readonly revokeGrant: (
      userId: UserId,
      id: GrantId,
      client: ClientInfo,
    ) => Effect.Effect<void, GrantNotFound | StoreError>
    /**
     * Revokes every grant of a user, after a change of password, say; or those under one reference alone, which the
     * user has nothing to do with any more. The number revoked.
     */
    readonly revokeGrants: (
      userId: UserId,
      client: ClientInfo,
      referenceId?: string | null,
    ) => Effect.Effect<number, StoreError>
  }
>()("@belfry/oauth-server/Consents") {}

/**
 * Builds the service over the stores of consents and grants.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const audit = yield* Audit
  const consents = yield* ConsentStore
  const grants = yield* GrantStore
  const random = yield* SecureRandom.SecureRandom
  const transactions = yield* TransactionStore

  const find = Effect.fnUntraced(function* (userId: UserId, id: ConsentId) {
    return yield* orNotFound(yield* consents.find(userId, id), id)
  })

  /** Revokes what is meant of a user's grants. For use in a transaction. */
  const revoke = Effect.fnUntraced(function* (meant: Parameters<typeof grants.revokeByUser>[0], client: ClientInfo) {
    const revoked = yield* grants.revokeByUser(meant)
    yield* Effect.forEach(
      revoked,
      (grantId) =>
        audit.record({
          type: "oauth-grant.revoked",
          userId: meant.userId,
          client,
          data: { grantId, ...(meant.clientId === undefined ? {} : { clientId: meant.clientId }) },
        }),
      { discard: true },
    )
    return revoked.length
  })

  return Consents.of({
    give: Effect.fn("Consents.give")(function* ({ client, ...given }) {
      const now = yield* DateTime.now
      const id = ConsentId.make(yield* random.uuidV7())
      return yield* transactions.run(
        Effect.gen(function* () {
          const consent = yield* consents.merge({ ...given, id, createdAt: now, updatedAt: now })
          yield* audit.record({
            type: "oauth-consent.given",
            userId: given.userId,
            client,
            data: {
              ...aboutConsent(consent),
              scopes: given.scopes,
              declinedScopes: given.declinedScopes,
              resources: given.resources,
            },
          })
          return consent
        }),
      )
    }),

    list: Effect.fn("Consents.list")((userId, referenceId) => consents.listByUser(userId, referenceId)),

    get: Effect.fn("Consents.get")(find),

    narrow: Effect.fn("Consents.narrow")(function* ({ client, id, scopes, userId }) {
      const now = yield* DateTime.now
      return yield* transactions.run(
        Effect.gen(function* () {
          const before = yield* find(userId, id)
          const widened = scopes.filter((scope) => !before.scopes.includes(scope))
          if (widened.length > 0) return yield* new ConsentWidened({ scopes: widened })
          const consent = yield* orNotFound(yield* consents.narrow(userId, id, scopes, now), id)
          yield* audit.record({
            type: "oauth-consent.narrowed",
            userId,
            client,
            data: { ...aboutConsent(consent), scopes: consent.scopes },
          })
          const { clientId, referenceId } = consent
          yield* revoke({ userId, clientId, referenceId, beyond: consent.scopes, now }, client)
          return consent
        }),
      )
    }),

    withdraw: Effect.fn("Consents.withdraw")(function* (userId, id, client) {
      const now = yield* DateTime.now
      yield* transactions.run(
        Effect.gen(function* () {
          const consent = yield* orNotFound(yield* consents.remove(userId, id), id)
          yield* audit.record({ type: "oauth-consent.withdrawn", userId, client, data: aboutConsent(consent) })
          const { clientId, referenceId } = consent
          yield* revoke({ userId, clientId, referenceId, now }, client)
        }),
      )
    }),

    grants: Effect.fn("Consents.grants")(function* (userId) {
      return yield* grants.listByUser(userId, yield* DateTime.now)
    }),

    revokeGrant: Effect.fn("Consents.revokeGrant")(function* (userId, id, client) {
      const now = yield* DateTime.now
      yield* transactions.run(
        Effect.gen(function* () {
          const grant = yield* grants.findByUser(userId, id)
          if (Option.isNone(grant) || !(yield* grants.revoke(id, now))) return yield* new GrantNotFound({ grantId: id })
          const { clientId } = grant.value
          yield* audit.record({ type: "oauth-grant.revoked", userId, client, data: { grantId: id, clientId } })
        }),
      )
    }),

    revokeGrants: Effect.fn("Consents.revokeGrants")(function* (userId, client, referenceId) {
      return yield* transactions.run(revoke({ userId, referenceId, now: yield* DateTime.now }, client))
    }),
  })
})

/**
 * Consents and grants of users, over the stores and the audit log.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Consents, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const orNotFound = (consent: Option.Option<Consent>, consentId: ConsentId): Effect.Effect<Consent, ConsentNotFound> =>
  Option.match(consent, {
    onNone: () => Effect.fail(new ConsentNotFound({ consentId })),
    onSome: Effect.succeed,
  })

const aboutConsent = ({ clientId, id, referenceId }: Consent) => ({ consentId: id, clientId, referenceId })
