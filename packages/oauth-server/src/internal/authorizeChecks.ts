/**
 * The checks of an authorization request, in the order in which they run: each has a name and the section that it
 * enforces, and looks at facts alone.
 *
 * Those of {@link sourceChecks} find out who asks and where the answer goes: their failures are told to the person, and
 * nobody is redirected. Those of {@link requestChecks} run once that is proved: their failures go to the client.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as BoundResource from "../BoundResource.ts"
import type { ClientDocumentRefused } from "../ClientMetadataDocument.ts"
import { isPublic, type OAuthClient } from "../OAuthClient.ts"
import { AuthorizationError, AuthorizationRefused } from "../OAuthError.ts"
import * as OAuthScope from "../OAuthScope.ts"
import * as Pkce from "../Pkce.ts"
import {
  claimsOf,
  promptsOf,
  redirectUriOf,
  type RequestFacts,
  scopesOf,
  type SourceFacts,
  subjectsOf,
  supported,
} from "./authorizeFacts.ts"
import * as Read from "./authorizeParameters.ts"
import { askableScopes } from "./clientScopes.ts"

/** A check whose failure only the person is told. */
export interface SourceCheck {
  readonly name: string
  readonly spec: string
  readonly check: (facts: SourceFacts) => AuthorizationRefused | null
}

/** A check whose failure goes to the client. */
export interface RequestCheck {
  readonly name: string
  readonly spec: string
  readonly check: (facts: RequestFacts) => AuthorizationError | null
}

/** Who asks, and where does the answer go? */
export const sourceChecks: ReadonlyArray<SourceCheck> = [
  {
    name: "client_id stands once",
    spec: "RFC 6749 §3.1",
    check: ({ repeated }) => refuseIf(repeated.includes("client_id"), "invalid_request", "client_id is repeated"),
  },
  {
    name: "client_id is given",
    spec: "RFC 6749 §4.1.1",
    check: ({ parameters }) =>
      refuseIf(parameters.get("client_id") === undefined, "invalid_request", "client_id is missing"),
  },
  {
    name: "client is what its metadata document says, where its id is the URL of one",
    spec: "Client ID Metadata Document §4",
    check: ({ document }) => (document === undefined ? null : refusalOf(document)),
  },
  {
    name: "client is known",
    spec: "RFC 6749 §4.1.2.1",
    check: ({ client }) =>
      refuseIf(client === null || client.isDisabled, "invalid_client", "The client is unknown or disabled"),
  },
  {
    name: "redirect_uri stands once",
    spec: "RFC 6749 §3.1",
    check: ({ repeated }) => refuseIf(repeated.includes("redirect_uri"), "invalid_request", "redirect_uri is repeated"),
  },
  {
    name: "redirect_uri is given for OpenID Connect",
    spec: "OpenID Connect Core §3.1.2.2",
    check: ({ parameters }) =>
      refuseIf(
        parameters.get("redirect_uri") === undefined && Read.words(parameters.get("scope")).includes("openid"),
        "invalid_redirect_uri",
        "redirect_uri is missing",
      ),
  },
  {
    name: "redirect_uri is given, unless one alone is registered",
    spec: "RFC 6749 §3.1.2.3",
    check: ({ parameters, client }) =>
      refuseIf(
        parameters.get("redirect_uri") === undefined && client?.metadata.redirectUris.length !== 1,
        "invalid_redirect_uri",
        "redirect_uri is missing",
      ),
  },
  {
    name: "redirect_uri is registered",
    spec: "RFC 9700 §4.1.3",
    check: (facts) =>
      refuseIf(redirectUriOf(facts) === null, "invalid_redirect_uri", "redirect_uri is not one of the client's"),
  },
  {
    name: "redirect_uri has no fragment",
    spec: "RFC 6749 §3.1.2",
    check: (facts) =>
      refuseIf(redirectUriOf(facts)?.includes("#") === true, "invalid_redirect_uri", "redirect_uri has a fragment"),
  },
  {
    name: "redirect_uri runs no script",
    spec: "RFC 8252 §8.4",
    check: (facts) =>
      refuseIf(isScript.test(redirectUriOf(facts) ?? ""), "invalid_redirect_uri", "redirect_uri leads to no client"),
  },
]

