/**
 * Events of the provider: what is kept of them, and how they stand.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Identifies an event of the provider (`evt_...`).
 *
 * @category models
 * @since 0.1.0
 */
export const WebhookEventId = Schema.String.check(Schema.isPattern(/^[\x21-\x7E]{1,255}$/u)).pipe(
  Schema.brand("WebhookEventId"),
)
/**
 * @category models
 * @since 0.1.0
 */
export type WebhookEventId = typeof WebhookEventId.Type

/**
 * What is read and kept of an event: what it is about, by ids. What the object was when it was sent is not believed.
 *
 * @category models
 * @since 0.1.0
 */
export const WebhookEnvelope = Schema.Struct({
  id: WebhookEventId,
  type: Schema.String.check(Schema.isPattern(/^[a-z0-9_.]{1,100}$/u)),
  apiVersion: Schema.NullOr(Schema.String),
  isLive: Schema.Boolean,
  createdAt: Schema.DateTimeUtc,
  objectType: Schema.String,
  objectId: Schema.NullOr(Schema.String),
  customerId: Schema.NullOr(Schema.String),
  subscriptionId: Schema.NullOr(Schema.String),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface WebhookEnvelope extends Schema.Schema.Type<typeof WebhookEnvelope> {}

/**
 * How an event stands. `waiting`: to be dealt with, again if it failed. `parked`: it failed too often, or cannot be
 * understood; it waits for a replay. `ignored`: it is about nothing of ours.
 *
 * @category models
 * @since 0.1.0
 */
export const WebhookStatus = Schema.Literals(["waiting", "done", "ignored", "parked"])
/**
 * @category models
 * @since 0.1.0
 */
export type WebhookStatus = typeof WebhookStatus.Type

/**
 * Why an event stands as it does, in a word.
 *
 * @category models
 * @since 0.1.0
 */
export const WebhookReason = Schema.Literals([
  "foreign",
  "type",
  "mode",
  "malformed",
  "provider",
  "store",
  "unexpected",
])
/**
 * @category models
 * @since 0.1.0
 */
export type WebhookReason = typeof WebhookReason.Type

/**
 * An event in the inbox.
 *
 * @category models
 * @since 0.1.0
 */
export const WebhookEvent = Schema.Struct({
  ...WebhookEnvelope.fields,
  status: WebhookStatus,
  reason: Schema.NullOr(WebhookReason),
  attempts: Schema.Int,
  receivedAt: Schema.DateTimeUtc,
  dueAt: Schema.NullOr(Schema.DateTimeUtc),
  doneAt: Schema.NullOr(Schema.DateTimeUtc),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface WebhookEvent extends Schema.Schema.Type<typeof WebhookEvent> {}

/**
 * The request is no genuine webhook. Nothing of it is kept.
 *
 * **Details**
 *
 * `header`: no signature. `signature`: none that fits the bytes. `timestamp`: signed too long ago, or in times to come.
 * `form`: genuine, and not an event.
 *
 * @category errors
 * @since 0.1.0
 */
export class WebhookRefused extends Schema.TaggedError<WebhookRefused>("@belfry/billing/WebhookRefused")(
  "WebhookRefused",
  { reason: Schema.Literals(["header", "signature", "timestamp", "form"]) },
) {
  override get message(): string {
    return `Not a webhook of the provider: ${this.reason}`
  }
}

/**
 * There is no such event in the inbox.
 *
 * @category errors
 * @since 0.1.0
 */
export class WebhookEventNotFound extends Schema.TaggedError<WebhookEventNotFound>(
  "@belfry/billing/WebhookEventNotFound",
)("WebhookEventNotFound", { id: Schema.String }) {
  override get message(): string {
    return `No event ${this.id}`
  }
}
