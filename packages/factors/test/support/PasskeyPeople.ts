/**
 * What people do with passkeys and backup codes, in a line each.
 */
import type { AuthenticationMethod } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { Email, type User } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import type { Enroller } from "@belfry/factors/Enrolments"
import type { Factor } from "@belfry/factors/Factor"
import { Passkeys } from "@belfry/factors/Passkeys"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import type { AuthenticationOptions, AuthenticationResponse, RegistrationResponse } from "@belfry/factors/WebAuthn"
import type { Behaviour, VirtualAuthenticator } from "@belfry/testing/VirtualAuthenticator"
import { Effect, Layer, type Redacted } from "effect"
import { home, layer, pending } from "./People.ts"

/** All services, where a host has a policy of its own. */
export const layerWith = (options: SignInPolicy.SignInPolicyOptions) =>
  Layer.provide(layer, Layer.succeed(SignInPolicy.SignInPolicy, SignInPolicy.make(options)))

/** A user without any factor of their own, in a session that just began. */
export const join = Effect.fnUntraced(function* (name: string) {
  const user = yield* Users.use((users) => users.create({ email: Email.make(`${name}@example.com`) }))
  return yield* returnOf(user)
})

/** A new session of a user. */
export const returnOf = Effect.fnUntraced(function* (user: User) {
  const { session } = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["pwd"], client: home }))
  return { user, session, by: { _tag: "Session", session, user } satisfies Enroller }
})

export type Person = Effect.Success<ReturnType<typeof join>>

export const registrationOptions = (by: Enroller, client = home) =>
  Passkeys.use((passkeys) => passkeys.registrationOptions({ by, client }))

export const register = (by: Enroller, response: RegistrationResponse, name?: string) =>
  Passkeys.use((passkeys) => passkeys.register({ by, response, name, client: home }))

/** Sets up a passkey on an authenticator. */
export const enrol = Effect.fnUntraced(function* (
  { by }: { readonly by: Enroller },
  device: VirtualAuthenticator,
  behaviour?: Behaviour,
) {
  return yield* register(by, yield* device.register(yield* registrationOptions(by), behaviour))
})

/** Begins a sign-in by passkey, of nobody in particular. */
export const begin = Effect.fnUntraced(function* (client = home) {
  const { options, continues } = yield* Passkeys.use((passkeys) => passkeys.authenticationOptions({ client }))
  return continues === null
    ? yield* Effect.die(new Error("No sign-in began"))
    : { options, token: continues.token, attempt: continues.state.attempt }
})

/** The options for a sign-in that is on its way. */
export const optionsIn = Effect.fnUntraced(function* (token: Redacted.Redacted) {
  const { options, continues } = yield* Passkeys.use((passkeys) =>
    passkeys.authenticationOptions({ token, client: home }),
  )
  return continues === null ? options : yield* Effect.die(new Error("Another sign-in began"))
})

export const prove = (token: Redacted.Redacted, response: AuthenticationResponse, client = home) =>
  Passkeys.use((passkeys) => passkeys.prove({ token, response, client }))

/** Signs in with a passkey, whatever the authenticator has. */
export const signIn = Effect.fnUntraced(function* (device: VirtualAuthenticator, behaviour?: Behaviour) {
  const { options, token } = yield* begin()
  return yield* prove(token, yield* device.authenticate(options, behaviour))
})

/** Answers the options of a sign-in that is on its way. */
export const answer = Effect.fnUntraced(function* (
  { token, options }: { readonly token: Redacted.Redacted; readonly options: AuthenticationOptions },
  device: VirtualAuthenticator,
  behaviour?: Behaviour,
) {
  return yield* prove(token, yield* device.authenticate(options, behaviour))
})

/** Begins a sign-in in which a factor of a user was proved, without the service of that factor. */
export const proved = Effect.fnUntraced(function* (
  user: User,
  factor: Factor = "password",
  amr: ReadonlyArray<AuthenticationMethod> = ["pwd"],
) {
  const attempts = yield* SignInAttempts
  const { token } = yield* attempts.start({ client: home })
  const open = yield* attempts.open({ token, factor, client: home })
  return yield* pending(attempts.prove({ open, user, amr, confirm: Effect.void }))
})

/** How an effect fails: its tag, and the reason where there is one. */
export const failureOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) =>
    "reason" in error && typeof error.reason === "string" ? `${error._tag}:${error.reason}` : error._tag,
  )

/** The sessions of a user. */
export const sessionsOf = (user: User) => Sessions.use((sessions) => sessions.list(user.id))
