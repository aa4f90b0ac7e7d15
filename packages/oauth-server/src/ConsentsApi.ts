/**
 * HTTP contract of a user's own consents, and of the applications that have access by them.
 *
 * @since 0.1.0
 */
import { asProblem } from "@belfry/core/ProblemApi"
import { Authentication } from "@belfry/core/SessionsApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Consent, ConsentNotFound, ConsentWidened } from "./Consent.ts"
import { GrantNotFound, GrantSummary } from "./Grant.ts"

const consentNotFound = ConsentNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))
const consentWidened = ConsentWidened.pipe(asProblem({ status: 422, title: "Unprocessable Content" }))
const grantNotFound = GrantNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))

// Whatever stands in the path: what is no id is not found, as what is not there.
const consent = { consentId: Schema.String }
const grant = { grantId: Schema.String }

/**
 * The endpoints of consents and grants. They are the user's own: those of others are not found.
 *
 * @category api
 * @since 0.1.0
 */
export class ConsentsApi extends HttpApiGroup.make("oauthConsents")
  .add(
    HttpApiEndpoint.get("list", "/oauth2/consents", {
      query: { referenceId: Schema.optionalKey(Schema.String) },
      success: Schema.Struct({ consents: Schema.Array(Consent) }),
    }).annotate(OpenApi.Summary, "What the user agreed to, newest first; under one reference, when it is given"),
    HttpApiEndpoint.get("get", "/oauth2/consents/:consentId", {
      params: consent,
      success: Consent,
      error: consentNotFound,
    }).annotate(OpenApi.Summary, "One consent of the user"),
    HttpApiEndpoint.patch("narrow", "/oauth2/consents/:consentId", {
      params: consent,
      payload: Schema.Struct({
        scopes: Schema.Array(Schema.String.check(Schema.isMaxLength(256))).check(Schema.isMaxLength(200)),
      }),
      success: Consent,
      error: [consentNotFound, consentWidened],
    }).annotate(OpenApi.Summary, "Leaves these scopes of a consent, and revokes the grants that have more"),
    HttpApiEndpoint.delete("withdraw", "/oauth2/consents/:consentId", {
      params: consent,
      success: HttpApiSchema.NoContent,
      error: consentNotFound,
    }).annotate(OpenApi.Summary, "Takes a consent back, and revokes the grants that stood on it"),
    HttpApiEndpoint.get("grants", "/oauth2/grants", {
      success: Schema.Struct({ grants: Schema.Array(GrantSummary) }),
    }).annotate(OpenApi.Summary, "The applications that have access to the user's account, newest first"),
    HttpApiEndpoint.delete("revokeGrant", "/oauth2/grants/:grantId", {
      params: grant,
      success: HttpApiSchema.NoContent,
      error: grantNotFound,
    }).annotate(OpenApi.Summary, "Takes access away from an application"),
  )
  .middleware(Authentication)
  .annotateMerge(
    OpenApi.annotations({ title: "Consents", description: "What the user lets applications do, and taking it back" }),
  ) {}
