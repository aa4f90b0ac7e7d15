/**
 * Calls to Stripe: the official SDK in its API version, with time limits and retries of ours.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { Stripe } from "stripe"
import type { BillingProviderError } from "./BillingProviderError.ts"
import { toProviderError } from "./internal/stripeErrors.ts"
import { httpClient } from "./internal/stripeHttp.ts"
import { isLiveKey } from "./internal/stripeKeys.ts"

/**
 * What calls are made with.
 *
 * **Details**
 *
 * `webhookSecrets`: every one of them signs, so that one can follow another. `apiUrl`: the origin of Stripe's API.
 * `portalConfiguration`: which of the portal's configurations people see; null: the default one. `timeout`: for each
 * attempt, 10 seconds. `retryBase`: the wait before the second of three attempts, 250 milliseconds; then twice that.
 *
 * @category models
 * @since 0.1.0
 */
export interface StripeOptions {
  readonly secretKey: Redacted.Redacted
  readonly webhookSecrets: ReadonlyArray<Redacted.Redacted>
  readonly apiUrl?: string | undefined
  readonly portalConfiguration?: string | null | undefined
  readonly timeout?: Duration.Duration | undefined
  readonly retryBase?: Duration.Duration | undefined
}

/**
 * Calls to Stripe, by outcome.
 *
 * @category metrics
 * @since 0.1.0
 */
export const callsTotal = Metric.counter("belfry_billing_provider_calls_total", {
  description: "Calls to the payment provider, by method and how they ended",
  incremental: true,
})

/**
 * Calls to Stripe.
 *
 * **Details**
 *
 * What may succeed later is tried three times. Writes are not cut in the middle: who is interrupted waits for the
 * attempt that is under way, at most `timeout`, so that nothing happens at Stripe after it was given up here.
 *
 * @category services
 * @since 0.1.0
 */
export class StripeClient extends Context.Service<
  StripeClient,
  {
    /** Whether the key moves real money. */
    readonly isLive: boolean
    readonly webhooks: Stripe["webhooks"]
    readonly webhookSecrets: ReadonlyArray<Redacted.Redacted>
    readonly portalConfiguration: string | null
    readonly read: <A>(method: string, call: (stripe: Stripe) => Promise<A>) => Effect.Effect<A, BillingProviderError>
    readonly write: <A>(method: string, call: (stripe: Stripe) => Promise<A>) => Effect.Effect<A, BillingProviderError>
  }
>()("@belfry/billing/StripeClient") {}

/**
 * Makes the client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: StripeOptions): StripeClient["Service"] => {
  const secretKey = Redacted.value(options.secretKey)
  const url = new URL(options.apiUrl ?? "https://api.stripe.com")
  const stripe = new Stripe(secretKey, {
    apiVersion: Stripe.API_VERSION,
    host: url.hostname,
    port: url.port === "" ? (url.protocol === "http:" ? 80 : 443) : Number(url.port),
    protocol: url.protocol === "http:" ? "http" : "https",
    timeout: Duration.toMillis(options.timeout ?? Duration.seconds(10)),
    maxNetworkRetries: 0,
    httpClient: httpClient(),
    telemetry: false,
    appInfo: { name: "Belfry" },
  })
  const waits = Schedule.exponential(options.retryBase ?? Duration.millis(250)).pipe(Schedule.jittered)

  const attempt = <A>(method: string, call: (stripe: Stripe) => Promise<A>) =>
    Effect.tryPromise({ try: () => call(stripe), catch: (cause) => toProviderError(method, cause) }).pipe(
      Effect.tap(count(method, "none")),
      Effect.tapError(({ reason }) => count(method, reason)),
    )

  const persistently = <A>(method: string, effect: Effect.Effect<A, BillingProviderError>) =>
    effect.pipe(
      Effect.retry({ schedule: waits, times: 2, while: ({ isRetryable }) => isRetryable }),
      Effect.withSpan(`Stripe.${method}`),
    )

  return StripeClient.of({
    isLive: isLiveKey(secretKey),
    webhooks: stripe.webhooks,
    webhookSecrets: options.webhookSecrets,
    portalConfiguration: options.portalConfiguration ?? null,
    read: (method, call) => persistently(method, attempt(method, call)),
    write: (method, call) => persistently(method, Effect.uninterruptible(attempt(method, call))),
  })
}

/**
 * Layer of a client.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: StripeOptions) => Layer.sync(StripeClient, () => make(options))

// internal

const count = (method: string, reason: BillingProviderError["reason"] | "none") =>
  Metric.update(Metric.withAttributes(callsTotal, { method, reason }), 1)
