/**
 * Port: calls that leave the house.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type { OutboundCalls } from "./Outbound.ts"

/**
 * Calls that leave the house.
 *
 * **Details**
 *
 * Redirects are not followed. A GET is repeated twice when the connection fails or the answer is 502, 503 or 504.
 *
 * @category ports
 * @since 0.1.0
 */
export class OutboundHttp extends Context.Service<OutboundHttp, OutboundCalls>()("@belfry/core/OutboundHttp") {}
