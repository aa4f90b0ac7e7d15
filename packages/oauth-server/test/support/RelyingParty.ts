/**
 * Applications as they are built on `openid-client` and `oauth4webapi`: the same calls by either library, each with all
 * that it validates switched on.
 */
import type * as oauth from "oauth4webapi"
import { openidClient } from "./OpenidClient.ts"
import { oauth4webapi } from "./Oauth4webapi.ts"

/** How an application proves itself. */
export type Proof =
  | { readonly method: "none" }
  | { readonly method: "client_secret_basic" | "client_secret_post"; readonly secret: string }
  | { readonly method: "private_key_jwt"; readonly key: oauth.CryptoKey; readonly kid: string }

/** An application as it knows itself. `metadata` is what the library goes by, beside the id. */
export interface Application {
  readonly id: string
  readonly proof: Proof
  readonly metadata?: Partial<oauth.OmitSymbolProperties<oauth.Client>>
  /** Whether the signature of ID tokens is verified by the JWK Set, which there is none of for HS256. */
  readonly verifiesSignatures?: boolean
}

/** What an application asks for at the authorization endpoint. */
export interface Asked {
  readonly scope?: string
  readonly redirectUri?: string
  readonly maxAge?: number
  /** Without a challenge: for what the host exempts, and what it must not. */
  readonly withoutPkce?: boolean
  readonly parameters?: Readonly<Record<string, string>> | ReadonlyArray<readonly [string, string]>
}

/** A request on its way: the link, and what is done with the answer. */
export interface Begun {
  readonly url: URL
  readonly nonce: string
  /** Validates the answer, `state` and `iss` with it, and exchanges the code; validates the ID token. */
  readonly finish: (answer: URL | Request, parameters?: Parameters) => Promise<Tokens>
}

export type Parameters = Readonly<Record<string, string>> | URLSearchParams

/** An answer of the token endpoint, and the claims of its ID token, which were validated. */
export type Tokens = Pick<
  oauth.TokenEndpointResponse,
  "access_token" | "token_type" | "expires_in" | "scope" | "refresh_token" | "id_token"
> & { readonly claims: oauth.IDToken | undefined }

/** An application that knows the server. */
export interface RelyingParty {
  readonly server: oauth.AuthorizationServer
  readonly begin: (asked?: Asked) => Promise<Begun>
  readonly refresh: (refreshToken: string, parameters?: Parameters) => Promise<Tokens>
  readonly clientCredentials: (parameters?: Parameters) => Promise<Tokens>
  readonly userInfo: (accessToken: string, subject: string) => Promise<oauth.UserInfoResponse>
  readonly introspect: (token: string, hint?: string) => Promise<oauth.IntrospectionResponse>
  readonly revoke: (token: string, hint?: string) => Promise<void>
  /** The link by which the application ends the session. */
  readonly endSession: (parameters: Readonly<Record<string, string>>) => URL
}

/** A client as the server answers that it registered it. `secret` is empty where it has none. */
export interface Registration {
  readonly id: string
  readonly secret: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/** A library. */
export interface Library {
  readonly name: "openid-client" | "oauth4webapi"
  readonly discover: (issuer: string, application: Application, algorithm?: "oidc" | "oauth2") => Promise<RelyingParty>
  readonly register: (issuer: string, metadata: oauth.JsonObject, initialAccessToken?: string) => Promise<Registration>
}

/** Both libraries. */
export const libraries: ReadonlyArray<Library> = [openidClient, oauth4webapi]
