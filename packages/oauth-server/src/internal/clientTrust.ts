/**
 * Which clients are the host's own.
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import type { OAuthClient } from "../OAuthClient.ts"
import type { OAuthServerHooksService } from "../OAuthServerHooks.ts"
import type { OAuthServerSettingsService } from "../OAuthServerSettings.ts"

/**
 * Whether a client is trusted: by configuration, by what the host decided about it, or by a hook. Nobody is asked for
 * consent to it, so that nobody but the host may say what it asks for, or where its answers go. A client that its own
 * metadata document describes is trusted only where its URL is named.
 */
export const isTrusted = (
  { documentUntil, id, privileges }: OAuthClient,
  { hooks, settings }: { readonly hooks: OAuthServerHooksService; readonly settings: OAuthServerSettingsService },
): Effect.Effect<boolean, StoreError> =>
  settings.trustedClients.has(id) || (privileges.skipConsent && documentUntil === null)
    ? Effect.succeed(true)
    : hooks.isTrusted(id)
