/**
 * Passkeys: sign in with a key that never leaves the device, and that no page of another site can ask for.
 *
 * @see [WebAuthn Level 3](https://www.w3.org/TR/webauthn-3/)
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { Session, SessionNotFresh } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { User, UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { LastWayIn } from "./Enrolment.ts"
import type { Enrolled, Enroller } from "./Enrolments.ts"
import type { Passkey, PasskeyId, PasskeyInvalid, PasskeyNotFound } from "./Passkey.ts"
import type { SignInContext, SignInRefused } from "./SignInAttempt.ts"
import type { SignInContinues, SignInOutcome } from "./SignInAttempts.ts"
import type {
  AuthenticationOptions,
  AuthenticationResponse,
  RegistrationOptions,
  RegistrationResponse,
} from "./WebAuthn.ts"

/**
 * Passkeys.
 *
 * @category services
 * @since 0.1.0
 */
export class Passkeys extends Context.Service<
  Passkeys,
  {
    /** What `navigator.credentials.create` is called with. Its challenge is good once, for 5 minutes. */
    readonly registrationOptions: (options: {
      readonly by: Enroller
      readonly client: ClientInfo
    }) => Effect.Effect<RegistrationOptions, SessionNotFresh | SignInRefused | RateLimited | StoreError>
    /** Keeps the passkey that the authenticator made. Without a name it gets one from its model. */
    readonly register: (options: {
      readonly by: Enroller
      readonly response: RegistrationResponse
      readonly name?: string | undefined
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<
      Enrolled & { readonly passkey: Passkey },
      PasskeyInvalid | SessionNotFresh | SignInRefused | RateLimited | StoreError
    >
    /**
     * What `navigator.credentials.get` is called with, in the attempt of `token`, or a new one. Where its user is known
     * it names that user's passkeys; where not, it names none, and the authenticator offers those that it has.
     */
    readonly authenticationOptions: (options: {
      readonly token?: Redacted.Redacted | undefined
      readonly context?: SignInContext
      readonly client: ClientInfo
    }) => Effect.Effect<
      { readonly options: AuthenticationOptions; readonly continues: SignInContinues | null },
      SignInRefused | RateLimited | StoreError
    >
    /** Proves the factor: `passkey` if the authenticator verified its user, `security-key` if not. */
    readonly prove: (options: {
      readonly token: Redacted.Redacted
      readonly response: AuthenticationResponse
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<SignInOutcome, PasskeyInvalid | SignInRefused | RateLimited | StoreError>
    /** The passkeys of a user, the oldest first. */
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<Passkey>, StoreError>
    readonly rename: (options: {
      readonly userId: UserId
      readonly passkeyId: PasskeyId
      readonly name: string
      readonly client: ClientInfo
    }) => Effect.Effect<Passkey, PasskeyNotFound | StoreError>
    /** Removes a passkey, in a fresh session. */
    readonly remove: (options: {
      readonly session: Session
      readonly user: User
      readonly passkeyId: PasskeyId
      readonly client: ClientInfo
    }) => Effect.Effect<void, PasskeyNotFound | LastWayIn | SessionNotFresh | StoreError>
  }
>()("@belfry/factors/Passkeys") {}
