/**
 * Sign-ins by the state machine alone, in a line each: proofs are given without the services of the factors.
 */
import { Audit } from "@belfry/core/Audit"
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import type { AuthenticationMethod, Session } from "@belfry/core/Session"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import type { StoreError } from "@belfry/core/StoreError"
import type { Email, User } from "@belfry/core/User"
import { BackupCodeStore } from "@belfry/factors/BackupCodeStore"
import type { Factor } from "@belfry/factors/Factor"
import { HotpStore } from "@belfry/factors/HotpStore"
import { PasskeyId } from "@belfry/factors/Passkey"
import { PasskeyStore } from "@belfry/factors/PasskeyStore"
import { PasswordHash } from "@belfry/factors/Password"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import { type OpenSignIn, SignInAttempts } from "@belfry/factors/SignInAttempts"
import type { SignInOutcome } from "@belfry/factors/SignInOutcome"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import type { SignInContext } from "@belfry/factors/SignInAttempt"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import type { TotpStore } from "@belfry/factors/TotpStore"
import * as Builders from "@belfry/testing/Builders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert } from "@effect/vitest"
import { DateTime, Effect, Layer, type Redacted } from "effect"
import { clientAt, home } from "./People.ts"

export { clientAt, home }

/** All services over memory. */
export const layer = TestServices.layerMemory

/** All services over memory, under the policy of a host. */
export const layerOf = (policy: SignInPolicy.SignInPolicyService) =>
  TestServices.layerMemory.pipe(Layer.provide(Layer.succeed(SignInPolicy.SignInPolicy, policy)))

const databases = TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations]).map(
  ({ name, layer }) => ({ name, layer: TestServices.layerSql(layer) }),
)

interface Place {
  readonly name: string
  readonly layer: Layer.Layer<
    Extract<Layer.Success<typeof layer>, Layer.Success<(typeof databases)[number]["layer"]>>,
    TestDatabase.TestDatabaseError
  >
}

const places: ReadonlyArray<Place> = [{ name: "memory", layer }, ...databases]

/** All services over memory and over each database, under the policy of a host if there is one. */
export const everywhere = (policy = SignInPolicy.make()): ReadonlyArray<Place> =>
  places.map((place) => ({
    name: place.name,
    layer: Layer.provide(place.layer, Layer.succeed(SignInPolicy.SignInPolicy, policy)),
  }))

/** A user who set up nothing. */
export const insertUser = Builders.storedUser

/** A user who set up these factors. */
export const userWith = Effect.fnUntraced(function* (...factors: ReadonlyArray<keyof typeof setUps>) {
  const user = yield* insertUser()
  for (const factor of factors) yield* setUps[factor](user)
  return user
})

/** Sets up a factor as it rests; nobody can compute a code of it. */
export const setUps = {
  password: Effect.fnUntraced(function* ({ id }: User) {
    const hash = PasswordHash.make(`$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$${"A".repeat(43)}`)
    const now = yield* DateTime.now
    yield* PasswordStore.use((passwords) => passwords.set(id, hash, now))
  }),
  oauth: Effect.fnUntraced(function* ({ id: userId }: User) {
    const account = yield* Builders.linkedAccount({ userId })
    yield* Effect.orDie(LinkedAccountStore.use((accounts) => accounts.upsert(account)))
  }),
  totp: ({ id }: User) => Builders.storedTotp(id),
  hotp: Effect.fnUntraced(function* ({ id: userId }: User) {
    const hotps = yield* HotpStore
    const [secret, now] = [yield* Builders.sealed, yield* DateTime.now]
    yield* hotps.begin({
      userId,
      secret,
      digits: 6,
      counter: 0,
      createdAt: now,
      confirmedAt: null,
      lastUsedAt: null,
    })
    yield* hotps.confirm({ userId, secret, counter: 0, now })
  }),
  passkey: Effect.fnUntraced(function* ({ id: userId }: User) {
    const credentialId = yield* Builders.keyedHash
    const { id } = yield* Builders.session({ userId })
    const createdAt = yield* DateTime.now
    yield* PasskeyStore.use((passkeys) =>
      passkeys.insert({
        id: PasskeyId.make(id),
        userId,
        credentialId,
        publicKey: new Uint8Array([1]),
        signCount: 0,
        transports: [],
        isMultiDevice: false,
        isBackedUp: false,
        name: "Passkey",
        aaguid: "00000000-0000-0000-0000-000000000000",
        createdAt,
        lastUsedAt: null,
      }),
    )
  }),
  "backup-code": Effect.fnUntraced(function* ({ id }: User) {
    const hash = yield* Builders.keyedHash
    const now = yield* DateTime.now
    yield* BackupCodeStore.use((codes) => codes.replace(id, [hash], now))
  }),
}

