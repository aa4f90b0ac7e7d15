/**
 * Applications as they are built on `openid-client` and `oauth4webapi`: the same calls by either library, each with all
 * that it validates switched on.
 */
import * as oauth from "oauth4webapi"
import * as openid from "openid-client"

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
export interface Tokens extends oauth.TokenEndpointResponse {
  readonly claims: oauth.IDToken | undefined
}

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

/** A library. */
export interface Library {
  readonly name: "openid-client" | "oauth4webapi"
  readonly discover: (issuer: string, application: Application, algorithm?: "oidc" | "oauth2") => Promise<RelyingParty>
  readonly register: (
    issuer: string,
    metadata: Partial<oauth.OmitSymbolProperties<oauth.Client>>,
    initialAccessToken?: string,
  ) => Promise<oauth.OmitSymbolProperties<oauth.Client>>
}

// -----------------------------------------------------------------------------
// openid-client
// -----------------------------------------------------------------------------

const openidAuth = (proof: Proof): openid.ClientAuth => {
  switch (proof.method) {
    case "none":
      return openid.None()
    case "client_secret_basic":
      return openid.ClientSecretBasic(proof.secret)
    case "client_secret_post":
      return openid.ClientSecretPost(proof.secret)
    case "private_key_jwt":
      return openid.PrivateKeyJwt({ key: proof.key, kid: proof.kid })
  }
}

const ofOpenid = ({
  claims,
  expiresIn: _,
  ...answer
}: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers): Tokens => ({ ...answer, claims: claims() })

const openidClient: Library = {
  name: "openid-client",

  discover: async (issuer, { id, metadata = {}, proof, verifiesSignatures = true }, algorithm = "oidc") => {
    const config = await openid.discovery(new URL(issuer), id, metadata, openidAuth(proof), {
      algorithm,
      execute: [openid.allowInsecureRequests, ...(verifiesSignatures ? [openid.enableNonRepudiationChecks] : [])],
    })
    return {
      server: config.serverMetadata(),
      begin: async ({ maxAge, parameters = {}, redirectUri = defaultRedirectUri, scope = "openid" } = {}) => {
        const [verifier, state, nonce] = [openid.randomPKCECodeVerifier(), openid.randomState(), openid.randomNonce()]
        const isOpenId = scope.split(" ").includes("openid")
        const search = new URLSearchParams({
          scope,
          state,
          redirect_uri: redirectUri,
          code_challenge: await openid.calculatePKCECodeChallenge(verifier),
          code_challenge_method: "S256",
          ...(isOpenId ? { nonce } : {}),
          ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
        })
        append(search, parameters)
        return {
          url: openid.buildAuthorizationUrl(config, search),
          nonce,
          finish: async (answer, tokenParameters = {}) =>
            ofOpenid(
              await openid.authorizationCodeGrant(
                config,
                answer,
                {
                  pkceCodeVerifier: verifier,
                  expectedState: state,
                  idTokenExpected: isOpenId,
                  ...(isOpenId ? { expectedNonce: nonce } : {}),
                  ...(maxAge === undefined ? {} : { maxAge }),
                },
                tokenParameters,
              ),
            ),
        }
      },
      refresh: async (refreshToken, parameters) =>
        ofOpenid(await openid.refreshTokenGrant(config, refreshToken, parameters)),
      clientCredentials: async (parameters) => ofOpenid(await openid.clientCredentialsGrant(config, parameters)),
      userInfo: (accessToken, subject) => openid.fetchUserInfo(config, accessToken, subject),
      introspect: (token, hint) => openid.tokenIntrospection(config, token, hintOf(hint)),
      revoke: (token, hint) => openid.tokenRevocation(config, token, hintOf(hint)),
      endSession: (parameters) => openid.buildEndSessionUrl(config, parameters),
    }
  },

  register: async (issuer, metadata, initialAccessToken) => {
    const config = await openid.dynamicClientRegistration(new URL(issuer), metadata, undefined, {
      execute: [openid.allowInsecureRequests],
      ...(initialAccessToken === undefined ? {} : { initialAccessToken }),
    })
    return config.clientMetadata()
  },
}

// -----------------------------------------------------------------------------
// oauth4webapi
// -----------------------------------------------------------------------------

const insecure = { [oauth.allowInsecureRequests]: true } as const

const oauthAuth = (proof: Proof): oauth.ClientAuth => {
  switch (proof.method) {
    case "none":
      return oauth.None()
    case "client_secret_basic":
      return oauth.ClientSecretBasic(proof.secret)
    case "client_secret_post":
      return oauth.ClientSecretPost(proof.secret)
    case "private_key_jwt":
      return oauth.PrivateKeyJwt({ key: proof.key, kid: proof.kid })
  }
}

/** The metadata of the server, by either of its documents. */
export const discover = async (
  issuer: string,
  algorithm: "oidc" | "oauth2" = "oidc",
): Promise<oauth.AuthorizationServer> => {
  const identifier = new URL(issuer)
  const response = await oauth.discoveryRequest(identifier, { algorithm, ...insecure })
  return oauth.processDiscoveryResponse(identifier, response)
}

