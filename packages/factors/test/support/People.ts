/**
 * What people do with passwords, in a line each, and what a test looks at afterwards.
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import * as MemoryRateLimitStore from "@belfry/core/MemoryRateLimitStore"
import { Email } from "@belfry/core/User"
import { Passwords, type SignIn } from "@belfry/factors/Passwords"
import type { SignInOutcome } from "@belfry/factors/SignInOutcome"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as TestCrypto from "@belfry/testing/TestCrypto"
import * as TestServices from "@belfry/testing/TestServices"
import { Effect, Layer, Redacted } from "effect"
import * as TestStores from "./TestStores.ts"

/** All services over stores in memory that count and fail, with hashes that cost nothing. */
export const layer = TestServices.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(TestStores.layer, TestCrypto.layer, MemoryRateLimitStore.layer)),
)

export const ada = Email.make("ada@example.com")
export const bob = Email.make("bob@example.com")

/** A password that will do; nobody has it but who is given it. */
export const secret = (text: string) => Redacted.make(text)
export const adasPassword = secret("correct horse battery")
export const evesPassword = secret("trombone under water")

/** A client at an address of its own network. */
export const clientAt = (ipAddress: string | null): ClientInfo => ({ ipAddress, userAgent: "Mozilla/5.0" })
export const home = clientAt("192.0.2.1")

interface Person {
  readonly email?: Email
  readonly password?: Redacted.Redacted
  readonly name?: string | null
  readonly client?: ClientInfo
}

/** The session of a sign-in that is complete. */
export const complete = <E, R>(signingIn: Effect.Effect<SignInOutcome, E, R>) =>
  Effect.flatMap(signingIn, (outcome) =>
    outcome._tag === "SignInComplete"
      ? Effect.succeed(outcome)
      : Effect.die(new Error(`The sign-in goes on: ${outcome.state.factors.join()} ${outcome.state.enrol.join()}`)),
  )

/** The state and token of a sign-in that goes on: no session was started. */
export const pending = <E, R>(signingIn: Effect.Effect<SignInOutcome, E, R>) =>
  Effect.flatMap(signingIn, (outcome) =>
    outcome._tag === "SignInContinues" ? Effect.succeed(outcome) : Effect.die(new Error("The sign-in is complete")),
  )

/** Starts a sign-up; the answer is the token of the browser. */
export const signUp = ({ email = ada, password = adasPassword, name = null, client = home }: Person = {}) =>
  Passwords.use((passwords) => passwords.signUp({ email, password, name, client }))

/** Completes a sign-up. */
export const confirm = (
  token: Redacted.Redacted,
  proof: { readonly browser?: Redacted.Redacted; readonly password?: Redacted.Redacted } = {},
  client: ClientInfo = home,
) => complete(Passwords.use((passwords) => passwords.confirmSignUp({ token, client, ...proof })))

/** Signs up, follows the link in the same browser and is signed in. */
export const register = Effect.fnUntraced(function* (person: Person = {}) {
  const browser = yield* signUp(person)
  return yield* confirm(yield* takeToken(person.email ?? ada, "confirm-sign-up"), { browser })
})

/** Begins a sign-in with the password, however it goes on. */
export const begin = ({ email = ada, password = adasPassword, client = home }: Person = {}) =>
  Passwords.use((passwords) => passwords.signIn({ email, password, client }))

/** Signs in who needs no more than the password. */
export const signIn = (person?: Person) => complete(begin(person))

export const forgot = ({ email = ada, client = home }: Person = {}) =>
  Passwords.use((passwords) => passwords.forgot({ email, client }))

/** Asks for a new password and takes the token out of the mail. */
export const takeResetToken = Effect.fnUntraced(function* (person: Person = {}) {
  yield* forgot(person)
  return yield* takeToken(person.email ?? ada, "reset-password")
})

export const reset = (token: Redacted.Redacted, password: Redacted.Redacted, client: ClientInfo = home) =>
  Passwords.use((passwords) => passwords.reset({ token, password, client }))

export const reauthenticate = ({ session, user }: SignIn, password: Redacted.Redacted) =>
  complete(Passwords.use((passwords) => passwords.reauthenticate({ session, user, password, client: home })))

export const change = (
  { session, user }: SignIn,
  newPassword: Redacted.Redacted,
  currentPassword?: Redacted.Redacted,
) => Passwords.use((passwords) => passwords.change({ session, user, newPassword, currentPassword, client: home }))

/** The last message of a category to an address, and what its link carries as token. */
export const takeToken = (to: Email, category: string) =>
  Effect.map(
    CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(to, category)),
    (message) => Redacted.make(CapturingMailer.linkIn(message).searchParams.get("token") ?? ""),
  )

/** The categories of the messages that are waiting, the oldest first. */
export const mails = Effect.flatMap(CapturingMailer.CapturingMailer, ({ messages }) =>
  Effect.map(messages, (all) => all.map(({ category }) => category)),
)

/** Types and reasons of all audit events, the oldest first: `password.sign-in:wrong-password`. */
export const auditTrail = Effect.map(
  Audit.use((audit) => audit.list({ limit: 1000 })),
  (events) => events.map(({ type, reason }) => (reason === null ? type : `${type}:${reason}`)).toReversed(),
)

/** What an effect cost: statements of the stores, derivations of keys, messages. */
export const costOf = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const statements = yield* TestStores.Statements
  const derivations = yield* TestCrypto.Derivations
  const before = { statements: yield* statements.count, derivations: (yield* derivations.all).length }
  const mailsBefore = (yield* mails).length
  yield* Effect.exit(effect)
  return {
    statements: (yield* statements.count) - before.statements,
    derivations: (yield* derivations.all)
      .slice(before.derivations)
      .map(({ memory, passes, parallelism }) => ({ memory, passes, parallelism })),
    mails: (yield* mails).length - mailsBefore,
  }
})
