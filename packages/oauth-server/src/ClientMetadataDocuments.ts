/**
 * Clients that are known by their metadata documents: fetched, checked and kept.
 *
 * @see [Client ID Metadata Document](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document)
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import type { RateLimit, RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as Cache from "effect/Cache"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ClientDocumentRefused, isDocumentId, isUrl, maxBytes, read } from "./ClientMetadataDocument.ts"
import { ClientStore } from "./ClientStore.ts"
import { fromWire } from "./internal/clientMetadataNames.ts"
import { lifetimeOf } from "./internal/freshness.ts"
import { makeNewClients, noPrivileges } from "./internal/newClients.ts"
import { type ClientId, ClientMetadata, type OAuthClient } from "./OAuthClient.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"

/**
 * Clients that are known by their metadata documents.
 *
 * **Details**
 *
 * A document is fetched when somebody is sent here by its client and it is not known, or known for longer than its
 * answer allowed: 5 minutes where it says nothing, at least one and at most a day. What it says is kept as a client
 * like any other, for all nodes, so that nothing but the authorization endpoint ever fetches. Nobody but the document
 * changes it, though the host may disable it.
 *
 * A document is fetched once for all who wait, at most 30 times a minute for all of one origin, and not within 10
 * seconds after it could not be used. The failure itself is not kept, nor is a client used whose document is over and
 * cannot be had.
 *
 * @see [Client ID Metadata Document §5.2](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document#section-5.2)
 * @category services
 * @since 0.1.0
 */
export class ClientMetadataDocuments extends Context.Service<
  ClientMetadataDocuments,
  {
    /**
     * The client of an id, of which `known` is on file: as it is on file, unless its id is the URL of a document; as
     * the document says it, else. Null where there is none.
     */
    readonly current: (
      id: ClientId,
      known: OAuthClient | null,
      clientInfo: ClientInfo,
    ) => Effect.Effect<OAuthClient | null, ClientDocumentRefused | StoreError>
  }
>()("@belfry/oauth-server/ClientMetadataDocuments") {}