const oauth4webapi: Library = {
  name: "oauth4webapi",

  discover: async (issuer, { id, metadata = {}, proof, verifiesSignatures = true }, algorithm) => {
    const server = await discover(issuer, algorithm)
    const client: oauth.Client = { ...metadata, client_id: id }
    const auth = oauthAuth(proof)

    /** The signature of an ID token, which came over loopback without TLS. */
    const verified = async (response: Response, answer: oauth.TokenEndpointResponse): Promise<Tokens> => {
      if (answer.id_token !== undefined && verifiesSignatures) {
        await oauth.validateApplicationLevelSignature(server, response, insecure)
      }
      return { ...answer, claims: oauth.getValidatedIdTokenClaims(answer) }
    }

    return {
      server,
      begin: async ({ maxAge, parameters = {}, redirectUri = defaultRedirectUri, scope = "openid" } = {}) => {
        const [verifier, state, nonce] = [
          oauth.generateRandomCodeVerifier(),
          oauth.generateRandomState(),
          oauth.generateRandomNonce(),
        ]
        const isOpenId = scope.split(" ").includes("openid")
        const url = new URL(server.authorization_endpoint ?? "")
        append(url.searchParams, {
          client_id: id,
          response_type: "code",
          scope,
          state,
          redirect_uri: redirectUri,
          code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
          code_challenge_method: "S256",
          ...(isOpenId ? { nonce } : {}),
          ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
        })
        append(url.searchParams, parameters)
        return {
          url,
          nonce,
          finish: async (answer, tokenParameters = {}) => {
            const received = answer instanceof URL ? answer : new URLSearchParams(await answer.text())
            const validated = oauth.validateAuthResponse(server, client, received, state)
            const response = await oauth.authorizationCodeGrantRequest(
              server,
              client,
              auth,
              validated,
              redirectUri,
              verifier,
              { additionalParameters: new URLSearchParams(tokenParameters), ...insecure },
            )
            const processed = await oauth.processAuthorizationCodeResponse(server, client, response, {
              requireIdToken: isOpenId,
              ...(isOpenId ? { expectedNonce: nonce } : {}),
              ...(maxAge === undefined ? {} : { maxAge }),
            })
            return verified(response, processed)
          },
        }
      },
      refresh: async (refreshToken, parameters = {}) => {
        const response = await oauth.refreshTokenGrantRequest(server, client, auth, refreshToken, {
          additionalParameters: new URLSearchParams(parameters),
          ...insecure,
        })
        return verified(response, await oauth.processRefreshTokenResponse(server, client, response))
      },
      clientCredentials: async (parameters = {}) => {
        const search = new URLSearchParams(parameters)
        const response = await oauth.clientCredentialsGrantRequest(server, client, auth, search, insecure)
        return verified(response, await oauth.processClientCredentialsResponse(server, client, response))
      },
      userInfo: async (accessToken, subject) =>
        oauth.processUserInfoResponse(
          server,
          client,
          subject,
          await oauth.userInfoRequest(server, client, accessToken, insecure),
        ),
      introspect: async (token, hint) =>
        oauth.processIntrospectionResponse(
          server,
          client,
          await oauth.introspectionRequest(server, client, auth, token, {
            additionalParameters: hintOf(hint),
            ...insecure,
          }),
        ),
      revoke: async (token, hint) =>
        oauth.processRevocationResponse(
          await oauth.revocationRequest(server, client, auth, token, {
            additionalParameters: hintOf(hint),
            ...insecure,
          }),
        ),
      endSession: (parameters) => {
        const url = new URL(server.end_session_endpoint ?? "")
        append(url.searchParams, { client_id: id, ...parameters })
        return url
      },
    }
  },

  register: async (issuer, metadata, initialAccessToken) => {
    const response = await oauth.dynamicClientRegistrationRequest(await discover(issuer), metadata, {
      ...insecure,
      ...(initialAccessToken === undefined ? {} : { initialAccessToken }),
    })
    return oauth.processDynamicClientRegistrationResponse(response)
  },
}

/** Both libraries. */
export const libraries: ReadonlyArray<Library> = [openidClient, oauth4webapi]

// internal

const defaultRedirectUri = "https://client.example.com/callback"

const hintOf = (hint: string | undefined): Record<string, string> =>
  hint === undefined ? {} : { token_type_hint: hint }

const append = (search: URLSearchParams, parameters: NonNullable<Asked["parameters"]>): void => {
  const pairs: Iterable<readonly [string, string]> = isPairs(parameters) ? parameters : Object.entries(parameters)
  for (const [name, value] of pairs) search.append(name, value)
}

const isPairs = (
  parameters: NonNullable<Asked["parameters"]>,
): parameters is ReadonlyArray<readonly [string, string]> => Array.isArray(parameters)
