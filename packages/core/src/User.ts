/**
 * A person who can sign in: who they are and which scopes they hold.
 *
 * Addresses are normalized once, when they enter: everything behind {@link Email} compares exactly.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { DisplayText } from "./DisplayText.ts"
import { isUuid } from "./Uuid.ts"

/**
 * Identifies a user: a UUIDv7. It is never a credential.
 *
 * @see [RFC 9562 §5.7](https://www.rfc-editor.org/rfc/rfc9562.html#section-5.7)
 * @category models
 * @since 0.1.0
 */
export const UserId = Schema.String.check(isUuid).pipe(Schema.brand("UserId"))
/**
 * @category models
 * @since 0.1.0
 */
export type UserId = typeof UserId.Type

/**
 * Writes an address in its one form: no surrounding space, NFC, lower case, the domain in ASCII (IDNA).
 *
 * **Details**
 *
 * RFC 5321 lets a mailbox distinguish case in the local part, but no provider in use does, and two spellings of one
 * mailbox must not make two people. A domain that the URL standard cannot read is left as it is and refused by the
 * checks of {@link Email}.
 *
 * @see [RFC 5321 §2.4](https://www.rfc-editor.org/rfc/rfc5321.html#section-2.4)
 * @category converting
 * @since 0.1.0
 */
export const normalizeEmail = (input: string): string => {
  // Composed after lowering: some letters have a composed form in lower case alone.
  const text = input.trim().toLowerCase().normalize("NFC")
  const at = text.lastIndexOf("@")
  if (at < 0) return text
  const domain = text.slice(at + 1)
  // Only letters, digits, dots and hyphens reach the URL parser: it would read other characters as URL syntax. What is
  // too long for a domain does not: encoding it takes time.
  if (domain.length > 253 || !/^[\p{L}\p{M}\p{N}.-]+$/u.test(domain)) return text
  const hostname = URL.parse(`http://${domain}`)?.hostname ?? ""
  return hostname === "" ? text : `${text.slice(0, at)}@${hostname}`
}

