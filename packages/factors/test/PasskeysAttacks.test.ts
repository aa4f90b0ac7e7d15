/**
 * What passkeys withstand: each test is an attack, and says which guard stops it by the reason in the audit log.
 */
import { Audit } from "@belfry/core/Audit"
import { Users } from "@belfry/core/Users"
import { PasskeyStore } from "@belfry/factors/PasskeyStore"
import { attemptPolicy } from "@belfry/factors/SignInAttempt"
import { limits } from "@belfry/factors/SignInRules"
import type { AuthenticationResponse } from "@belfry/factors/WebAuthn"
import * as VirtualAuthenticator from "@belfry/testing/VirtualAuthenticator"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option } from "effect"
import { TestClock } from "effect/testing"
import { clientAt, complete, home, layer, pending } from "./support/People.ts"
import {
  answer,
  begin,
  enrol,
  failureOf,
  join,
  optionsIn,
  prove,
  proved,
  registrationOptions,
  sessionsOf,
  signIn,
} from "./support/PasskeyPeople.ts"

/** Why passkeys were refused, the first one first. */
const refusals = Effect.map(
  Audit.use((audit) => audit.list({ limit: 1000 })),
  (events) =>
    events
      .filter(({ type, data }) => type === "sign-in.refused" && data["factor"] === "passkey")
      .map(({ reason }) => reason)
      .toReversed(),
)

/** The response with other bytes of the response proper. */
const withResponse = (
  response: AuthenticationResponse,
  fields: Partial<AuthenticationResponse["response"]>,
): AuthenticationResponse => ({ ...response, response: { ...response.response, ...fields } })

const asItIs = (response: AuthenticationResponse) => response

/** Bytes that are nothing here. */
const other = "AAECAwQFBgcICQ"

interface Attack {
  readonly behaviour?: VirtualAuthenticator.Behaviour
  readonly tamper?: (response: AuthenticationResponse) => AuthenticationResponse
  readonly reason: string
}

const attacks: Readonly<Record<string, Attack>> = {
  "made for another site": { behaviour: { origin: "https://evil.example" }, reason: "verification" },
  "made for another port": { behaviour: { origin: "http://localhost:3001" }, reason: "verification" },
  "made for another relying party": { behaviour: { rpId: "evil.example" }, reason: "verification" },
  "made in a frame of another site": { behaviour: { clientData: { crossOrigin: true } }, reason: "malformed" },
  "made below another top origin": {
    behaviour: { clientData: { topOrigin: "https://evil.example" } },
    reason: "malformed",
  },
  "made for a registration": { behaviour: { clientData: { type: "webauthn.create" } }, reason: "verification" },
  "made without anybody there": { behaviour: { isUserPresent: false }, reason: "verification" },
  "made for a challenge of their own": { behaviour: { challenge: other }, reason: "challenge" },
  "made by a credential that may be copied, where it was not": {
    behaviour: { isBackupEligible: true },
    reason: "backup-eligibility",
  },
  "that says it is somebody else's": { behaviour: { userHandle: other }, reason: "user-handle" },
  "that does not say whose it is": { behaviour: { userHandle: null }, reason: "user-handle" },
  "of an unknown credential": {
    tamper: (response) => ({ ...response, id: other, rawId: other }),
    reason: "unknown-credential",
  },
  "whose ids differ": { tamper: (response) => ({ ...response, rawId: other }), reason: "verification" },
  "with another signature": {
    tamper: (response) => withResponse(response, { signature: `${response.response.signature.slice(0, -4)}AAAA` }),
    reason: "verification",
  },
  "without a signature": { tamper: (response) => withResponse(response, { signature: "" }), reason: "verification" },
  "that says its user was verified, where the key did not": {
    behaviour: { isUserVerified: false },
    tamper: (response) => {
      const data = Buffer.from(response.response.authenticatorData, "base64url")
      data[32] = 0x05
      return withResponse(response, { authenticatorData: data.toString("base64url") })
    },
    reason: "verification",
  },
}

