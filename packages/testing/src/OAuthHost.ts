/**
 * What a host says of its authorization server, for tests.
 *
 * @since 0.1.0
 */
import * as OAuthServerHooks from "@belfry/oauth-server/OAuthServerHooks"
import { OAuthServerPages, type OAuthServerPagesService } from "@belfry/oauth-server/OAuthServerPages"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * Without rate limits, which have tests of their own.
 *
 * @category models
 * @since 0.1.0
 */
export const noLimits: OAuthServerSettings.OAuthServerSettingsService["rateLimits"] = {
  authorize: null,
  registration: null,
  clientDocuments: null,
  token: null,
  introspection: null,
  revocation: null,
  userInfo: null,
}

/**
 * What a host may say otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface Host {
  readonly settings?: Partial<OAuthServerSettings.OAuthServerSettingsService>
  readonly hooks?: Partial<OAuthServerHooks.OAuthServerHooksService>
  readonly pages?: Partial<OAuthServerPagesService>
}

/**
 * Layer with what a host says.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = ({ settings, hooks, pages }: Host = {}) =>
  Layer.mergeAll(
    Layer.succeed(
      OAuthServerSettings.OAuthServerSettings,
      OAuthServerSettings.make({ rateLimits: noLimits, scopes: ["notes:read", "notes:write"], ...settings }),
    ),
    Layer.succeed(OAuthServerHooks.OAuthServerHooks, OAuthServerHooks.make(hooks)),
    Layer.effect(
      OAuthServerPages,
      Effect.map(OAuthServerPages, (byDefault) => ({ ...byDefault, ...pages })),
    ),
  )