/** What does the client ask for, and may it? */
export const requestChecks: ReadonlyArray<RequestCheck> = [
  {
    name: "parameters stand once",
    spec: "RFC 6749 §3.1",
    check: ({ repeated }) => failIf(repeated.length > 0, "invalid_request", "A parameter is repeated"),
  },
  {
    name: "parameters are of sound size and characters",
    spec: "RFC 6749 §4.1.2.1",
    check: ({ parameters }) => {
      const faulty = Object.keys(Read.limits).find((name) => !Read.isPlain(name, parameters.get(name) ?? ""))
      return failIf(faulty !== undefined, "invalid_request", `${faulty} is too long or has control characters`)
    },
  },
  {
    name: "request is not taken",
    spec: "OpenID Connect Core §3.1.2.6",
    check: ({ parameters }) =>
      failIf(parameters.get("request") !== undefined, "request_not_supported", "Request objects are not supported"),
  },
  {
    name: "request_uri is taken where a host resolves it",
    spec: "OpenID Connect Core §3.1.2.6",
    check: ({ requestUri }) =>
      failIf(requestUri === "unsupported", "request_uri_not_supported", "request_uri is not supported"),
  },
  {
    name: "request_uri is known",
    spec: "OpenID Connect Core §3.1.2.6",
    check: ({ requestUri }) => failIf(requestUri === "refused", "invalid_request_uri", "request_uri is not known"),
  },
  {
    name: "registration is not taken",
    spec: "OpenID Connect Core §7.2.1",
    check: ({ parameters }) =>
      failIf(
        parameters.get("registration") !== undefined,
        "registration_not_supported",
        "The registration parameter is not supported",
      ),
  },
  {
    name: "response_type is given",
    spec: "RFC 6749 §3.1.1",
    check: ({ parameters }) =>
      failIf(parameters.get("response_type") === undefined, "invalid_request", "response_type is missing"),
  },
  {
    name: "response_type is code",
    spec: "RFC 9700 §2.1.2",
    check: ({ parameters }) =>
      failIf(
        parameters.get("response_type") !== "code",
        "unsupported_response_type",
        "response_type must be code: there are no tokens in redirects",
      ),
  },
  {
    name: "response_mode is query or form_post",
    spec: "OAuth 2.0 Multiple Response Type Encoding Practices §2.1",
    check: ({ parameters }) =>
      failIf(
        !["query", "form_post"].includes(parameters.get("response_mode") ?? "query"),
        "invalid_request",
        "response_mode must be query or form_post",
      ),
  },
  {
    name: "client is registered for codes",
    spec: "RFC 6749 §4.1.2.1",
    check: ({ client, settings }) =>
      failIf(
        !client.metadata.grantTypes.includes(codeGrant) || !settings.grantTypes.includes(codeGrant),
        "unauthorized_client",
        "The client is not registered for the grant type authorization_code",
      ),
  },
  {
    name: "scope is well-formed",
    spec: "RFC 6749 §3.3",
    check: ({ parameters }) =>
      failIf(Option.isNone(OAuthScope.parse(parameters.get("scope") ?? "")), "invalid_scope", "scope is malformed"),
  },
  {
    name: "scope is registered for the client",
    spec: "RFC 6749 §3.3",
    check: (facts) =>
      failIf(
        !OAuthScope.isCovered(scopesOf(facts), askableScopes(facts.client, facts.settings)),
        "invalid_scope",
        "The client is not registered for this scope",
      ),
  },
  {
    name: "scope asks for something",
    spec: "RFC 6749 §3.3",
    check: (facts) => failIf(scopesOf(facts).length === 0, "invalid_scope", "scope is missing"),
  },
  {
    name: "code_challenge_method is S256",
    spec: "RFC 7636 §4.4.1",
    check: ({ parameters }) =>
      failIf(
        (parameters.get("code_challenge") !== undefined || parameters.get("code_challenge_method") !== undefined) &&
          parameters.get("code_challenge_method") !== "S256",
        "invalid_request",
        "code_challenge_method must be S256",
      ),
  },
  {
    name: "code_challenge is a SHA-256",
    spec: "RFC 7636 §4.2",
    check: ({ parameters }) =>
      failIf(
        parameters.get("code_challenge_method") !== undefined &&
          !Pkce.isChallenge(parameters.get("code_challenge") ?? ""),
        "invalid_request",
        "code_challenge must be the base64url of a SHA-256: 43 characters",
      ),
  },
  {
    name: "code_challenge is given by public clients",
    spec: "RFC 9700 §2.1.1",
    check: ({ client, parameters }) =>
      failIf(
        isPublic(client) && parameters.get("code_challenge") === undefined,
        "invalid_request",
        "code_challenge is missing",
      ),
  },
  {
    name: "code_challenge is given by confidential clients, unless exempted",
    spec: "OAuth 2.1 §4.1.1",
    check: ({ client, parameters }) =>
      failIf(
        client.privileges.requirePkce && parameters.get("code_challenge") === undefined,
        "invalid_request",
        "code_challenge is missing",
      ),
  },
  {
    name: "code_challenge is given for offline_access",
    spec: "OAuth 2.1 §4.1.1",
    check: (facts) =>
      failIf(
        scopesOf(facts).includes("offline_access") && facts.parameters.get("code_challenge") === undefined,
        "invalid_request",
        "code_challenge is missing: offline_access asks for it",
      ),
  },
  {
    name: "nonce is given where code_challenge is not",
    spec: "OAuth 2.1 §7.5.1",
    check: (facts) =>
      failIf(
        facts.parameters.get("code_challenge") === undefined &&
          (facts.parameters.get("nonce") === undefined || !scopesOf(facts).includes("openid")),
        "invalid_request",
        "code_challenge is missing: without it, the scope openid and a nonce are needed",
      ),
  },
  {
    name: "resource is well-formed",
    spec: "RFC 8707 §2",
    check: ({ parameters }) =>
      failIf(
        Read.resources(parameters) === null,
        "invalid_target",
        "resource must be an absolute URI without fragment",
      ),
  },
  {
    name: "resource is known",
    spec: "RFC 8707 §2",
    check: ({ resources }) => failIf(resources === null, "invalid_target", "resource is not known"),
  },
  {
    name: "resource is bound to one thing at most",
    spec: "RFC 8707 §2.1",
    check: ({ parameters, settings }) =>
      failIf(
        BoundResource.referencesOf(settings, Read.resources(parameters) ?? []).length > 1,
        "invalid_target",
        "The resources belong to several",
      ),
  },
  {
    name: "resource is allowed to the client",
    spec: "RFC 8707 §2",
    check: ({ client, parameters }) => {
      const allowed = client.privileges.resources
      return failIf(
        allowed !== null && !OAuthScope.isCovered(parameters.all("resource"), allowed),
        "invalid_target",
        "The client may not ask for this resource",
      )
    },
  },
  {
    name: "prompt is known",
    spec: "OpenID Connect Core §3.1.2.1",
    check: ({ parameters }) =>
      failIf(Read.prompts(parameters) === null, "invalid_request", "prompt has an unknown value"),
  },
  {
    name: "prompt none stands alone",
    spec: "OpenID Connect Core §3.1.2.1",
    check: (facts) =>
      failIf(
        promptsOf(facts).includes("none") && promptsOf(facts).length > 1,
        "invalid_request",
        "prompt=none stands alone",
      ),
  },
  {
    name: "max_age is a number of seconds",
    spec: "OpenID Connect Core §3.1.2.1",
    check: ({ parameters }) =>
      failIf(Option.isNone(Read.maxAge(parameters)), "invalid_request", "max_age must be a number of seconds"),
  },
  {
    name: "claims is well-formed",
    spec: "OpenID Connect Core §5.5",
    check: ({ parameters }) =>
      failIf(Option.isNone(Read.claims(parameters)), "invalid_request", "claims must be JSON of the form of OpenID"),
  },
  {
    name: "claims asks for one subject",
    spec: "OpenID Connect Core §5.5.1",
    check: (facts) => {
      const sub = Read.idTokenClaim(claimsOf(facts), "sub")
      return failIf(
        sub !== null && (sub.values.length > 1 || sub.values.some((value) => typeof value !== "string")),
        "invalid_request",
        "claims can name one subject",
      )
    },
  },
  {
    name: "essential acr is one that sessions can have",
    spec: "OpenID Connect Core §5.5.1.1",
    check: (facts) => {
      const acr = Read.idTokenClaim(claimsOf(facts), "acr")
      return failIf(
        acr?.isEssential === true && acr.values.length > 0 && supported(facts, acr.values).length === 0,
        "unmet_authentication_requirements",
        "No session here is worth the acr that is asked for",
      )
    },
  },
  {
    name: "id_token_hint is an ID token for the client",
    spec: "OpenID Connect Core §3.1.2.2",
    check: ({ idTokenHint }) =>
      failIf(idTokenHint === "invalid", "invalid_request", "id_token_hint is no ID token for the client"),
  },
  {
    name: "id_token_hint and claims name the same subject",
    spec: "OpenID Connect Core §3.1.2.1",
    check: (facts) => failIf(subjectsOf(facts).length > 1, "invalid_request", "id_token_hint and claims differ"),
  },
]

