/**
 * Passkeys as people use them: set up, sign in, look after.
 */
import { Audit } from "@belfry/core/Audit"
import { EnrolmentStore } from "@belfry/factors/EnrolmentStore"
import { PasskeyId } from "@belfry/factors/Passkey"
import { Passkeys } from "@belfry/factors/Passkeys"
import { limits } from "@belfry/factors/SignInRules"
import * as VirtualAuthenticator from "@belfry/testing/VirtualAuthenticator"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import { TestClock } from "effect/testing"
import { algorithms } from "../src/internal/webAuthnVerifier.ts"
import { auditTrail, clientAt, complete, home, layer, mails, pending } from "./support/People.ts"
import {
  answer,
  begin,
  enrol,
  failureOf,
  join,
  layerWith,
  optionsIn,
  proved,
  register,
  registrationOptions,
  returnOf,
  sessionsOf,
  signIn,
} from "./support/PasskeyPeople.ts"

const list = (user: { readonly id: Parameters<Passkeys["Service"]["list"]>[0] }) =>
  Passkeys.use((passkeys) => passkeys.list(user.id))

describe("Signing in with a passkey", () => {
  it.effect("needs no name and nothing else, where the authenticator verifies its user", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      yield* enrol(ada, phone)
      const { options, token } = yield* begin()
      assert.deepStrictEqual(
        { ...options, challenge: "" },
        { challenge: "", timeout: 300_000, rpId: "localhost", allowCredentials: [], userVerification: "preferred" },
      )
      yield* TestClock.adjust("1 minute")
      const { user, session } = yield* complete(answer({ options, token }, phone))
      assert.deepStrictEqual(user, ada.user)
      assert.deepStrictEqual([session.amr, session.acr], [["hwk", "user", "mfa"], "aal2"])
      assert.deepStrictEqual(
        (yield* list(user)).map(({ lastUsedAt }) => lastUsedAt),
        [yield* DateTime.now],
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("says so where the key is kept in copies", () =>
    Effect.gen(function* () {
      const manager = VirtualAuthenticator.make({ isBackupEligible: true, isBackedUp: true, signCount: 0 })
      const ada = yield* join("ada")
      const { passkey } = yield* enrol(ada, manager, { isBackedUp: false })
      assert.isFalse(passkey.isBackedUp)
      const { session, user } = yield* complete(signIn(manager))
      assert.deepStrictEqual(session.amr, ["swk", "user", "mfa"])
      assert.isTrue((yield* list(user))[0]?.isBackedUp)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("goes on where the authenticator did not verify its user: whose it is, is known from then on", () =>
    Effect.gen(function* () {
      const key = VirtualAuthenticator.make({ isUserVerified: false })
      const ada = yield* join("ada")
      yield* enrol(ada, key)
      const sessions = yield* sessionsOf(ada.user)
      const { state } = yield* pending(signIn(key))
      assert.deepStrictEqual(state.user, ada.user)
      assert.deepStrictEqual(
        state.attempt.proofs.map(({ factor, amr }) => [factor, amr]),
        [["security-key", ["hwk", "user"]]],
      )
      assert.includeMembers([...state.factors], ["passkey", "email-code"])
      assert.deepStrictEqual(yield* sessionsOf(ada.user), sessions)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("completes it by the same key, once that verifies its user", () =>
    Effect.gen(function* () {
      const key = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      yield* enrol(ada, key)
      const { token } = yield* pending(signIn(key, { isUserVerified: false }))
      const { session } = yield* complete(answer({ token, options: yield* optionsIn(token) }, key))
      assert.deepStrictEqual(session.amr, ["hwk", "user", "mfa"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("counts a second key as what the first one was: possession, and no more", () =>
    Effect.gen(function* () {
      const [first, second] = [
        VirtualAuthenticator.make({ isUserVerified: false }),
        VirtualAuthenticator.make({ isUserVerified: false }),
      ]
      const ada = yield* join("ada")
      yield* enrol(ada, first)
      yield* enrol(ada, second)
      const sessions = yield* sessionsOf(ada.user)
      const { token } = yield* pending(signIn(first))
      const { state } = yield* pending(answer({ token, options: yield* optionsIn(token) }, second))
      assert.deepStrictEqual(
        state.attempt.proofs.map(({ factor }) => factor),
        ["security-key", "security-key"],
      )
      assert.deepStrictEqual(yield* sessionsOf(ada.user), sessions)
    }).pipe(Effect.provide(layer)),
  )

  for (const algorithm of ["ES256", "EdDSA", "RS256"] as const) {
    it.effect(`is a second factor as well, by a key that may not know its user (${algorithm})`, () =>
      Effect.gen(function* () {
        const key = VirtualAuthenticator.make({ algorithm, isUserVerified: false, transports: ["usb", "nfc"] })
        const ada = yield* join("ada")
        yield* enrol(ada, key)
        const { token, state } = yield* proved(ada.user)
        assert.deepStrictEqual(state.factors, ["passkey", "security-key", "backup-code"])
        const options = yield* optionsIn(token)
        assert.deepStrictEqual(
          options.allowCredentials.map(({ transports }) => transports),
          [["usb", "nfc"]],
        )
        // Who was named needs not be named again: a credential that is not discoverable has no user handle.
        const { session } = yield* complete(answer({ token, options }, key, { userHandle: null }))
        assert.deepStrictEqual([session.amr, session.acr], [["pwd", "hwk", "user", "mfa"], "aal2"])
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("takes each of several passkeys", () =>
    Effect.gen(function* () {
      const [phone, laptop] = [VirtualAuthenticator.make(), VirtualAuthenticator.make()]
      const ada = yield* join("ada")
      yield* enrol(ada, phone)
      yield* enrol(ada, laptop)
      const { token } = yield* proved(ada.user)
      assert.strictEqual((yield* optionsIn(token)).allowCredentials.length, 2)
      yield* complete(signIn(phone))
      yield* complete(signIn(laptop))
      const bobs = VirtualAuthenticator.make()
      const bob = yield* join("bob")
      yield* enrol(bob, bobs)
      assert.deepStrictEqual((yield* complete(signIn(bobs))).user, bob.user)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("goes on in the sign-in that there is, and begins a new one where that is over", () =>
    Effect.gen(function* () {
      const passkeys = yield* Passkeys
      const first = yield* begin()
      const context = { returnTo: "/invoices" }
      const again = yield* passkeys.authenticationOptions({ token: first.token, client: home })
      assert.isNull(again.continues)
      assert.notStrictEqual(again.options.challenge, first.options.challenge)
      yield* TestClock.adjust("15 minutes")
      const late = yield* passkeys.authenticationOptions({ token: first.token, context, client: home })
      assert.notStrictEqual(late.continues?.state.attempt.id, first.attempt.id)
      assert.deepStrictEqual(late.continues?.state.attempt.context, context)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not offered where the policy does not take it", () =>
    Effect.gen(function* () {
      const ada = yield* join("ada")
      const { token } = yield* proved(ada.user, "email-code", ["email"])
      assert.strictEqual(yield* failureOf(optionsIn(token)), "SignInRefused:factor-unavailable")
    }).pipe(Effect.provide(layerWith({ secondFactor: "required", firstFactors: ["email-code"] }))),
  )

  it.effect("limits how often an address asks for options, in a sign-in and for a new passkey", () =>
    Effect.gen(function* () {
      const ada = yield* join("ada")
      const { token } = yield* begin(clientAt("192.0.2.9"))
      for (let asked = 0; asked < limits.passkeyOptionsByAddress.limit; asked++) yield* optionsIn(token)
      assert.strictEqual(yield* failureOf(optionsIn(token)), "RateLimited")
      assert.strictEqual(yield* failureOf(registrationOptions(ada.by)), "RateLimited")
      yield* registrationOptions(ada.by, clientAt("192.0.2.10"))
    }).pipe(Effect.provide(layer)),
  )
})

describe("Setting up a passkey", () => {
  it.effect("asks the browser for one of this site and this user, not attested, and not for one that there is", () =>
    Effect.gen(function* () {
      const ada = yield* join("ada")
      const response = yield* VirtualAuthenticator.make({ transports: ["hybrid"] }).register(
        yield* registrationOptions(ada.by),
      )
      yield* register(ada.by, response)
      const options = yield* registrationOptions(ada.by)
      assert.deepStrictEqual(
        { ...options, challenge: "" },
        {
          rp: { id: "localhost", name: "Belfry" },
          user: {
            id: Buffer.from(ada.user.id).toString("base64url"),
            name: "ada@example.com",
            displayName: "ada@example.com",
          },
          challenge: "",
          pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key", alg })),
          timeout: 300_000,
          excludeCredentials: [{ type: "public-key", id: response.id, transports: ["hybrid"] }],
          authenticatorSelection: {
            residentKey: "preferred",
            requireResidentKey: false,
            userVerification: "preferred",
          },
          attestation: "none",
          extensions: { credProps: true },
        },
      )
      // 256 random bits and a checksum behind a prefix.
      assert.match(Buffer.from(options.challenge, "base64url").toString(), /^belfry_verify_\w{43,}$/u)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("names a passkey as asked, else by the model of its authenticator, else plainly", () =>
    Effect.gen(function* () {
      const ada = yield* join("ada")
      const device = VirtualAuthenticator.make()
      const named = yield* register(ada.by, yield* device.register(yield* registrationOptions(ada.by)), "Work phone")
      const known = yield* enrol(ada, device, { aaguid: "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4" })
      const unknown = yield* enrol(ada, device, { aaguid: "12345678-90ab-cdef-1234-567890abcdef" })
      const silent = yield* enrol(ada, device)
      const all = [named, known, unknown, silent].map(({ passkey }) => passkey)
      assert.deepStrictEqual(
        all.map(({ name }) => name),
        ["Work phone", "Google Password Manager", "Passkey", "Passkey"],
      )
      assert.strictEqual(unknown.passkey.aaguid, "12345678-90ab-cdef-1234-567890abcdef")
      assert.deepStrictEqual(yield* list(ada.user), all)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("makes backup codes with the first one only, and tells the user by mail each time", () =>
    Effect.gen(function* () {
      const ada = yield* join("ada")
      const first = yield* enrol(ada, VirtualAuthenticator.make())
      assert.strictEqual(first.backupCodes?.length, 10)
      assert.isNull(first.signIn)
      const second = yield* enrol(ada, VirtualAuthenticator.make())
      assert.isNull(second.backupCodes)
      assert.deepStrictEqual(yield* mails, ["factor-enrolled", "factor-enrolled"])
      const enrolled = yield* EnrolmentStore.use((store) => store.list(ada.user.id))
      assert.deepStrictEqual(
        enrolled.map(({ factor, count }) => [factor, count]),
        [
          ["passkey", 2],
          ["backup-code", 10],
        ],
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("needs a fresh session, to ask and to answer", () =>
    Effect.gen(function* () {
      const ada = yield* join("ada")
      const options = yield* registrationOptions(ada.by)
      const response = yield* VirtualAuthenticator.make().register(options)
      yield* TestClock.adjust("7 minutes")
      const late = yield* VirtualAuthenticator.make().register(yield* registrationOptions(ada.by))
      yield* TestClock.adjust("3 minutes")
      assert.strictEqual(yield* failureOf(registrationOptions(ada.by)), "SessionNotFresh")
      assert.strictEqual(yield* failureOf(register(ada.by, response)), "SessionNotFresh")
      assert.strictEqual(yield* failureOf(register(ada.by, late)), "SessionNotFresh")
      assert.deepStrictEqual(yield* list(ada.user), [])
    }).pipe(Effect.provide(layer)),
  )

  for (const isUserVerified of [true, false]) {
    it.effect(`completes the sign-in that demands it (user ${isUserVerified ? "" : "not "}verified)`, () =>
      Effect.gen(function* () {
        const ada = yield* join("ada")
        const { token, state } = yield* proved(ada.user)
        assert.deepStrictEqual(state.enrol, ["passkey", "totp"])
        const enrolled = yield* enrol(
          { by: { _tag: "SignIn", token } },
          VirtualAuthenticator.make({ isUserVerified, isBackupEligible: true }),
        )
        assert.strictEqual(enrolled.backupCodes?.length, 10)
        assert.strictEqual(enrolled.signIn?._tag, "SignInComplete")
        if (enrolled.signIn?._tag !== "SignInComplete") return
        const { session, user } = enrolled.signIn
        assert.deepStrictEqual([session.amr, session.acr], [["pwd", "swk", "user", "mfa"], "aal2"])
        assert.deepStrictEqual(user, ada.user)
        assert.deepStrictEqual(yield* list(ada.user), [enrolled.passkey])
        const events = yield* Audit.use((audit) => audit.list({ userId: ada.user.id }))
        assert.deepStrictEqual(
          events.filter(({ type }) => type === "sign-in.proved").map(({ data }) => data["factor"]),
          ["password"],
        )
        assert.deepStrictEqual(
          events.filter(({ sessionId }) => sessionId === session.id).map(({ type, data }) => [type, data["factors"]]),
          [["session.started", ["password", isUserVerified ? "passkey" : "security-key"]]],
        )
      }).pipe(Effect.provide(layerWith({ secondFactor: "required" }))),
    )
  }

  it.effect("is not for a sign-in that does not demand it", () =>
    Effect.gen(function* () {
      const ada = yield* join("ada")
      yield* enrol(ada, VirtualAuthenticator.make())
      const { token } = yield* proved(ada.user)
      const by = { _tag: "SignIn", token } as const
      assert.strictEqual(yield* failureOf(registrationOptions(by)), "SignInRefused:factor-unavailable")
    }).pipe(Effect.provide(layerWith({ secondFactor: "required" }))),
  )
})

describe("Looking after passkeys", () => {
  const nobodys = PasskeyId.make("0199b5a0-0000-7000-8000-000000000000")

  it.effect("renames a passkey of one's own, and finds nobody else's", () =>
    Effect.gen(function* () {
      const passkeys = yield* Passkeys
      const [ada, eve] = [yield* join("ada"), yield* join("eve")]
      const { passkey } = yield* enrol(ada, VirtualAuthenticator.make())
      const rename = (userId: typeof ada.user.id, passkeyId: PasskeyId) =>
        passkeys.rename({ userId, passkeyId, name: "Blue key", client: home })
      assert.strictEqual(yield* failureOf(rename(eve.user.id, passkey.id)), "PasskeyNotFound")
      assert.strictEqual(yield* failureOf(rename(ada.user.id, nobodys)), "PasskeyNotFound")
      assert.deepStrictEqual(yield* list(ada.user), [passkey])
      const renamed = yield* rename(ada.user.id, passkey.id)
      assert.deepStrictEqual(renamed, { ...passkey, name: "Blue key" })
      assert.deepStrictEqual(yield* list(ada.user), [renamed])
      assert.deepStrictEqual(
        (yield* auditTrail).filter((type) => type === "passkey.renamed"),
        ["passkey.renamed"],
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("removes a passkey of one's own, which is worth nothing then, and finds nobody else's", () =>
    Effect.gen(function* () {
      const passkeys = yield* Passkeys
      const [ada, eve] = [yield* join("ada"), yield* join("eve")]
      const [lost, kept] = [VirtualAuthenticator.make(), VirtualAuthenticator.make()]
      const { passkey } = yield* enrol(ada, lost)
      yield* enrol(ada, kept)
      yield* enrol(eve, VirtualAuthenticator.make())
      const remove = ({ user, session }: typeof ada, passkeyId: PasskeyId) =>
        passkeys.remove({ session, user, passkeyId, client: home })
      assert.strictEqual(yield* failureOf(remove(eve, passkey.id)), "PasskeyNotFound")
      assert.strictEqual(yield* failureOf(remove(ada, nobodys)), "PasskeyNotFound")
      yield* complete(signIn(lost))
      yield* remove(ada, passkey.id)
      assert.strictEqual(yield* failureOf(remove(ada, passkey.id)), "PasskeyNotFound")
      assert.strictEqual(yield* failureOf(signIn(lost)), "PasskeyInvalid")
      yield* complete(signIn(kept))
      assert.deepStrictEqual(
        (yield* mails).filter((category) => category === "factor-removed"),
        ["factor-removed"],
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("removes in a fresh session only", () =>
    Effect.gen(function* () {
      const passkeys = yield* Passkeys
      const ada = yield* join("ada")
      const { passkey } = yield* enrol(ada, VirtualAuthenticator.make())
      yield* TestClock.adjust("10 minutes")
      const remove = ({ user, session }: typeof ada) =>
        passkeys.remove({ session, user, passkeyId: passkey.id, client: home })
      assert.strictEqual(yield* failureOf(remove(ada)), "SessionNotFresh")
      yield* remove(yield* returnOf(ada.user))
      assert.deepStrictEqual(yield* list(ada.user), [])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("keeps the last passkey where there is no other way in", () =>
    Effect.gen(function* () {
      const passkeys = yield* Passkeys
      const ada = yield* join("ada")
      const all = [
        yield* enrol(ada, VirtualAuthenticator.make()),
        yield* enrol(ada, VirtualAuthenticator.make()),
      ] as const
      const remove = (passkeyId: PasskeyId) => passkeys.remove({ ...ada, passkeyId, client: home })
      yield* remove(all[0].passkey.id)
      assert.strictEqual(yield* failureOf(remove(all[1].passkey.id)), "LastWayIn")
      assert.deepStrictEqual(yield* list(ada.user), [all[1].passkey])
    }).pipe(Effect.provide(layerWith({ firstFactors: ["passkey"] }))),
  )
})
