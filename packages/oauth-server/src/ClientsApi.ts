/**
 * HTTP contract of clients, for the people whose they are.
 *
 * @since 0.1.0
 */
import { asProblem } from "@belfry/core/ProblemApi"
import { Authentication, FreshSession } from "@belfry/core/SessionsApi"
import * as DateTime from "effect/DateTime"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import {
  ClientChangeRefused,
  ClientMetadata,
  ClientMetadataInvalid,
  ClientNotFound,
  type OAuthClient,
  PublicClient,
} from "./OAuthClient.ts"

/**
 * A client as those see it whose it is. Of its secrets only when they were made, and when they end.
 *
 * @category models
 * @since 0.1.0
 */
export const ManagedClient = Schema.Struct({
  clientId: Schema.String,
  ...ClientMetadata.fields,
  secrets: Schema.Array(Schema.Struct({ createdAt: Schema.DateTimeUtc, expiresAt: Schema.NullOr(Schema.DateTimeUtc) })),
  referenceId: Schema.NullOr(Schema.String),
  isDisabled: Schema.Boolean,
  isDynamic: Schema.Boolean,
  createdAt: Schema.DateTimeUtc,
  updatedAt: Schema.DateTimeUtc,
}).annotate({ identifier: "ManagedClient" })
/**
 * @category models
 * @since 0.1.0
 */
export interface ManagedClient extends Schema.Schema.Type<typeof ManagedClient> {}

/**
 * A client for those whose it is. Hashes and sealed secrets stay behind.
 *
 * @category converting
 * @since 0.1.0
 */
export const toManagedClient = (client: OAuthClient): ManagedClient => ({
  clientId: client.id,
  ...client.metadata,
  secrets: client.secrets.map(({ createdAt, expiresAt }) => ({
    createdAt: DateTime.makeUnsafe(createdAt),
    expiresAt: expiresAt === null ? null : DateTime.makeUnsafe(expiresAt),
  })),
  referenceId: client.referenceId,
  isDisabled: client.isDisabled,
  isDynamic: client.isDynamic,
  createdAt: client.createdAt,
  updatedAt: client.updatedAt,
})

/**
 * The members by which an answer carries a new secret: this once. Both are null for a client without one;
 * `clientSecretExpiresAt` is null, too, when the secret never ends.
 *
 * @category models
 * @since 0.1.0
 */
export const secretFields = {
  clientSecret: Schema.NullOr(Schema.RedactedFromValue(Schema.String)),
  clientSecretExpiresAt: Schema.NullOr(Schema.DateTimeUtc),
}

/**
 * A client with its new secret.
 *
 * @category models
 * @since 0.1.0
 */
export const ManagedClientWithSecret = Schema.Struct({ ...ManagedClient.fields, ...secretFields }).annotate({
  identifier: "ManagedClientWithSecret",
})

/**
 * What may be said of a new client. What is left out has its default; members that are not known are ignored.
 *
 * @category models
 * @since 0.1.0
 */
export const NewClientMetadata = ClientMetadata.mapFields(Struct.map(Schema.optionalKey)).annotate({
  identifier: "NewClientMetadata",
})

/**
 * What may be changed of a client: all that may be said of a new one, but how it proves itself and by which subjects it
 * knows people.
 *
 * @category models
 * @since 0.1.0
 */
export const ClientMetadataPatch = NewClientMetadata.mapFields(
  Struct.omit(["tokenEndpointAuthMethod", "subjectType"]),
).annotate({ identifier: "ClientMetadataPatch" })

/**
 * How lists are asked for: where to go on, as the page before says, and how many a page has.
 *
 * @category models
 * @since 0.1.0
 */
export const pageQuery = {
  cursor: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(4096))),
  limit: Schema.optionalKey(
    Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 100 })),
  ),
}

/**
 * A client that is not there, or not the caller's to see, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const clientNotFound = ClientNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))

/**
 * Metadata that no client can have, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const metadataInvalid = ClientMetadataInvalid.pipe(asProblem({ status: 422, title: "Unprocessable Content" }))

/**
 * A change that the caller may not make, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const changeRefused = ClientChangeRefused.pipe(asProblem({ status: 403, title: "Forbidden" }))

/**
 * The path parameter of a client. Whatever stands there: an id that is none has no client.
 *
 * @category models
 * @since 0.1.0
 */
export const clientParams = { clientId: Schema.String }

/**
 * The endpoints of clients.
 *
 * @category api
 * @since 0.1.0
 */
export class ClientsApi extends HttpApiGroup.make("oauthClients")
  .add(
    HttpApiEndpoint.post("create", "/oauth2/clients", {
      payload: NewClientMetadata,
      success: ManagedClientWithSecret.pipe(HttpApiSchema.status(201)),
      error: [metadataInvalid, changeRefused],
    })
      .annotate(OpenApi.Summary, "Makes a client of the signed-in user; its secret is in this answer alone")
      .middleware(FreshSession),
    HttpApiEndpoint.get("list", "/oauth2/clients", {
      query: pageQuery,
      success: Schema.Struct({ clients: Schema.Array(ManagedClient), cursor: Schema.NullOr(Schema.String) }),
      error: changeRefused,
    }).annotate(OpenApi.Summary, "The clients of the signed-in user, newest first"),
    HttpApiEndpoint.get("get", "/oauth2/clients/:clientId", {
      params: clientParams,
      success: ManagedClient,
      error: clientNotFound,
    }).annotate(OpenApi.Summary, "A client of the signed-in user"),
    HttpApiEndpoint.patch("update", "/oauth2/clients/:clientId", {
      params: clientParams,
      payload: ClientMetadataPatch,
      success: ManagedClient,
      error: [clientNotFound, metadataInvalid, changeRefused],
    })
      .annotate(OpenApi.Summary, "Changes a client; an absent key leaves")
      .middleware(FreshSession),
    HttpApiEndpoint.delete("remove", "/oauth2/clients/:clientId", {
      params: clientParams,
      success: HttpApiSchema.NoContent,
      error: [clientNotFound, changeRefused],
    })
      .annotate(OpenApi.Summary, "Removes a client with its grants, tokens and consents")
      .middleware(FreshSession),
    HttpApiEndpoint.post("rotateSecret", "/oauth2/clients/:clientId/secret", {
      params: clientParams,
      success: ManagedClientWithSecret,
      error: [clientNotFound, changeRefused],
    })
      .annotate(OpenApi.Summary, "Gives a client a new secret; the former one holds for a while")
      .middleware(FreshSession),
    HttpApiEndpoint.get("getPublic", "/oauth2/public-clients/:clientId", {
      params: clientParams,
      success: PublicClient,
      error: clientNotFound,
    }).annotate(OpenApi.Summary, "What everybody who is signed in may know of a client"),
  )
  .middleware(Authentication)
  .annotateMerge(OpenApi.annotations({ title: "Clients", description: "Applications that ask for tokens" })) {}
