/**
 * HTTP contract of passwords: sign up, sign in, prove again, forget, reset, change, remove.
 *
 * @since 0.1.0
 */
import { asProblem, limited } from "@belfry/core/ProblemApi"
import { Authentication, notFresh, SignedIn, Transport } from "@belfry/core/SessionsApi"
import { DisplayName, Email, EmailTaken } from "@belfry/core/User"
import { TokenInvalidProblem, TokenText } from "@belfry/core/UsersApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { lastWayIn, notEnrolled } from "./EnrolmentsApi.ts"
import { EmailUnverified, InvalidCredentials, PasswordRejected, PasswordRequired, PasswordText } from "./Password.ts"
import { refused, SignInResult, SignInStart } from "./SignInAttemptsApi.ts"

const invalidCredentials = InvalidCredentials.pipe(asProblem({ status: 401, title: "Unauthorized" }))
const rejected = PasswordRejected.pipe(asProblem({ status: 422, title: "Unprocessable Content" }))

/**
 * The endpoints of passwords.
 *
 * @category api
 * @since 0.1.0
 */
export class PasswordsApi extends HttpApiGroup.make("passwords")
  .add(
    HttpApiEndpoint.post("signUp", "/sign-up/password", {
      payload: Schema.Struct({
        email: Email,
        password: PasswordText,
        name: Schema.optionalKey(Schema.NullOr(DisplayName)),
      }),
      success: HttpApiSchema.Accepted,
      error: [rejected, limited],
    }).annotate(
      OpenApi.Summary,
      "Sends a link that completes the sign-up; the answer never tells whether the address is known",
    ),
    HttpApiEndpoint.post("confirmSignUp", "/sign-up/password/confirm", {
      payload: Schema.Struct({
        token: TokenText,
        password: Schema.optionalKey(PasswordText),
        ...SignInStart.fields,
      }),
      success: SignInResult,
      error: [
        TokenInvalidProblem,
        PasswordRequired.pipe(asProblem({ status: 401, title: "Unauthorized" })),
        invalidCredentials,
        refused,
        limited,
      ],
    }).annotate(
      OpenApi.Summary,
      "Completes the sign-up by the token from the mail; in another browser the password is asked for",
    ),
    HttpApiEndpoint.post("signUpProved", "/sign-up/password/proved", {
      payload: Schema.Struct({
        proof: TokenText,
        password: PasswordText,
        name: Schema.optionalKey(Schema.NullOr(DisplayName)),
        ...SignInStart.fields,
      }),
      success: SignInResult,
      error: [
        TokenInvalidProblem,
        EmailTaken.pipe(asProblem({ status: 409, title: "Conflict" })),
        rejected,
        refused,
        limited,
      ],
    }).annotate(
      OpenApi.Summary,
      "Signs up by a token that proved the address already, of an invitation say, and signs in; no mail goes out",
    ),
    HttpApiEndpoint.post("signIn", "/sign-in/password", {
      payload: Schema.Struct({
        email: Schema.optionalKey(Email),
        password: PasswordText,
        ...SignInStart.fields,
      }),
      success: SignInResult,
      error: [invalidCredentials, refused, limited],
    }).annotate(
      OpenApi.Summary,
      "Signs in with address and password; without the address, goes on with a sign-in by the password of its user",
    ),
    HttpApiEndpoint.post("reauthenticate", "/reauthenticate/password", {
      payload: Schema.Struct({ password: PasswordText, transport: Schema.optionalKey(Transport) }),
      success: SignInResult,
      error: [invalidCredentials, refused, limited],
    })
      .annotate(
        OpenApi.Summary,
        "Proves the password again: the session becomes fresh and gets a new token; refused where the policy asks for another factor",
      )
      .middleware(Authentication),
    HttpApiEndpoint.post("forgot", "/password/forgot", {
      payload: Schema.Struct({ email: Email }),
      success: HttpApiSchema.Accepted,
      error: limited,
    }).annotate(OpenApi.Summary, "Sends a link that sets a new password, if the address is known"),
    HttpApiEndpoint.post("reset", "/password/reset", {
      payload: Schema.Struct({ token: TokenText, password: PasswordText }),
      success: HttpApiSchema.NoContent,
      error: [TokenInvalidProblem, rejected, limited],
    }).annotate(OpenApi.Summary, "Sets a new password by the token from the mail and ends every session"),
    HttpApiEndpoint.post("change", "/password/change", {
      payload: Schema.Struct({
        currentPassword: Schema.optionalKey(PasswordText),
        newPassword: PasswordText,
        transport: Schema.optionalKey(Transport),
      }),
      success: SignedIn,
      error: [
        invalidCredentials,
        rejected,
        notFresh,
        EmailUnverified.pipe(asProblem({ status: 403, title: "Forbidden" })),
        limited,
      ],
    })
      .annotate(OpenApi.Summary, "Changes the password by the current one or a fresh session; other sessions end")
      .middleware(Authentication),
    HttpApiEndpoint.delete("remove", "/password", {
      success: HttpApiSchema.NoContent,
      error: [notEnrolled, lastWayIn, notFresh],
    })
      .annotate(OpenApi.Summary, "Removes the password in a fresh session, unless it is the only way to sign in")
      .middleware(Authentication),
  )
  .annotateMerge(OpenApi.annotations({ title: "Passwords", description: "Signing up and in with a password" })) {}
