/**
 * What pages of other origins are told before they call.
 */
import * as HttpServerResponse from "effect/http/HttpServerResponse"

/**
 * The answer to a preflight: these methods, from every origin, with the headers that clients in pages send.
 *
 * @see [Fetch §3.3.3](https://fetch.spec.whatwg.org/#http-responses)
 */
export const preflight = (methods: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({
    status: 204,
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": methods,
      "access-control-allow-headers": "authorization, content-type, mcp-protocol-version",
      "access-control-max-age": "600",
    },
  })