describe("A passkey is refused with an assertion", () => {
  for (const [what, { behaviour, tamper = asItIs, reason }] of Object.entries(attacks)) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const phone = VirtualAuthenticator.make()
        const ada = yield* join("ada")
        yield* enrol(ada, phone)
        const sessions = yield* sessionsOf(ada.user)
        const { token, options } = yield* begin()
        const response = tamper(yield* phone.authenticate(options, behaviour))
        assert.strictEqual(yield* failureOf(prove(token, response)), "PasskeyInvalid")
        assert.deepStrictEqual(yield* refusals, [reason])
        assert.deepStrictEqual(yield* sessionsOf(ada.user), sessions)
        // The honest one goes through: it was that which was refused, and nothing was used up.
        yield* complete(answer({ token, options }, phone))
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("signed by the attacker's own key under the name of the victim's credential", () =>
    Effect.gen(function* () {
      const [phone, evil] = [VirtualAuthenticator.make(), VirtualAuthenticator.make()]
      const [ada, eve] = [yield* join("ada"), yield* join("eve")]
      yield* enrol(ada, phone)
      yield* enrol(eve, evil)
      const { token, options } = yield* begin()
      const { id } = yield* phone.authenticate(options)
      const forged = { ...(yield* evil.authenticate(options)), id, rawId: id }
      assert.strictEqual(yield* failureOf(prove(token, forged)), "PasskeyInvalid")
      const userHandle = Buffer.from(ada.user.id).toString("base64url")
      assert.strictEqual(yield* failureOf(prove(token, withResponse(forged, { userHandle }))), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["user-handle", "verification"])
    }).pipe(Effect.provide(layer)),
  )
})

