/**
 * Clients: the applications that ask this server for tokens.
 *
 * @since 0.1.0
 */
import { isShallow } from "@belfry/core/Json"
import type { KeyedHash, Sealed } from "@belfry/core/KeyedHash"
import type { UserId } from "@belfry/core/User"
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { SigningAlgorithm } from "./SigningKey.ts"

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu

/**
 * The id of a client: printable ASCII, 1 to 255 characters, never a UUID, so that no client is taken for a user.
 *
 * @see [RFC 6749 §2.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.2)
 * @see [RFC 9700 §4.15](https://www.rfc-editor.org/rfc/rfc9700.html#section-4.15)
 * @category models
 * @since 0.1.0
 */
export const ClientId = Schema.String.check(
  Schema.isPattern(/^[\x21-\x7E]{1,255}$/u),
  Schema.makeFilter((text: string) => !uuid.test(text), { message: "Expected an id that is no UUID" }),
).pipe(Schema.brand("ClientId"))
/**
 * @category models
 * @since 0.1.0
 */
export type ClientId = typeof ClientId.Type

/**
 * How a client proves itself at the endpoints that ask for it.
 *
 * @see [OpenID Connect Core §9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)
 * @category models
 * @since 0.1.0
 */
export const ClientAuthenticationMethod = Schema.Literals([
  "none",
  "client_secret_basic",
  "client_secret_post",
  "private_key_jwt",
])
/**
 * @category models
 * @since 0.1.0
 */
export type ClientAuthenticationMethod = typeof ClientAuthenticationMethod.Type

const Text = (maximum: number) => Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(maximum))

/** Members of any JSON, not so deep that a store or an answer that walks them falls. */
const Members = Schema.Record(Schema.String, Schema.Json).check(
  Schema.makeFilter((members: { readonly [name: string]: Schema.Json }) => isShallow(members, 16), {
    message: "Expected JSON that nests at most 16 deep",
  }),
)

/**
 * What is known of a client, in the words of RFC 7591 in camel case. Lists are in the order given.
 *
 * **Details**
 *
 * `scopes`: those that it may ask for. `localized`: names and URIs in other languages, by their member with tag
 * (`client_name#fr`). `jwks`: public keys of the client, an object with `keys`. `subjectType`, `sectorIdentifierUri`:
 * pairwise subjects. `idTokenSignedResponseAlg`, `accessTokenSigningAlg`: null takes the server's.
 *
 * @see [RFC 7591 §2](https://www.rfc-editor.org/rfc/rfc7591.html#section-2)
 * @see [OpenID Connect Dynamic Client Registration §2](https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata)
 * @category models
 * @since 0.1.0
 */
