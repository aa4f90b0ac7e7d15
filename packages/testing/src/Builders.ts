/**
 * Builders of models with defaults, so that a test shows only what it is about.
 *
 * Times come from the Clock of the test, ids and hashes are new every time.
 *
 * @since 0.1.0
 */
import { type AuditEvent, AuditEventId, unknownClient } from "@belfry/core/AuditEvent"
import { KeyedHash, Sealed } from "@belfry/core/KeyedHash"
import { LinkedAccountId, type SealedLinkedAccount } from "@belfry/core/LinkedAccount"
import { type NewOutboxEvent, OutboxEventId } from "@belfry/core/OutboxEvent"
import { type Session, SessionId } from "@belfry/core/Session"
import { Email, type User, UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { type VerificationToken, VerificationTokenId } from "@belfry/core/VerificationToken"
import { TotpStore } from "@belfry/factors/TotpStore"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"

/**
 * A user with an address of its own.
 *
 * @category builders
 * @since 0.1.0
 */
export const user = Effect.fnUntraced(function* (fields: Partial<User> = {}) {
  const id = yield* random.uuidV7()
  const now = yield* DateTime.now
  const defaults: User = {
    id: UserId.make(id),
    email: Email.make(`${id}@example.com`),
    name: "Ada Lovelace",
    image: null,
    emailVerifiedAt: null,
    scopes: [],
    disabledAt: null,
    createdAt: now,
    updatedAt: now,
  }
  return { ...defaults, ...fields }
})

/**
 * A user with an address of its own who is in the store.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedUser = Effect.fnUntraced(function* (fields: Partial<User> = {}) {
  const built = yield* user(fields)
  yield* UserStore.use((users) => users.insert(built))
  return built
})

/**
 * A session that began now and lives for 7 of at most 30 days.
 *
 * @category builders
 * @since 0.1.0
 */
export const session = Effect.fnUntraced(function* (fields: Partial<Session> & Pick<Session, "userId">) {
  const now = yield* DateTime.now
  const defaults: Omit<Session, "userId"> = {
    id: SessionId.make(yield* random.uuidV7()),
    amr: ["pwd"],
    acr: null,
    authTime: now,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: DateTime.add(now, { days: 7 }),
    endsAt: DateTime.add(now, { days: 30 }),
    ipAddress: "192.0.2.1",
    userAgent: "Mozilla/5.0",
    label: null,
  }
  return { ...defaults, ...fields }
})

/**
 * An account at another provider, with an access token.
 *
 * @category builders
 * @since 0.1.0
 */
export const linkedAccount = Effect.fnUntraced(function* (
  fields: Partial<SealedLinkedAccount> & Pick<SealedLinkedAccount, "userId">,
) {
  const id = yield* random.uuidV7()
  const now = yield* DateTime.now
  const defaults: Omit<SealedLinkedAccount, "userId"> = {
    id: LinkedAccountId.make(id),
    providerId: "github",
    accountId: `account-${id}`,
    tokens: {
      accessToken: yield* sealed,
      refreshToken: null,
      idToken: null,
      tokenType: "bearer",
      scopes: ["read:user"],
      accessTokenExpiresAt: DateTime.add(now, { hours: 1 }),
      refreshTokenExpiresAt: null,
    },
    createdAt: now,
    updatedAt: now,
  }
  return { ...defaults, ...fields }
})

/**
 * What is kept of an account whose provider gave no tokens.
 *
 * @category builders
 * @since 0.1.0
 */
export const noTokens = {
  accessToken: null,
  refreshToken: null,
  idToken: null,
  tokenType: null,
  scopes: [],
  accessTokenExpiresAt: null,
  refreshTokenExpiresAt: null,
}

/**
 * Sets up an authenticator app as it rests: nobody knows its secret.
 *
 * @category builders
 * @since 0.1.0
 */
export const storedTotp = Effect.fnUntraced(function* (userId: UserId) {
  const totps = yield* TotpStore
  const [secret, now] = [yield* sealed, yield* DateTime.now]
  yield* totps.begin({
    userId,
    secret,
    algorithm: "SHA1",
    digits: 6,
    period: 30,
    lastStep: null,
    createdAt: now,
    confirmedAt: null,
    lastUsedAt: null,
  })
  yield* totps.confirm({ userId, secret, step: 1, now })
})

/**
 * A verification token about an address, for one hour, of no user.
 *
 * @category builders
 * @since 0.1.0
 */
export const verificationToken = Effect.fnUntraced(function* (fields: Partial<VerificationToken> = {}) {
  const id = yield* random.uuidV7()
  const now = yield* DateTime.now
  const defaults: VerificationToken = {
    id: VerificationTokenId.make(id),
    purpose: "verify-email",
    subject: `${id}@example.com`,
    userId: null,
    payload: null,
    createdAt: now,
    expiresAt: DateTime.add(now, { hours: 1 }),
  }
  return { ...defaults, ...fields }
})

/**
 * An audit event about nobody. Events built one after the other have ascending ids.
 *
 * @category builders
 * @since 0.1.0
 */
export const auditEvent = Effect.fnUntraced(function* (fields: Partial<AuditEvent> = {}) {
  const defaults: AuditEvent = {
    id: AuditEventId.make(yield* random.uuidV7()),
    type: "session.created",
    outcome: "success",
    reason: null,
    userId: null,
    sessionId: null,
    client: unknownClient,
    data: {},
    aggregate: null,
    before: null,
    after: null,
    occurredAt: yield* DateTime.now,
  }
  return { ...defaults, ...fields }
})

/**
 * An event of the outbox that has no version yet, of an aggregate that nothing else has.
 *
 * @category builders
 * @since 0.1.0
 */
export const outboxEvent = Effect.fnUntraced(function* (fields: Partial<NewOutboxEvent> = {}) {
  const defaults: NewOutboxEvent = {
    id: OutboxEventId.make(yield* random.uuidV7()),
    aggregate: `test:${yield* random.uuidV7()}`,
    type: "test.Happened",
    payload: {},
    occurredAt: yield* DateTime.now,
  }
  return { ...defaults, ...fields }
})

/**
 * A keyed hash that nothing else has.
 *
 * @category builders
 * @since 0.1.0
 */
export const keyedHash: Effect.Effect<KeyedHash> = Effect.suspend(() =>
  Effect.map(random.randomBytes(32), (bytes) => KeyedHash.make(`test.${Base64Url.encode(bytes)}`)),
)

/**
 * Text that looks sealed; no key opens it.
 *
 * @category builders
 * @since 0.1.0
 */
export const sealed: Effect.Effect<Sealed> = Effect.suspend(() =>
  Effect.map(random.randomBytes(48), (bytes) => Sealed.make(`test.${Base64Url.encode(bytes)}`)),
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// One generator for all builders: UUIDv7 ascend only within a generator.
const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)