/** Runs the checks of the source, in their order: who asks, and where the answer goes. */
export const prove = (
  facts: SourceFacts,
): Result.Result<{ readonly client: OAuthClient; readonly redirectUri: string }, AuthorizationRefused> => {
  const refusal = firstFailure(sourceChecks, facts)
  if (refusal !== null) return Result.fail(refusal)
  const { client } = facts
  const redirectUri = redirectUriOf(facts)
  // The checks saw to both.
  return client === null || redirectUri === null
    ? Result.fail(new AuthorizationRefused({ reason: "invalid_request", description: "The request is not valid" }))
    : Result.succeed({ client, redirectUri })
}

/** Runs the checks of the request, in their order: the first failure, or null. */
export const check = (facts: RequestFacts): AuthorizationError | null => firstFailure(requestChecks, facts)

// internal

const firstFailure = <Facts, Failure>(
  checks: ReadonlyArray<{ readonly check: (facts: Facts) => Failure | null }>,
  facts: Facts,
): Failure | null => {
  for (const { check } of checks) {
    const failure = check(facts)
    if (failure !== null) return failure
  }
  return null
}

const codeGrant = "authorization_code"

const isScript = /^(?:javascript|data|vbscript|blob|file|about):/i

const refuseIf = (isWrong: boolean, reason: AuthorizationRefused["reason"], description: string) =>
  isWrong ? new AuthorizationRefused({ reason, description }) : null

const refusalOf = ({ message, reason, retryAfter }: ClientDocumentRefused) =>
  new AuthorizationRefused({
    reason: reason === "rate_limited" ? "rate_limited" : "invalid_client",
    description: message,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  })

const failIf = (isWrong: boolean, code: AuthorizationError["code"], description: string) =>
  isWrong ? new AuthorizationError({ code, description }) : null
