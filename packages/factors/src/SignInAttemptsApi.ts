/**
 * HTTP contract of sign-ins that are on their way, and what every way of signing in takes and answers.
 *
 * @since 0.1.0
 */
import { asProblem, limited } from "@belfry/core/ProblemApi"
import { Authentication, SignedIn, Transport } from "@belfry/core/SessionsApi"
import { Email } from "@belfry/core/User"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Factor } from "./Factor.ts"
import { CodeInvalid, SignInContext, SignInRefused } from "./SignInAttempt.ts"
import { StepUpAction } from "./StepUp.ts"

/**
 * The sign-in is complete: `session` with its user, and what the sign-in took along.
 *
 * **Details**
 *
 * `token` is the session token for clients that asked for `transport: "bearer"`, null with cookies.
 *
 * @category models
 * @since 0.1.0
 */
export const SignInCompleted = Schema.Struct({
  status: Schema.Literal("complete"),
  ...SignedIn.fields,
  context: SignInContext,
}).annotate({ identifier: "SignInCompleted" })
/**
 * @category models
 * @since 0.1.0
 */
export interface SignInCompleted extends Schema.Schema.Type<typeof SignInCompleted> {}

/**
 * The sign-in goes on: one of `factors` is to be proved next, or one of `enrol` to be set up.
 *
 * **Details**
 *
 * `token` opens the attempt for clients that asked for `transport: "bearer"`, who send it as a bearer token; null with
 * cookies. It changes with every factor that is proved. `email` is the address of the user, null before the first
 * proof. `proved` are the factors that were, with their times. After `expiresAt`, or with no `triesLeft`, start anew.
 *
 * @category models
 * @since 0.1.0
 */
export const SignInContinued = Schema.Struct({
  status: Schema.Literal("continue"),
  token: Schema.NullOr(Schema.RedactedFromValue(Schema.String)),
  email: Schema.NullOr(Email),
  proved: Schema.Array(Schema.Struct({ factor: Factor, at: Schema.DateTimeUtc })),
  factors: Schema.Array(Factor),
  enrol: Schema.Array(Factor),
  triesLeft: Schema.Int,
  expiresAt: Schema.DateTimeUtc,
  context: SignInContext,
}).annotate({ identifier: "SignInContinued" })
/**
 * @category models
 * @since 0.1.0
 */
export interface SignInContinued extends Schema.Schema.Type<typeof SignInContinued> {}

/**
 * What every way of signing in answers.
 *
 * @category models
 * @since 0.1.0
 */
export const SignInResult = Schema.Union([SignInCompleted, SignInContinued])
/**
 * @category models
 * @since 0.1.0
 */
export type SignInResult = typeof SignInResult.Type

/**
 * A code as people type it.
 *
 * @category models
 * @since 0.1.0
 */
export const CodeText = Schema.RedactedFromValue(
  Schema.String.check(Schema.isMaxLength(64, { message: "Expected at most 64 characters" })),
)

/**
 * What begins a sign-in, or goes on with one: what it takes along, and how the client carries tokens. Left out, the
 * tokens go the way that the attempt's came.
 *
 * @category models
 * @since 0.1.0
 */
export const SignInStart = Schema.Struct({ ...SignInContext.fields, transport: Schema.optionalKey(Transport) })
/**
 * @category models
 * @since 0.1.0
 */
export interface SignInStart extends Schema.Schema.Type<typeof SignInStart> {}

/**
 * What asks for a code or a link by e-mail. `email` begins a sign-in; without it, it goes to the user of the attempt.
 *
 * @category models
 * @since 0.1.0
 */
export const SignInMail = Schema.Struct({ email: Schema.optionalKey(Email), ...SignInStart.fields })
/**
 * @category models
 * @since 0.1.0
 */
export interface SignInMail extends Schema.Schema.Type<typeof SignInMail> {}

/**
 * What proves a factor by a code.
 *
 * @category models
 * @since 0.1.0
 */
export const CodeSubmission = Schema.Struct({ code: CodeText, transport: Schema.optionalKey(Transport) })

/**
 * A sign-in that cannot take this step, on the wire. A request without an attempt is answered as one whose attempt is
 * over: `reason: "invalid"`.
 *
 * @category errors
 * @since 0.1.0
 */
export const refused = SignInRefused.pipe(asProblem({ status: 409, title: "Conflict" }))

/**
 * A code that is not right, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const codeInvalid = CodeInvalid.pipe(asProblem({ status: 401, title: "Unauthorized" }))

/**
 * The endpoints of sign-ins that are on their way.
 *
 * @category api
 * @since 0.1.0
 */
export class SignInAttemptsApi extends HttpApiGroup.make("signIn")
  .add(
    HttpApiEndpoint.post("start", "/sign-in", {
      payload: SignInStart,
      success: SignInContinued,
      error: limited,
    }).annotate(
      OpenApi.Summary,
      "Begins a sign-in and tells by which factors; every factor can begin one by itself too",
    ),
    HttpApiEndpoint.get("current", "/sign-in", { success: SignInContinued, error: refused }).annotate(
      OpenApi.Summary,
      "How the sign-in stands: what was proved, and what may be proved next",
    ),
    HttpApiEndpoint.delete("cancel", "/sign-in", { success: HttpApiSchema.NoContent }).annotate(
      OpenApi.Summary,
      "Ends the sign-in, if there is one, and clears its cookie",
    ),
    HttpApiEndpoint.post("reauthenticate", "/reauthenticate", {
      payload: Schema.Struct({
        action: Schema.optionalKey(StepUpAction),
        transport: Schema.optionalKey(Transport),
      }),
      success: SignInContinued,
      error: limited,
    })
      .annotate(
        OpenApi.Summary,
        "Begins a proof of who the user of the session is; once complete, the session is fresh and has a new token",
      )
      .middleware(Authentication),
  )
  .annotateMerge(
    OpenApi.annotations({
      title: "Sign-in",
      description: "Sign-ins on their way: every factor that is proved moves them one step, with a new token",
    }),
  ) {}
