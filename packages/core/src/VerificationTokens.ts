/**
 * Tokens that prove something once: issued to be mailed, consumed when they come back.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { KeyRing } from "./KeyRing.ts"
import * as OpaqueToken from "./OpaqueToken.ts"
import type { StoreError } from "./StoreError.ts"
import type { UserId } from "./User.ts"
import { type VerificationToken, VerificationTokenId, VerificationTokenInvalid } from "./VerificationToken.ts"
import { type VerificationTokenKey, VerificationTokenStore } from "./VerificationTokenStore.ts"

/**
 * One use of verification tokens: its name, how long its tokens live and what they carry.
 *
 * @category models
 * @since 0.1.0
 */
export interface Purpose<Payload extends Schema.Codec<unknown, unknown>> {
  readonly name: string
  readonly lifetime: Duration.Duration
  readonly payload: Payload
}

/**
 * A token with its payload decoded.
 *
 * @category models
 * @since 0.1.0
 */
export interface Verified<A> extends Omit<VerificationToken, "payload"> {
  readonly payload: A
}

/**
 * Tokens that prove something once.
 *
 * @category services
 * @since 0.1.0
 */
export class VerificationTokens extends Context.Service<
  VerificationTokens,
  {
    /** Issues a token; the text is returned once and only its keyed hash stays. */
    readonly issue: <P extends Schema.Codec<unknown, unknown>>(options: {
      readonly purpose: Purpose<P>
      readonly subject: string
      readonly userId: UserId | null
      readonly payload: P["Type"]
    }) => Effect.Effect<Redacted.Redacted, StoreError>
    /** Reads a token without using it up. */
    readonly peek: <P extends Schema.Codec<unknown, unknown>>(
      purpose: Purpose<P>,
      token: Redacted.Redacted,
    ) => Effect.Effect<Verified<P["Type"]>, VerificationTokenInvalid | StoreError>
    /** Uses a token up: of any number of callers, one succeeds. */
    readonly consume: <P extends Schema.Codec<unknown, unknown>>(
      purpose: Purpose<P>,
      token: Redacted.Redacted,
    ) => Effect.Effect<Verified<P["Type"]>, VerificationTokenInvalid | StoreError>
    /** Makes every open token of this purpose about this subject worthless. */
    readonly revoke: (purpose: { readonly name: string }, subject: string) => Effect.Effect<number, StoreError>
  }
>()("@belfry/core/VerificationTokens") {}

/**
 * The prefix of verification tokens.
 *
 * @category models
 * @since 0.1.0
 */
export const tokenPrefix = "belfry_verify"

/**
 * Verification tokens over their store and the key ring.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  VerificationTokens,
  Effect.gen(function* () {
    const store = yield* VerificationTokenStore
    const random = yield* SecureRandom.SecureRandom
    const hasher = yield* (yield* KeyRing).hasher("verification-token")

    const take = <P extends Schema.Codec<unknown, unknown>>(
      purpose: Purpose<P>,
      token: Redacted.Redacted,
      method: (key: VerificationTokenKey) => Effect.Effect<Option.Option<VerificationToken>, StoreError>,
    ) =>
      Effect.gen(function* () {
        // The checksum turns away made-up tokens before anything is looked up.
        if (!OpaqueToken.isWellFormed(tokenPrefix, Redacted.value(token))) return yield* new VerificationTokenInvalid()
        const found = yield* method({
          purpose: purpose.name,
          hashes: yield* hasher.candidates(token),
          now: yield* DateTime.now,
        })
        if (Option.isNone(found)) return yield* new VerificationTokenInvalid()
        const payload = yield* Effect.mapError(
          Schema.decodeUnknownEffect(Schema.toCodecJson(purpose.payload))(found.value.payload),
          () => new VerificationTokenInvalid(),
        )
        return { ...found.value, payload }
      })

    return VerificationTokens.of({
      issue: Effect.fnUntraced(function* ({ purpose, subject, userId, payload }) {
        const token = yield* Effect.provideService(OpaqueToken.generate(tokenPrefix), SecureRandom.SecureRandom, random)
        const now = yield* DateTime.now
        yield* store.insert(
          {
            id: VerificationTokenId.make(yield* random.uuidV7()),
            purpose: purpose.name,
            subject,
            userId,
            // The payload has the purpose's own type, so it encodes.
            payload: yield* Effect.orDie(Schema.encodeEffect(Schema.toCodecJson(purpose.payload))(payload)),
            createdAt: now,
            expiresAt: DateTime.addDuration(now, purpose.lifetime),
          },
          yield* hasher.hash(token),
        )
        return token
      }),
      peek: (purpose, token) => take(purpose, token, store.find),
      consume: (purpose, token) => take(purpose, token, store.consume),
      revoke: (purpose, subject) => store.removeBySubject(purpose.name, subject),
    })
  }),
)
