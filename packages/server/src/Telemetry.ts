/**
 * Logs, and traces and metrics by OTLP where a collector is configured.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { isProduction } from "./ServerConfig.ts"

/**
 * Structured logs: one JSON object a line in production, readable lines elsewhere. Which level, says
 * `BELFRY_LOG_LEVEL`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLogs = Layer.unwrap(
  Effect.gen(function* () {
    const level = yield* Config.LogLevel("BELFRY_LOG_LEVEL").pipe(Config.withDefault("Info" as const))
    return Layer.merge(
      Logger.layer([(yield* isProduction) ? Logger.consoleJson : Logger.consolePretty()]),
      Layer.succeed(References.MinimumLogLevel)(level),
    )
  }),
)

/**
 * Export by OTLP (JSON over HTTP) when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; nothing is loaded otherwise.
 *
 * **Details**
 *
 * Traces, metrics and logs, each unless its `OTEL_*_EXPORTER` says `none`. Spans of requests have method, route, path
 * and status: who asked, by which browser and with which query, stays here, because links from mails have their token
 * in it.
 *
 * @see [OpenTelemetry environment variables](https://opentelemetry.io/docs/specs/otel/protocol/exporter/)
 * @category layers
 * @since 0.1.0
 */
export const layerOtlp = Layer.unwrap(
  Effect.gen(function* () {
    const endpoint = yield* Config.option(Config.NonEmptyString("OTEL_EXPORTER_OTLP_ENDPOINT"))
    // Nobody would look at the spans that every request and every statement makes.
    if (Option.isNone(endpoint)) return Layer.succeed(References.TracerEnabled)(false)
    const [Otlp, OtlpSerialization, FetchHttpClient] = yield* Effect.promise(() =>
      Promise.all([
        import("effect/observability/Otlp"),
        import("effect/observability/OtlpSerialization"),
        import("effect/http/FetchHttpClient"),
      ]),
    )
    const provider = yield* ConfigProvider.ConfigProvider
    return layerDiscreetTracer.pipe(
      Layer.provideMerge(
        Otlp.layerFromConfig({ resource: { serviceName: "belfry" }, loggerMergeWithExisting: true }).pipe(
          Layer.provide([
            OtlpSerialization.layerJson,
            FetchHttpClient.layer,
            ConfigProvider.layer(ConfigProvider.orElse(provider, exportersByDefault)),
          ]),
        ),
      ),
    )
  }),
)

// internal

// The specification's default. Effect's is to export nothing.
const exportersByDefault = ConfigProvider.fromEnvRecord({
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp",
})

const withheld = new Set(["client.address", "user_agent.original", "url.full", "url.query"])

const layerDiscreetTracer = Layer.effect(
  Tracer.Tracer,
  Effect.map(Tracer.Tracer, (tracer) =>
    Tracer.make({
      ...tracer,
      span: (options) => {
        const span = tracer.span(options)
        const attribute = span.attribute.bind(span)
        return Object.assign(span, {
          attribute: (key: string, value: unknown) => (withheld.has(key) ? undefined : attribute(key, value)),
        })
      },
    }),
  ),
)
