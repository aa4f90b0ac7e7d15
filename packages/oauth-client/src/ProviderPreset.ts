/**
 * What presets of well-known providers have in common: a strategy, and defaults that a host may overrule.
 *
 * @since 0.1.0
 */
import type { OAuthProviderOptions } from "./OAuthProvider.ts"

/**
 * The settings of a preset: those of any provider, of which only the client is required.
 *
 * **Details**
 *
 * What is given wins over what the preset says; a `strategy` wins member by member.
 *
 * @category models
 * @since 0.1.0
 */
export interface PresetOptions extends Omit<OAuthProviderOptions, "id"> {
  /** The name of the preset where left out. */
  readonly id?: string | undefined
}
