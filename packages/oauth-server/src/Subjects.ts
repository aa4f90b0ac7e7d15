/**
 * Who a user is to a client: the `sub` of all that the client sees.
 *
 * @since 0.1.0
 */
import { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as Mac from "effect/crypto/Mac"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { OAuthClient } from "./OAuthClient.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"

/**
 * Who a user is to a client.
 *
 * **Details**
 *
 * `public`: the user's id. `pairwise`: HMAC-SHA-256 under `pairwiseSecret` of the sector and the user's id, base64url:
 * the same in a sector for ever, and of no use to compare across sectors. It does not depend on the key ring, which
 * rotates. The sector is the host of `sectorIdentifierUri`, else the one host of the redirect URIs; and the client
 * itself, where that is no host of its own: loopback, and private-use schemes. Where the secret is gone, nobody can
 * tell: the user's id in the place of the subject would tell the client what it must not know.
 *
 * @see [OpenID Connect Core §8.1](https://openid.net/specs/openid-connect-core-1_0.html#PairwiseAlg)
 * @category services
 * @since 0.1.0
 */
export class Subjects extends Context.Service<
  Subjects,
  {
    readonly of: (client: OAuthClient, userId: UserId) => Effect.Effect<string, StoreError>
  }
>()("@belfry/oauth-server/Subjects") {}

/**
 * The sector of a client: clients of one sector know a user by the same pairwise subject.
 *
 * @see [OpenID Connect Core §8.1](https://openid.net/specs/openid-connect-core-1_0.html#PairwiseAlg)
 * @category accessors
 * @since 0.1.0
 */
export const sectorOf = ({ id, metadata }: OAuthClient): string => {
  const host = URL.parse(metadata.sectorIdentifierUri ?? metadata.redirectUris[0] ?? "")?.hostname ?? ""
  return host === "" || shared.test(host) ? id : host
}

/**
 * Makes the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const { pairwiseSecret } = yield* OAuthServerSettings
  const mac = yield* Mac.Mac
  const encoder = new TextEncoder()
  const key =
    pairwiseSecret === null
      ? null
      : yield* Effect.orDie(Mac.key(Mac.hmacSha256, encoder.encode(Redacted.value(pairwiseSecret))))
  return Subjects.of({
    of: (client, userId) => {
      if (client.metadata.subjectType === "public") return Effect.succeed(userId)
      if (key === null) return Effect.fail(noSecret)
      const bytes = mac.sign(key, encoder.encode(`${sectorOf(client)}.${userId}`))
      return Effect.map(Effect.orDie(bytes), Base64Url.encode)
    },
  })
})

/**
 * Layer of the service. Needs `effect/crypto`'s `Mac`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Subjects, make)

// internal

const noSecret = new StoreError({
  store: "Subjects",
  method: "of",
  isRetryable: false,
  cause: new Error("A client has pairwise subjects, and there is no pairwiseSecret"),
})

/** Hosts that many clients have. */
const shared = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/
