/**
 * What token requests of all grant types ask for: resources and scopes.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Claims } from "../Claims.ts"
import type { GrantCheck, TokenRequestFacts } from "../GrantTypes.ts"
import { OAuthError, type OAuthErrorCode } from "../OAuthError.ts"
import type { ClaimFacts, OAuthServerHooksService } from "../OAuthServerHooks.ts"
import * as OAuthScope from "../OAuthScope.ts"
import type { Parameters } from "../Parameters.ts"
import { maxIdentifierLength, type ProtectedResource } from "../ProtectedResource.ts"
import { ReservedClaims } from "../TokenIssuer.ts"
import { withoutReserved } from "./tokenClaims.ts"

/** A refusal; `detail` is for the audit log. */
export const refusal = (code: OAuthErrorCode, description: string, detail?: string): OAuthError =>
  new OAuthError({ code, description, ...(detail === undefined ? {} : { detail }) })

/** The outcome of a check: the refusal, unless it holds. */
export const refuseUnless = (holds: boolean, error: () => OAuthError): OAuthError | null => (holds ? null : error())

/**
 * The values of `resource`, each once; none when one is longer than any identifier, or when there are more than a token
 * could name. Whether they are of the form is not asked: what is not, names no resource.
 *
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 */
export const readResources = (parameters: Parameters): Option.Option<ReadonlyArray<string>> => {
  const identifiers = [...new Set(parameters.all("resource"))]
  const isShort = (text: string) => text.length <= maxIdentifierLength
  return identifiers.length <= maxResources && identifiers.every(isShort) ? Option.some(identifiers) : Option.none()
}

/** The refusal of a resource, whatever is wrong with it. */
export const invalidTarget = (detail: string): OAuthError =>
  refusal("invalid_target", "A resource is unknown or not allowed", detail)

/** The scopes of a request, null when it names none; none when they are not of the form. */
export const readScopes = (parameters: Parameters): Option.Option<ReadonlyArray<string> | null> => {
  const text = parameters.get("scope")
  return text === undefined ? Option.some(null) : OAuthScope.parse(text)
}

/** The check that scopes are asked for in their form. */
export const scopeForm: GrantCheck = {
  name: "the scope is of the form",
  spec: "RFC 6749 §3.3",
  check: ({ scopes }) => refuseUnless(Option.isSome(scopes), () => refusal("invalid_scope", "The scope is malformed")),
}

/** The scopes that a request of which {@link scopeForm} holds asks for, or null when it names none. */
export const askedScopes = ({ scopes }: TokenRequestFacts): ReadonlyArray<string> | null =>
  Option.getOrElse(scopes, () => [])

/**
 * The scopes that a token for these resources may carry: with several, those that each of them allows.
 *
 * @see [RFC 8707 §2.2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2.2)
 */
export const scopesFor = (
  scopes: ReadonlyArray<string>,
  resources: ReadonlyArray<ProtectedResource>,
): ReadonlyArray<string> =>
  scopes.filter((scope) => resources.every((resource) => resource.scopes === null || resource.scopes.includes(scope)))

/** The check that something is left of the scopes that were asked for by name, at the resources. */
export const resourcesTakeScopes: GrantCheck = {
  name: "the resource takes the scope",
  spec: "RFC 8707 §2.2",
  check: (facts) => {
    const asked = askedScopes(facts) ?? []
    return refuseUnless(asked.length === 0 || scopesFor(asked, facts.resources).length > 0, () =>
      refusal("invalid_scope", "The resource takes none of these scopes"),
    )
  },
}

/** The members that hooks add to a token response, but for those that are the protocol's. */
export const responseFields = (
  hooks: OAuthServerHooksService,
  facts: ClaimFacts & { readonly grantType: string },
): ReturnType<OAuthServerHooksService["tokenResponseFields"]> =>
  Effect.mapEager(hooks.tokenResponseFields(facts), (fields): Claims =>
    withoutReserved(fields, ReservedClaims.tokenResponse),
  )

/** The facts that the hooks of a grant's tokens get. */
export const claimFactsOf = (
  { client, records }: TokenRequestFacts,
  scopes: ReadonlyArray<string>,
  resources: ReadonlyArray<ProtectedResource>,
): ClaimFacts => ({
  client,
  user: records.grant?.user ?? null,
  grant: records.grant?.grant ?? null,
  scopes,
  resources: resources.map(({ identifier }) => identifier),
})

// internal

const maxResources = 10
