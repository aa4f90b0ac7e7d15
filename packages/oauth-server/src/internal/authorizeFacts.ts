/**
 * What is known of an authorization request when it is checked, and the request that comes of it.
 */
import * as Option from "effect/Option"
import type { AuthorizationRequest, ClaimsRequest, Prompt, ResponseMode } from "../AuthorizationRequest.ts"
import type { ClientDocumentRefused } from "../ClientMetadataDocument.ts"
import type { OAuthClient } from "../OAuthClient.ts"
import * as OAuthScope from "../OAuthScope.ts"
import type { OAuthServerSettingsService } from "../OAuthServerSettings.ts"
import type { Parameters } from "../Parameters.ts"
import type { ProtectedResource } from "../ProtectedResource.ts"
import * as RedirectUri from "../RedirectUri.ts"
import * as Read from "./authorizeParameters.ts"
import { askableScopes } from "./clientScopes.ts"

/**
 * What is known when it is asked who asks. `client` is null when there is none of that id; `document` says why, where
 * its metadata document cannot be used.
 */
export interface SourceFacts {
  readonly parameters: Parameters
  /** The names of parameters that stand more than once and must not. */
  readonly repeated: ReadonlyArray<string>
  readonly client: OAuthClient | null
  readonly document?: ClientDocumentRefused | undefined
}

/** What is known when client and redirect URI are proved. */
export interface RequestFacts extends SourceFacts {
  readonly client: OAuthClient
  /** Where the answer goes. */
  readonly redirectUri: string
  readonly settings: OAuthServerSettingsService
  /** What became of `request_uri`. */
  readonly requestUri: "absent" | "unsupported" | "refused" | "resolved"
  /** The resources that the request names; null when one is unknown or disabled. */
  readonly resources: ReadonlyArray<ProtectedResource> | null
  /** Whom `id_token_hint` names. */
  readonly idTokenHint: "absent" | "invalid" | { readonly subject: string }
  /** The values of `acr` that sessions can have. */
  readonly supportedAcrValues: ReadonlyArray<string>
}

/** Where the answer goes: the redirect URI given, or the one registered; null when it is not the client's. */
export const redirectUriOf = ({ parameters, client }: SourceFacts): string | null => {
  if (client === null) return null
  const { redirectUris } = client.metadata
  const given = parameters.get("redirect_uri")
  if (given === undefined) return redirectUris.length === 1 ? (redirectUris[0] ?? null) : null
  return isRedirectUriOf(client, given) ? given : null
}

/** Whether a redirect URI is one of a client's. */
export const isRedirectUriOf = ({ metadata }: OAuthClient, given: string): boolean => {
  const isNative = metadata.applicationType === "native"
  return (
    /^[\x21-\x7E]{1,2048}$/.test(given) &&
    metadata.redirectUris.some((registered) => RedirectUri.matches(registered, given, { isNative }))
  )
}

/** How an error goes to the client, of a request that may be wrong in any way. */
export const answerOf = ({
  parameters,
  repeated,
}: SourceFacts): { readonly responseMode: ResponseMode; readonly state: string | null } => {
  const state = parameters.get("state")
  const isPost = parameters.get("response_mode") === "form_post" && !repeated.includes("response_mode")
  return {
    responseMode: isPost ? "form_post" : "query",
    state: state === undefined || repeated.includes("state") || !Read.isPlain("state", state) ? null : state,
  }
}

/** The request, of facts that passed every check. */
export const toRequest = (facts: RequestFacts): AuthorizationRequest => {
  const { client, parameters, redirectUri } = facts
  const { responseMode, state } = answerOf(facts)
  const claims = claimsOf(facts)
  const acr = Read.idTokenClaim(claims, "acr")
  const isAcrEssential = acr?.isEssential === true && acr.values.length > 0
  const asked = parameters.get("acr_values")
  const voluntary = asked === undefined ? client.metadata.defaultAcrValues : Read.words(asked)
  const display = parameters.get("display")
  return {
    clientId: client.id,
    redirectUri,
    isRedirectUriGiven: parameters.get("redirect_uri") !== undefined,
    responseMode,
    state,
    scopes: scopesOf(facts),
    resources: Read.resources(parameters) ?? [],
    codeChallenge: parameters.get("code_challenge") ?? null,
    nonce: parameters.get("nonce") ?? null,
    prompts: promptsOf(facts),
    maxAge: Option.getOrNull(Read.maxAge(parameters)) ?? client.metadata.defaultMaxAge,
    // OpenID Connect Core §5.5.1.1: an essential value must be met; others are a wish, as far as they are known.
    acrValues: supported(facts, isAcrEssential ? acr.values : [...voluntary, ...(acr?.values ?? [])]),
    isAcrEssential,
    claims,
    subject: subjectsOf(facts)[0] ?? null,
    loginHint: parameters.get("login_hint") ?? null,
    uiLocales: Read.locales(parameters.get("ui_locales")),
    display: display === "page" || display === "popup" || display === "touch" || display === "wap" ? display : null,
  }
}

/**
 * The scopes that a request asks for, or the default. `offline_access` counts for nothing where the client cannot
 * refresh (OpenID Connect Core §11).
 */
export const scopesOf = ({ parameters, client, settings }: RequestFacts): ReadonlyArray<string> => {
  const { grantTypes, scopes } = client.metadata
  const canRefresh =
    grantTypes.includes("refresh_token") &&
    settings.grantTypes.includes("refresh_token") &&
    askableScopes(client, settings).includes(offlineAccess)
  const asked = Option.getOrElse(OAuthScope.parse(parameters.get("scope") ?? ""), () => [])
  const all = asked.length > 0 ? asked : settings.defaultScopes.filter((scope) => scopes.includes(scope))
  return canRefresh ? all : all.filter((scope) => scope !== offlineAccess)
}

/** The values of `prompt` that are known. */
export const promptsOf = ({ parameters }: RequestFacts): ReadonlyArray<Prompt> => Read.prompts(parameters) ?? []

/** The `claims` parameter, where it is well-formed. */
export const claimsOf = ({ parameters }: RequestFacts): ClaimsRequest | null =>
  Option.getOrElse(Read.claims(parameters), () => null)

/** Those of some values of `acr` that sessions can have. */
export const supported = (
  { supportedAcrValues }: RequestFacts,
  values: ReadonlyArray<unknown>,
): ReadonlyArray<string> => supportedAcrValues.filter((value) => values.includes(value))

/** Whom the request names, by whatever means, each once. */
export const subjectsOf = (facts: RequestFacts): ReadonlyArray<string> => {
  const hinted = typeof facts.idTokenHint === "object" ? [facts.idTokenHint.subject] : []
  const named = Read.idTokenClaim(claimsOf(facts), "sub")?.values.filter((value) => typeof value === "string") ?? []
  return [...new Set([...hinted, ...named])]
}

// internal

const offlineAccess = "offline_access"
