/**
 * What every way of signing in answers: a session, or how the sign-in goes on.
 *
 * @since 0.1.0
 */
import { SignedIn } from "@belfry/core/SessionsApi"
import { Email } from "@belfry/core/User"
import * as Schema from "effect/Schema"
import { Factor } from "./Factor.ts"
import { SignInContext } from "./SignInAttempt.ts"

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
 * cookies. It changes with every factor that is proved. `email` is the address of the user, null before the first proof.
 * `proved` are the factors that were, with their times. After `expiresAt`, or with no `triesLeft`, start anew.
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
