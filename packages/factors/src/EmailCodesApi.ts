/**
 * HTTP contract of codes by e-mail: send one, and prove it.
 *
 * @since 0.1.0
 */
import { limited } from "@belfry/core/ProblemApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { codeInvalid, CodeSubmission, refused, SignInContinued, SignInMail, SignInResult } from "./SignInAttemptsApi.ts"

/**
 * The endpoints of codes by e-mail.
 *
 * @category api
 * @since 0.1.0
 */
export class EmailCodesApi extends HttpApiGroup.make("emailCodes")
  .add(
    HttpApiEndpoint.post("send", "/sign-in/email-code/send", {
      payload: SignInMail,
      success: SignInContinued,
      error: [refused, limited],
    }).annotate(OpenApi.Summary, "Sends a code; the answer never tells whether the address is known"),
    HttpApiEndpoint.post("prove", "/sign-in/email-code", {
      payload: CodeSubmission,
      success: SignInResult,
      error: [codeInvalid, refused, limited],
    }).annotate(OpenApi.Summary, "Signs in, or up, by the code from the mail"),
  )
  .annotateMerge(
    OpenApi.annotations({ title: "E-mail codes", description: "Signing in by a code that comes by mail" }),
  ) {}
