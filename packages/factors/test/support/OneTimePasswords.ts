/**
 * How a test comes to the second step of a sign-in, and what TOTP and HOTP have in common there.
 */
import { Audit } from "@belfry/core/Audit"
import type { KeyRing } from "@belfry/core/KeyRing"
import type { RateLimited } from "@belfry/core/RateLimit"
import { RateLimitStore } from "@belfry/core/RateLimitStore"
import type { SessionNotFresh } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import type { StoreError } from "@belfry/core/StoreError"
import type { User, UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import type { AlreadyEnrolled, LastWayIn, NotEnrolled } from "@belfry/factors/Enrolment"
import type { Enrolled, Enroller } from "@belfry/factors/Enrolments"
import type { Hotp, Provisioning, SecretInvalid } from "@belfry/factors/OneTimePassword"
import type { CodeInvalid, SignInRefused } from "@belfry/factors/SignInAttempt"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import type { SignInOutcome } from "@belfry/factors/SignInOutcome"
import * as Authenticator from "@belfry/testing/Authenticator"
import * as Builders from "@belfry/testing/Builders"
import * as TestServices from "@belfry/testing/TestServices"
import { NodeCrypto } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { Effect, Layer, type Option, Redacted } from "effect"
import type { SqlClient } from "effect/sql"
import { home } from "./People.ts"

/** Rate limits that never refuse, for tests of what is behind them. */
const layerNoLimits = Layer.succeed(RateLimitStore, RateLimitStore.of({ take: () => Effect.succeedNone }))

const layerPlatform = Layer.merge(NodeCrypto.layer, layerNoLimits)

/** All services over memory, without rate limits. */
export const layerMemory = TestServices.layer.pipe(
  Layer.provideMerge(Layer.merge(TestServices.layerMemoryStores, layerPlatform)),
)

/** All services over a database, without rate limits. */
export const layerSql = <E>(database: Layer.Layer<SqlClient.SqlClient, E>) =>
  TestServices.layer.pipe(
    Layer.provideMerge(Layer.merge(TestServices.layerSqlStores, layerPlatform)),
    Layer.provideMerge(database),
  )

/** What both provide. */
export type Services = Extract<Layer.Success<typeof layerMemory>, Layer.Success<ReturnType<typeof layerSql>>>

/** Somebody with a fresh session. */
export type Person = Extract<Enroller, { readonly _tag: "Session" }>

/** What TOTP and HOTP have in common, in the words of both. */
export interface Driver {
  readonly factor: "totp" | "hotp"
  readonly enrol: (
    by: Enroller,
  ) => Effect.Effect<
    Provisioning,
    SecretInvalid | AlreadyEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError,
    Services
  >
  readonly pending: (
    by: Enroller,
  ) => Effect.Effect<Provisioning, NotEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError, Services>
  readonly confirm: (
    by: Enroller,
    code: Redacted.Redacted,
  ) => Effect.Effect<
    Enrolled,
    CodeInvalid | NotEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError,
    Services
  >
  readonly prove: (
    token: Redacted.Redacted,
    code: Redacted.Redacted,
  ) => Effect.Effect<SignInOutcome, CodeInvalid | SignInRefused | RateLimited | StoreError, Services>
  readonly remove: (
    person: Person,
  ) => Effect.Effect<void, NotEnrolled | LastWayIn | SessionNotFresh | StoreError, Services>
  readonly find: (userId: UserId) => Effect.Effect<Option.Option<Omit<Hotp, "counter">>, StoreError, Services>
  /** Gives one person's sealed secret to another one, in the store. */
  readonly copy: (from: UserId, to: UserId) => Effect.Effect<boolean, StoreError, Services>
  /** Runs an effect with a service that has these keys; `reseals` says whether its store can write new seals. */
  readonly withKeys: <A, E>(
    keys: Layer.Layer<KeyRing, never, Layer.Success<typeof NodeCrypto.layer>>,
    effect: Effect.Effect<A, E, Services>,
    reseals?: boolean,
  ) => Effect.Effect<A, E, Services>
  /** The code that the app shows as its nth. */
  readonly show: (app: Authenticator.Authenticator, n: number) => Effect.Effect<Redacted.Redacted>
}

/** A new user with a fresh session. */
export const person = Effect.gen(function* () {
  const user = yield* Builders.user()
  yield* UserStore.use((users) => users.insert(user))
  const { session } = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["email"], client: home }))
  return { _tag: "Session", session, user } satisfies Person
})

/** Somebody who confirmed an app by its code 0. */
export const enrolled = Effect.fnUntraced(function* ({ enrol, confirm, show }: Driver) {
  const somebody = yield* person
  const app = Authenticator.scan((yield* enrol(somebody)).uri)
  const { backupCodes } = yield* confirm(somebody, yield* show(app, 0))
  return { ...somebody, app, backupCodes }
})

/** Proves the mailbox of a user: the first step of a sign-in. */
export const firstStep = Effect.fnUntraced(function* (user: User) {
  const attempts = yield* SignInAttempts
  const open = yield* attempts.begin({ token: undefined, factor: "email-code", client: home })
  return yield* attempts.prove({ open, user, amr: ["email"], email: user.email, confirm: Effect.void })
})

/** The token of a sign-in that waits for a second factor. */
export const secondStep = Effect.fnUntraced(function* (user: User) {
  const outcome = yield* firstStep(user)
  return outcome._tag === "SignInContinues" ? outcome.token : assert.fail("The sign-in is complete")
})

/** A code that the app does not show in these tests. */
export const wrong = (app: Authenticator.Authenticator) => {
  const shown = Array.from({ length: 32 }, (_, n) => Redacted.value(app.code(n)))
  return Redacted.make(
    ["111111", ...Array.from({ length: 32 }, (_, n) => String(200_000 + n))].find((code) => !shown.includes(code)) ??
      "",
  )
}

/** The answer of a sign-in in a word: `SignInComplete`, or the error with its field. */
export const answerOf = <R>(
  effect: Effect.Effect<SignInOutcome, CodeInvalid | SignInRefused | RateLimited | StoreError, R>,
): Effect.Effect<string, never, R> =>
  Effect.match(effect, {
    onSuccess: ({ _tag }) => _tag,
    onFailure: (error) => {
      switch (error._tag) {
        case "SignInRefused":
          return `SignInRefused ${error.reason}`
        case "CodeInvalid":
          return `CodeInvalid ${error.triesLeft}`
        default:
          return error._tag
      }
    },
  })

/** Everything that was written into the audit log, as text. */
export const auditText = Effect.map(
  Audit.use((audit) => audit.list({ limit: 1000 })),
  (events) => JSON.stringify(events),
)
