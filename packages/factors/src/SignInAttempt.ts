/**
 * A sign-in on its way: which factors were proved, by whom, and how long there is left.
 *
 * The attempt is a state machine. Every proof moves it one step and gives it a new token; it ends exactly once, in a
 * session, or after 15 minutes in nothing.
 *
 * @since 0.1.0
 */
import { AuthenticationContext, AuthenticationMethod, SessionId } from "@belfry/core/Session"
import { DisplayName, Email, type UserId } from "@belfry/core/User"
import { isUuid } from "@belfry/core/Uuid"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { Factor } from "./Factor.ts"

/**
 * Identifies an attempt: a UUIDv7. It is never a credential; the token is.
 *
 * @category models
 * @since 0.1.0
 */
export const SignInAttemptId = Schema.String.check(isUuid).pipe(Schema.brand("SignInAttemptId"))
/**
 * @category models
 * @since 0.1.0
 */
export type SignInAttemptId = typeof SignInAttemptId.Type

/**
 * A factor that was proved: when, and what it adds to `amr`. `email` is the address whose mailbox was proved.
 *
 * @category models
 * @since 0.1.0
 */
export const Proof = Schema.Struct({
  factor: Factor,
  amr: Schema.Array(AuthenticationMethod),
  at: Schema.DateTimeUtc,
  email: Schema.NullOr(Schema.toType(Email)),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface Proof extends Schema.Schema.Type<typeof Proof> {}

/**
 * What a sign-in takes along from its start to its end.
 *
 * **Details**
 *
 * `returnTo` is where the person wants to go; whoever redirects there checks it first (`RedirectTarget`). It may hold a
 * token, so it rests sealed. `label` is the name of the session to be.
 *
 * @category models
 * @since 0.1.0
 */
export const SignInContext = Schema.Struct({
  returnTo: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(2048))),
  label: Schema.optionalKey(Schema.NullOr(DisplayName)),
}).annotate({ identifier: "SignInContext" })
/**
 * @category models
 * @since 0.1.0
 */
export interface SignInContext extends Schema.Schema.Type<typeof SignInContext> {}

/**
 * The session that an attempt makes fresh again instead of starting one, and the action that asked for it.
 *
 * @category models
 * @since 0.1.0
 */
export const StepUp = Schema.Struct({
  sessionId: SessionId,
  amr: Schema.Array(AuthenticationMethod),
  acr: Schema.NullOr(AuthenticationContext),
  action: Schema.NullOr(Schema.String),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface StepUp extends Schema.Schema.Type<typeof StepUp> {}

/**
 * A sign-in on its way. The token is not part of it.
 *
 * **Details**
 *
 * `userId` is null until the first proof, and the same from then on. `tries` counts what was submitted and not (yet)
 * proved. `expiresAt` never moves.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignInAttempt {
  readonly id: SignInAttemptId
  readonly userId: UserId | null
  readonly stepUp: StepUp | null
  readonly proofs: ReadonlyArray<Proof>
  readonly tries: number
  readonly context: SignInContext
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/**
 * How long an attempt may take (15 minutes, whatever happens in it) and how many of its tries may fail (5).
 *
 * @category rules
 * @since 0.1.0
 */
export const attemptPolicy = { lifetime: Duration.minutes(15), maxTries: 5 } as const

/**
 * Tells whether an attempt is over at `now`. The expiry instant itself is already too late.
 *
 * @category decisions
 * @since 0.1.0
 */
export const isOver = (attempt: Pick<SignInAttempt, "expiresAt">, now: DateTime.Utc): boolean =>
  now.epochMilliseconds >= attempt.expiresAt.epochMilliseconds

/**
 * Whether an attempt is complete, and if not, how it goes on.
 *
 * **Details**
 *
 * `factors`: each of them may be proved next. `enrol`: one of them has to be set up before the sign-in is complete.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress {
  readonly isComplete: boolean
  readonly factors: ReadonlyArray<Factor>
  readonly enrol: ReadonlyArray<Factor>
}

/**
 * How an attempt stands: the sets of factors, any of which completes it, against what was proved.
 *
 * **Details**
 *
 * `provable` are the factors that the user has. A set counts only if all that it still asks for is provable, and no set
 * is offered that asks for more than another one does. `enrol` are factors of which one is demanded: it is once nothing
 * else is left to prove, unless the user has one of them.
 *
 * @category decisions
 * @since 0.1.0
 */
export const progress = (options: {
  readonly alternatives: ReadonlyArray<ReadonlyArray<Factor>>
  readonly provable: ReadonlyArray<Factor>
  readonly proved: ReadonlyArray<Factor>
  readonly enrol: ReadonlyArray<Factor>
}): Progress => {
  const { alternatives, provable, proved } = options
  const remaining = alternatives.map((set) => set.filter((factor) => !proved.includes(factor)))
  const enrol = options.enrol.some((factor) => provable.includes(factor)) ? [] : options.enrol
  // An empty set asks for nothing: a policy without one demand must not let anybody in who proved nothing.
  const isSatisfied = proved.length > 0 && remaining.some((set) => set.length === 0)
  if (isSatisfied) return { isComplete: enrol.length === 0, factors: [], enrol }
  const open = remaining.filter((set) => set.length > 0 && set.every((factor) => provable.includes(factor)))
  const least = open.filter((set) => !open.some((other) => isProperSubset(other, set)))
  const factors = [...new Set(least.flat())]
  return { isComplete: false, factors, enrol: factors.length === 0 && proved.length > 0 ? enrol : [] }
}

/**
 * The attempt cannot take this step; `reason` says why.
 *
 * **Details**
 *
 * `invalid`: there is no such attempt (any more): unknown, over, complete, or answered from elsewhere since. `locked`:
 * too many of its tries failed. `factor-unavailable`: the factor is not one that may be proved next. `user-mismatch`:
 * the factor is another user's than those before. After the first two, start anew.
 *
 * @category errors
 * @since 0.1.0
 */
export class SignInRefused extends Schema.TaggedError<SignInRefused>("@belfry/factors/SignInRefused")("SignInRefused", {
  reason: Schema.Literals(["invalid", "locked", "factor-unavailable", "user-mismatch"]),
}) {
  override get message(): string {
    return `This sign-in cannot go on: ${this.reason}`
  }
}

/**
 * The code is not right: mistyped, used before, or too old, which look alike. `triesLeft` in this attempt, or null
 * where no attempt counts them.
 *
 * @category errors
 * @since 0.1.0
 */
export class CodeInvalid extends Schema.TaggedError<CodeInvalid>("@belfry/factors/CodeInvalid")("CodeInvalid", {
  triesLeft: Schema.NullOr(Schema.Int),
}) {
  override get message(): string {
    return "This code is not right"
  }
}

// internal

const isProperSubset = (smaller: ReadonlyArray<Factor>, larger: ReadonlyArray<Factor>): boolean =>
  smaller.length < larger.length && smaller.every((factor) => larger.includes(factor))
