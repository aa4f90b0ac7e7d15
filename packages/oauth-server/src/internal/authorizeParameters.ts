/**
 * The parameters of an authorization request, each read by itself. What is not of its form is null, or none where
 * null means that it is absent.
 *
 * What is read here is kept in the database and shown on pages, so that its size and its characters are bounded.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ClaimsRequest, Prompt } from "../AuthorizationRequest.ts"
import { ClientId } from "../OAuthClient.ts"
import type { Parameters } from "../Parameters.ts"
import { ResourceIdentifier } from "../ProtectedResource.ts"
import { readObject } from "./jsonObjects.ts"

/** The longest that each parameter may be. */
export const limits: Readonly<Record<string, number>> = {
  state: 2048,
  nonce: 2048,
  scope: 8192,
  prompt: 256,
  max_age: 10,
  claims: 8192,
  acr_values: 2048,
  display: 64,
  ui_locales: 512,
  claims_locales: 512,
  login_hint: 512,
  id_token_hint: 16_384,
  response_type: 256,
  response_mode: 64,
  code_challenge: 128,
  code_challenge_method: 32,
}

/** Whether a parameter may stand in a URL, a page and a row: not too long, and no control characters. */
export const isPlain = (name: string, value: string): boolean =>
  value.length <= (limits[name] ?? Number.POSITIVE_INFINITY) && !/\p{Cc}/u.test(value)

/** The client that a request names, if it is one in form. */
export const clientIdOf = (parameters: Parameters): ClientId | null => {
  const text = parameters.get("client_id")
  return text !== undefined && isClientId(text) ? text : null
}

/** The resources that a request names, each once; null when one is no identifier of a resource. */
export const resources = (parameters: Parameters): ReadonlyArray<string> | null => {
  const named = [...new Set(parameters.all("resource"))]
  return named.length <= maxResources && named.every((text) => isResource(text) && /^[\x21-\x7E]+$/.test(text))
    ? named
    : null
}

/** The values of `prompt`, each once; null when one is unknown. */
export const prompts = (parameters: Parameters): ReadonlyArray<Prompt> | null => {
  const values = [...new Set(words(parameters.get("prompt")))]
  return values.every(isPrompt) ? values : null
}

/** `max_age` in seconds, null when it is absent. */
export const maxAge = (parameters: Parameters): Option.Option<number | null> => {
  const text = parameters.get("max_age")
  if (text === undefined) return Option.some(null)
  const seconds = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  return seconds <= 2 ** 31 - 1 ? Option.some(seconds) : Option.none()
}

/** The `claims` parameter, null when it is absent. */
export const claims = (parameters: Parameters): Option.Option<ClaimsRequest | null> => {
  const text = parameters.get("claims")
  if (text === undefined) return Option.some(null)
  const members = isPlain("claims", text) ? readObject(text, maxDepth) : null
  return members === null || !isKeepable(members) ? Option.none() : decodeClaims(members)
}

/** What `claims` says of a claim of the ID token, with its values in a list; null when it does not name it. */
export const idTokenClaim = (
  request: ClaimsRequest | null,
  name: string,
): { readonly isEssential: boolean; readonly values: ReadonlyArray<Schema.Json> } | null => {
  const members = request?.id_token
  if (members === undefined || members === null || !Object.hasOwn(members, name)) return null
  const claim = members[name] ?? null
  const values = [...(claim?.value === undefined ? [] : [claim.value]), ...(claim?.values ?? [])]
  return { isEssential: claim?.essential === true, values }
}

/** Words between spaces. */
export const words = (text: string | undefined): ReadonlyArray<string> =>
  (text ?? "").split(" ").filter((word) => word !== "")

/** The languages that are asked for and have the form of one; whatever else there is counts for nothing. */
export const locales = (text: string | undefined): ReadonlyArray<string> =>
  words(text)
    .filter((word) => /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,5}$/.test(word))
    .slice(0, 10)

// internal

const maxResources = 10

const maxDepth = 8

const isClientId = Schema.is(ClientId)
const isResource = Schema.is(ResourceIdentifier)
const isPrompt = Schema.is(Prompt)

const decodeClaims = Schema.decodeUnknownOption(ClaimsRequest)

/**
 * Whether a value can be kept as JSON: PostgreSQL takes neither NUL nor half characters, and no claim has such a name.
 */
const isKeepable = (value: Schema.Json): boolean => {
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\u0000")
  if (typeof value !== "object" || value === null) return true
  return Object.entries(value).every(([name, member]) => name !== "__proto__" && isKeepable(name) && isKeepable(member))
}
