/**
 * `client_secret_basic` and `client_secret_post`: a client proves itself by a secret that it shares with this server.
 *
 * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1)
 */
import { isEqualText } from "@belfry/core/ConstantTime"
import type { Hasher } from "@belfry/core/KeyRing"
import { KeyedHash } from "@belfry/core/KeyedHash"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { ClientStore } from "../../ClientStore.ts"
import type { ClientSecret } from "../../OAuthClient.ts"
import { invalidClient, invalidRequest, type Method, readClientId } from "./method.ts"

/** What both methods verify with. */
export interface SecretServices {
  readonly hasher: Hasher
  readonly clients: ClientStore["Service"]
}

/** The method `client_secret_basic`: id and secret in the `Authorization` header, each encoded as in a form. */
export const basic = (services: SecretServices): Method => ({
  method: "client_secret_basic",
  read: (authorization, parameters) => {
    if (authorization?.scheme !== "basic") return Option.none()
    const pair = readPair(authorization.credentials)
    if (pair === null) return Option.some(Result.fail(invalidClient("malformed-basic")))
    const repeated = parameters.get("client_id")
    return Option.some(
      Result.flatMap(readClientId(pair.id), (clientId) =>
        repeated !== undefined && repeated !== clientId
          ? Result.fail(invalidRequest("client_id is not that of the Authorization header"))
          : Result.succeed({ method: "client_secret_basic", clientId, secret: pair.secret } as const),
      ),
    )
  },
  verify: verifySecret(services),
})

/** The method `client_secret_post`: id and secret in the form. */
export const post = (services: SecretServices): Method => ({
  method: "client_secret_post",
  read: (_authorization, parameters) => {
    const secret = parameters.get("client_secret")
    if (secret === undefined) return Option.none()
    const clientId = parameters.get("client_id")
    return Option.some(
      clientId === undefined
        ? Result.fail(invalidRequest("client_id is missing"))
        : Result.map(
            readClientId(clientId),
            (id) => ({ method: "client_secret_post", clientId: id, secret: Redacted.make(secret) }) as const,
          ),
    )
  },
  verify: verifySecret(services),
})

// internal

function verifySecret({ hasher, clients }: SecretServices): Method["verify"] {
  return Effect.fnUntraced(function* (credentials, client) {
    if (credentials.method !== "client_secret_basic" && credentials.method !== "client_secret_post") return "method"
    const candidates = yield* hasher.candidates(credentials.secret)
    const now = yield* Clock.currentTimeMillis
    // Compared with two secrets always: a client that is not there takes as long as one that is.
    const kept = [...(client?.secrets ?? []), absent, absent].slice(0, 2)
    const found = kept.filter(({ hash }) => candidates.some((candidate) => isEqualText(candidate, hash)))
    if (client === null) return "unknown"
    const secret = found.find(({ expiresAt }) => expiresAt === null || now < expiresAt)
    if (secret === undefined) return found.length === 0 ? "secret" : "secret-expired"
    if (!hasher.isCurrent(secret.hash)) {
      // The answer does not hang on it: the next request tries again.
      yield* Effect.ignore(clients.rehashSecret(client.id, secret.hash, candidates[0]))
    }
    return null
  })
}

/** No secret has this hash: HMACs of all zeros are not met with. */
const absent: ClientSecret = {
  hash: KeyedHash.make(`absent.${"A".repeat(43)}`),
  sealed: null,
  createdAt: 0,
  expiresAt: null,
}

/** Id and secret of the header; null when it cannot be read. */
const readPair = (encoded: string): { readonly id: string; readonly secret: Redacted.Redacted } | null => {
  const bytes = Base64.decode(encoded)
  if (Result.isFailure(bytes)) return null
  try {
    const text = utf8.decode(bytes.success)
    const colon = text.indexOf(":")
    if (colon < 0) return null
    return { id: formDecode(text.slice(0, colon)), secret: Redacted.make(formDecode(text.slice(colon + 1))) }
  } catch {
    // Bytes that are no UTF-8, or a percent sign with no byte behind it.
    return null
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

// Those that this server hands out have nothing to decode.
const formDecode = (text: string): string => (/[%+]/u.test(text) ? decodeURIComponent(text.replaceAll("+", " ")) : text)
