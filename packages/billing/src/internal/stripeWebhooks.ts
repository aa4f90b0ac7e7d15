/**
 * Webhooks: whether the signature fits the bytes, and what is read of an event.
 */
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { StripeClient } from "../StripeClient.ts"
import { WebhookEnvelope, WebhookRefused } from "../WebhookEvent.ts"
import { Seconds } from "./stripeForms.ts"

/** For how long a signature is good, and how far clocks may differ, in seconds. */
export const tolerance = 300

/** The types of events that count here; Stripe's lists take 20 at most. */
export const eventTypes: ReadonlyArray<string> = [
  "checkout.session.async_payment_failed",
  "checkout.session.async_payment_succeeded",
  "checkout.session.completed",
  "checkout.session.expired",
  "customer.deleted",
  "customer.subscription.created",
  "customer.subscription.deleted",
  "customer.subscription.paused",
  "customer.subscription.resumed",
  "customer.subscription.trial_will_end",
  "customer.subscription.updated",
  "customer.updated",
  "invoice.paid",
  "invoice.payment_action_required",
  "invoice.payment_failed",
  "subscription_schedule.canceled",
  "subscription_schedule.completed",
  "subscription_schedule.created",
  "subscription_schedule.released",
  "subscription_schedule.updated",
]

/** Reads a webhook; fails unless one of the secrets signed these very bytes within the tolerance of `now`. */
export const readWebhook = Effect.fnUntraced(function* (
  client: StripeClient["Service"],
  request: { readonly body: Uint8Array; readonly signature: string | undefined; readonly now: DateTime.Utc },
) {
  const { signature, now } = request
  if (signature === undefined || signature === "") return yield* new WebhookRefused({ reason: "header" })
  const text = yield* textOf(request.body)
  // One time alone, so that it is the one that is signed.
  const [signedAt, ...others] = [...signature.matchAll(/(?<=^|,)\s*t=(\d{1,12})(?=,|$)/gu)].map(([, time]) => time)
  if (signedAt === undefined || others.length > 0) return yield* new WebhookRefused({ reason: "header" })
  let isGenuine = false
  for (const secret of client.webhookSecrets) {
    isGenuine ||= yield* verify(client, { text, signature, secret: Redacted.value(secret), signedAt })
  }
  if (!isGenuine) return yield* new WebhookRefused({ reason: "signature" })
  // The SDK looks at the past alone; what is signed for times to come could be kept and sent then.
  const age = Math.floor(now.epochMilliseconds / 1000) - Number(signedAt)
  if (Math.abs(age) > tolerance) return yield* new WebhookRefused({ reason: "timestamp" })
  const event = Option.flatMap(parse(text), toEnvelope)
  return Option.isSome(event) ? event.value : yield* new WebhookRefused({ reason: "form" })
})

/** What is read of an event; none: it is no event. */
export const toEnvelope = (input: unknown): Option.Option<WebhookEnvelope> =>
  Option.flatMap(decodeEvent(input), (event) => {
    const object = within(event.data, "object")
    const objectType = textAt(within(object, "object"))
    const objectId = idOf(object)
    const referred = (name: string) => idOf(within(object, name))
    return decodeEnvelope({
      id: event.id,
      type: event.type,
      apiVersion: event.api_version ?? null,
      isLive: event.livemode,
      createdAt: event.created,
      objectType: objectType ?? event.object,
      objectId,
      customerId: objectType === "customer" ? objectId : referred("customer"),
      subscriptionId:
        objectType === "subscription"
          ? objectId
          : (referred("subscription") ??
            idOf(within(within(within(object, "parent"), "subscription_details"), "subscription")) ??
            referred("released_subscription")),
    })
  })

// internal

/** Thin events have their time as text, and no object. */
const EventForm = Schema.Struct({
  id: Schema.String,
  object: Schema.String,
  type: Schema.String,
  api_version: Schema.optionalKey(Schema.NullOr(Schema.String)),
  livemode: Schema.Boolean,
  created: Schema.Union([Seconds, Schema.DateTimeUtcFromString]),
  data: Schema.optionalKey(Schema.Unknown),
})

const decodeEvent = Schema.decodeUnknownOption(EventForm)

const decodeEnvelope = Schema.decodeUnknownOption(Schema.toType(WebhookEnvelope))

const verify = (
  client: StripeClient["Service"],
  options: { readonly text: string; readonly signature: string; readonly secret: string; readonly signedAt: string },
): Effect.Effect<boolean> =>
  Effect.promise(async () => {
    const { text, signature, secret, signedAt } = options
    try {
      // Time is looked at apart, by the clock of this process's effects, so that it tells its own reason.
      const receivedAt = Number(signedAt) * 1000
      await client.webhooks.signature?.verifyHeaderAsync(text, signature, secret, tolerance, undefined, receivedAt)
      return client.webhooks.signature !== null
    } catch {
      return false
    }
  })

/** The text of these very bytes. What is not UTF-8 is nothing that Stripe signed. */
const textOf = (bytes: Uint8Array) =>
  Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    catch: () => new WebhookRefused({ reason: "signature" }),
  })

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const textAt = (value: unknown): string | null => (typeof value === "string" ? value : null)

/** A field of what may be an object. */
const within = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && name in value ? new Map(Object.entries(value)).get(name) : undefined

/** The id of another object, which may stand there whole. */
const idOf = (value: unknown): string | null => textAt(value) ?? textAt(within(value, "id"))
