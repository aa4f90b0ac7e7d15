/**
 * What token requests of all grant types ask for: resources and scopes.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Claims } from "../Claims.ts"
import type { TokenRequestFacts } from "../GrantTypes.ts"
import { OAuthError, type OAuthErrorCode } from "../OAuthError.ts"
import type { ClaimFacts, OAuthServerHooksService } from "../OAuthServerHooks.ts"
import * as OAuthScope from "../OAuthScope.ts"
import type { Parameters } from "../Parameters.ts"
import { type ProtectedResource, ResourceIdentifier } from "../ProtectedResource.ts"
import { ReservedClaims } from "../TokenIssuer.ts"
import { withoutReserved } from "./tokenClaims.ts"

/** A refusal; `detail` is for the audit log. */
export const refusal = (code: OAuthErrorCode, description: string, detail?: string): OAuthError =>
  new OAuthError({ code, description, ...(detail === undefined ? {} : { detail }) })

/** The outcome of a check: it fails with the refusal unless it holds. */
export const ensure = (holds: boolean, error: () => OAuthError): Effect.Effect<void, OAuthError> =>
  holds ? Effect.void : Effect.fail(error())

/**
 * The values of `resource`, each once; none when one is not of the form, or when there are more than a token could name.
 *
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 */
export const readResources = (parameters: Parameters): Option.Option<ReadonlyArray<string>> => {
  const identifiers = [...new Set(parameters.all("resource"))]
  return identifiers.length <= maxResources && identifiers.every(isResourceIdentifier)
    ? Option.some(identifiers)
    : Option.none()
}

/** The refusal of a resource, whatever is wrong with it. */
export const invalidTarget = (detail: string): OAuthError =>
  refusal("invalid_target", "A resource is unknown or not allowed", detail)

/** Scopes asked for: those of the request, or null when it names none. Fails when they are not of the form. */
export const readScopes = (parameters: Parameters): Effect.Effect<ReadonlyArray<string> | null, OAuthError> => {
  const text = parameters.get("scope")
  if (text === undefined) return Effect.succeed(null)
  const scopes = OAuthScope.parse(text)
  return Option.isSome(scopes)
    ? Effect.succeed(scopes.value)
    : Effect.fail(refusal("invalid_scope", "The scope is malformed"))
}

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

/** Fails when scopes were asked for by name and not one of them makes sense at the resources. */
export const requireScopesFor = (
  asked: ReadonlyArray<string> | null,
  resources: ReadonlyArray<ProtectedResource>,
): Effect.Effect<void, OAuthError> =>
  ensure(asked === null || asked.length === 0 || scopesFor(asked, resources).length > 0, () =>
    refusal("invalid_scope", "The resource takes none of these scopes"),
  )

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

const isResourceIdentifier = Schema.is(ResourceIdentifier)
