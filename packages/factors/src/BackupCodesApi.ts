/**
 * HTTP contract of backup codes: prove one, and make new ones.
 *
 * @since 0.1.0
 */
import { limited } from "@belfry/core/ProblemApi"
import { Authentication, notFresh } from "@belfry/core/SessionsApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { BackupCodeTexts, notEnrolled } from "./EnrolmentsApi.ts"
import { codeInvalid, CodeSubmission, refused, SignInResult } from "./SignInAttemptsApi.ts"

/**
 * The endpoints of backup codes.
 *
 * @category api
 * @since 0.1.0
 */
export class BackupCodesApi extends HttpApiGroup.make("backupCodes")
  .add(
    HttpApiEndpoint.post("prove", "/sign-in/backup-code", {
      payload: CodeSubmission,
      success: SignInResult,
      error: [codeInvalid, refused, limited],
    }).annotate(OpenApi.Summary, "Goes on with a sign-in by a backup code, which is used up"),
    HttpApiEndpoint.post("replace", "/factors/backup-codes", {
      success: Schema.Struct({ codes: BackupCodeTexts }),
      error: [notEnrolled, notFresh],
    })
      .annotate(OpenApi.Summary, "Makes new backup codes, shown this once; the old ones are worthless")
      .middleware(Authentication),
  )
  .annotateMerge(
    OpenApi.annotations({
      title: "Backup codes",
      description: "Codes to keep on paper, for when the other second factors are out of reach",
    }),
  ) {}