/** What a proof adds to `amr`. */
export const amrs: Readonly<Record<Factor, ReadonlyArray<AuthenticationMethod>>> = {
  password: ["pwd"],
  "email-code": ["email"],
  "magic-link": ["email"],
  oauth: ["oauth"],
  passkey: ["hwk", "user", "mfa"],
  "security-key": ["hwk", "user"],
  totp: ["otp"],
  hotp: ["otp"],
  "backup-code": ["otp"],
}

export const start = (context: SignInContext = {}) =>
  SignInAttempts.use((attempts) => attempts.start({ context, client: home }))

/** Begins the proof that makes a session fresh again. */
export const stepUp = (session: Session, user: User, action: string | null = null) =>
  SignInAttempts.use((attempts) => attempts.start({ stepUp: { session, user, action }, client: home }))

export const get = (token: Redacted.Redacted, client = home) =>
  SignInAttempts.use((attempts) => attempts.get(token, client))

export const open = (token: Redacted.Redacted, factor: Factor, client = home) =>
  SignInAttempts.use((attempts) => attempts.open({ token, factor, client }))

/** Opens a sign-in and gives a wrong code; the answer is how many tries are left. */
export const failOnce = (token: Redacted.Redacted, factor: Factor, client = home) =>
  Effect.flatMap(open(token, factor, client), (opened) =>
    SignInAttempts.use((attempts) => attempts.refuse(opened, "wrong-code")),
  ).pipe(Effect.catchTag("CodeInvalid", ({ triesLeft }) => Effect.succeed(triesLeft)))

interface ProofOptions<E = never> {
  readonly factor?: Factor
  readonly email?: Email
  readonly context?: SignInContext
  readonly replaces?: Redacted.Redacted
  readonly confirm?: Effect.Effect<unknown, E>
}

/** Proves what was opened. */
export const prove = <E = never>(opened: OpenSignIn, user: User, options: ProofOptions<E> = {}) =>
  SignInAttempts.use((attempts) =>
    attempts.prove<E>({
      open: opened,
      user,
      amr: amrs[options.factor ?? opened.factor],
      confirm: Effect.void,
      ...options,
    }),
  )

/** Begins a sign-in by its first proof, in the attempt of `token` if there is one. */
export const proveFirst = Effect.fnUntraced(function* (
  user: User,
  factor: Factor = "password",
  options: ProofOptions & { readonly token?: Redacted.Redacted } = {},
) {
  const { token, ...rest } = options
  const opened = yield* SignInAttempts.use((attempts) => attempts.begin({ token, factor, client: home }))
  return yield* prove(opened, user, rest)
})

/** Opens a sign-in and proves the factor. */
export const proveNext = (token: Redacted.Redacted, user: User, factor: Factor, options: ProofOptions = {}) =>
  Effect.flatMap(open(token, factor), (opened) => prove(opened, user, options))

/** Sets a factor up in a sign-in that demands it, which proves it. */
export const proveEnrolment = Effect.fnUntraced(function* (
  token: Redacted.Redacted,
  user: User,
  factor: "passkey" | "totp",
  options: ProofOptions = {},
) {
  const attempts = yield* SignInAttempts
  const opened = yield* attempts.open({ token, factor, purpose: "enrolment", client: home })
  const context = yield* Effect.context<PasskeyStore | TotpStore>()
  const setUp: Effect.Effect<void, StoreError, PasskeyStore | TotpStore> =
    factor === "totp" ? setUps.totp(user) : Effect.asVoid(setUps.passkey(user))
  const confirm = Effect.provideContext(setUp, context)
  return yield* attempts.prove({ open: opened, user, amr: amrs[options.factor ?? factor], ...options, confirm })
})

/** The sign-in, which must go on. */
export const going = <E, R>(outcome: Effect.Effect<SignInOutcome, E, R>) =>
  Effect.map(outcome, (answer) =>
    answer._tag === "SignInContinues" ? answer : assert.fail("The sign-in is complete, and should go on"),
  )

/** The sign-in, which must be complete. */
export const completed = <E, R>(outcome: Effect.Effect<SignInOutcome, E, R>) =>
  Effect.map(outcome, (answer) =>
    answer._tag === "SignInComplete" ? answer : assert.fail("The sign-in goes on, and should be complete"),
  )

/** Why a sign-in cannot go on. */
export const refusal = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) =>
    "reason" in error && typeof error.reason === "string" ? `${error._tag}:${error.reason}` : error._tag,
  )

/** Types and reasons of the audit events of a user, the oldest first. */
export const trailOf = ({ id }: User) =>
  Effect.map(
    Audit.use((audit) => audit.list({ userId: id, limit: 1000 })),
    (events) => events.map(({ type, reason }) => (reason === null ? type : `${type}:${reason}`)).toReversed(),
  )
