/**
 * Where mail goes: to SMTP where it is configured, to the console and the data directory on a developer's machine.
 *
 * @since 0.1.0
 */
import * as DevelopmentMailer from "@belfry/core/DevelopmentMailer"
import type { Mailer } from "@belfry/core/Mailer"
import * as SmtpMailer from "@belfry/core/SmtpMailer"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { ServerConfig, UnsafeInProduction } from "./ServerConfig.ts"

/**
 * The mailer that the configuration asks for. Production refuses the console: links that sign people in would stand in
 * the logs.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.unwrap(
  Effect.gen(function* (): Effect.fn.Return<
    Layer.Layer<
      Mailer,
      Config.ConfigError | SmtpMailer.SmtpSettingInvalid | PlatformError,
      FileSystem.FileSystem | Path.Path
    >,
    Config.ConfigError | UnsafeInProduction,
    ServerConfig
  > {
    const { dataDir, isProduction } = yield* ServerConfig
    if (Option.isSome(yield* Config.option(Config.Redacted("BELFRY_SMTP_URL")))) return SmtpMailer.layerConfig
    if (isProduction) {
      return yield* new UnsafeInProduction({
        setting: "BELFRY_SMTP_URL",
        reason: "without it, links that sign people in would be printed on the console",
      })
    }
    return DevelopmentMailer.layer({ dataDir })
  }),
)
