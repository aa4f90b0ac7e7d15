/**
 * HTTP contract of clients, for administrators: users who hold the scope `oauth:admin`.
 *
 * @since 0.1.0
 */
import { asProblem } from "@belfry/core/ProblemApi"
import { Authentication, FreshSession, RequiredScopes, ScopeCheck } from "@belfry/core/SessionsApi"
import { UserId } from "@belfry/core/User"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import {
  ClientMetadataPatch,
  clientNotFound,
  clientParams,
  ManagedClient,
  metadataInvalid,
  changeRefused,
  NewClientMetadata,
  pageQuery,
  secretFields,
  toManagedClient,
} from "./ClientsApi.ts"
import { ClientPrivileges, type OAuthClient } from "./OAuthClient.ts"

/**
 * The scope of users who manage clients and protected resources of everybody.
 *
 * @category models
 * @since 0.1.0
 */
export const adminScope = "oauth:admin"

/**
 * A client as administrators see it.
 *
 * @category models
 * @since 0.1.0
 */
export const AdminClient = Schema.Struct({
  ...ManagedClient.fields,
  ...ClientPrivileges.fields,
  userId: Schema.NullOr(UserId),
}).annotate({ identifier: "AdminClient" })
/**
 * @category models
 * @since 0.1.0
 */
export interface AdminClient extends Schema.Schema.Type<typeof AdminClient> {}

/**
 * A client for administrators.
 *
 * @category converting
 * @since 0.1.0
 */
export const toAdminClient = (client: OAuthClient): AdminClient => ({
  ...toManagedClient(client),
  ...client.privileges,
  userId: client.userId,
})

const privilegeFields = Struct.map(ClientPrivileges.fields, Schema.optionalKey)

/**
 * A new client of administrators. It belongs to no user; `clientSecretExpiresAt` is left out, or null, for a secret
 * that never ends.
 *
 * @category models
 * @since 0.1.0
 */
export const NewAdminClient = Schema.Struct({
  ...NewClientMetadata.fields,
  ...privilegeFields,
  referenceId: Schema.optionalKey(
    Schema.NullOr(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(255), Schema.isPattern(/^\P{Cc}*$/u))),
  ),
  clientSecretExpiresAt: Schema.optionalKey(Schema.NullOr(Schema.DateTimeUtcFromString)),
}).annotate({ identifier: "NewAdminClient" })

/**
 * What administrators change of a client.
 *
 * @category models
 * @since 0.1.0
 */
export const AdminClientPatch = Schema.Struct({
  ...ClientMetadataPatch.fields,
  ...privilegeFields,
  isDisabled: Schema.optionalKey(Schema.Boolean),
}).annotate({ identifier: "AdminClientPatch" })

/**
 * There is no such initial access token.
 *
 * @category errors
 * @since 0.1.0
 */
export class RegistrationTokenNotFound extends Schema.TaggedError<RegistrationTokenNotFound>(
  "@belfry/oauth-server/RegistrationTokenNotFound",
)("RegistrationTokenNotFound", { id: Schema.String }) {
  override get message(): string {
    return "No such initial access token"
  }
}

/**
 * A new initial access token: the only moment at which it is shown.
 *
 * @category models
 * @since 0.1.0
 */
export const IssuedRegistrationToken = Schema.Struct({
  id: Schema.String,
  token: Schema.RedactedFromValue(Schema.String),
  expiresAt: Schema.DateTimeUtc,
}).annotate({ identifier: "IssuedRegistrationToken" })

/**
 * A client with its new secret, for administrators.
 *
 * @category models
 * @since 0.1.0
 */
export const AdminClientWithSecret = Schema.Struct({ ...AdminClient.fields, ...secretFields }).annotate({
  identifier: "AdminClientWithSecret",
})

/**
 * The endpoints of clients for administrators, and of the tokens that let others register clients.
 *
 * @category api
 * @since 0.1.0
 */
export class AdminClientsApi extends HttpApiGroup.make("oauthAdminClients")
  .add(
    HttpApiEndpoint.post("create", "/oauth2/admin/clients", {
      payload: NewAdminClient,
      success: AdminClientWithSecret.pipe(HttpApiSchema.status(201)),
      error: metadataInvalid,
    })
      .annotate(OpenApi.Summary, "Makes a client; its secret is in this answer alone")
      .middleware(FreshSession),
    HttpApiEndpoint.get("list", "/oauth2/admin/clients", {
      query: pageQuery,
      success: Schema.Struct({ clients: Schema.Array(AdminClient), cursor: Schema.NullOr(Schema.String) }),
    }).annotate(OpenApi.Summary, "The clients of everybody, newest first"),
    HttpApiEndpoint.get("get", "/oauth2/admin/clients/:clientId", {
      params: clientParams,
      success: AdminClient,
      error: clientNotFound,
    }).annotate(OpenApi.Summary, "A client, whosever it is"),
    HttpApiEndpoint.patch("update", "/oauth2/admin/clients/:clientId", {
      params: clientParams,
      payload: AdminClientPatch,
      success: AdminClient,
      error: [clientNotFound, metadataInvalid],
    })
      .annotate(OpenApi.Summary, "Changes a client, and what only the host decides about it; an absent key leaves")
      .middleware(FreshSession),
    HttpApiEndpoint.delete("remove", "/oauth2/admin/clients/:clientId", {
      params: clientParams,
      success: HttpApiSchema.NoContent,
      error: clientNotFound,
    })
      .annotate(OpenApi.Summary, "Removes a client with its grants, tokens and consents")
      .middleware(FreshSession),
    HttpApiEndpoint.post("rotateSecret", "/oauth2/admin/clients/:clientId/secret", {
      params: clientParams,
      success: AdminClientWithSecret,
      error: [clientNotFound, changeRefused],
    })
      .annotate(OpenApi.Summary, "Gives a client a new secret; the former one holds for a while")
      .middleware(FreshSession),
    HttpApiEndpoint.post("issueRegistrationToken", "/oauth2/admin/registration-tokens", {
      payload: Schema.Struct({
        lifetime: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400 * 365 })),
        uses: Schema.optionalKey(Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })))),
      }),
      success: IssuedRegistrationToken.pipe(HttpApiSchema.status(201)),
    })
      .annotate(
        OpenApi.Summary,
        "Makes an initial access token; `lifetime` in seconds, `uses` null for any number (the default is one)",
      )
      .middleware(FreshSession),
    HttpApiEndpoint.delete("revokeRegistrationToken", "/oauth2/admin/registration-tokens/:id", {
      params: { id: Schema.String },
      success: HttpApiSchema.NoContent,
      error: RegistrationTokenNotFound.pipe(asProblem({ status: 404, title: "Not Found" })),
    }).annotate(OpenApi.Summary, "Revokes an initial access token"),
  )
  .annotate(RequiredScopes, [adminScope])
  .middleware(ScopeCheck)
  .middleware(Authentication)
  .annotateMerge(OpenApi.annotations({ title: "Clients of everybody", description: "For administrators" })) {}
