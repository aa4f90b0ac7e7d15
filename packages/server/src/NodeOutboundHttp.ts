/**
 * Outbound calls on Node: a foreign URL leads to no address but those that were examined.
 *
 * @since 0.1.0
 */
import * as ConfigList from "@belfry/core/ConfigList"
import * as HttpClientOutboundHttp from "@belfry/core/HttpClientOutboundHttp"
import type { OutboundLimits } from "@belfry/core/Outbound"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type LookupAddress, lookup as systemLookup } from "node:dns"
import type { LookupFunction } from "node:net"
import { ServerConfig } from "./ServerConfig.ts"

/**
 * Finds all addresses of a host name, as `lookup` of `node:dns` with `all` does.
 *
 * @category models
 * @since 0.1.0
 */
export type Lookup = (
  hostname: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: ReadonlyArray<LookupAddress>) => void,
) => void

/**
 * Outbound calls that resolve names by `lookup`.
 *
 * **Details**
 *
 * The connection itself resolves the name, once, and gets only the addresses that are public, so a name that leads
 * elsewhere a moment later gains nothing. Connections for foreign URLs are pooled apart from the others: none that was
 * made without the examination is used for them.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (options: OutboundLimits & { readonly lookup: Lookup }): Layer.Layer<OutboundHttp> =>
  Layer.effect(
    OutboundHttp,
    Effect.gen(function* () {
      const configured = yield* client(connectLookup(options.lookup, () => true))
      const foreign = yield* client(
        connectLookup(options.lookup, (hostname, address) =>
          HttpClientOutboundHttp.allowsAddress(options, hostname, address),
        ),
      )
      return OutboundHttp.of(HttpClientOutboundHttp.make({ configured, foreign }, options))
    }),
  )

/**
 * Outbound calls that resolve names as the system does.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (limits: OutboundLimits = {}): Layer.Layer<OutboundHttp> =>
  layerWith({ ...limits, lookup: (hostname, callback) => systemLookup(hostname, { all: true }, callback) })

/**
 * Outbound calls by the configuration.
 *
 * **Details**
 *
 * A call takes half of the time of a request (`BELFRY_REQUEST_TIMEOUT`), 10 seconds at most: while a person waits for a
 * provider that hangs, there is time left to say so. `BELFRY_OUTBOUND_ALLOWED_HOSTS` names the hosts, by comma, that
 * documents of providers may lead to though their addresses are not public.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = Layer.unwrap(
  Effect.gen(function* () {
    const { requestTimeout } = yield* ServerConfig
    return layer({
      timeout: Duration.min(Duration.seconds(10), Duration.times(requestTimeout, 0.5)),
      allowedHosts: yield* ConfigList.config("BELFRY_OUTBOUND_ALLOWED_HOSTS"),
    })
  }),
)

// internal

// Of Node itself: Undici takes a tenth of the time in which a server starts.
const client = (lookup: LookupFunction) =>
  Effect.flatMap(NodeHttpClient.makeAgent({ lookup, keepAlive: true }), (agent) =>
    Effect.provideService(NodeHttpClient.makeNodeHttp, NodeHttpClient.HttpAgent, agent),
  )

const connectLookup =
  (lookup: Lookup, allows: (hostname: string, address: string) => boolean): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const wanted = { 4: 4, IPv4: 4, 6: 6, IPv6: 6, 0: 0 }[options.family ?? 0]
      const allowed = addresses.filter(
        ({ address, family }) =>
          allows(hostname, address) && (wanted === 0 || wanted === undefined || family === wanted),
      )
      const [first] = allowed
      if (first === undefined) {
        return callback(new HttpClientOutboundHttp.AddressRefused("the address is not public"), [])
      }
      return options.all === true ? callback(null, allowed) : callback(null, first.address, first.family)
    })
  }
