/**
 * The sign-in state machine: whatever the factors are, this alone starts sessions for people who proved who they are,
 * and it does so only when the policy asks for nothing more.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import type { RateLimit, RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import type { AuthenticationMethod, Session } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { type Email, isDisabled, type User, type UserId } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { provable } from "./Enrolment.ts"
import { EnrolmentStore } from "./EnrolmentStore.ts"
import { amrOf, type Factor } from "./Factor.ts"
import {
  attemptPolicy,
  CodeInvalid,
  progress,
  type Progress,
  type Proof,
  type SignInAttempt,
  SignInAttemptId,
  type SignInContext,
  SignInRefused,
  type StepUp,
} from "./SignInAttempt.ts"
import { type RestingAttempt, SignInAttemptStore, type StoredAttempt } from "./SignInAttemptStore.ts"
import type { SignInContinues, SignInOutcome, SignInState } from "./SignInOutcome.ts"
import { SignInPolicy } from "./SignInPolicy.ts"
import { codeUses, limits, tokenPrefix } from "./SignInRules.ts"
import * as RestingContext from "./internal/restingContext.ts"

/**
 * A sign-in that waits for the proof of a factor: `stored` is its attempt, if it has one yet, and `user` whose proof it
 * must be, if that is known.
 *
 * @category models
 * @since 0.1.0
 */
export interface OpenSignIn {
  readonly stored: StoredAttempt | undefined
  readonly user: User | undefined
  readonly factor: Factor
  readonly client: ClientInfo
}

/**
 * A code that somebody typed in the sign-in of `token`. `replaces` is the session that a new one replaces in its
 * cookie.
 *
 * @category models
 * @since 0.1.0
 */
export interface CodeProof {
  readonly token: Redacted.Redacted
  readonly code: Redacted.Redacted
  readonly replaces?: Redacted.Redacted | undefined
  readonly client: ClientInfo
}

/**
 * Sign-in attempts, for those who prove factors: each factor's own service is the caller, people come through those.
 *
 * @category services
 * @since 0.1.0
 */
export class SignInAttempts extends Context.Service<
  SignInAttempts,
  {
    /** Begins a sign-in, or the proof that makes a session fresh again. */
    readonly start: (options: {
      readonly context?: SignInContext
      readonly stepUp?: { readonly session: Session; readonly user: User; readonly action?: string | null }
      readonly client: ClientInfo
    }) => Effect.Effect<SignInContinues, RateLimited | StoreError>
    /** How the sign-in stands that a token opens. */
    readonly get: (
      token: Redacted.Redacted,
      client: ClientInfo,
    ) => Effect.Effect<SignInState, SignInRefused | StoreError>
    /** Ends the attempt that a token opens; true if there was one. */
    readonly cancel: (token: Redacted.Redacted, client: ClientInfo) => Effect.Effect<boolean, StoreError>
    /**
     * Opens a sign-in for the proof of a factor, and counts the try. Fails unless the factor may be proved next. `uses`
     * are the rate limits that count it; those of codes when left out. Where `purpose` is `enrolment`, it fails unless
     * the factor has to be set up, and counts nothing: there is nothing to guess.
     */
    readonly open: (options: {
      readonly token: Redacted.Redacted
      readonly factor: Factor
      readonly purpose?: "proof" | "enrolment"
      readonly uses?: ReadonlyArray<readonly [rule: RateLimit, subject: string]>
      readonly client: ClientInfo
    }) => Effect.Effect<OpenSignIn, SignInRefused | RateLimited | StoreError>
    /**
     * Opens a sign-in that begins with the proof of `factor`. The attempt of `token` is used where nothing was proved
     * in it yet and it is not locked; otherwise a new one begins if one is needed.
     */
    readonly begin: (options: {
      readonly token: Redacted.Redacted | undefined
      readonly factor: Factor
      readonly client: ClientInfo
    }) => Effect.Effect<OpenSignIn, SignInRefused | StoreError>
    /**
     * Writes down that `user` proved the factor. Completes the sign-in, or moves it one step. `confirm` runs first in
     * the same transaction: there a code is used up, so that it is used exactly if the sign-in moved.
     */
    readonly prove: <E = never>(options: {
      readonly open: OpenSignIn
      readonly user: User
      readonly amr: ReadonlyArray<AuthenticationMethod>
      /** What was proved, where it is not the factor that was opened. */
      readonly factor?: Factor
      /** The address whose mailbox was proved. */
      readonly email?: Email
      readonly context?: SignInContext
      /** The session that the new one replaces in its cookie. */
      readonly replaces?: Redacted.Redacted | undefined
      readonly confirm: Effect.Effect<unknown, E>
    }) => Effect.Effect<SignInOutcome, E | SignInRefused | StoreError>
    /** Records that a code was wrong, and why, and fails with the number of tries that are left. */
    readonly refuse: (open: OpenSignIn, reason: string) => Effect.Effect<never, CodeInvalid | StoreError>
    /**
     * Ends all attempts of a user, whose factors are not what they were. For use in the transaction that changes them.
     */
    readonly revokeAll: (userId: UserId) => Effect.Effect<void, StoreError>
  }
