/**
 * Protected resources: the APIs that access tokens are for.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { SigningAlgorithm } from "./SigningKey.ts"

/**
 * The longest identifier of a protected resource, in characters.
 *
 * @category rules
 * @since 0.1.0
 */
export const maxIdentifierLength = 2048

/**
 * The identifier of a protected resource: an absolute URI without fragment, of at most {@link maxIdentifierLength}
 * characters. It is compared byte for byte.
 *
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 * @category models
 * @since 0.1.0
 */
export const ResourceIdentifier = Schema.String.check(
  Schema.isMaxLength(maxIdentifierLength),
  Schema.makeFilter((text: string) => /^[\x21-\x7E]+$/u.test(text) && !/[#\\"]/u.test(text) && URL.canParse(text), {
    message: "Expected an absolute URI without fragment",
  }),
)

/**
 * A protected resource.
 *
 * **Details**
 *
 * `scopes`: those that tokens for it may carry; null leaves all. `accessTokenLifetime` in seconds, and
 * `signingAlgorithm`: null takes the server's. `introspectionClientId` is the client by which the resource itself asks
 * for tokens that are meant for it.
 *
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 * @see [RFC 7662 §2.1](https://www.rfc-editor.org/rfc/rfc7662.html#section-2.1)
 * @category models
 * @since 0.1.0
 */
export const ProtectedResource = Schema.Struct({
  identifier: ResourceIdentifier,
  name: Schema.NullOr(Schema.String.check(Schema.isMaxLength(200), Schema.isPattern(/^\P{Cc}*$/u))),
  scopes: Schema.NullOr(Schema.Array(Schema.String.check(Schema.isPattern(/^[\x21\x23-\x5B\x5D-\x7E]{1,256}$/u)))),
  accessTokenLifetime: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400 * 365 }))),
  signingAlgorithm: Schema.NullOr(SigningAlgorithm),
  introspectionClientId: Schema.NullOr(Schema.String.check(Schema.isPattern(/^[\x21-\x7E]{1,255}$/u))),
  isDisabled: Schema.Boolean,
}).annotate({ identifier: "ProtectedResource" })
/**
 * @category models
 * @since 0.1.0
 */
export interface ProtectedResource extends Schema.Schema.Type<typeof ProtectedResource> {}

/**
 * There is a resource of this identifier already.
 *
 * @category errors
 * @since 0.1.0
 */
export class ResourceTaken extends Schema.TaggedError<ResourceTaken>("@belfry/oauth-server/ResourceTaken")(
  "ResourceTaken",
  { identifier: Schema.String },
) {
  override get message(): string {
    return "There is a resource of this identifier already"
  }
}

/**
 * There is no such resource.
 *
 * @category errors
 * @since 0.1.0
 */
export class ResourceNotFound extends Schema.TaggedError<ResourceNotFound>("@belfry/oauth-server/ResourceNotFound")(
  "ResourceNotFound",
  { identifier: Schema.String },
) {
  override get message(): string {
    return "No such resource"
  }
}

/**
 * The resource stands in the configuration, and can only be changed there.
 *
 * @category errors
 * @since 0.1.0
 */
export class ResourceConfigured extends Schema.TaggedError<ResourceConfigured>(
  "@belfry/oauth-server/ResourceConfigured",
)("ResourceConfigured", { identifier: Schema.String }) {
  override get message(): string {
    return "The resource is set by configuration"
  }
}
