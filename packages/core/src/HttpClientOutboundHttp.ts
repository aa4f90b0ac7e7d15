/**
 * Outbound calls over Effect's HttpClient, whichever the host has, with limits of time and size and a guard of
 * addresses.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { bareHost, isPublicAddress, mayBePublicHost } from "./internal/publicAddress.ts"
import {
  type OutboundCalls,
  OutboundFailed,
  type OutboundLimits,
  type OutboundRequest,
  type OutboundResponse,
} from "./Outbound.ts"
import { OutboundHttp } from "./OutboundHttp.ts"

/**
 * What makes the connections: `foreign` for URLs that somebody else wrote, `configured` for the host's own.
 *
 * **Details**
 *
 * `foreign` should examine each address with {@link allowsAddress} and connect to none but those; it refuses by failing
 * with an {@link AddressRefused} as cause.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutboundClients {
  readonly configured: HttpClient.HttpClient
  readonly foreign: HttpClient.HttpClient
}

/**
 * A connection that was not made, because the host's address is not public.
 *
 * @category errors
 * @since 0.1.0
 */
export class AddressRefused extends Error {
  readonly code = "ERR_ADDRESS_REFUSED"
  override readonly name = "AddressRefused"
}

/**
 * Tells whether a connection for a foreign URL may go to `address`, to which `hostname` resolved: it is public, or the
 * host is allowed.
 *
 * @category predicates
 * @since 0.1.0
 */
export const allowsAddress = (limits: OutboundLimits, hostname: string, address: string): boolean =>
  isPublicAddress(address) || isAllowedHost(limits, hostname)

/**
 * Outbound calls over two clients.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (clients: OutboundClients, limits: OutboundLimits = {}): OutboundCalls => {
  const timeout = Duration.fromInputUnsafe(limits.timeout ?? Duration.seconds(10))
  const maxBytes = limits.maxBytes ?? 1024 * 1024
  const configured = HttpClient.withScope(clients.configured)
  const foreign = HttpClient.withScope(clients.foreign)

  const exchange = (request: OutboundRequest, url: URL) =>
    Effect.flatMap((request.trust === "foreign" ? foreign : configured).execute(toClient(request, url)), (response) =>
      Effect.map(read(response, Math.min(maxBytes, request.maxBytes ?? maxBytes)), (body): OutboundResponse => ({
        status: response.status,
        headers: response.headers,
        body,
      })),
    ).pipe(
      // The scope's end cuts a body that is still coming.
      Effect.scoped,
      Effect.catchTag("HttpClientError", (error) => Effect.fail(new OutboundFailed({ reason: reasonOf(error) }))),
      Effect.provideContext(callContext),
    )

  return {
    send: Effect.fn("OutboundHttp.send")(
      function* (request) {
        const url = URL.parse(request.url)
        if (url === null || !mayCall(url, request.trust, limits)) {
          return yield* new OutboundFailed({ reason: "address" })
        }
        for (let repeats = 0; ; repeats++) {
          const result = yield* Effect.result(exchange(request, url))
          // RFC 9110 §9.2.2: what is not idempotent, such as the use of a code, is never sent twice.
          const isLast = request.form !== undefined || repeats === maxRepeats || !isTransient(result)
          if (isLast) return yield* Effect.fromResult(result)
          yield* Effect.sleep(Duration.millis(100 * 2 ** repeats))
        }
      },
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () => Effect.fail(new OutboundFailed({ reason: "timeout" })),
      }),
    ),
  }
}

/**
 * Outbound calls over the `HttpClient` that is there.
 *
 * **Gotchas**
 *
 * A client such as `fetch` does not tell where a name leads, so foreign names that resolve to private addresses are
 * reached. Use this where the platform keeps calls outside (edge runtimes); on Node use the server package's
 * `NodeOutboundHttp`, which examines what it connects to.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (limits: OutboundLimits = {}): Layer.Layer<OutboundHttp, never, HttpClient.HttpClient> =>
  Layer.effect(
    OutboundHttp,
    HttpClient.HttpClient.useSync((client) => OutboundHttp.of(make({ configured: client, foreign: client }, limits))),
  )

// internal

const maxRepeats = 2

const callContext = Context.make(FetchHttpClient.RequestInit, { redirect: "manual", credentials: "omit" }).pipe(
  // Strangers learn nothing of our traces.
  Context.add(HttpClient.TracerPropagationEnabled, false),
)

const isAllowedHost = (limits: OutboundLimits, hostname: string): boolean =>
  (limits.allowedHosts ?? []).some((allowed) => bareHost(allowed) === bareHost(hostname))

const mayCall = (url: URL, trust: OutboundRequest["trust"], limits: OutboundLimits): boolean => {
  if (url.protocol !== "https:" && url.protocol !== "http:") return false
  if (trust === "configured" || isAllowedHost(limits, url.hostname)) return true
  return url.protocol === "https:" && url.username === "" && url.password === "" && mayBePublicHost(url.hostname)
}

const toClient = (request: OutboundRequest, url: URL): HttpClientRequest.HttpClientRequest => {
  const headers = {
    accept: "application/json",
    // The limit of size holds for what is unpacked too, where a client unpacks; most do not.
    "accept-encoding": "identity",
    "user-agent": "belfry",
    ...request.headers,
  }
  return request.form === undefined
    ? HttpClientRequest.get(url, { headers })
    : HttpClientRequest.post(url, { headers }).pipe(HttpClientRequest.bodyUrlParams(request.form))
}

const read = (response: HttpClientResponse.HttpClientResponse, maxBytes: number) =>
  Effect.gen(function* () {
    const tooLarge = new OutboundFailed({ reason: "too-large" })
    if (Number(response.headers["content-length"] ?? 0) > maxBytes) return yield* tooLarge
    const chunks: Array<Uint8Array> = []
    let size = 0
    yield* Stream.runForEach(response.stream, (chunk) => {
      size += chunk.byteLength
      if (size > maxBytes) return Effect.fail(tooLarge)
      chunks.push(chunk)
      return Effect.void
    }).pipe(
      Effect.catchIf(
        (error) => error._tag === "HttpClientError" && error.reason._tag === "EmptyBodyError",
        () => Effect.void,
      ),
    )
    const body = new Uint8Array(size)
    let offset = 0
    for (const chunk of chunks) {
      body.set(chunk, offset)
      offset += chunk.byteLength
    }
    return body
  })

const isTransient = (result: Result.Result<OutboundResponse, OutboundFailed>): boolean =>
  Result.isSuccess(result)
    ? result.success.status >= 502 && result.success.status <= 504
    : result.failure.reason === "connection"

const reasonOf = (error: HttpClientError.HttpClientError): "address" | "connection" => {
  // Each client wraps what failed in errors of its own.
  let cause: unknown = error
  for (let depth = 0; depth < 8 && cause instanceof Error; depth++) {
    if (cause instanceof AddressRefused || ("code" in cause && cause.code === "ENOTFOUND")) return "address"
    cause = cause.cause
  }
  return "connection"
}
