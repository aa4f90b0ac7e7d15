/**
 * How presets become providers: defaults under what the host gives, settings from the environment, layers.
 */
import * as ConfigList from "@belfry/core/ConfigList"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { OAuthProviderOptions, ProviderInvalid } from "../OAuthProvider.ts"
import { OAuthProviders } from "../OAuthProviders.ts"
import type { PresetOptions } from "../ProviderPreset.ts"
import type { ProviderStrategy } from "../ProviderStrategy.ts"

/** Providers that the environment describes: none, where it names no client. */
export type Configured = Effect.Effect<ReadonlyArray<OAuthProviderOptions>, Config.ConfigError | ProviderInvalid>

/** Puts what a host gives over the defaults of a preset. A setting that is undefined is not given. */
export const overDefaults = (
  defaults: Omit<OAuthProviderOptions, "clientId"> & { readonly strategy: ProviderStrategy },
  given: PresetOptions,
): OAuthProviderOptions => ({
  ...defaults,
  ...withoutUndefined(given),
  id: given.id ?? defaults.id,
  clientId: given.clientId,
  strategy: { ...defaults.strategy, ...given.strategy },
})

/** Layer that adds a provider after its settings were checked. */
export const layerChecked = (
  options: Effect.Effect<OAuthProviderOptions, ProviderInvalid>,
): Layer.Layer<never, ProviderInvalid, OAuthProviders> => layerConfigured(Effect.map(options, (one) => [one]))

/** Layer that adds all providers of a list, in its order. */
export const layerConfigured = <E>(
  configured: Effect.Effect<ReadonlyArray<OAuthProviderOptions>, E>,
): Layer.Layer<never, E | ProviderInvalid, OAuthProviders> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const providers = yield* OAuthProviders
      yield* Effect.forEach(yield* configured, (options) => providers.add(options), { discard: true })
    }),
  )

/** Reads the client id of a preset and, where there is one, the rest of its settings. */
export const whereConfigured = (
  clientIdSetting: string,
  read: (clientId: ClientIds) => Effect.Effect<OAuthProviderOptions, Config.ConfigError | ProviderInvalid>,
): Configured =>
  Effect.gen(function* () {
    const ids = yield* clientIds(clientIdSetting)
    return Option.isSome(ids) ? [yield* read(ids.value)] : []
  })

/** Client ids; the first one asks. */
export type ClientIds = readonly [string, ...ReadonlyArray<string>]

/** Client ids, by comma. An empty setting is none. */
export const clientIds = (setting: string): Config.Config<Option.Option<ClientIds>> =>
  ConfigList.config(setting).pipe(
    Config.map(([first, ...others]): Option.Option<ClientIds> =>
      first === undefined ? Option.none() : Option.some([first, ...others]),
    ),
  )

/** A text that may be left out or left empty. */
export const optionalText = (setting: string): Config.Config<string | undefined> =>
  Config.String(setting).pipe(
    Config.withDefault(""),
    Config.map((text) => (text.trim() === "" ? undefined : text.trim())),
  )

/** A secret that is required and not empty. */
export const secret = (setting: string): Config.Config<Redacted.Redacted> =>
  Config.schema(Schema.RedactedFromValue(Schema.NonEmptyString), setting)

/** A secret that may be left out or left empty. */
export const optionalSecret = (setting: string): Config.Config<Redacted.Redacted | undefined> =>
  optionalText(setting).pipe(Config.map((text) => (text === undefined ? undefined : Redacted.make(text))))

/** A base URL without the slash at its end, so that paths can be put behind it. */
export const baseOf = (url: string): string => url.replace(/\/+$/u, "")

const withoutUndefined = <A extends object>(options: A): Partial<A> =>
  // Sound: entries are only left out.
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<A>
