/**
 * HTTP contract of the signed-in user: profile, e-mail address, deletion.
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { asProblem, limited } from "./ProblemApi.ts"
import { Authentication, FreshSession } from "./SessionsApi.ts"
import { DisplayName, Email, EmailTaken, ImageUrl, User, UserDeletionRefused } from "./User.ts"
import { VerificationTokenInvalid } from "./VerificationToken.ts"

/**
 * A verification token as people bring it: from a link in a mail.
 *
 * @category models
 * @since 0.1.0
 */
export const TokenText = Schema.RedactedFromValue(
  Schema.String.check(Schema.isMaxLength(200, { message: "Expected at most 200 characters" })),
)

/**
 * A token that serves no more, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const TokenInvalidProblem = VerificationTokenInvalid.pipe(
  asProblem({ status: 422, title: "Unprocessable Content" }),
)

/**
 * The endpoints of the signed-in user.
 *
 * @category api
 * @since 0.1.0
 */
export class UsersApi extends HttpApiGroup.make("users")
  .add(
    HttpApiEndpoint.get("current", "/user", { success: User })
      .annotate(OpenApi.Summary, "The signed-in user")
      .middleware(Authentication),
    HttpApiEndpoint.patch("update", "/user", {
      payload: Schema.Struct({
        name: Schema.optionalKey(Schema.NullOr(DisplayName)),
        image: Schema.optionalKey(Schema.NullOr(ImageUrl)),
      }),
      success: User,
    })
      .annotate(OpenApi.Summary, "Changes name or picture; an absent key leaves, null clears")
      .middleware(Authentication),
    HttpApiEndpoint.delete("remove", "/user", {
      success: HttpApiSchema.NoContent,
      error: UserDeletionRefused.pipe(asProblem({ status: 409, title: "Conflict" })),
    })
      .annotate(OpenApi.Summary, "Deletes the user and everything that hangs on it")
      .middleware(FreshSession)
      .middleware(Authentication),
    HttpApiEndpoint.post("sendVerification", "/email/verification", {
      success: HttpApiSchema.Accepted,
      error: limited,
    })
      .annotate(OpenApi.Summary, "Sends a link that verifies the user's address, if it is not verified yet")
      .middleware(Authentication),
    HttpApiEndpoint.post("confirmVerification", "/email/verification/confirm", {
      payload: Schema.Struct({ token: TokenText }),
      success: HttpApiSchema.NoContent,
      error: TokenInvalidProblem,
    }).annotate(OpenApi.Summary, "Verifies the address by the token from the mail"),
    HttpApiEndpoint.post("requestEmailChange", "/email/change", {
      payload: Schema.Struct({ email: Email }),
      success: HttpApiSchema.Accepted,
      error: limited,
    })
      .annotate(OpenApi.Summary, "Sends a link to the new address; nothing changes until it is confirmed")
      .middleware(FreshSession)
      .middleware(Authentication),
    HttpApiEndpoint.post("confirmEmailChange", "/email/change/confirm", {
      payload: Schema.Struct({ token: TokenText }),
      success: HttpApiSchema.NoContent,
      error: [TokenInvalidProblem, EmailTaken.pipe(asProblem({ status: 409, title: "Conflict" }))],
    }).annotate(OpenApi.Summary, "Makes the new address the user's, by the token from the mail"),
  )
  .annotateMerge(OpenApi.annotations({ title: "User", description: "The signed-in user" })) {}
