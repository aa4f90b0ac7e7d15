/**
 * Passkeys: sign in with a key that never leaves the device, and that no page of another site can ask for.
 *
 * @see [WebAuthn Level 3](https://www.w3.org/TR/webauthn-3/)
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import type { RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import type { AuthenticationMethod, Session, SessionNotFresh } from "@belfry/core/Session"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { isDisabled, type User, type UserId } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { LastWayIn } from "./Enrolment.ts"
import { type Enrolled, type Enroller, Enrolments } from "./Enrolments.ts"
import { defaultName } from "./internal/authenticatorModels.ts"
import * as PasskeyChallenges from "./internal/passkeyChallenges.ts"
import * as WebAuthnVerifier from "./internal/webAuthnVerifier.ts"
import { type Passkey, PasskeyId, PasskeyInvalid, PasskeyNotFound, type StoredPasskey } from "./Passkey.ts"
import { PasskeyStore } from "./PasskeyStore.ts"
import { type SignInAttempt, type SignInContext, SignInRefused } from "./SignInAttempt.ts"
import { type OpenSignIn, SignInAttempts } from "./SignInAttempts.ts"
import type { SignInContinues, SignInOutcome } from "./SignInOutcome.ts"
import { limits } from "./SignInRules.ts"
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

/**
 * Passkeys over their store, enrolments, sign-in attempts and verification tokens, which are the challenges.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  Passkeys,
  Effect.gen(function* () {
    const store = yield* PasskeyStore
    const attempts = yield* SignInAttempts
    const enrolments = yield* Enrolments
    const challenges = yield* PasskeyChallenges.make
    const users = yield* Users
    const rateLimits = yield* RateLimits
    const transactions = yield* TransactionStore
    const audit = yield* Audit
    const random = yield* SecureRandom.SecureRandom
    const site = yield* Site
    const party = WebAuthnVerifier.relyingParty(site)

    const credentialsOf = (userId: UserId) =>
      Effect.map(store.listByUser(userId), (passkeys) =>
        passkeys.map(({ credentialId, transports }) => ({
          type: "public-key" as const,
          id: credentialId,
          ...(transports.length === 0 ? {} : { transports }),
        })),
      )

    /** The attempt of a token, if a passkey may be proved in it; none if it is over and a new one has to begin. */
    const findAttempt = Effect.fnUntraced(function* (token: Redacted.Redacted, client: ClientInfo) {
      const state = yield* attempts
        .get(token, client)
        .pipe(
          Effect.catchTag("SignInRefused", (refused) =>
            refused.reason === "invalid" || refused.reason === "locked" ? Effect.undefined : Effect.fail(refused),
          ),
        )
      if (state === undefined) return undefined
      if (!state.factors.some((factor) => factor === "passkey" || factor === "security-key")) {
        return yield* new SignInRefused({ reason: "factor-unavailable" })
      }
      yield* rateLimits.consume(limits.passkeyOptionsByAddress, rateLimitSubject(client.ipAddress))
      return state
    })

    const requestOptions = Effect.fnUntraced(function* (attempt: SignInAttempt) {
      return {
        challenge: yield* challenges.issueForAssertion(attempt),
        timeout: Duration.toMillis(PasskeyChallenges.lifetime),
        rpId: party.id,
        // Named to nobody but who proved a factor before: they tell whether there is an account, and which devices.
        allowCredentials: attempt.userId === null ? [] : yield* credentialsOf(attempt.userId),
        userVerification: "preferred" as const,
      }
    })

    /** The passkey that a response names, with its user. */
    const findPasskey = Effect.fnUntraced(function* (open: OpenSignIn, response: AuthenticationResponse) {
      const found = yield* store.findByCredentialId(response.id)
      if (Option.isNone(found)) return yield* new WebAuthnVerifier.Refusal({ reason: "unknown-credential" })
      const { userHandle } = response.response
      const isOwners = userHandle === toUserHandle(found.value.userId)
      // A known user was named to the authenticator, which then need not say whose the credential is.
      const isUnsaid = open.user !== undefined && (userHandle === undefined || userHandle === null)
      if (!isOwners && !isUnsaid) return yield* new WebAuthnVerifier.Refusal({ reason: "user-handle" })
      const user = yield* Effect.catchTag(
        users.get(found.value.userId),
        "UserNotFound",
        () => new WebAuthnVerifier.Refusal({ reason: "unknown-credential" }),
      )
      if (isDisabled(user)) return yield* new WebAuthnVerifier.Refusal({ reason: "user-disabled" })
      return { passkey: found.value, user }
    })

    return Passkeys.of({
      registrationOptions: Effect.fn("Passkeys.registrationOptions")(function* ({ by, client }) {
        const enrolling = yield* enrolments.authorize({ by, factor: "passkey", client })
        yield* rateLimits.consume(limits.passkeyOptionsByAddress, rateLimitSubject(client.ipAddress))
        const { user } = enrolling
        return {
          rp: { id: party.id, name: site.name },
          user: { id: toUserHandle(user.id), name: user.email, displayName: user.name ?? user.email },
          challenge: yield* challenges.issueForRegistration(by, enrolling),
          pubKeyCredParams: WebAuthnVerifier.algorithms.map((alg) => ({ type: "public-key", alg })),
          timeout: Duration.toMillis(PasskeyChallenges.lifetime),
          excludeCredentials: yield* credentialsOf(user.id),
          authenticatorSelection: {
            // Not `required`: security keys have room for few, and serve as a second factor without.
            residentKey: "preferred",
            requireResidentKey: false,
            userVerification: "preferred",
          },
          attestation: "none",
          extensions: { credProps: true },
        }
      }),

      register: Effect.fn("Passkeys.register")(function* ({ by, response, name, replaces, client }) {
        const enrolling = yield* enrolments.authorize({ by, factor: "passkey", client })
        const { user } = enrolling
        return yield* Effect.gen(function* () {
          const { challenge, use } = yield* challenges.ofRegistration(by, enrolling, response)
          const { isUserVerified, ...credential } = yield* WebAuthnVerifier.verifyRegistration({
            response,
            challenge,
            party,
          })
          const passkey: StoredPasskey = {
            id: PasskeyId.make(yield* random.uuidV7()),
            userId: user.id,
            ...credential,
            transports: response.response.transports ?? [],
            name: name ?? defaultName(credential.aaguid),
            createdAt: yield* DateTime.now,
            lastUsedAt: null,
          }
          const enrolled = yield* enrolments.complete({
            enrolling,
            amr: amrOf(passkey, isUserVerified),
            proved: factorOf(isUserVerified),
            confirm: Effect.gen(function* () {
              yield* use
              if (!(yield* store.insert(passkey))) {
                return yield* new WebAuthnVerifier.Refusal({ reason: "known-credential" })
              }
            }),
            replaces,
          })
          return { ...enrolled, passkey: toPasskey(passkey) }
        }).pipe(
          // Recorded here: the transaction undid what was recorded in it.
          Effect.catchTag("Refusal", ({ reason }) =>
            Effect.andThen(
              audit.record({ type: "factor.refused", reason, userId: user.id, client, data: { factor: "passkey" } }),
              new PasskeyInvalid(),
            ),
          ),
        )
      }),

      authenticationOptions: Effect.fn("Passkeys.authenticationOptions")(function* ({ token, context, client }) {
        const found = token === undefined ? undefined : yield* findAttempt(token, client)
        if (found !== undefined) return { options: yield* requestOptions(found.attempt), continues: null }
        const continues = yield* attempts.start({ ...(context === undefined ? {} : { context }), client })
        return { options: yield* requestOptions(continues.state.attempt), continues }
      }),

      prove: Effect.fn("Passkeys.prove")(function* ({ token, response, replaces, client }) {
        const open = yield* attempts.open({
          token,
          factor: "passkey",
          // Nobody guesses a signature, so tries do not count against the user: others could use them up.
          uses: [[limits.factorByAddress, rateLimitSubject(client.ipAddress)]],
          client,
        })
        return yield* Effect.gen(function* () {
          const { challenge, use } = yield* challenges.ofAssertion(open, response)
          const { passkey, user } = yield* findPasskey(open, response)
          const asserted = yield* WebAuthnVerifier.verifyAssertion({ response, challenge, party, passkey })
          const { signCount, isBackedUp, isUserVerified } = asserted
          return yield* attempts.prove({
            open,
            user,
            amr: amrOf(passkey, isUserVerified),
            factor: factorOf(isUserVerified),
            replaces,
            confirm: Effect.gen(function* () {
              yield* use
              const now = yield* DateTime.now
              // A counter that did not grow: the credential was copied, and one of the two has been used since.
              if (!(yield* store.claimUse({ id: passkey.id, signCount, isBackedUp, now }))) {
                return yield* new WebAuthnVerifier.Refusal({ reason: "counter" })
              }
            }),
          })
        }).pipe(
          Effect.catchTag("Refusal", ({ reason }) =>
            Effect.catchTag(attempts.refuse(open, reason), "CodeInvalid", () => new PasskeyInvalid()),
          ),
        )
      }),

      list: Effect.fn("Passkeys.list")((userId) =>
        Effect.map(store.listByUser(userId), (passkeys) => passkeys.map(toPasskey)),
      ),

      rename: Effect.fn("Passkeys.rename")(function* ({ userId, passkeyId, name, client }) {
        return yield* transactions.run(
          Effect.gen(function* () {
            const renamed = yield* store.rename(userId, passkeyId, name)
            if (Option.isNone(renamed)) return yield* new PasskeyNotFound({ passkeyId })
            yield* audit.record({ type: "passkey.renamed", userId, client, data: { passkeyId } })
            return toPasskey(renamed.value)
          }),
        )
      }),

      remove: Effect.fn("Passkeys.remove")(function* ({ session, user, passkeyId, client }) {
        const remove = Effect.map(store.remove(user.id, passkeyId), Option.isSome)
        yield* enrolments
          .remove({ session, user, factor: "passkey", remove, client })
          .pipe(Effect.catchTag("NotEnrolled", () => new PasskeyNotFound({ passkeyId })))
      }),
    })
  }),
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** What the authenticator keeps to say whose a credential is: the user's id, which tells nobody else anything. */
const toUserHandle = (userId: UserId): string => Base64Url.encode(userId)

const factorOf = (isUserVerified: boolean) => (isUserVerified ? "passkey" : "security-key")

/**
 * A key in one piece of hardware or one that may be copied, used by somebody present; with the user verified, two
 * kinds.
 */
const amrOf = ({ isMultiDevice }: StoredPasskey, isUserVerified: boolean): ReadonlyArray<AuthenticationMethod> => [
  isMultiDevice ? "swk" : "hwk",
  "user",
  ...(isUserVerified ? (["mfa"] as const) : []),
]

const toPasskey = ({ id, name, aaguid, isBackedUp, createdAt, lastUsedAt }: StoredPasskey): Passkey => ({
  id,
  name,
  aaguid,
  isBackedUp,
  createdAt,
  lastUsedAt,
})
