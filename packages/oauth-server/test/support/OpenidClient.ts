/**
 * Applications on `openid-client`.
 */
import * as openid from "openid-client"
import { append, authOf, challengeOf, defaultRedirectUri, hintOf, toRegistration } from "./LibraryCalls.ts"
import type { Library, Tokens } from "./RelyingParty.ts"

/** The library, with the signatures of ID tokens verified. */
export const openidClient: Library = {
  name: "openid-client",

  discover: async (issuer, { id, metadata = {}, proof, verifiesSignatures = true }, algorithm = "oidc") => {
    const config = await openid.discovery(new URL(issuer), id, metadata, authOf(openid, proof), {
      algorithm,
      execute: [openid.allowInsecureRequests, ...(verifiesSignatures ? [openid.enableNonRepudiationChecks] : [])],
    })
    return {
      server: config.serverMetadata(),
      begin: async (asked = {}) => {
        const {
          maxAge,
          parameters = {},
          redirectUri = defaultRedirectUri,
          scope = "openid",
          withoutPkce = false,
        } = asked
        const [verifier, state, nonce] = [openid.randomPKCECodeVerifier(), openid.randomState(), openid.randomNonce()]
        const isOpenId = scope.split(" ").includes("openid")
        const search = new URLSearchParams({
          scope,
          state,
          redirect_uri: redirectUri,
          ...(withoutPkce ? {} : await challengeOf(openid, verifier)),
          ...(isOpenId ? { nonce } : {}),
          ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
        })
        append(search, parameters)
        return {
          url: openid.buildAuthorizationUrl(config, search),
          nonce,
          finish: async (answer, tokenParameters = {}) =>
            toTokens(
              await openid.authorizationCodeGrant(
                config,
                answer,
                {
                  ...(withoutPkce ? {} : { pkceCodeVerifier: verifier }),
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
        toTokens(await openid.refreshTokenGrant(config, refreshToken, parameters)),
      clientCredentials: async (parameters) => toTokens(await openid.clientCredentialsGrant(config, parameters)),
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
    return toRegistration(config.clientMetadata())
  },
}

// internal

const toTokens = (answer: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers): Tokens => ({
  ...answer,
  claims: answer.claims(),
})
