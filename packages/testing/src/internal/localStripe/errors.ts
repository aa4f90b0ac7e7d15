/**
 * How Stripe refuses.
 */

/** A request that Stripe refuses, with its status and what the body says. */
export class Refusal extends Error {
  readonly status: number
  readonly details: {
    readonly type: string
    readonly code?: string
    readonly decline_code?: string
    readonly param?: string
  }

  constructor(status: number, details: Refusal["details"], message: string) {
    super(message)
    this.status = status
    this.details = details
  }

  /** The body of the answer. */
  get body() {
    return { error: { ...this.details, message: this.message } }
  }
}

export const invalid = (message: string, param?: string, code?: string): Refusal =>
  new Refusal(
    400,
    {
      type: "invalid_request_error",
      ...(code === undefined ? {} : { code }),
      ...(param === undefined ? {} : { param }),
    },
    message,
  )

/** What a path names is not there: 404. What a parameter names is not there: 400. */
export const missing = (kind: string, id: string, param = "id"): Refusal =>
  new Refusal(
    param === "id" ? 404 : 400,
    { type: "invalid_request_error", code: "resource_missing", param },
    `No such ${kind}: '${id}'`,
  )

export const declined = (): Refusal =>
  new Refusal(
    402,
    { type: "card_error", code: "card_declined", decline_code: "generic_decline" },
    "Your card was declined.",
  )

export const unauthorized = (): Refusal =>
  new Refusal(401, { type: "invalid_request_error" }, "Invalid API Key provided.")

export const limited = (): Refusal =>
  new Refusal(429, { type: "invalid_request_error", code: "rate_limit" }, "Request rate limit exceeded.")

export const keyInUse = (): Refusal =>
  new Refusal(
    409,
    { type: "idempotency_error", code: "idempotency_key_in_use" },
    "There is currently another in-progress request using this idempotency key.",
  )

export const keyReused = (): Refusal =>
  new Refusal(
    400,
    { type: "idempotency_error" },
    "Keys for idempotent requests can only be used with the same parameters they were first used with.",
  )

export const broken = (): Refusal => new Refusal(500, { type: "api_error" }, "An unknown error occurred.")
