/**
 * What a contender of the oauth-server bench is: an authorization server in a process of its own that knows two
 * confidential clients, one API, and people who are signed in and have consented.
 *
 * Everybody plays by the same rules: clients authenticate by HTTP Basic, PKCE with S256 is required, refresh tokens
 * rotate, access tokens for the API are JWTs by ES256 (RFC 9068), and those without an API are opaque. No ID tokens are
 * issued, so that each answer costs one signature at most.
 */
import type { Contestant, Context } from "./contender.ts"

/** The API that access tokens are for: the `resource` of RFC 8707. */
export const resource = "https://api.example"

/** Where people are sent back to with their codes. */
export const redirectUri = "https://client.example/callback"

/** What the clients may ask for at the API. */
export const apiScope = "read"

/** How many people are signed in and have consented. */
export const people = 500

/** A confidential client, which authenticates by HTTP Basic. */
export interface ClientCredentials {
  readonly clientId: string
  readonly clientSecret: string
}

/** Both clients. */
export interface Clients {
  /** May use `client_credentials` alone, with {@link apiScope} at {@link resource}. */
  readonly machine: ClientCredentials
  /** May use `authorization_code` and `refresh_token`, with {@link redirectUri}, and introspects its own tokens. */
  readonly web: ClientCredentials
}

/** Paths of the protocol's endpoints. */
export interface Endpoints {
  readonly authorize: string
  readonly token: string
  readonly introspect: string
  readonly jwks: string
}

/** A contender that issues tokens, ready for load; `path` is its token endpoint, `cookies` are one of each person. */
export interface OAuthContestant extends Contestant {
  readonly clients: Clients
  readonly endpoints: Endpoints
  /** The `iss` of its tokens when it listens at a port. */
  readonly issuerAt: (port: number) => string
  /** Scope to ask for together with {@link resource}, such that a refresh token comes with it. */
  readonly scope: string
  /** Scope to ask for without a resource, such that the access token is opaque and a refresh token comes with it. */
  readonly opaqueScope: string
}

/** A way to issue tokens. */
export interface OAuthContender {
  readonly name: string
  /** Makes and fills the database `database`, starts the server on it and waits until it is ready. */
  readonly start: (context: Context, database: string) => Promise<OAuthContestant>
}
