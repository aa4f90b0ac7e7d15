/**
 * How the SDK reaches Stripe: as it does by itself, but for one thing. It repeats a request whose connection was
 * closed, whatever its settings say, and waits half a second of real time for that. Here retries are the client's
 * alone.
 */
import { Stripe } from "stripe"

/** Node's client of the SDK; every failure of a connection ends the attempt. */
export const httpClient = (): NonNullable<NonNullable<ConstructorParameters<typeof Stripe>[1]>["httpClient"]> => {
  const node = Stripe.createNodeHttpClient()
  return {
    getClientName: () => node.getClientName(),
    makeRequest: (...request) =>
      node.makeRequest(...request).catch((cause: unknown) => {
        throw isClosed(cause) ? new Error("The connection was closed", { cause }) : cause
      }),
  }
}

// internal

/** By these codes the SDK tells that a connection was closed. */
const closed: ReadonlySet<unknown> = new Set(["ECONNRESET", "EPIPE"])

const isClosed = (cause: unknown): boolean => cause instanceof Error && "code" in cause && closed.has(cause.code)
