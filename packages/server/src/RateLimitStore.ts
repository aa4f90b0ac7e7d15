/**
 * Where rate limits are counted: in Redis where it is given, in the database otherwise; both across nodes.
 *
 * @since 0.1.0
 */
import * as RedisRateLimitStore from "@belfry/core/RedisRateLimitStore"
import * as SqlRateLimitStore from "@belfry/core/SqlRateLimitStore"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/**
 * `BELFRY_REDIS_URL` cannot be used. The URL is not shown: it may have a password in it.
 *
 * @category errors
 * @since 0.1.0
 */
export class RedisUrlInvalid extends Schema.TaggedError<RedisUrlInvalid>("@belfry/server/RedisUrlInvalid")(
  "RedisUrlInvalid",
  {},
) {
  override get message(): string {
    return "BELFRY_REDIS_URL: it is no URL such as redis://user:password@host:6379"
  }
}

/**
 * The store that the configuration asks for.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const url = yield* Config.option(Config.Redacted("BELFRY_REDIS_URL"))
    if (Option.isNone(url)) return SqlRateLimitStore.layer
    if (!/^rediss?:$/.test(URL.parse(Redacted.value(url.value))?.protocol ?? "")) return yield* new RedisUrlInvalid()
    // Loaded only where it is used: the client costs start-up time and memory.
    const NodeRedis = yield* Effect.promise(() => import("@effect/platform-node/NodeRedis"))
    return Layer.provide(RedisRateLimitStore.layer(), NodeRedis.layer({ url: Redacted.value(url.value) }))
  }),
)
