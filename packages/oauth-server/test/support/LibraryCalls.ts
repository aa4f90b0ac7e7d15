/**
 * Small parts that applications on both libraries share.
 */
import type * as oauth from "oauth4webapi"
import type { Asked, Proof, Registration } from "./RelyingParty.ts"

/** What proves a client, by the functions that a library has for it. */
export const authOf = <Auth>(
  library: {
    readonly None: () => Auth
    readonly ClientSecretBasic: (secret: string) => Auth
    readonly ClientSecretPost: (secret: string) => Auth
    readonly PrivateKeyJwt: (key: oauth.PrivateKey) => Auth
  },
  proof: Proof,
): Auth => {
  switch (proof.method) {
    case "none":
      return library.None()
    case "client_secret_basic":
      return library.ClientSecretBasic(proof.secret)
    case "client_secret_post":
      return library.ClientSecretPost(proof.secret)
    case "private_key_jwt":
      return library.PrivateKeyJwt({ key: proof.key, kid: proof.kid })
  }
}

/** The parameters of PKCE, by the function that a library has for it. */
export const challengeOf = async (
  library: { readonly calculatePKCECodeChallenge: (verifier: string) => Promise<string> },
  verifier: string,
) => ({
  code_challenge: await library.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
})

/** Where answers go, unless said otherwise. */
export const defaultRedirectUri = "https://client.example.com/callback"

/** What a library makes of the answer to a registration. */
export const toRegistration = (metadata: oauth.OmitSymbolProperties<oauth.Client>): Registration => {
  const { client_id: id, client_secret: secret } = metadata
  return { id, secret: typeof secret === "string" ? secret : "", metadata }
}

/** The parameter `token_type_hint`, where there is a hint. */
export const hintOf = (hint: string | undefined): Record<string, string> =>
  hint === undefined ? {} : { token_type_hint: hint }

/** Adds parameters to a query. */
export const append = (search: URLSearchParams, parameters: NonNullable<Asked["parameters"]>): void => {
  const pairs: Iterable<readonly [string, string]> = isPairs(parameters) ? parameters : Object.entries(parameters)
  for (const [name, value] of pairs) search.append(name, value)
}

// internal

const isPairs = (
  parameters: NonNullable<Asked["parameters"]>,
): parameters is ReadonlyArray<readonly [string, string]> => Array.isArray(parameters)
