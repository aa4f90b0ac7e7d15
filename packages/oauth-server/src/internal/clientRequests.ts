/**
 * What every endpoint that a client calls does the same way: prove the client, and count what fails.
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import type { RateLimit, RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import type { StoreError } from "@belfry/core/StoreError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { ClientAuthentications, type ClientCredentials } from "../ClientAuthentications.ts"
import type { ClientId, OAuthClient } from "../OAuthClient.ts"
import type { OAuthError } from "../OAuthError.ts"
import { type Presented, RecordStore, type Records } from "../RecordStore.ts"

/** A client that did not prove itself; `clientId` is that of a client on file, and null for others. */
export class ClientRefused extends Data.TaggedError("ClientRefused")<{
  readonly error: OAuthError
  readonly clientId: ClientId | null
}> {}

/** A client that proved itself, and everything on file about what its request presented. */
export interface ProvedClient {
  readonly client: OAuthClient
  readonly records: Records
}

/**
 * Runs an endpoint in a span, where spans are made at all. They say where they are by their name: a stack trace for
 * each would cost as much as a look-up.
 */
export const withSpan = <A, E>(name: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.withFiber((fiber) =>
    fiber.getRef(References.TracerEnabled) ? Effect.withSpan(effect, name, { captureStackTrace: false }) : effect,
  )

/** The tools of the endpoints. */
export const make = Effect.gen(function* () {
  const authentications = yield* ClientAuthentications
  const recordStore = yield* RecordStore
  const rateLimits = yield* RateLimits
  const audit = yield* Audit

  /**
   * Looks up the client with all that the request presents, and lets it prove itself before anything else is looked at.
   */
  const prove = Effect.fnUntraced(function* (
    credentials: ClientCredentials,
    presented: Omit<Presented, "clientId">,
  ): Effect.fn.Return<ProvedClient, ClientRefused | StoreError> {
    const records = yield* recordStore.find({ ...presented, clientId: credentials.clientId })
    const client = yield* Effect.catchTag(authentications.verify(credentials, records.client), "OAuthError", (error) =>
      Effect.fail(new ClientRefused({ error, clientId: records.client?.id ?? null })),
    )
    return { client, records }
  })

  /**
   * Counts failures by address; a request that succeeds costs nothing. Whoever is over the limit is told that and not
   * what failed. A client that did not prove itself is recorded, as often as the limit allows.
   */
  const counted = (rule: RateLimit | null) => {
    const count = ({ ipAddress }: ClientInfo) =>
      rule === null ? Effect.void : rateLimits.consume(rule, rateLimitSubject(ipAddress))
    const refuse = Effect.fnUntraced(function* ({ clientId, error }: ClientRefused, clientInfo: ClientInfo) {
      yield* count(clientInfo)
      yield* audit.record({
        type: "oauth-client.authentication",
        reason: error.detail ?? "refused",
        client: clientInfo,
        data: clientId === null ? {} : { clientId },
      })
      return yield* error
    })
    return <A>(
      clientInfo: ClientInfo,
      effect: Effect.Effect<A, OAuthError | ClientRefused | StoreError>,
    ): Effect.Effect<A, OAuthError | RateLimited | StoreError> =>
      Effect.catchTags(effect, {
        OAuthError: (error) => Effect.andThen(count(clientInfo), Effect.fail(error)),
        ClientRefused: (refused) => refuse(refused, clientInfo),
      })
  }

  return { prove, counted }
})
