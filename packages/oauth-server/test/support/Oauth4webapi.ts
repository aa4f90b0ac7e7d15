/**
 * Applications on `oauth4webapi`.
 */
import * as oauth from "oauth4webapi"
import { append, authOf, challengeOf, defaultRedirectUri, hintOf, toRegistration } from "./LibraryCalls.ts"
import type { Library, Tokens } from "./RelyingParty.ts"

const insecure = { [oauth.allowInsecureRequests]: true } as const

/** The metadata of the server, by either of its documents. */
export const discover = async (
  issuer: string,
  algorithm: "oidc" | "oauth2" = "oidc",
): Promise<oauth.AuthorizationServer> => {
  const identifier = new URL(issuer)
  const response = await oauth.discoveryRequest(identifier, { algorithm, ...insecure })
  return oauth.processDiscoveryResponse(identifier, response)
}

/** The library, each answer processed and the signatures of ID tokens verified. */
export const oauth4webapi: Library = {
  name: "oauth4webapi",

  discover: async (issuer, { id, metadata = {}, proof, verifiesSignatures = true }, algorithm) => {
    const server = await discover(issuer, algorithm)
    const client: oauth.Client = { ...metadata, client_id: id }
    const auth = authOf(oauth, proof)

    /** The signature of an ID token, which came over loopback without TLS. */
    const verified = async (response: Response, answer: oauth.TokenEndpointResponse): Promise<Tokens> => {
      if (answer.id_token !== undefined && verifiesSignatures) {
        await oauth.validateApplicationLevelSignature(server, response, insecure)
      }
      return { ...answer, claims: oauth.getValidatedIdTokenClaims(answer) }
    }

    return {
      server,
      begin: async (asked = {}) => {
        const {
          maxAge,
          parameters = {},
          redirectUri = defaultRedirectUri,
          scope = "openid",
          withoutPkce = false,
        } = asked
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
          ...(withoutPkce ? {} : await challengeOf(oauth, verifier)),
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
              withoutPkce ? oauth.nopkce : verifier,
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
    return toRegistration(await oauth.processDynamicClientRegistrationResponse(response))
  },
}
