/**
 * What a method of client authentication is made of.
 */
import type { StoreError } from "@belfry/core/StoreError"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { ClientCredentials } from "../../ClientAuthentications.ts"
import { ClientId, type ClientAuthenticationMethod, type OAuthClient } from "../../OAuthClient.ts"
import { OAuthError } from "../../OAuthError.ts"
import type { Parameters } from "../../Parameters.ts"

/** A method: how it is recognized and read, and how it proves a client. */
export interface Method {
  readonly method: ClientAuthenticationMethod
  /**
   * Reads the credentials of a request, the scheme of whose `Authorization` header is in lower case. None when the
   * request does not use this method.
   */
  readonly read: (
    authorization: Authorization | null,
    parameters: Parameters,
  ) => Option.Option<Result.Result<ClientCredentials, OAuthError>>
  /**
   * Why credentials of this method do not prove the client on file (null: there is none that may use it); null when
   * they do. It takes as long without a client as with one.
   */
  readonly verify: (
    credentials: ClientCredentials,
    client: OAuthClient | null,
  ) => Effect.Effect<string | null, StoreError>
}

/** An `Authorization` header: the scheme in lower case, and the rest. */
export interface Authorization {
  readonly scheme: string
  readonly credentials: string
}

/** Reads an `Authorization` header. */
export const parseAuthorization = (header: string): Authorization => {
  const [, scheme = "", credentials = ""] = /^([^ ]*) *(.*)$/su.exec(header) ?? []
  return { scheme: scheme.toLowerCase(), credentials }
}

/**
 * The one failure of client authentication. Everything but `detail` is the same for all of them.
 *
 * @see [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.2)
 */
export const invalidClient = (detail: string): OAuthError =>
  new OAuthError({ code: "invalid_client", description: "Client authentication failed", detail })

/** A request that authenticates in a way that has no meaning. */
export const invalidRequest = (description: string): OAuthError =>
  new OAuthError({ code: "invalid_request", description })

/** Reads the id of a client. One that cannot be any client's fails as an unknown one does. */
export const readClientId = (text: string): Result.Result<ClientId, OAuthError> => {
  const clientId = decodeClientId(text)
  return Option.isSome(clientId) ? Result.succeed(clientId.value) : Result.fail(invalidClient("malformed-client-id"))
}

// internal

const decodeClientId = Schema.decodeUnknownOption(ClientId)
