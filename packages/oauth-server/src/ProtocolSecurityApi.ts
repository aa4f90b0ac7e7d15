/**
 * How callers of the protocol endpoints prove who they are, as OpenAPI documents tell it.
 *
 * The endpoints read credentials themselves, in the words of their RFCs, so no middleware declares them: these
 * annotations do.
 *
 * @since 0.1.0
 */
import * as OpenApi from "effect/http-api/OpenApi"
import * as Predicate from "effect/Predicate"

/**
 * What protocol endpoints take in the `Authorization` header, by the names that documents give it.
 *
 * @see [OpenAPI 3.1 §4.8.27](https://spec.openapis.org/oas/v3.1.1.html#security-scheme-object)
 * @category models
 * @since 0.1.0
 */
export const securitySchemes = {
  clientSecretBasic: {
    type: "http",
    scheme: "basic",
    description: "Id and secret of a client, each form-urlencoded first (RFC 6749 §2.3.1)",
  },
  accessToken: { type: "http", scheme: "bearer", description: "An access token of this server, with scope `openid`" },
  initialAccessToken: {
    type: "http",
    scheme: "bearer",
    description: "A token that an administrator made, for clients to register with (RFC 7591 §3)",
  },
} as const satisfies Readonly<Record<string, OpenApi.OpenAPISecurityScheme>>

/**
 * Annotates an HTTP API with {@link securitySchemes}, which the annotations of its endpoints name. An API is annotated
 * itself: what is added to another one by `addHttpApi` keeps no annotations of documents.
 *
 * **Example** (A host's own API)
 *
 * ```ts
 * HttpApi.make("host").addHttpApi(OAuthServerApi).annotateMerge(documentSchemes)
 * ```
 *
 * @category annotations
 * @since 0.1.0
 */
export const documentSchemes = OpenApi.annotations({
  transform: (part) => {
    // An API that is added to another one leaves this to its groups, whose part of a document has no components.
    const { components } = part
    if (!Predicate.isObject(components)) return part
    const known = Predicate.hasProperty(components, "securitySchemes") ? Object(components.securitySchemes) : {}
    return { ...part, components: { ...components, securitySchemes: { ...known, ...securitySchemes } } }
  },
})

/**
 * Annotates an endpoint that a client calls as itself: by the header, or by the fields of the form.
 *
 * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1)
 * @see [RFC 7523 §2.2](https://www.rfc-editor.org/rfc/rfc7523.html#section-2.2)
 * @category annotations
 * @since 0.1.0
 */
export const byClient = demanding(
  "The client proves itself by HTTP Basic, or in the form: by `client_secret`, by `client_assertion`, or, when it is public, by `client_id` alone.",
  { clientSecretBasic: [] },
  {},
)

/**
 * Annotates an endpoint that a client calls as itself, and a public one never.
 *
 * @see [RFC 7662 §2.1](https://www.rfc-editor.org/rfc/rfc7662.html#section-2.1)
 * @category annotations
 * @since 0.1.0
 */
export const byConfidentialClient = demanding(
  "The client proves itself by HTTP Basic, or in the form: by `client_secret` or by `client_assertion`. Public clients cannot.",
  { clientSecretBasic: [] },
  {},
)

/**
 * Annotates an endpoint that takes an access token in the header.
 *
 * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-2.1)
 * @category annotations
 * @since 0.1.0
 */
export const byAccessToken = demanding("By an access token in the Authorization header.", { accessToken: [] })

/**
 * Annotates an endpoint that takes an access token in the header or in a form.
 *
 * @see [RFC 6750 §2.2](https://www.rfc-editor.org/rfc/rfc6750.html#section-2.2)
 * @category annotations
 * @since 0.1.0
 */
export const byAccessTokenOrForm = demanding(
  "By an access token in the Authorization header, or as `access_token` in a form.",
  { accessToken: [] },
  {},
)

/**
 * Annotates registration: by an initial access token, by a session where the server lets users register clients, by
 * nothing where it is open.
 *
 * @see [RFC 7591 §3](https://www.rfc-editor.org/rfc/rfc7591.html#section-3)
 * @category annotations
 * @since 0.1.0
 */
export const byRegistrant = demanding(
  "By an initial access token or a session. By neither where registration is open.",
  { initialAccessToken: [] },
  { bearer: [] },
  { cookie: [] },
  {},
)

// internal

/** Each requirement is an alternative; an empty one asks for nothing in headers. A declaration, as it is used above. */
function demanding(
  description: string,
  ...security: ReadonlyArray<Partial<Record<keyof typeof securitySchemes | "bearer" | "cookie", ReadonlyArray<never>>>>
) {
  return OpenApi.annotations({ description, override: { security } })
}
