/**
 * Authorization requests.
 *
 * @see [RFC 6749 §4.1.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.1)
 */
import { type OAuthProvider, reservedParameters } from "../OAuthProvider.ts"
import type { AuthorizationOptions } from "../OAuthTransport.ts"

/** What is asked for, with the challenge of the code verifier instead of the verifier. */
export interface AuthorizationRequest extends AuthorizationOptions {
  readonly redirectUri: string
  readonly state: string
  readonly codeChallenge: string | null
  readonly nonce: string | null
}

/**
 * The URL of a request. Of what may be chosen the request wins over the settings, those over the strategy, and that
 * over the query that the endpoint has; what protects the flow none of them may name.
 */
export const urlOf = (provider: OAuthProvider, endpoint: string, request: AuthorizationRequest): URL => {
  const url = new URL(endpoint)
  const scopes = request.scopes ?? provider.scopes
  const chosen = {
    ...provider.strategy.authorizationParams?.({ provider }),
    ...provider.authorizationParams,
    ...present({ prompt: provider.prompt, access_type: provider.accessType }),
    ...request.authorizationParams,
    ...present({ prompt: request.prompt, access_type: request.accessType, login_hint: request.loginHint }),
  }
  for (const [name, value] of Object.entries(chosen)) url.searchParams.set(name, value)
  for (const name of reservedParameters) url.searchParams.delete(name)
  const fixed = present({
    response_type: "code",
    client_id: provider.clientId,
    redirect_uri: request.redirectUri,
    scope: scopes.length === 0 ? null : scopes.join(" "),
    state: request.state,
    response_mode: request.responseMode ?? provider.responseMode,
    // A nonce comes back in an ID token, which nobody issues who is not asked for `openid`.
    nonce: scopes.includes("openid") ? request.nonce : null,
    code_challenge: request.codeChallenge,
    code_challenge_method: request.codeChallenge === null ? null : "S256",
  })
  for (const [name, value] of Object.entries(fixed)) url.searchParams.set(name, value)
  return url
}

// internal

const present = (values: Readonly<Record<string, string | null | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, value]])),
  )
