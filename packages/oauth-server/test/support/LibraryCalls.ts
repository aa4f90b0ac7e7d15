/**
 * Small parts that applications on both libraries share.
 */
import type * as oauth from "oauth4webapi"
import type { Asked, Registration } from "./RelyingParty.ts"

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
