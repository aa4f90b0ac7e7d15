/**
 * The address a request came from: reading it, what of it counts for rate limits, which proxies may state it.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ConfigList from "./ConfigList.ts"

/**
 * Reads an address: IPv4-mapped IPv6 becomes IPv4, a zone (`%eth0`) is dropped. None when it is not an IP address.
 *
 * @see [RFC 4291 §2.5.5.2](https://www.rfc-editor.org/rfc/rfc4291.html#section-2.5.5.2)
 * @category converting
 * @since 0.1.0
 */
export const parse = (text: string): Option.Option<NetAddress.IpAddress> => {
  const zone = text.indexOf("%")
  const address = zone < 0 ? text : text.slice(0, zone)
  return Option.map(Result.getSuccess(NetAddress.ipFromString(address)), (ip) => NetAddress.toCanonical(ip))
}

/**
 * Writes an address in its one form (RFC 5952), or null when it is not an IP address: what sessions and events keep.
 *
 * @see [RFC 5952 §4](https://www.rfc-editor.org/rfc/rfc5952.html#section-4)
 * @category converting
 * @since 0.1.0
 */
export const normalize = (text: string): string | null =>
  // Most of them are, and every request has one.
  isDottedDecimal.test(text) ? text : Option.match(parse(text), { onNone: () => null, onSome: NetAddress.formatIp })

/**
 * The part of an address that stands for one client: IPv4 whole, of IPv6 the /64 network, since one subscriber has at
 * least that many addresses to choose from. What is no address is `unknown`: all such share one count.
 *
 * @see [RFC 6177 §2](https://www.rfc-editor.org/rfc/rfc6177.html#section-2)
 * @category converting
 * @since 0.1.0
 */
export const rateLimitSubject = (text: string | null): string =>
  Option.match(text === null ? Option.none() : parse(text), {
    onNone: () => "unknown",
    onSome: (ip) =>
      NetAddress.isIpv4Address(ip) ? NetAddress.formatIp(ip) : IpNetwork.format(IpNetwork.fromAddressUnsafe(ip, 64)),
  })

/**
 * `BELFRY_TRUSTED_PROXIES` cannot be used.
 *
 * @category errors
 * @since 0.1.0
 */
export class TrustedProxiesInvalid extends Schema.TaggedError<TrustedProxiesInvalid>(
  "@belfry/core/TrustedProxiesInvalid",
)("TrustedProxiesInvalid", { entry: Schema.String }) {
  override get message(): string {
    return `BELFRY_TRUSTED_PROXIES cannot be used: "${this.entry}" is no IP address and no network such as 10.0.0.0/8`
  }
}

/**
 * Reads addresses and networks (`10.0.0.0/8`), separated by commas. An address stands for itself alone.
 *
 * @category schemas
 * @since 0.1.0
 */
export const parseTrustedProxies = (
  text: string,
): Result.Result<ReadonlyArray<IpNetwork.IpNetwork>, TrustedProxiesInvalid> => {
  const networks: Array<IpNetwork.IpNetwork> = []
  for (const entry of ConfigList.parse(text)) {
    const network = entry.includes("/")
      ? IpNetwork.fromString(entry)
      : Result.flatMap(NetAddress.ipFromString(entry), (ip) => {
          const canonical = NetAddress.toCanonical(ip)
          return IpNetwork.make(canonical, NetAddress.width(canonical))
        })
    if (Result.isFailure(network)) return Result.fail(new TrustedProxiesInvalid({ entry }))
    networks.push(network.success)
  }
  return Result.succeed(networks)
}

/**
 * `BELFRY_TRUSTED_PROXIES`: the proxies whose `X-Forwarded-*` headers are believed, as {@link parseTrustedProxies}
 * reads them. None by default.
 *
 * @category config
 * @since 0.1.0
 */
export const configTrustedProxies = Effect.gen(function* () {
  const text = yield* Config.String("BELFRY_TRUSTED_PROXIES").pipe(Config.withDefault(""))
  return yield* Effect.fromResult(parseTrustedProxies(text))
})

// internal

/** An IPv4 address as it is written by everybody, which is its one form. */
const isDottedDecimal = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/
