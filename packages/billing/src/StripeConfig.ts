/**
 * Stripe from configuration: `BELFRY_STRIPE*`. Nothing of its SDK is loaded before it is on.
 *
 * @since 0.1.0
 */
import * as ConfigList from "@belfry/core/ConfigList"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { BillingProvider } from "./BillingProvider.ts"
import { providerOff } from "./internal/providerOff.ts"
import { isLiveKey } from "./internal/stripeKeys.ts"
import type { StripeOptions } from "./StripeClient.ts"

/**
 * Whether Stripe is asked, and which: `BELFRY_STRIPE`. Where it is not set, Stripe is on as soon as there is a key.
 *
 * **Details**
 *
 * `local` is for the program around: it starts one and says where it is, by `BELFRY_STRIPE_API_URL` and the secrets.
 *
 * @category config
 * @since 0.1.0
 */
export const configMode: Config.Config<"off" | "local" | "on"> = Config.all({
  mode: Config.Literals(["off", "local", "on"], "BELFRY_STRIPE").pipe(Config.withDefault(null)),
  key: Config.Redacted("BELFRY_STRIPE_SECRET_KEY").pipe(Config.withDefault(null)),
}).pipe(Config.map(({ key, mode }) => mode ?? (key === null || Redacted.value(key) === "" ? "off" : "on")))

// No message shows what is set.
const text = (name: string, isGood: (text: string) => boolean, message: string) =>
  Config.schema(Schema.String.check(Schema.makeFilter(isGood, { message })), name)

/**
 * The client of `BELFRY_STRIPE_SECRET_KEY`, `_WEBHOOK_SECRET` (several by comma), `_API_URL`, `_PORTAL_CONFIGURATION`.
 *
 * @category config
 * @since 0.1.0
 */
export const configOptions: Config.Config<StripeOptions> = Config.all({
  secretKey: text(
    "BELFRY_STRIPE_SECRET_KEY",
    (key) => /^[sr]k_\S+$/u.test(key),
    "Expected a secret key, which begins with sk_ or rk_",
  ).pipe(Config.map((key) => Redacted.make(key))),
  webhookSecrets: text(
    "BELFRY_STRIPE_WEBHOOK_SECRET",
    (secrets) => isEach(ConfigList.parse(secrets), /^whsec_\S+$/u),
    "Expected signing secrets by comma, each of which begins with whsec_",
  ).pipe(Config.map((secrets) => ConfigList.parse(secrets).map((secret) => Redacted.make(secret)))),
  // The key travels with every request.
  apiUrl: text(
    "BELFRY_STRIPE_API_URL",
    (url) => isSafeUrl(url),
    "Expected an https URL; http for this machine alone",
  ).pipe(Config.withDefault("https://api.stripe.com")),
  portalConfiguration: Config.String("BELFRY_STRIPE_PORTAL_CONFIGURATION").pipe(Config.withDefault(null)),
})

/**
 * Whether the key of the configuration moves real money.
 *
 * @category config
 * @since 0.1.0
 */
export const configIsLive: Config.Config<boolean> = Config.map(configOptions, ({ secretKey }) =>
  isLiveKey(Redacted.value(secretKey)),
)

/**
 * Stripe as the configuration says: off where `BELFRY_STRIPE` says so, or says nothing and there is no key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = Layer.unwrap(
  Effect.gen(function* () {
    if ((yield* configMode) === "off") return Layer.succeed(BillingProvider, providerOff)
    const options = yield* configOptions
    const [client, provider] = yield* load
    return Layer.provide(provider.layer, client.layer(options))
  }),
)

// internal

// The SDK takes 30 MB, which nobody is to pay who sells nothing.
const load = Effect.promise(() => Promise.all([import("./StripeClient.ts"), import("./StripeBillingProvider.ts")]))

const isEach = (texts: ReadonlyArray<string>, pattern: RegExp): boolean =>
  texts.length > 0 && texts.every((text) => pattern.test(text))

const isSafeUrl = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return false
  const isHere = /^(?:localhost|\[::1\]|127(?:\.\d+){3})$/u.test(url.hostname)
  return url.protocol === "https:" || (url.protocol === "http:" && isHere)
}
