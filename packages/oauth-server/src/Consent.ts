/**
 * Consent: what a person agreed that a client may ask for from then on.
 *
 * @since 0.1.0
 */
import { UserId } from "@belfry/core/User"
import { isUuid } from "@belfry/core/Uuid"
import * as Schema from "effect/Schema"
import { ClientId } from "./OAuthClient.ts"
import * as OAuthScope from "./OAuthScope.ts"

/**
 * @category models
 * @since 0.1.0
 */
export const ConsentId = Schema.String.check(isUuid).pipe(Schema.brand("ConsentId"))
/**
 * @category models
 * @since 0.1.0
 */
export type ConsentId = typeof ConsentId.Type

/**
 * What a user agreed to for a client; one for each `referenceId` (an organization, say), which is null for the user
 * alone. It grows with each further consent, and shrinks only when the user takes something back. `declinedScopes` were
 * asked for and not given: they are not asked for again, unless the client sends `prompt=consent`.
 *
 * @category models
 * @since 0.1.0
 */
export const Consent = Schema.Struct({
  id: ConsentId,
  clientId: ClientId,
  userId: UserId,
  referenceId: Schema.NullOr(Schema.String),
  scopes: Schema.Array(Schema.String),
  declinedScopes: Schema.Array(Schema.String),
  resources: Schema.Array(Schema.String),
  createdAt: Schema.DateTimeUtc,
  updatedAt: Schema.DateTimeUtc,
}).annotate({ identifier: "Consent" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Consent extends Schema.Schema.Type<typeof Consent> {}

/**
 * What a consent gives of what is asked for; null when the person must be asked.
 *
 * @category predicates
 * @since 0.1.0
 */
export const given = (
  consent: Pick<Consent, "scopes" | "declinedScopes" | "resources"> | null,
  asked: { readonly scopes: ReadonlyArray<string>; readonly resources: ReadonlyArray<string> },
): ReadonlyArray<string> | null => {
  if (consent === null) return null
  const isAnswered =
    OAuthScope.isCovered(asked.scopes, OAuthScope.union(consent.scopes, consent.declinedScopes)) &&
    OAuthScope.isCovered(asked.resources, consent.resources)
  const scopes = asked.scopes.filter((scope) => consent.scopes.includes(scope))
  return isAnswered && scopes.length > 0 ? scopes : null
}

/**
 * There is no such consent of the user.
 *
 * @category errors
 * @since 0.1.0
 */
export class ConsentNotFound extends Schema.TaggedError<ConsentNotFound>("@belfry/oauth-server/ConsentNotFound")(
  "ConsentNotFound",
  { consentId: Schema.String },
) {
  override get message(): string {
    return "No such consent"
  }
}

/**
 * A change would give the client more than the person agreed to.
 *
 * @category errors
 * @since 0.1.0
 */
export class ConsentWidened extends Schema.TaggedError<ConsentWidened>("@belfry/oauth-server/ConsentWidened")(
  "ConsentWidened",
  { scopes: Schema.Array(Schema.String) },
) {
  override get message(): string {
    return "These scopes were not asked for"
  }
}
