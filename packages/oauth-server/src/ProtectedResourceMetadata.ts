/**
 * What a protected resource tells of itself: which authorization servers it trusts, and which scopes it knows.
 *
 * @see [RFC 9728](https://www.rfc-editor.org/rfc/rfc9728.html#section-2)
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { OAuthErrorCode } from "./OAuthError.ts"
import { ResourceIdentifier } from "./ProtectedResource.ts"

/**
 * The metadata of a protected resource. `resource` stands in it as the host wrote it, since clients compare it byte for
 * byte and send it back.
 *
 * @see [RFC 9728 §2](https://www.rfc-editor.org/rfc/rfc9728.html#section-2)
 * @category models
 * @since 0.1.0
 */
export const ProtectedResourceMetadata = Schema.Struct({
  resource: ResourceIdentifier,
  authorization_servers: Schema.NonEmptyArray(Schema.String),
  scopes_supported: Schema.optionalKey(Schema.NonEmptyArray(Schema.String)),
  bearer_methods_supported: Schema.Tuple([Schema.Literal("header")]),
  resource_name: Schema.optionalKey(Schema.String),
  resource_documentation: Schema.optionalKey(Schema.String),
  resource_policy_uri: Schema.optionalKey(Schema.String),
  resource_tos_uri: Schema.optionalKey(Schema.String),
}).annotate({ identifier: "ProtectedResourceMetadata" })
/**
 * @category models
 * @since 0.1.0
 */
export interface ProtectedResourceMetadata extends Schema.Schema.Type<typeof ProtectedResourceMetadata> {}

/**
 * What the metadata of a resource is made of.
 *
 * **Details**
 *
 * `authorizationServers` are issuers, the preferred one first: clients take it. `scopes` are those that a client may
 * need here; the fewer, the less people are asked for.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProtectedResourceOptions {
  readonly resource: string
  readonly authorizationServers: NonEmptyReadonlyArray<string>
  readonly scopes?: ReadonlyArray<string> | undefined
  readonly name?: string | undefined
  readonly documentation?: string | undefined
  readonly policyUri?: string | undefined
  readonly termsUri?: string | undefined
}

/**
 * A setting of a resource server cannot be used.
 *
 * @category errors
 * @since 0.1.0
 */
export class ResourceServerInvalid extends Schema.TaggedError<ResourceServerInvalid>(
  "@belfry/oauth-server/ResourceServerInvalid",
)("ResourceServerInvalid", {
  setting: Schema.Literals(["resource", "authorizationServers", "audience", "issuer", "jwksUri", "endpoint"]),
  reason: Schema.Literals(["empty", "not a URL", "https", "userinfo", "query", "fragment"]),
}) {
  override get message(): string {
    return `${this.setting} of the resource server cannot be used: ${this.reason}`
  }
}

/**
 * Makes the metadata of a resource.
 *
 * **Details**
 *
 * Resource and authorization servers must be https, or loopback. `offline_access` is left out of the scopes: whether
 * there are refresh tokens is between client and authorization server.
 *
 * **Example** (An API at a path)
 *
 * ```ts
 * const metadata = ProtectedResourceMetadata.make({
 *   resource: "https://api.example.com/reports",
 *   authorizationServers: ["https://auth.example.com/auth"],
 *   scopes: ["reports:read"]
 * })
 * ```
 *
 * @see [RFC 9728 §2](https://www.rfc-editor.org/rfc/rfc9728.html#section-2)
 * @see [OpenID Connect Core §11](https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess)
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: ProtectedResourceOptions,
): Result.Result<ProtectedResourceMetadata, ResourceServerInvalid> =>
  Result.gen(function* () {
    yield* secureUrl("resource", options.resource)
    for (const issuer of options.authorizationServers) yield* issuerUrl("authorizationServers", issuer)
    const [first, ...others] = (options.scopes ?? []).filter((scope) => scope !== "offline_access")
    const [server, ...servers] = options.authorizationServers
    return {
      resource: options.resource,
      authorization_servers: [server, ...servers] as const,
      ...(first === undefined ? {} : { scopes_supported: [first, ...others] as const }),
      bearer_methods_supported: ["header"] as const,
      ...(options.name === undefined ? {} : { resource_name: options.name }),
      ...(options.documentation === undefined ? {} : { resource_documentation: options.documentation }),
      ...(options.policyUri === undefined ? {} : { resource_policy_uri: options.policyUri }),
      ...(options.termsUri === undefined ? {} : { resource_tos_uri: options.termsUri }),
    }
  })

/**
 * The well-known path of metadata of resources.
 *
 * @see [RFC 9728 §3](https://www.rfc-editor.org/rfc/rfc9728.html#section-3)
 * @category models
 * @since 0.1.0
 */
