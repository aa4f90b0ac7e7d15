/**
 * All presets at once, as far as the environment configures them.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Apple from "./Apple.ts"
import * as GitHub from "./GitHub.ts"
import * as Google from "./Google.ts"
import { layerConfigured } from "./internal/presets.ts"
import * as Line from "./Line.ts"
import * as Microsoft from "./Microsoft.ts"
import type { ProviderInvalid } from "./OAuthProvider.ts"
import type { OAuthProviders } from "./OAuthProviders.ts"
import * as Oidc from "./Oidc.ts"

/**
 * Layer that adds every provider whose client the environment names: first a host's own, then Google, Microsoft, Apple,
 * GitHub and LINE. People are shown them in this order.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<never, ProviderInvalid | Config.ConfigError, OAuthProviders> = layerConfigured(
  Effect.map(
    Effect.all([
      Oidc.configured,
      Google.configured,
      Microsoft.configured,
      Apple.configured,
      GitHub.configured,
      Line.configured,
    ]),
    (lists) => lists.flat(),
  ),
)
