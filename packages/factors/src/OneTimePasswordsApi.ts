/**
 * HTTP contract of one-time passwords that an app or a token computes: prove one, set up, take off.
 *
 * @since 0.1.0
 */
import { asProblem, limited } from "@belfry/core/ProblemApi"
import { Authentication, notFresh } from "@belfry/core/SessionsApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { alreadyEnrolled, FactorEnrolled, FactorEnrolledInSignIn, lastWayIn, notEnrolled } from "./EnrolmentsApi.ts"
import { Digits, HotpCounter, SecretInvalid, TotpAlgorithm } from "./OneTimePassword.ts"
import { codeInvalid, CodeSubmission, CodeText, refused, SignInResult } from "./SignInAttemptsApi.ts"

/**
 * What an app or a token is set up with: the secret in base32, and the same as an `otpauth:` URI.
 *
 * @category models
 * @since 0.1.0
 */
export const Provisioning = Schema.Struct({
  secret: Schema.RedactedFromValue(Schema.String),
  uri: Schema.RedactedFromValue(Schema.String),
}).annotate({ identifier: "Provisioning" })

const TotpChoice = Schema.Struct({
  algorithm: Schema.optionalKey(TotpAlgorithm),
  digits: Schema.optionalKey(Digits),
})

const HotpChoice = Schema.Struct({
  digits: Schema.optionalKey(Digits),
  secret: Schema.optionalKey(
    Schema.RedactedFromValue(
      Schema.String.check(Schema.isMaxLength(256, { message: "Expected at most 256 characters" })),
    ),
  ),
  counter: Schema.optionalKey(HotpCounter),
})

const secretInvalid = SecretInvalid.pipe(asProblem({ status: 422, title: "Unprocessable Content" }))

/**
 * The endpoints of TOTP.
 *
 * @category api
 * @since 0.1.0
 */
export class TotpsApi extends HttpApiGroup.make("totps")
  .add(
    HttpApiEndpoint.post("prove", "/sign-in/totp", {
      payload: CodeSubmission,
      success: SignInResult,
      error: [codeInvalid, refused, limited],
    }).annotate(OpenApi.Summary, "Goes on with a sign-in by the code of an authenticator app"),
    HttpApiEndpoint.post("enrol", "/factors/totp", {
      payload: TotpChoice,
      success: Provisioning,
      error: [alreadyEnrolled, notFresh, limited],
    })
      .annotate(
        OpenApi.Summary,
        "Begins to set up an authenticator app: what is answered opens nothing until it is confirmed",
      )
      .middleware(Authentication),
    HttpApiEndpoint.get("pending", "/factors/totp/pending", {
      success: Provisioning,
      error: [notEnrolled, notFresh, limited],
    })
      .annotate(OpenApi.Summary, "The secret that waits to be confirmed, to be shown again")
      .middleware(Authentication),
    HttpApiEndpoint.post("confirm", "/factors/totp/confirm", {
      payload: Schema.Struct({ code: CodeText }),
      success: FactorEnrolled,
      error: [codeInvalid, notEnrolled, notFresh, limited],
    })
      .annotate(OpenApi.Summary, "Completes the set-up by a first code")
      .middleware(Authentication),
    HttpApiEndpoint.delete("remove", "/factors/totp", {
      success: HttpApiSchema.NoContent,
      error: [notEnrolled, lastWayIn, notFresh],
    })
      .annotate(OpenApi.Summary, "Takes an authenticator app off")
      .middleware(Authentication),
    HttpApiEndpoint.post("enrolInSignIn", "/sign-in/enrol/totp", {
      payload: TotpChoice,
      success: Provisioning,
      error: [alreadyEnrolled, refused, limited],
    }).annotate(OpenApi.Summary, "Begins to set up an authenticator app that a sign-in demands"),
    HttpApiEndpoint.get("pendingInSignIn", "/sign-in/enrol/totp", {
      success: Provisioning,
      error: [notEnrolled, refused, limited],
    }).annotate(OpenApi.Summary, "The secret that waits to be confirmed in a sign-in, to be shown again"),
    HttpApiEndpoint.post("confirmInSignIn", "/sign-in/enrol/totp/confirm", {
      payload: CodeSubmission,
      success: FactorEnrolledInSignIn,
      error: [codeInvalid, notEnrolled, refused, limited],
    }).annotate(OpenApi.Summary, "Completes the set-up by a first code, and goes on with the sign-in"),
  )
  .annotateMerge(
    OpenApi.annotations({ title: "TOTP", description: "Codes that an authenticator app computes from the time" }),
  ) {}

/**
 * The endpoints of HOTP.
 *
 * @category api
 * @since 0.1.0
 */
export class HotpsApi extends HttpApiGroup.make("hotps")
  .add(
    HttpApiEndpoint.post("prove", "/sign-in/hotp", {
      payload: Schema.Struct({ ...CodeSubmission.fields, nextCode: Schema.optionalKey(CodeText) }),
      success: SignInResult,
      error: [codeInvalid, refused, limited],
    }).annotate(
      OpenApi.Summary,
      "Goes on with a sign-in by the code of a token, and the next one too if the token ran away",
    ),
    HttpApiEndpoint.post("enrol", "/factors/hotp", {
      payload: HotpChoice,
      success: Provisioning,
      error: [secretInvalid, alreadyEnrolled, notFresh, limited],
    })
      .annotate(OpenApi.Summary, "Begins to set up a token: what is answered opens nothing until it is confirmed")
      .middleware(Authentication),
    HttpApiEndpoint.get("pending", "/factors/hotp/pending", {
      success: Provisioning,
      error: [notEnrolled, notFresh, limited],
    })
      .annotate(OpenApi.Summary, "The secret that waits to be confirmed, to be shown again")
      .middleware(Authentication),
    HttpApiEndpoint.post("confirm", "/factors/hotp/confirm", {
      payload: Schema.Struct({ code: CodeText }),
      success: FactorEnrolled,
      error: [codeInvalid, notEnrolled, notFresh, limited],
    })
      .annotate(OpenApi.Summary, "Completes the set-up by a first code")
      .middleware(Authentication),
    HttpApiEndpoint.delete("remove", "/factors/hotp", {
      success: HttpApiSchema.NoContent,
      error: [notEnrolled, lastWayIn, notFresh],
    })
      .annotate(OpenApi.Summary, "Takes a token off")
      .middleware(Authentication),
    HttpApiEndpoint.post("enrolInSignIn", "/sign-in/enrol/hotp", {
      payload: HotpChoice,
      success: Provisioning,
      error: [secretInvalid, alreadyEnrolled, refused, limited],
    }).annotate(OpenApi.Summary, "Begins to set up a token that a sign-in demands"),
    HttpApiEndpoint.get("pendingInSignIn", "/sign-in/enrol/hotp", {
      success: Provisioning,
      error: [notEnrolled, refused, limited],
    }).annotate(OpenApi.Summary, "The secret that waits to be confirmed in a sign-in, to be shown again"),
    HttpApiEndpoint.post("confirmInSignIn", "/sign-in/enrol/hotp/confirm", {
      payload: CodeSubmission,
      success: FactorEnrolledInSignIn,
      error: [codeInvalid, notEnrolled, refused, limited],
    }).annotate(OpenApi.Summary, "Completes the set-up by a first code, and goes on with the sign-in"),
  )
  .annotateMerge(OpenApi.annotations({ title: "HOTP", description: "Codes that a token computes from a counter" })) {}