export const wellKnownPath = "/.well-known/oauth-protected-resource"

/**
 * Where the metadata of a resource is: the well-known path, inserted between its host and its path and query.
 *
 * @see [RFC 9728 §3.1](https://www.rfc-editor.org/rfc/rfc9728.html#section-3.1)
 * @category accessors
 * @since 0.1.0
 */
export const urlOf = (resource: string): Result.Result<URL, ResourceServerInvalid> =>
  Result.map(secureUrl("resource", resource), (url) => {
    const path = url.pathname === "/" ? "" : url.pathname
    return new URL(`${wellKnownPath}${path}${url.search}`, url.origin)
  })

/**
 * A challenge: what a client without a good token is told.
 *
 * **Details**
 *
 * `error` is left out where no token came. `scopes` are all that the request needs, so that a client asks for them
 * once.
 *
 * @see [RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750.html#section-3)
 * @see [RFC 9728 §5.1](https://www.rfc-editor.org/rfc/rfc9728.html#section-5.1)
 * @category models
 * @since 0.1.0
 */
export interface BearerChallenge {
  readonly error?: OAuthErrorCode | undefined
  readonly description?: string | undefined
  readonly scopes?: ReadonlyArray<string> | undefined
  /** Whose protection space it is. */
  readonly realm?: string | undefined
  /** The URL of the metadata. */
  readonly resourceMetadata?: string | undefined
}

/**
 * Writes a challenge as the value of `WWW-Authenticate`. The scheme is its first word: some clients look no further.
 *
 * @category destructors
 * @since 0.1.0
 */
export const formatChallenge = ({
  description,
  error,
  realm,
  resourceMetadata,
  scopes = [],
}: BearerChallenge): string => {
  const parameters = [
    ["realm", realm],
    ["error", error],
    ["error_description", description],
    ["scope", scopes.length === 0 ? undefined : scopes.join(" ")],
    ["resource_metadata", resourceMetadata],
  ]
  const written = parameters.flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${quotable(value)}"`]))
  return ["Bearer", written.join(", ")].join(" ").trimEnd()
}

/**
 * Reads a URL that must be https, or http to this machine; without user name and fragment.
 *
 * @category constructors
 * @since 0.1.0
 */
export const secureUrl = (
  setting: ResourceServerInvalid["setting"],
  text: string,
): Result.Result<URL, ResourceServerInvalid> => {
  const fail = (reason: ResourceServerInvalid["reason"]) => Result.fail(new ResourceServerInvalid({ setting, reason }))
  if (text === "") return fail("empty")
  const url = URL.parse(text)
  if (url === null || /[\s\\]/u.test(text)) return fail("not a URL")
  // The host as it was parsed: `http://localhost.example.com` and `http://127.0.0.1@example.com` are not this machine.
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback.test(url.hostname))) return fail("https")
  if (url.username !== "" || url.password !== "") return fail("userinfo")
  return text.includes("#") ? fail("fragment") : Result.succeed(url)
}

/**
 * Reads an issuer: a URL as {@link secureUrl} takes it, without query.
 *
 * @see [RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414.html#section-2)
 * @category constructors
 * @since 0.1.0
 */
export const issuerUrl = (
  setting: ResourceServerInvalid["setting"],
  text: string,
): Result.Result<URL, ResourceServerInvalid> =>
  Result.flatMap(secureUrl(setting, text), (url) =>
    text.includes("?") ? Result.fail(new ResourceServerInvalid({ setting, reason: "query" })) : Result.succeed(url),
  )

// internal

const isLoopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** RFC 6750 §3: what may stand between the quotes. */
const quotable = (text: string): string => text.replaceAll(/[^\x20\x21\x23-\x5B\x5D-\x7E]/gu, " ")