describe("A challenge of a sign-in", () => {
  it.effect("is used up by the assertion that counts: heard on the wire, it is worth nothing", () =>
    Effect.gen(function* () {
      const key = VirtualAuthenticator.make({ isUserVerified: false, signCount: 0 })
      const ada = yield* join("ada")
      yield* enrol(ada, key)
      const { token, options } = yield* begin()
      const response = yield* key.authenticate(options)
      const next = yield* pending(prove(token, response))
      assert.strictEqual(yield* failureOf(prove(token, response)), "SignInRefused:invalid")
      assert.strictEqual(yield* failureOf(prove(next.token, response)), "PasskeyInvalid")
      const elsewhere = yield* begin()
      assert.strictEqual(yield* failureOf(prove(elsewhere.token, response)), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["challenge", "challenge"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is good in its own sign-in only", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      yield* enrol(ada, phone)
      const [mine, victims] = [yield* begin(), yield* begin()]
      const response = yield* phone.authenticate(victims.options)
      assert.strictEqual(yield* failureOf(prove(mine.token, response)), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["challenge"])
      yield* complete(prove(victims.token, response))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not one of a registration", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      yield* enrol(ada, phone)
      const { challenge } = yield* registrationOptions(ada.by)
      assert.strictEqual(yield* failureOf(signIn(phone, { challenge })), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["challenge"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is good for 5 minutes, and not at the end of them", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      yield* enrol(ada, phone)
      const [early, late] = [yield* begin(), yield* begin()]
      const inTime = yield* phone.authenticate(early.options)
      const tooLate = yield* phone.authenticate(late.options)
      yield* TestClock.adjust(5 * 60_000 - 1)
      yield* complete(prove(early.token, inTime))
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* failureOf(prove(late.token, tooLate)), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["challenge"])
    }).pipe(Effect.provide(layer)),
  )
})

describe("Passkeys of others", () => {
  it.effect("are no second factor: the sign-in stays with the user who proved the first", () =>
    Effect.gen(function* () {
      const [phone, evil] = [VirtualAuthenticator.make(), VirtualAuthenticator.make()]
      const [ada, eve] = [yield* join("ada"), yield* join("eve")]
      yield* enrol(ada, phone)
      yield* enrol(eve, evil)
      const sessions = yield* sessionsOf(ada.user)
      const { token } = yield* proved(ada.user)
      const options = yield* optionsIn(token)
      assert.strictEqual(options.allowCredentials.length, 1)
      const forged = yield* evil.authenticate({ ...options, allowCredentials: [] })
      assert.strictEqual(yield* failureOf(prove(token, forged)), "SignInRefused:user-mismatch")
      assert.deepStrictEqual(yield* sessionsOf(ada.user), sessions)
      const { user } = yield* complete(answer({ token, options }, phone))
      assert.deepStrictEqual(user, ada.user)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are named to nobody who proved nothing", () =>
    Effect.gen(function* () {
      const ada = yield* join("ada")
      yield* enrol(ada, VirtualAuthenticator.make())
      const { token, options } = yield* begin()
      assert.deepStrictEqual(
        [options, yield* optionsIn(token)].map(({ allowCredentials }) => allowCredentials),
        [[], []],
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("go with their users", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      yield* enrol(ada, phone)
      const { token, options } = yield* begin()
      yield* Users.use((users) => users.remove(ada.user.id, home))
      assert.strictEqual(yield* failureOf(answer({ token, options }, phone)), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["unknown-credential"])
    }).pipe(Effect.provide(layer)),
  )
})

describe("A copy of an authenticator", () => {
  for (const [what, counts] of Object.entries({
    "stands still": [7, 7],
    "goes backwards": [7, 6],
    "falls to 0": [7, 0],
  })) {
    it.effect(`is noticed when its counter ${what}`, () =>
      Effect.gen(function* () {
        const phone = VirtualAuthenticator.make()
        const ada = yield* join("ada")
        yield* enrol(ada, phone)
        const [first, second] = counts
        yield* complete(signIn(phone, { signCount: first ?? 0 }))
        const { token, options } = yield* begin()
        const response = yield* phone.authenticate(options, { signCount: second ?? 0 })
        assert.strictEqual(yield* failureOf(prove(token, response)), "PasskeyInvalid")
        assert.deepStrictEqual(yield* refusals, ["counter"])
        // What did not count used nothing up: the honest authenticator, which is ahead, still signs in.
        yield* complete(answer({ token, options }, phone, { signCount: 8 }))
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("is noticed by an assertion that is right but older than one that came since", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      yield* enrol(ada, phone)
      const old = yield* begin()
      const kept = yield* phone.authenticate(old.options)
      yield* complete(signIn(phone))
      assert.strictEqual(yield* failureOf(prove(old.token, kept)), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["counter"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("sets off no alarm without a signature: a stranger's counter is not looked at", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      const { id } = yield* enrol(ada, phone).pipe(Effect.map(({ passkey }) => passkey))
      yield* complete(signIn(phone, { signCount: 7 }))
      const { token, options } = yield* begin()
      const forged = withResponse(yield* phone.authenticate(options, { signCount: 6 }), { signature: other })
      assert.strictEqual(yield* failureOf(prove(token, forged)), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["verification"])
      const stored = yield* PasskeyStore.use((store) => store.listByUser(ada.user.id))
      assert.deepStrictEqual(
        stored.map((passkey) => [passkey.id, passkey.signCount]),
        [[id, 7]],
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("cannot be told where authenticators do not count, which are let in", () =>
    Effect.gen(function* () {
      const manager = VirtualAuthenticator.make({ signCount: 0 })
      const ada = yield* join("ada")
      yield* enrol(ada, manager)
      for (let time = 0; time < 3; time++) yield* complete(signIn(manager))
    }).pipe(Effect.provide(layer)),
  )
})

describe("Answers in a crowd", () => {
  it.effect("end in one session when 50 fibers bring the same assertion", () =>
    Effect.gen(function* () {
      const manager = VirtualAuthenticator.make({ signCount: 0 })
      const ada = yield* join("ada")
      yield* enrol(ada, manager)
      const sessions = yield* sessionsOf(ada.user)
      const { token, options } = yield* begin()
      const response = yield* manager.authenticate(options)
      const exits = yield* Effect.all(
        Array.from({ length: 50 }, () => Effect.exit(prove(token, response))),
        { concurrency: "unbounded" },
      )
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      for (const exit of exits) {
        if (Exit.isSuccess(exit)) continue
        const error = Exit.findErrorOption(exit)
        assert.include(["PasskeyInvalid", "SignInRefused"], Option.getOrUndefined(error)?._tag)
      }
      assert.strictEqual((yield* sessionsOf(ada.user)).length, sessions.length + 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lock the sign-in when they are wrong too often, and count nothing against the user", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      yield* enrol(ada, phone)
      // More tries in all than a user has for codes.
      for (let round = 0; round < 3; round++) {
        const { token } = yield* proved(ada.user)
        const options = yield* optionsIn(token)
        for (let tries = 0; tries < attemptPolicy.maxTries; tries++) {
          const wrong = yield* phone.authenticate(options, { origin: "https://evil.example" })
          assert.strictEqual(yield* failureOf(prove(token, wrong)), "PasskeyInvalid")
        }
        assert.strictEqual(yield* failureOf(answer({ token, options }, phone)), "SignInRefused:locked")
      }
      const { token } = yield* proved(ada.user)
      yield* complete(answer({ token, options: yield* optionsIn(token) }, phone))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are limited by address", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      yield* enrol(ada, phone)
      const { limit } = limits.factorByAddress
      for (let tries = 0; tries < limit; tries += attemptPolicy.maxTries) {
        const { token, options } = yield* begin()
        const wrong = yield* phone.authenticate(options, { userHandle: null })
        const round = Array.from({ length: attemptPolicy.maxTries }, () => failureOf(prove(token, wrong)))
        assert.deepStrictEqual(new Set(yield* Effect.all(round)), new Set(["PasskeyInvalid"]))
      }
      const { token, options } = yield* begin()
      const response = yield* phone.authenticate(options)
      assert.strictEqual(yield* failureOf(prove(token, response)), "RateLimited")
      yield* complete(prove(token, response, clientAt("198.51.100.7")))
    }).pipe(Effect.provide(layer)),
  )
})
