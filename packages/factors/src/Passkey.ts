/**
 * Passkeys: WebAuthn credentials of a user.
 *
 * @since 0.1.0
 */
import { DisplayText } from "@belfry/core/DisplayText"
import type { UserId } from "@belfry/core/User"
import { isUuid } from "@belfry/core/Uuid"
import * as Schema from "effect/Schema"

/**
 * Identifies a passkey: a UUIDv7, not the credential id of WebAuthn.
 *
 * @category models
 * @since 0.1.0
 */
export const PasskeyId = Schema.String.check(isUuid).pipe(Schema.brand("PasskeyId"))
/**
 * @category models
 * @since 0.1.0
 */
export type PasskeyId = typeof PasskeyId.Type

/**
 * What people call a passkey: 1 to 100 characters that show as they are written.
 *
 * @category models
 * @since 0.1.0
 */
export const PasskeyName = DisplayText(100)

/**
 * A passkey as its owner sees it.
 *
 * **Details**
 *
 * `aaguid` names the model of the authenticator (all zeros when it does not say). `isBackedUp`: it is synchronized, so
 * that losing the device does not lose it.
 *
 * @see [WebAuthn Level 3 §6.1](https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data)
 * @category models
 * @since 0.1.0
 */
export const Passkey = Schema.Struct({
  id: PasskeyId,
  name: Schema.String,
  aaguid: Schema.String,
  isBackedUp: Schema.Boolean,
  createdAt: Schema.DateTimeUtc,
  lastUsedAt: Schema.NullOr(Schema.DateTimeUtc),
}).annotate({ identifier: "Passkey" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Passkey extends Schema.Schema.Type<typeof Passkey> {}

/**
 * A passkey as it rests: with its credential id (base64url), public key (COSE) and signature counter.
 *
 * **Details**
 *
 * `isMultiDevice`: the credential may be copied to other devices (backup eligible), so its key is not bound to one
 * piece of hardware. `transports` are hints of how to reach it.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredPasskey extends Passkey {
  readonly userId: UserId
  readonly credentialId: string
  readonly publicKey: Uint8Array<ArrayBuffer>
  readonly signCount: number
  readonly transports: ReadonlyArray<string>
  readonly isMultiDevice: boolean
}

/**
 * The user has no passkey with this id.
 *
 * @category errors
 * @since 0.1.0
 */
export class PasskeyNotFound extends Schema.TaggedError<PasskeyNotFound>("@belfry/factors/PasskeyNotFound")(
  "PasskeyNotFound",
  { passkeyId: PasskeyId },
) {
  override get message(): string {
    return "No such passkey"
  }
}

/**
 * What the authenticator answered proves nothing: a wrong or used challenge, an unknown credential, a bad signature, a
 * counter that went backwards. They look alike; the audit event says which.
 *
 * @category errors
 * @since 0.1.0
 */
export class PasskeyInvalid extends Schema.TaggedError<PasskeyInvalid>("@belfry/factors/PasskeyInvalid")(
  "PasskeyInvalid",
  {},
) {
  override get message(): string {
    return "This passkey could not be verified"
  }
}
