/**
 * HTTP contract of what a user has set up, and what setting up any factor takes and answers.
 *
 * @since 0.1.0
 */
import { asProblem } from "@belfry/core/ProblemApi"
import { Authentication } from "@belfry/core/SessionsApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { AlreadyEnrolled, Enrolment, LastWayIn, NotEnrolled } from "./Enrolment.ts"
import { SignInResult } from "./SignInAttemptsApi.ts"

/**
 * Backup codes, as they are shown this once.
 *
 * @category models
 * @since 0.1.0
 */
export const BackupCodeTexts = Schema.Array(Schema.RedactedFromValue(Schema.String))

/**
 * A factor was set up. `backupCodes` are the user's, made with the first factor and shown this once; null otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export const FactorEnrolled = Schema.Struct({ backupCodes: Schema.NullOr(BackupCodeTexts) }).annotate({
  identifier: "FactorEnrolled",
})

/**
 * A factor was set up that a sign-in demanded; `signIn` is what became of it.
 *
 * @category models
 * @since 0.1.0
 */
export const FactorEnrolledInSignIn = Schema.Struct({ ...FactorEnrolled.fields, signIn: SignInResult }).annotate({
  identifier: "FactorEnrolledInSignIn",
})

/**
 * A factor that is set up already, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const alreadyEnrolled = AlreadyEnrolled.pipe(asProblem({ status: 409, title: "Conflict" }))

/**
 * A factor that is not set up, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const notEnrolled = NotEnrolled.pipe(asProblem({ status: 404, title: "Not Found" }))

/**
 * A factor without which the user could not sign in any more, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const lastWayIn = LastWayIn.pipe(asProblem({ status: 409, title: "Conflict" }))

/**
 * The endpoints of what a user has set up.
 *
 * @category api
 * @since 0.1.0
 */
export class EnrolmentsApi extends HttpApiGroup.make("enrolments")
  .add(
    HttpApiEndpoint.get("list", "/factors", { success: Schema.Struct({ enrolments: Schema.Array(Enrolment) }) })
      .annotate(OpenApi.Summary, "The factors that the user has set up, with how many of each there are")
      .middleware(Authentication),
  )
  .annotateMerge(OpenApi.annotations({ title: "Factors", description: "What the user has set up to sign in with" })) {}
