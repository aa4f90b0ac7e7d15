/**
 * The services that commands work with.
 */
import * as Server from "@belfry/server/Server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Provides every service of the server over the database of the configuration. */
export const withServices = Effect.provide(Layer.provide(Server.layerServices, Server.layerDatabase))

/** Text that others chose: in quotes, and without what would tell a terminal what to do. */
export const quoted = (text: string): string =>
  JSON.stringify(text).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd")
