/**
 * Client authentication: what a request presents, and whether it proves the client.
 *
 * @since 0.1.0
 */
import { KeyRing } from "@belfry/core/KeyRing"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { AssertionStore } from "./AssertionStore.ts"
import { ClientStore } from "./ClientStore.ts"
import * as ClientKeys from "./internal/clientAuthentication/clientKeys.ts"
import { basic, post } from "./internal/clientAuthentication/clientSecret.ts"
import {
  invalidClient,
  invalidRequest,
  type Method,
  parseAuthorization,
} from "./internal/clientAuthentication/method.ts"
import { none } from "./internal/clientAuthentication/none.ts"
import { privateKeyJwt } from "./internal/clientAuthentication/privateKeyJwt.ts"
import { endpoints, issuerOf } from "./Issuer.ts"
import type { ClientAuthenticationMethod, ClientId, OAuthClient } from "./OAuthClient.ts"
import type { OAuthError } from "./OAuthError.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"
import type { Parameters } from "./Parameters.ts"

/**
 * What a request presents to prove its client. Exactly one method (RFC 6749 §2.3).
 *
 * @category models
 * @since 0.1.0
 */
export type ClientCredentials =
  | { readonly method: "none"; readonly clientId: ClientId }
  | {
      readonly method: "client_secret_basic" | "client_secret_post"
      readonly clientId: ClientId
      readonly secret: Redacted.Redacted
    }
  | { readonly method: "private_key_jwt"; readonly clientId: ClientId; readonly assertion: Redacted.Redacted }

/**
 * Client authentication.
 *
 * **Details**
 *
 * Methods are modules in a list ({@link ClientAuthenticationMethod}). All failures are `invalid_client`, in the same
 * words and the same time, whether the client is unknown, disabled, registered for another method, or its secret wrong
 * or over; which one it was goes to the audit log.
 *
 * @see [RFC 6749 §2.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3)
 * @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3)
 * @category services
 * @since 0.1.0
 */
export class ClientAuthentications extends Context.Service<
  ClientAuthentications,
  {
    /** The methods that discovery tells of. */
    readonly methods: ReadonlyArray<ClientAuthenticationMethod>
    /**
     * Reads the credentials of a request: the `Authorization` header and the form. Fails with `invalid_request` when
     * there are two methods in one, and with `invalid_client` when there is none or it cannot be read.
     */
    readonly read: (
      authorization: string | undefined,
      parameters: Parameters,
    ) => Result.Result<ClientCredentials, OAuthError>
    /**
     * Verifies the credentials against the client on file (null: there is none). An assertion is claimed, so that it
     * works once. Secrets that were hashed with an older key of the ring are hashed anew.
     */
    readonly verify: (
      credentials: ClientCredentials,
      client: OAuthClient | null,
    ) => Effect.Effect<OAuthClient, OAuthError | StoreError>
  }
>()("@belfry/oauth-server/ClientAuthentications") {}

/**
 * Client authentication by the methods that this server knows: secret in the header or in the form, signed assertion,
 * and none at all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const keyRing = yield* KeyRing
  const site = yield* Site
  const { clientMetadataDocuments } = yield* OAuthServerSettings
  const secrets = { hasher: yield* keyRing.hasher("oauth-client-secret"), clients: yield* ClientStore }
  const methods: ReadonlyArray<Method> = [
    basic(secrets),
    post(secrets),
    privateKeyJwt({
      keys: yield* ClientKeys.make(yield* OutboundHttp),
      assertions: yield* AssertionStore,
      hasher: yield* keyRing.hasher("oauth-assertion-jti"),
      audiences: [
        issuerOf(site),
        ...[endpoints.token, endpoints.introspect, endpoints.revoke].map((path) => site.origin + path),
      ],
    }),
    none,
  ]

  const read: ClientAuthentications["Service"]["read"] = (header, parameters) => {
    const authorization = header === undefined ? null : parseAuthorization(header)
    let found: Result.Result<ClientCredentials, OAuthError> | null = null
    let ways = authorization === null || authorization.scheme === "basic" ? 0 : 1
    for (const method of methods) {
      const credentials = method.read(authorization, parameters)
      if (Option.isNone(credentials)) continue
      found = credentials.value
      ways++
    }
    // RFC 6749 §2.3: a client uses one method in each request.
    if (ways > 1) return Result.fail(invalidRequest("The client authenticates in two ways at once"))
    return found ?? Result.fail(invalidClient(authorization === null ? "none" : "authorization-scheme"))
  }

  const verify: ClientAuthentications["Service"]["verify"] = Effect.fnUntraced(function* (credentials, onFile) {
    const isOff = clientMetadataDocuments === "off" && onFile !== null && onFile.documentUntil !== null
    const client = isOff ? null : onFile
    const usable = usableBy(credentials, client)
    const method = methods.find(({ method }) => method === credentials.method)
    const refusal = method === undefined ? "method" : yield* method.verify(credentials, usable)
    if (refusal === null && usable !== null) return usable
    return yield* invalidClient(whyUnusable(credentials, client) ?? refusal ?? "unknown")
  })

  return ClientAuthentications.of({ methods: methods.map(({ method }) => method), read, verify })
})

/**
 * Layer of client authentication.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  ClientAuthentications,
  never,
  KeyRing | Site | ClientStore | AssertionStore | OutboundHttp
> = Layer.effect(ClientAuthentications, make)

// internal

const whyUnusable = (credentials: ClientCredentials, client: OAuthClient | null): string | null => {
  if (client === null || client.id !== credentials.clientId) return "unknown"
  if (client.isDisabled) return "disabled"
  return client.metadata.tokenEndpointAuthMethod === credentials.method ? null : "method"
}

/** The client, if it may prove itself by these credentials at all. */
const usableBy = (credentials: ClientCredentials, client: OAuthClient | null): OAuthClient | null =>
  whyUnusable(credentials, client) === null ? client : null