export const ClientMetadata = Schema.Struct({
  applicationType: Schema.Literals(["web", "native", "user-agent-based"]),
  redirectUris: Schema.Array(Text(2048)),
  postLogoutRedirectUris: Schema.Array(Text(2048)),
  tokenEndpointAuthMethod: ClientAuthenticationMethod,
  grantTypes: Schema.Array(Text(255)),
  responseTypes: Schema.Array(Schema.Literal("code")),
  scopes: Schema.Array(Text(256)),
  clientName: Schema.NullOr(Text(200)),
  clientUri: Schema.NullOr(Text(2048)),
  logoUri: Schema.NullOr(Text(2048)),
  tosUri: Schema.NullOr(Text(2048)),
  policyUri: Schema.NullOr(Text(2048)),
  contacts: Schema.Array(Text(254)),
  localized: Schema.Record(Schema.String, Text(2048)),
  jwks: Schema.NullOr(Schema.Struct({ keys: Schema.Array(Members).check(Schema.isMaxLength(20)) })),
  jwksUri: Schema.NullOr(Text(2048)),
  softwareId: Schema.NullOr(Text(255)),
  softwareVersion: Schema.NullOr(Text(255)),
  softwareStatement: Schema.NullOr(Text(16_384)),
  subjectType: Schema.Literals(["public", "pairwise"]),
  sectorIdentifierUri: Schema.NullOr(Text(2048)),
  idTokenSignedResponseAlg: Schema.NullOr(SigningAlgorithm),
  accessTokenSigningAlg: Schema.NullOr(SigningAlgorithm),
  defaultMaxAge: Schema.NullOr(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  defaultAcrValues: Schema.Array(Text(255)),
  requireAuthTime: Schema.Boolean,
}).annotate({ identifier: "ClientMetadata" })
/**
 * @category models
 * @since 0.1.0
 */
export interface ClientMetadata extends Schema.Schema.Type<typeof ClientMetadata> {}

/**
 * What only the host decides about a client.
 *
 * **Details**
 *
 * `requirePkce`: a confidential client may be exempted; for a public one it always holds. `skipConsent`: trusted, as
 * the host's own. `enableEndSession`: may end the session without the confirmation page, when it names the user by an
 * ID token. `resources`: the protected resources it may ask for; null leaves all. `metadata`: the host's own notes.
 *
 * @category models
 * @since 0.1.0
 */
export const ClientPrivileges = Schema.Struct({
  skipConsent: Schema.Boolean,
  enableEndSession: Schema.Boolean,
  requirePkce: Schema.Boolean,
  resources: Schema.NullOr(Schema.Array(Text(2048))),
  metadata: Members,
}).annotate({ identifier: "ClientPrivileges" })
/**
 * @category models
 * @since 0.1.0
 */
export interface ClientPrivileges extends Schema.Schema.Type<typeof ClientPrivileges> {}

/**
 * A secret of a client at rest: its keyed hash, and sealed besides where the host signs by HMAC with it (`disableJwt`).
 * Instants are milliseconds since the epoch; `expiresAt` is null when it never ends.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientSecret {
  readonly hash: KeyedHash
  readonly sealed: Sealed | null
  readonly createdAt: number
  readonly expiresAt: number | null
}

/**
 * A client. `secrets`: the youngest first, two at most, while one takes the place of the other.
 *
 * **Details**
 *
 * `userId` is who made it, `referenceId` what it belongs to (an organization, say). `isDynamic`: it registered itself,
 * so what it says of itself is unproved. `documentUntil`: until when a client whose id is the URL of its metadata
 * document is as the document says, after which it is fetched again; null for all other clients.
 *
 * @category models
 * @since 0.1.0
 */
export interface OAuthClient {
  readonly id: ClientId
  readonly metadata: ClientMetadata
  readonly privileges: ClientPrivileges
  readonly secrets: ReadonlyArray<ClientSecret>
  readonly userId: UserId | null
  readonly referenceId: string | null
  readonly isDisabled: boolean
  readonly isDynamic: boolean
  readonly documentUntil: DateTime.Utc | null
  readonly createdAt: DateTime.Utc
  readonly updatedAt: DateTime.Utc
}

/**
 * Whether a client keeps no secret: it says only who it is.
 *
 * @see [RFC 6749 §2.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.1)
 * @category predicates
 * @since 0.1.0
 */
export const isPublic = ({ metadata }: OAuthClient): boolean => metadata.tokenEndpointAuthMethod === "none"

/**
 * The client as people who are asked for consent may see it.
 *
 * @category models
 * @since 0.1.0
 */
export const PublicClient = Schema.Struct({
  clientId: Schema.String,
  clientName: Schema.NullOr(Schema.String),
  clientUri: Schema.NullOr(Schema.String),
  logoUri: Schema.NullOr(Schema.String),
  contacts: Schema.Array(Schema.String),
  tosUri: Schema.NullOr(Schema.String),
  policyUri: Schema.NullOr(Schema.String),
}).annotate({ identifier: "PublicClient" })
/**
 * @category models
 * @since 0.1.0
 */
export interface PublicClient extends Schema.Schema.Type<typeof PublicClient> {}

/**
 * The public part of a client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const toPublicClient = ({ id, metadata }: OAuthClient): PublicClient => ({
  clientId: id,
  clientName: metadata.clientName,
  clientUri: metadata.clientUri,
  logoUri: metadata.logoUri,
  contacts: metadata.contacts,
  tosUri: metadata.tosUri,
  policyUri: metadata.policyUri,
})

/**
 * There is no such client, or none that the caller may see.
 *
 * @category errors
 * @since 0.1.0
 */
export class ClientNotFound extends Schema.TaggedError<ClientNotFound>("@belfry/oauth-server/ClientNotFound")(
  "ClientNotFound",
  { clientId: Schema.String },
) {
  override get message(): string {
    return "No such client"
  }
}

/**
 * A client cannot be as it is asked for: the member (of RFC 7591) and why.
 *
 * @see [RFC 7591 §3.2.2](https://www.rfc-editor.org/rfc/rfc7591.html#section-3.2.2)
 * @category errors
 * @since 0.1.0
 */
export class ClientMetadataInvalid extends Schema.TaggedError<ClientMetadataInvalid>(
  "@belfry/oauth-server/ClientMetadataInvalid",
)("ClientMetadataInvalid", {
  code: Schema.Literals([
    "invalid_redirect_uri",
    "invalid_client_metadata",
    "invalid_software_statement",
    "unapproved_software_statement",
  ]),
  member: Schema.NullOr(Schema.String),
  description: Schema.String,
}) {
  override get message(): string {
    return `${this.code}: ${this.description}`
  }
}

/**
 * A client that cannot be changed this way: `trusted` by configuration, `public` (it has no secret to rotate), not the
 * caller's to change (`forbidden`), or `vouched` for by the software statement on file in the `members` (of RFC 7591)
 * that would be others, which takes a new statement.
 *
 * @see [RFC 7591 §2.3](https://www.rfc-editor.org/rfc/rfc7591.html#section-2.3)
 * @category errors
 * @since 0.1.0
 */
export class ClientChangeRefused extends Schema.TaggedError<ClientChangeRefused>(
  "@belfry/oauth-server/ClientChangeRefused",
)("ClientChangeRefused", {
  reason: Schema.Literals(["trusted", "public", "forbidden", "vouched"]),
  members: Schema.optionalKey(Schema.Array(Schema.String)),
}) {
  override get message(): string {
    return `The client cannot be changed: ${this.reason}`
  }
}
