/**
 * Logs, and traces and metrics by OTLP where a collector is configured.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as References from "effect/References"
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
 * @see [OpenTelemetry environment variables](https://opentelemetry.io/docs/specs/otel/protocol/exporter/)
 * @category layers
 * @since 0.1.0
 */
export const layerOtlp = Layer.unwrap(
  Effect.gen(function* () {
    const endpoint = yield* Config.option(Config.NonEmptyString("OTEL_EXPORTER_OTLP_ENDPOINT"))
    if (Option.isNone(endpoint)) return Layer.empty
    const [Otlp, OtlpSerialization, FetchHttpClient] = yield* Effect.promise(() =>
      Promise.all([
        import("effect/observability/Otlp"),
        import("effect/observability/OtlpSerialization"),
        import("effect/http/FetchHttpClient"),
      ]),
    )
    return Otlp.layerFromConfig({ resource: { serviceName: "belfry" }, loggerMergeWithExisting: true }).pipe(
      Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer]),
    )
  }),
)