/**
 * Makes the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const settings = yield* OAuthServerSettings
  const store = yield* ClientStore
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const limits = yield* RateLimits
  const outbound = yield* OutboundHttp
  const newClients = yield* makeNewClients

  /** The metadata of a client as its document says it, and how long that holds. */
  const fetchDocument = Effect.fnUntraced(function* (id: ClientId) {
    yield* Effect.mapError(limits.consume(perOrigin, new URL(id).origin), tooOften)
    const response = yield* outbound.send({ url: id, trust: "foreign", maxBytes }).pipe(
      Effect.catchTag("OutboundFailed", ({ reason }) => Effect.fail(new ClientDocumentRefused({ reason }))),
      Effect.timeoutOrElse({
        duration: Duration.seconds(5),
        orElse: () => Effect.fail(new ClientDocumentRefused({ reason: "timeout" })),
      }),
    )
    const document = yield* Effect.fromResult(read(id, response))
    const metadata = yield* Effect.flatMap(Effect.fromResult(fromWire(document)), (said) =>
      newClients.validated(said, { isDynamic: true, isMachineAllowed: false }),
    ).pipe(
      Effect.catchTag("ClientMetadataInvalid", ({ description: detail }) =>
        Effect.fail(new ClientDocumentRefused({ reason: "metadata", detail })),
      ),
    )
    return { metadata, lifetime: Duration.millis(lifetimeOf(response, bounds)) }
  })

  const record = (type: string, { id, metadata }: OAuthClient) =>
    audit.record({ type, data: { clientId: id, method: metadata.tokenEndpointAuthMethod } })

  /** Keeps what a document says; false when another node was as fast. */
  const keep = Effect.fnUntraced(function* (seen: OAuthClient | null, next: OAuthClient) {
    return yield* transactions.run(
      Effect.gen(function* () {
        if (!(yield* seen === null ? store.insert(next) : store.update(seen, next))) return false
        if (seen === null) yield* record("oauth-client.registered", next)
        else if (!isSame(seen.metadata, next.metadata)) yield* record("oauth-client.updated", next)
        return true
      }),
    )
  })

  const isGood = (client: OAuthClient, now: DateTime.Utc): boolean =>
    client.isDisabled || client.documentUntil === null || now.epochMilliseconds < client.documentUntil.epochMilliseconds

  /** The client as its document says it, for all who wait. */
  const renewed = Effect.fnUntraced(function* (id: ClientId) {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const seen = Option.getOrNull(yield* store.find(id))
      if (seen !== null && isGood(seen, yield* DateTime.now)) return seen
      const { lifetime, metadata } = yield* fetchDocument(id)
      const now = yield* DateTime.now
      const updatedAt = seen === null ? now : DateTime.max(now, DateTime.add(seen.updatedAt, { milliseconds: 1 }))
      const documentUntil = DateTime.addDuration(now, lifetime)
      const next: OAuthClient = { ...(seen ?? newcomer(id, now)), metadata, documentUntil, updatedAt }
      if (yield* keep(seen, next)) return next
    }
    return yield* tooBusy
  })

  const renewals = yield* Cache.makeWith(
    (id: ClientId) =>
      Effect.catchTag(renewed(id), "ClientDocumentRefused", (refused) =>
        Effect.flatMap(DateTime.now, (at) => Effect.fail(new Refused({ refused, at: at.epochMilliseconds }))),
      ),
    {
      capacity: 1000,
      // What could be had is on file; what could not, is not asked for again by everybody who comes.
      timeToLive: (exit) => (isRefused(exit) ? pause : Duration.zero),
    },
  )

  const renew = Effect.fnUntraced(function* (id: ClientId, clientInfo: ClientInfo) {
    const { clientDocuments } = settings.rateLimits
    if (clientDocuments !== null) {
      const counted = limits.consume(clientDocuments, rateLimitSubject(clientInfo.ipAddress))
      yield* Effect.catchTag(counted, "RateLimited", (limited) => Effect.fail(tooOften(limited)))
    }
    const begun = (yield* DateTime.now).epochMilliseconds
    return yield* Cache.get(renewals, id).pipe(
      Effect.catchTag("Refused", ({ at, refused }) => {
        const retryAfter = Math.ceil((at - begun + Duration.toMillis(pause)) / 1000)
        // It failed for somebody before: that is not told again as if it were so now.
        return Effect.fail(at < begun ? new ClientDocumentRefused({ reason: "rate_limited", retryAfter }) : refused)
      }),
    )
  })

  return ClientMetadataDocuments.of({
    current: Effect.fn("ClientMetadataDocuments.current")(function* (id, known, clientInfo) {
      const isOn = settings.clientMetadataDocuments === "on"
      if (known !== null && known.documentUntil === null) return known
      if (!isOn || (known === null && !isUrl(id))) return null
      if (!isDocumentId(id)) return yield* new ClientDocumentRefused({ reason: "url" })
      const now = yield* DateTime.now
      return known !== null && isGood(known, now) ? known : yield* renew(id, clientInfo)
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(ClientMetadataDocuments, make)

// internal

/** A document that could not be used, and when that was. */
class Refused extends Data.TaggedError("Refused")<{
  readonly refused: ClientDocumentRefused
  readonly at: number
}> {}

const isRefused = (exit: Exit.Exit<OAuthClient, Refused | StoreError>): boolean =>
  Option.exists(Exit.findErrorOption(exit), ({ _tag }) => _tag === "Refused")

const maxAttempts = 5

const pause = Duration.seconds(10)

/** Client ID Metadata Document §8.7: whoever names URLs here has this server ask others. */
const perOrigin: RateLimit = { name: "oauth-client-documents-by-origin", limit: 30, window: Duration.minutes(1) }

const bounds = {
  shortest: Duration.toMillis(Duration.minutes(1)),
  longest: Duration.toMillis(Duration.days(1)),
  unsaid: Duration.toMillis(Duration.minutes(5)),
}

const tooOften = <E extends StoreError>(error: RateLimited | E): ClientDocumentRefused | E =>
  error._tag === "RateLimited"
    ? new ClientDocumentRefused({ reason: "rate_limited", retryAfter: error.retryAfter })
    : error

/** A client of which nothing was known: nobody's, and with no privilege. */
const newcomer = (id: ClientId, createdAt: DateTime.Utc): Omit<OAuthClient, "metadata" | "updatedAt"> => ({
  id,
  privileges: noPrivileges,
  secrets: [],
  userId: null,
  referenceId: null,
  isDisabled: false,
  isDynamic: true,
  documentUntil: null,
  createdAt,
})

const isSame = Schema.toEquivalence(ClientMetadata)

const tooBusy = Effect.fail(
  new StoreError({
    store: "ClientStore",
    method: "update",
    isRetryable: true,
    cause: new Error("The client is changed by others all the time"),
  }),
)
