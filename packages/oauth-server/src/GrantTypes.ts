/**
 * Grant types: what clients may present at the token endpoint, each a value in a list.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Claims } from "./Claims.ts"
import type { OAuthClient } from "./OAuthClient.ts"
import type { OAuthError } from "./OAuthError.ts"
import type { Parameters } from "./Parameters.ts"
import type { ProtectedResource } from "./ProtectedResource.ts"
import type { Presented, Records } from "./RecordStore.ts"

/**
 * What a token request presents by its parameters alone: the code or token to look up, and the challenge that its
 * `code_verifier` makes: null when that is no verifier by its form.
 *
 * @see [RFC 7636 §4.6](https://www.rfc-editor.org/rfc/rfc7636.html#section-4.6)
 * @category models
 * @since 0.1.0
 */
export interface PresentedGrant extends Pick<Presented, "code" | "refreshToken" | "accessToken"> {
  readonly codeChallenge?: string | null | undefined
}

/**
 * A token request whose client proved itself. `resources` are those that the request names, in force and allowed to the
 * client; each known by configuration or on file. `scopes` are those that it asks for by name, null when it names none;
 * none when they are not of the form.
 *
 * @category models
 * @since 0.1.0
 */
export interface TokenRequestFacts {
  readonly parameters: Parameters
  readonly presented: PresentedGrant
  readonly scopes: Option.Option<ReadonlyArray<string> | null>
  readonly client: OAuthClient
  readonly records: Records
  readonly resources: ReadonlyArray<ProtectedResource>
  readonly clientInfo: ClientInfo
  readonly now: DateTime.Utc
}

/**
 * What a token request gets.
 *
 * @see [RFC 6749 §5.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.1)
 * @category models
 * @since 0.1.0
 */
export interface TokenResponse {
  readonly accessToken: Redacted.Redacted
  readonly expiresAt: DateTime.Utc
  readonly scopes: ReadonlyArray<string>
  readonly refreshToken?: Redacted.Redacted | undefined
  readonly idToken?: Redacted.Redacted | undefined
  /** Further members, of hooks. */
  readonly fields: Claims
}

/**
 * One check of a token request: its name, the section that it enforces, and the check, which answers with the refusal,
 * or with null where it holds. It reads nothing but the facts.
 *
 * @category models
 * @since 0.1.0
 */
export interface GrantCheck {
  readonly name: string
  readonly spec: string
  readonly check: (facts: TokenRequestFacts) => OAuthError | null
}

/**
 * A grant type. Its checks run in their order, before anything is used up.
 *
 * **Details**
 *
 * `presents` reads the parameters; it fails when they are not of the form.
 * `exchange` takes what is used once and issues, in one step of the store. `onRefused` runs for a check that failed: a
 * code or token that was used before ends its grant.
 *
 * @category models
 * @since 0.1.0
 */
export interface GrantType {
  readonly name: string
  readonly presents: (parameters: Parameters) => Effect.Effect<PresentedGrant, OAuthError>
  readonly checks: ReadonlyArray<GrantCheck>
  readonly exchange: (facts: TokenRequestFacts) => Effect.Effect<TokenResponse, OAuthError | StoreError>
  readonly onRefused?: (facts: TokenRequestFacts, refusal: OAuthError) => Effect.Effect<void, StoreError>
}

/**
 * The grant types that are installed. A host adds its own to the list.
 *
 * @category services
 * @since 0.1.0
 */
export class GrantTypes extends Context.Service<GrantTypes, ReadonlyArray<GrantType>>()(
  "@belfry/oauth-server/GrantTypes",
) {}
