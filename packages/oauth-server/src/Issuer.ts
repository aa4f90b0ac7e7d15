/**
 * The issuer: who this authorization server is, and where its endpoints are.
 *
 * @since 0.1.0
 */

/**
 * The paths of the endpoints. They are fixed.
 *
 * @category models
 * @since 0.1.0
 */
export const endpoints = {
  authorize: "/auth/oauth2/authorize",
  continue: "/auth/oauth2/continue",
  token: "/auth/oauth2/token",
  introspect: "/auth/oauth2/introspect",
  revoke: "/auth/oauth2/revoke",
  userInfo: "/auth/oauth2/userinfo",
  endSession: "/auth/oauth2/end-session",
  register: "/auth/oauth2/register",
  jwks: "/auth/jwks",
} as const

/**
 * Where the metadata of this server is: appended to the issuer, and inserted before its path.
 *
 * @see [RFC 8414 §3](https://www.rfc-editor.org/rfc/rfc8414.html#section-3)
 * @see [OpenID Connect Discovery §4](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig)
 * @category models
 * @since 0.1.0
 */
export const wellKnown = {
  openIdConfiguration: "/auth/.well-known/openid-configuration",
  authorizationServer: "/auth/.well-known/oauth-authorization-server",
  openIdConfigurationInserted: "/.well-known/openid-configuration/auth",
  authorizationServerInserted: "/.well-known/oauth-authorization-server/auth",
} as const

/**
 * The issuer identifier: the site's origin and `/auth`, without a trailing slash.
 *
 * @see [RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414.html#section-2)
 * @category constructors
 * @since 0.1.0
 */
export const issuerOf = (site: { readonly origin: string }): string => `${site.origin}/auth`