const EmailText = Schema.String.check(
  Schema.isPattern(
    /^[^\s@"(),:;<>[\\\]\p{Cc}\p{Cf}\p{Cs}]+@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?$/u,
    {
      message: "Expected an e-mail address",
    },
  ),
  Schema.isMaxLength(254, { message: "Expected at most 254 characters" }),
).pipe(Schema.brand("Email"))

/**
 * An e-mail address in its one form; decoding normalizes it.
 *
 * **Details**
 *
 * At most 254 characters (RFC 5321 §4.5.3.1.3 less the angle brackets). Refused are quoted local parts, numeric hosts
 * and address literals, and characters that nobody sees, which would make two addresses of one look.
 *
 * @category models
 * @since 0.1.0
 */
export const Email = Schema.String.pipe(
  Schema.decodeTo(EmailText, {
    decode: SchemaGetter.transform(normalizeEmail),
    encode: SchemaGetter.transform((email: string) => email),
  }),
)
/**
 * @category models
 * @since 0.1.0
 */
export type Email = typeof Email.Type

/**
 * The name a person goes by: 1 to 200 characters that show as they are written.
 *
 * @category models
 * @since 0.1.0
 */
export const DisplayName = DisplayText(200)

/**
 * Address of a picture: an `https:` URL (or `http:`, for development) of at most 2,048 characters.
 *
 * @category models
 * @since 0.1.0
 */
export const ImageUrl = Schema.String.check(
  Schema.isPattern(/^https?:\/\/[^\s\p{Cc}\p{Cs}"<>\\]+$/u, { message: "Expected an http or https URL" }),
  Schema.isMaxLength(2048, { message: "Expected at most 2048 characters" }),
)

/**
 * A permission that a user holds, as OAuth spells scopes.
 *
 * @see [RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.3)
 * @category models
 * @since 0.1.0
 */
export const Scope = Schema.String.check(
  Schema.isPattern(/^[\x21\x23-\x5B\x5D-\x7E]+$/u, { message: "Expected a scope token" }),
)

/**
 * A user as services return it and as the wire carries it.
 *
 * **Details**
 *
 * `emailVerifiedAt` is null until the address was proved. `scopes` is what the host granted to this user; it is empty
 * for everybody at first. `disabledAt` is since when the host shuts the user out; null for everybody who is signed in.
 *
 * @category models
 * @since 0.1.0
 */
export const User = Schema.Struct({
  id: UserId,
  email: Email,
  name: Schema.NullOr(Schema.String),
  image: Schema.NullOr(Schema.String),
  emailVerifiedAt: Schema.NullOr(Schema.DateTimeUtc),
  scopes: Schema.Array(Schema.String),
  disabledAt: Schema.NullOr(Schema.DateTimeUtc),
  createdAt: Schema.DateTimeUtc,
  updatedAt: Schema.DateTimeUtc,
}).annotate({ identifier: "User" })
/**
 * @category models
 * @since 0.1.0
 */
export interface User extends Schema.Schema.Type<typeof User> {}

/**
 * What may change about a user: an absent key leaves the value, `null` clears it.
 *
 * @category models
 * @since 0.1.0
 */
export interface UserPatch {
  readonly email?: Email
  readonly name?: string | null
  readonly image?: string | null
  readonly emailVerifiedAt?: User["emailVerifiedAt"]
  readonly scopes?: ReadonlyArray<string>
}

/**
 * Tells whether the host shuts a user out: nothing opens a session of theirs, and nothing that they granted holds.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isDisabled = ({ disabledAt }: User): boolean => disabledAt !== null

/**
 * Tells whether a user holds every one of `required`.
 *
 * @category predicates
 * @since 0.1.0
 */
export const hasScopes = (user: User, required: ReadonlyArray<string>): boolean =>
  required.every((scope) => user.scopes.includes(scope))

/**
 * No user has this id.
 *
 * @category errors
 * @since 0.1.0
 */
export class UserNotFound extends Schema.TaggedError<UserNotFound>("@belfry/core/UserNotFound")("UserNotFound", {
  userId: UserId,
}) {
  override get message(): string {
    return "No such user"
  }
}

/**
 * Another user has this address already.
 *
 * **Gotchas**
 *
 * For callers inside the host only. An answer to somebody who has not proved the address must not show it.
 *
 * @category errors
 * @since 0.1.0
 */
export class EmailTaken extends Schema.TaggedError<EmailTaken>("@belfry/core/EmailTaken")("EmailTaken", {}) {
  override get message(): string {
    return "Another user has this e-mail address"
  }
}

/**
 * Something refers to the user that does not go with them.
 *
 * @category errors
 * @since 0.1.0
 */
export class UserReferenced extends Schema.TaggedError<UserReferenced>("@belfry/core/UserReferenced")(
  "UserReferenced",
  {},
) {
  override get message(): string {
    return "Something refers to the user that does not go with them"
  }
}

/**
 * The host's `beforeUserDeletion` hook refused, or a package that keeps something of the user, or other data refers to
 * the user.
 *
 * @category errors
 * @since 0.1.0
 */
export class UserDeletionRefused extends Schema.TaggedError<UserDeletionRefused>("@belfry/core/UserDeletionRefused")(
  "UserDeletionRefused",
  { reason: Schema.String },
) {
  override get message(): string {
    return `The user cannot be deleted: ${this.reason}`
  }
}

/**
 * The user lacks a scope that this request needs.
 *
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1)
 * @category errors
 * @since 0.1.0
 */
export class ScopesMissing extends Schema.TaggedError<ScopesMissing>("@belfry/core/ScopesMissing")("ScopesMissing", {
  required: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return "The user lacks a scope that this request needs"
  }
}
