/**
 * What the process measures, for Prometheus.
 *
 * @since 0.1.0
 */
import { isEqualText } from "@belfry/core/ConstantTime"
import { bearerToken } from "@belfry/core/RequestHandlers"
import { parse } from "@belfry/core/ClientAddress"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ServerConfig } from "./ServerConfig.ts"

const residentMemory = Metric.gauge("process_resident_memory_bytes", { description: "Memory of the process" })
const uptime = Metric.gauge("process_uptime_seconds", { description: "Seconds since the process started" })

/**
 * `GET /metrics` in Prometheus' text format: to loopback alone, or to whoever brings `BELFRY_METRICS_TOKEN`.
 *
 * @see [Exposition formats](https://prometheus.io/docs/instrumenting/exposition_formats/)
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const { metricsToken } = yield* ServerConfig
    yield* router.add("GET", "/metrics", (request) =>
      Effect.gen(function* () {
        if (!isAllowed(request, metricsToken)) return HttpServerResponse.empty({ status: 404 })
        yield* Metric.update(residentMemory, process.memoryUsage.rss())
        yield* Metric.update(uptime, process.uptime())
        return HttpServerResponse.text(yield* PrometheusMetrics.format(), {
          contentType: "text/plain; version=0.0.4; charset=utf-8",
        })
      }),
    )
  }),
)

// internal

const proxyHeaders = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "via"]

const isAllowed = (
  request: HttpServerRequest.HttpServerRequest,
  metricsToken: Option.Option<Redacted.Redacted>,
): boolean => {
  if (Option.isNone(metricsToken)) {
    // The peer, not what a proxy says of its client. A proxy on this machine is a loopback peer too: whoever comes
    // through one needs a token.
    return (
      proxyHeaders.every((name) => request.headers[name] === undefined) &&
      Option.exists(Option.flatMap(request.peerAddress, parse), NetAddress.isLoopback)
    )
  }
  const given = bearerToken(request)
  return given !== undefined && isEqualText(Redacted.value(given), Redacted.value(metricsToken.value))
}
