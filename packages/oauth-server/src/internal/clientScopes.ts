/**
 * Which scopes a client may ask a person for.
 */
import type { OAuthClient } from "../OAuthClient.ts"
import * as OAuthScope from "../OAuthScope.ts"
import type { OAuthServerSettingsService } from "../OAuthServerSettings.ts"

/**
 * The scopes that a client may ask a person for: those that it registered, and of one that registered itself those that
 * it may come to need later. A token that it gets for itself has never more than the former.
 */
export const askableScopes = (
  { isDynamic, metadata }: Pick<OAuthClient, "isDynamic" | "metadata">,
  { registrationStepUp }: Pick<OAuthServerSettingsService, "registrationStepUp">,
): ReadonlyArray<string> => (isDynamic ? OAuthScope.union(metadata.scopes, registrationStepUp) : metadata.scopes)