>()("@belfry/factors/SignInAttempts") {}

/**
 * The state machine over its store, the policy, sessions and users.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  SignInAttempts,
  Effect.gen(function* () {
    const store = yield* SignInAttemptStore
    const enrolments = yield* EnrolmentStore
    const users = yield* Users
    const sessions = yield* Sessions
    const rateLimits = yield* RateLimits
    const transactions = yield* TransactionStore
    const audit = yield* Audit
    const random = yield* SecureRandom.SecureRandom
    const keys = yield* KeyRing
    const hasher = yield* keys.hasher("sign-in-attempt")
    const contexts = RestingContext.make(yield* keys.sealer("sign-in-context"))
    const policy = yield* SignInPolicy

    const generate = Effect.provideService(OpaqueToken.generate(tokenPrefix), SecureRandom.SecureRandom, random)

    const find = Effect.fnUntraced(function* (token: Redacted.Redacted) {
      // The checksum turns away made-up tokens before anything is looked up.
      if (!OpaqueToken.isWellFormed(tokenPrefix, Redacted.value(token))) return yield* invalid
      const found = yield* store.find(yield* hasher.candidates(token), yield* DateTime.now)
      return Option.isSome(found) ? found.value : yield* invalid
    })

    /** The attempt with what it takes along. One whose seal was broken goes nowhere. */
    const opened = (attempt: RestingAttempt) =>
      Effect.catchTag(contexts.open(attempt), ["SealBroken", "SchemaError"], () => invalid)

    /** The user of an attempt. A proof of a mailbox counts as long as the mailbox is the user's. */
    const userOf = Effect.fnUntraced(function* ({ userId, proofs }: RestingAttempt) {
      if (userId === null) return undefined
      const user = yield* Effect.catchTag(users.get(userId), "UserNotFound", () => invalid)
      if (isDisabled(user)) return yield* invalid
      return proofs.every(({ email }) => email === null || email === user.email) ? user : yield* invalid
    })

    const progressOf = Effect.fnUntraced(function* (
      user: User | undefined,
      proofs: ReadonlyArray<Proof>,
      stepUp: StepUp | null,
      client: ClientInfo,
    ) {
      if (user === undefined) return { isComplete: false, factors: policy.firstFactors, enrol: [] }
      const proved = proofs.map(({ factor }) => factor)
      // What was proved could be proved, though it may have been the last backup code.
      const able = [...new Set([...provable(yield* enrolments.list(user.id)), ...proved])]
      const facts = { user, provable: able, proofs, client }
      return progress({
        alternatives: stepUp === null ? yield* policy.signIn(facts) : yield* policy.stepUp({ ...facts, stepUp }),
        provable: able,
        proved,
        enrol: stepUp === null ? yield* policy.enrolment(facts) : [],
      })
    })

    const stateOf = Effect.fnUntraced(function* (attempt: SignInAttempt, user: User | undefined, client: ClientInfo) {
      const progress: Progress = yield* progressOf(user, attempt.proofs, attempt.stepUp, client)
      return { attempt, user: user ?? null, ...progress }
    })

    const make = Effect.fnUntraced(function* (fields: Pick<SignInAttempt, "userId" | "stepUp" | "proofs" | "context">) {
      const now = yield* DateTime.now
      const attempt: SignInAttempt = {
        id: SignInAttemptId.make(yield* random.uuidV7()),
        ...fields,
        tries: 0,
        createdAt: now,
        expiresAt: DateTime.addDuration(now, attemptPolicy.lifetime),
      }
      const token = yield* generate
      yield* store.insert({ ...attempt, context: yield* contexts.seal(attempt) }, yield* hasher.hash(token))
      return { attempt, token }
    })

    const finish = Effect.fnUntraced(function* (options: {
      readonly stepUp: StepUp | null
      readonly user: User
      readonly proofs: ReadonlyArray<Proof>
      readonly context: SignInContext
      readonly client: ClientInfo
      readonly replaces: Redacted.Redacted | undefined
    }) {
      const { stepUp, user, proofs, context, client, replaces } = options
      const amr = amrOf([...(stepUp?.amr ?? []), ...proofs.flatMap((proof) => proof.amr)])
      const acr = policy.acr(amr)
      const authTime = proofs[proofs.length - 1]?.at ?? (yield* DateTime.now)
      const issued = yield* stepUp === null
        ? sessions.start({ user, amr, acr, authTime, proofs, client, label: context.label ?? null, replaces })
        : sessions
            .rotate({
              session: { id: stepUp.sessionId, userId: user.id, acr: stepUp.acr },
              amr,
              acr,
              authTime,
              proofs,
              client,
            })
            .pipe(Effect.catchTag("SessionInvalid", () => invalid))
      return { _tag: "SignInComplete" as const, ...issued, user, context }
    })

    return SignInAttempts.of({
      start: Effect.fn("SignInAttempts.start")(function* ({ context = {}, stepUp, client }) {
        yield* rateLimits.consume(limits.startByAddress, rateLimitSubject(client.ipAddress))
        const user = stepUp?.user
        const { attempt, token } = yield* make({
          userId: user?.id ?? null,
          stepUp:
            stepUp === undefined
              ? null
              : {
                  sessionId: stepUp.session.id,
                  amr: stepUp.session.amr,
                  acr: stepUp.session.acr,
                  action: stepUp.action ?? null,
                },
          proofs: [],
          context,
        })
        return { _tag: "SignInContinues" as const, state: yield* stateOf(attempt, user, client), token }
      }),

      get: Effect.fn("SignInAttempts.get")(function* (token, client) {
        const { attempt } = yield* find(token)
        if (attempt.tries >= attemptPolicy.maxTries) return yield* new SignInRefused({ reason: "locked" })
        return yield* stateOf(yield* opened(attempt), yield* userOf(attempt), client)
      }),

      cancel: Effect.fn("SignInAttempts.cancel")(function* (token, client) {
        if (!OpaqueToken.isWellFormed(tokenPrefix, Redacted.value(token))) return false
        const hashes = yield* hasher.candidates(token)
        return yield* transactions.run(
          Effect.gen(function* () {
            const isRemoved = yield* store.remove(hashes)
            if (isRemoved) yield* audit.record({ type: "sign-in.cancelled", client })
            return isRemoved
          }),
        )
      }),

      open: Effect.fn("SignInAttempts.open")(function* ({ token, factor, purpose = "proof", uses, client }) {
        const { attempt, tokenHash } = yield* find(token)
        const user = yield* userOf(attempt)
        const { factors, enrol } = yield* progressOf(user, attempt.proofs, attempt.stepUp, client)
        const isAvailable = purpose === "proof" ? isAmong(factors, factor) : enrol.includes(factor)
        if (!isAvailable) return yield* new SignInRefused({ reason: "factor-unavailable" })
        if (purpose === "enrolment") return { stored: { attempt, tokenHash }, user, factor, client }
        yield* rateLimits.consumeAll(uses ?? codeUses(client, user?.id))
        const claimed = yield* store.claimTry({
          tokenHash,
          maxTries: attemptPolicy.maxTries,
          now: yield* DateTime.now,
        })
        if (Option.isSome(claimed)) return { stored: { attempt: claimed.value, tokenHash }, user, factor, client }
        // It is there and has no try left, or was answered from elsewhere since.
        yield* find(token)
        return yield* new SignInRefused({ reason: "locked" })
      }),

      begin: Effect.fn("SignInAttempts.begin")(function* ({ token, factor, client }) {
        if (!policy.firstFactors.includes(factor)) return yield* new SignInRefused({ reason: "factor-unavailable" })
        const found =
          token === undefined
            ? undefined
            : yield* find(token).pipe(Effect.catchTag("SignInRefused", () => Effect.succeed(undefined)))
        const isFresh = found?.attempt.userId === null && found.attempt.tries < attemptPolicy.maxTries
        return { stored: isFresh ? found : undefined, user: undefined, factor, client }
      }),

      prove: Effect.fn("SignInAttempts.prove")(function* (options) {
        const { open, user, amr, factor = open.factor, email, replaces, confirm } = options
        const { stored, client } = open
        const attempt = stored === undefined ? undefined : yield* opened(stored.attempt)
        if (attempt !== undefined && attempt.userId !== null && attempt.userId !== user.id) {
          yield* audit.record({ type: "sign-in.refused", reason: "user-mismatch", userId: attempt.userId, client })
          return yield* new SignInRefused({ reason: "user-mismatch" })
        }
        // Whatever was proved, and by whom: no sign-in of who is shut out moves.
        if (isDisabled(user)) {
          yield* audit.record({ type: "sign-in.refused", reason: "user-disabled", userId: user.id, client })
          return yield* invalid
        }
        const now = yield* DateTime.now
        const stepUp = attempt?.stepUp ?? null
        const context = { ...attempt?.context, ...options.context }
        const proofs = [...(attempt?.proofs ?? []), { factor, amr: [...amr], at: now, email: email ?? null }]
        return yield* transactions.run(
          Effect.gen(function* () {
            yield* confirm
            // Only now: what was confirmed may be the factor that had to be set up.
            const next = yield* progressOf(user, proofs, stepUp, client)
            if (next.isComplete) {
              // The session first, as when a session ends and its attempts with it: the other way round, the two could
              // wait for each other. Of two that come at once, the second finds nothing to complete, and undoes it all.
              const complete = yield* finish({ stepUp, user, proofs, context, client, replaces })
              if (stored !== undefined && Option.isNone(yield* store.complete(stored.tokenHash, now))) {
                return yield* invalid
              }
              return complete
            }
            // A sign-in that is complete is recorded with its session, and its factors with it.
            yield* audit.record({ type: "sign-in.proved", userId: user.id, client, data: { factor } })
            if (stored === undefined) {
              const made = yield* make({ userId: user.id, stepUp, proofs, context })
              return {
                _tag: "SignInContinues" as const,
                state: { attempt: made.attempt, user, ...next },
                token: made.token,
              }
            }
            const token = yield* generate
            const to = yield* hasher.hash(token)
            const sealed = yield* contexts.seal({ id: stored.attempt.id, context })
            const step = { from: stored.tokenHash, to, userId: user.id, proofs, context: sealed, now }
            const moved = yield* store.advance(step)
            if (Option.isNone(moved)) return yield* invalid
            const attempt = { ...moved.value, context }
            return { _tag: "SignInContinues" as const, state: { attempt, user, ...next }, token }
          }),
        )
      }),

      refuse: Effect.fn("SignInAttempts.refuse")(function* ({ stored, user, factor, client }, reason) {
        yield* audit.record({
          type: "sign-in.refused",
          reason,
          client,
          data: { factor },
          ...(user === undefined ? {} : { userId: user.id }),
        })
        const triesLeft = stored === undefined ? null : Math.max(0, attemptPolicy.maxTries - stored.attempt.tries)
        return yield* new CodeInvalid({ triesLeft })
      }),

      revokeAll: Effect.fn("SignInAttempts.revokeAll")((userId) => Effect.asVoid(store.removeByUser(userId))),
    })
  }),
)

// internal

const invalid = Effect.suspend(() => Effect.fail(new SignInRefused({ reason: "invalid" })))

/**
 * Whether a factor may be proved: a WebAuthn credential is asked for before it is known whether it verifies its user.
 */
const isAmong = (factors: ReadonlyArray<Factor>, factor: Factor): boolean =>
  factors.includes(factor) || (factor === "passkey" && factors.includes("security-key"))
