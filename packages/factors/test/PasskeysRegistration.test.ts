/**
 * What setting up a passkey withstands, and what garbage comes to: a refusal, whatever it is.
 */
import { Audit } from "@belfry/core/Audit"
import type { Enroller } from "@belfry/factors/Enrolments"
import { Passkeys } from "@belfry/factors/Passkeys"
import type { RegistrationResponse } from "@belfry/factors/WebAuthn"
import * as VirtualAuthenticator from "@belfry/testing/VirtualAuthenticator"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { randomBytes } from "node:crypto"
import { complete, layer } from "./support/People.ts"
import {
  answer,
  begin,
  enrol,
  failureOf,
  join,
  layerWith,
  prove,
  proved,
  register,
  registrationOptions,
  returnOf,
  signIn,
} from "./support/PasskeyPeople.ts"

/** Why registrations were refused, the first one first. */
const refusals = Effect.map(
  Audit.use((audit) => audit.list({ limit: 1000 })),
  (events) =>
    events
      .filter(({ type, data }) => type === "factor.refused" && data["factor"] === "passkey")
      .map(({ reason }) => reason)
      .toReversed(),
)

const passkeysOf = ({ user }: Effect.Success<ReturnType<typeof join>>) =>
  Passkeys.use((passkeys) => passkeys.list(user.id))

const asItIs = (response: RegistrationResponse) => response

interface Attack {
  readonly behaviour?: VirtualAuthenticator.Behaviour
  readonly tamper?: (response: RegistrationResponse) => RegistrationResponse
  readonly reason: string
}

const x5c = new Map([["x5c", [Buffer.from("certificate")]]])

const attacks: Readonly<Record<string, Attack>> = {
  "made for another site": { behaviour: { origin: "https://evil.example" }, reason: "verification" },
  "made for another relying party": { behaviour: { rpId: "evil.example" }, reason: "verification" },
  "made in a frame of another site": { behaviour: { clientData: { crossOrigin: true } }, reason: "malformed" },
  "made for a sign-in": { behaviour: { clientData: { type: "webauthn.get" } }, reason: "verification" },
  "made without anybody there": { behaviour: { isUserPresent: false }, reason: "verification" },
  "made for a challenge of their own": { behaviour: { challenge: "AAECAwQFBgc" }, reason: "challenge" },
  "said to be backed up and bound to one device": { behaviour: { isBackedUp: true }, reason: "verification" },
  "attested by certificates, which nobody asked for": {
    behaviour: { attestation: { fmt: "packed", attStmt: x5c } },
    reason: "attestation",
  },
  "attested in a format that takes certificates": {
    behaviour: { attestation: { fmt: "apple", attStmt: new Map() } },
    reason: "attestation",
  },
  "with a statement where there is to be none": {
    behaviour: { attestation: { fmt: "none", attStmt: new Map([["sig", "AA"]]) } },
    reason: "verification",
  },
  "under another id than the one that it was made with": {
    tamper: (response) => ({ ...response, id: "AAECAwQFBgc", rawId: "AAECAwQFBgc" }),
    reason: "malformed",
  },
  "under an id of more than 1023 bytes": {
    behaviour: { credentialId: randomBytes(1024).toString("base64url") },
    reason: "malformed",
  },
}

describe("A passkey is not set up that was", () => {
  for (const [what, { behaviour, tamper = asItIs, reason }] of Object.entries(attacks)) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const phone = VirtualAuthenticator.make()
        const ada = yield* join("ada")
        const options = yield* registrationOptions(ada.by)
        const response = tamper(yield* phone.register(options, behaviour))
        assert.strictEqual(yield* failureOf(register(ada.by, response)), "PasskeyInvalid")
        assert.deepStrictEqual(yield* refusals, [reason])
        assert.deepStrictEqual(yield* passkeysOf(ada), [])
        // The honest one goes through: it was that which was refused, and nothing was used up.
        const { passkey } = yield* register(ada.by, yield* phone.register(options))
        assert.deepStrictEqual(yield* passkeysOf(ada), [passkey])
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("set up by somebody before: whose it is does not change", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const [ada, eve] = [yield* join("ada"), yield* join("eve")]
      const { id: credentialId } = yield* phone.register(yield* registrationOptions(ada.by))
      yield* enrol(ada, phone, { credentialId })
      for (const thief of [eve, ada]) {
        assert.strictEqual(yield* failureOf(enrol(thief, phone, { credentialId })), "PasskeyInvalid")
      }
      assert.deepStrictEqual(yield* refusals, ["known-credential", "known-credential"])
      assert.deepStrictEqual(yield* passkeysOf(eve), [])
      assert.deepStrictEqual((yield* complete(signIn(phone))).user, ada.user)
    }).pipe(Effect.provide(layer)),
  )
})

describe("A self-attested passkey", () => {
  it.effect("is set up where its own key signed", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make({ attestation: "self" })
      const ada = yield* join("ada")
      yield* enrol(ada, phone)
      yield* complete(signIn(phone))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("has to be signed by its own key", () =>
    Effect.gen(function* () {
      const ada = yield* join("ada")
      const attStmt = new Map<string, VirtualAuthenticator.Cbor>([
        ["alg", -7],
        ["sig", randomBytes(70)],
      ])
      const forged = enrol(ada, VirtualAuthenticator.make(), { attestation: { fmt: "packed", attStmt } })
      assert.strictEqual(yield* failureOf(forged), "PasskeyInvalid")
    }).pipe(Effect.provide(layer)),
  )
})

describe("A challenge for a new passkey", () => {
  it.effect("is good once", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      const options = yield* registrationOptions(ada.by)
      yield* register(ada.by, yield* phone.register(options))
      assert.strictEqual(yield* failureOf(register(ada.by, yield* phone.register(options))), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["challenge"])
      assert.strictEqual((yield* passkeysOf(ada)).length, 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is good for one of 50 fibers that bring a passkey each", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      const options = yield* registrationOptions(ada.by)
      const responses = yield* Effect.forEach(Array.from({ length: 50 }), () => phone.register(options))
      const exits = yield* Effect.forEach(responses, (response) => Effect.exit(register(ada.by, response)), {
        concurrency: "unbounded",
      })
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      assert.strictEqual((yield* passkeysOf(ada)).length, 1)
      assert.deepStrictEqual(new Set(yield* refusals), new Set(["challenge"]))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is good for its user, in the session that asked for it", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const [ada, eve] = [yield* join("ada"), yield* join("eve")]
      const elsewhere = yield* returnOf(ada.user)
      const response = yield* phone.register(yield* registrationOptions(ada.by))
      assert.strictEqual(yield* failureOf(register(eve.by, response)), "PasskeyInvalid")
      assert.strictEqual(yield* failureOf(register(elsewhere.by, response)), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["challenge", "challenge"])
      yield* register(ada.by, response)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is good in the sign-in that asked for it, in no other of the user and in no session", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      const inSignIn = (token: Effect.Success<ReturnType<typeof proved>>["token"]): Enroller => ({
        _tag: "SignIn",
        token,
      })
      const [mine, other] = [inSignIn((yield* proved(ada.user)).token), inSignIn((yield* proved(ada.user)).token)]
      const response = yield* phone.register(yield* registrationOptions(mine))
      assert.strictEqual(yield* failureOf(register(other, response)), "PasskeyInvalid")
      assert.strictEqual(yield* failureOf(register(ada.by, response)), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["challenge", "challenge"])
      yield* register(mine, response)
    }).pipe(Effect.provide(layerWith({ secondFactor: "required" }))),
  )

  it.effect("is not one of a sign-in", () =>
    Effect.gen(function* () {
      const ada = yield* join("ada")
      const { options } = yield* begin()
      const { challenge } = options
      assert.strictEqual(yield* failureOf(enrol(ada, VirtualAuthenticator.make(), { challenge })), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["challenge"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is good for 5 minutes, and not at the end of them", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      const [early, late] = [yield* registrationOptions(ada.by), yield* registrationOptions(ada.by)]
      yield* TestClock.adjust(5 * 60_000 - 1)
      yield* register(ada.by, yield* phone.register(early))
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* failureOf(register(ada.by, yield* phone.register(late))), "PasskeyInvalid")
      assert.deepStrictEqual(yield* refusals, ["challenge"])
    }).pipe(Effect.provide(layer)),
  )
})

/** Bytes of a response that are overwritten: which, where, and by what. */
const damage = <const Fields extends ReadonlyArray<string>>(fields: Fields) =>
  Schema.Struct({
    field: Schema.Literals(fields),
    at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 })),
    bytes: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))).check(Schema.isMaxLength(40)),
    isCut: Schema.Boolean,
  })

/** Overwrites bytes, and cuts off what is behind them. */
const damaged = (
  base64url: string,
  { at, bytes, isCut }: { readonly at: number; readonly bytes: ReadonlyArray<number>; readonly isCut: boolean },
): string => {
  const before = Buffer.from(base64url, "base64url")
  const from = at % (before.length + 1)
  return Buffer.concat([
    before.subarray(0, from),
    Buffer.from(bytes),
    isCut ? Buffer.alloc(0) : before.subarray(from + bytes.length),
  ]).toString("base64url")
}

const outcomeOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) =>
    Exit.isSuccess(exit)
      ? "success"
      : Option.match(Exit.findErrorOption(exit), { onNone: () => "defect", onSome: ({ _tag }) => _tag }),
  )

/** What a response says: as text, or by the bytes that its texts stand for. */
const meaningOf = (response: object, inBytes: boolean): string =>
  JSON.stringify(response, (_key, value: unknown) =>
    inBytes && typeof value === "string" ? Buffer.from(value, "base64url").toString("hex") : value,
  )

describe("Garbage", () => {
  it.effect.prop(
    "in an assertion is refused, wherever it is, and no sign-in gets on by it",
    [damage(["id", "rawId", "clientDataJSON", "authenticatorData", "signature", "userHandle"])],
    ([harm]) =>
      Effect.gen(function* () {
        const phone = VirtualAuthenticator.make()
        const ada = yield* join("ada")
        yield* enrol(ada, phone)
        const { token, options } = yield* begin()
        const response = yield* phone.authenticate(options)
        const change = (field: typeof harm.field, value: string) =>
          field === harm.field ? damaged(value, harm) : value
        const { clientDataJSON, authenticatorData, signature, userHandle } = response.response
        const changed = {
          id: change("id", response.id),
          rawId: change("rawId", response.rawId),
          type: response.type,
          response: {
            clientDataJSON: change("clientDataJSON", clientDataJSON),
            authenticatorData: change("authenticatorData", authenticatorData),
            signature: change("signature", signature),
            userHandle: change("userHandle", userHandle ?? ""),
          },
        }
        // The last character of base64url may have bits that no byte has: then the bytes are what they were.
        const inBytes = ["clientDataJSON", "authenticatorData", "signature"].includes(harm.field)
        const isTheSame = meaningOf(changed, inBytes) === meaningOf(response, inBytes)
        assert.strictEqual(yield* outcomeOf(prove(token, changed)), isTheSame ? "success" : "PasskeyInvalid")
        if (!isTheSame) yield* complete(answer({ token, options }, phone))
      }).pipe(Effect.provide(layer)),
  )

  it.effect("around the numbers of a signature is refused, though the numbers are right", () =>
    Effect.gen(function* () {
      const phone = VirtualAuthenticator.make()
      const ada = yield* join("ada")
      yield* enrol(ada, phone)
      const { token, options } = yield* begin()
      const response = yield* phone.authenticate(options)
      const bytes = [...Buffer.from(response.response.signature, "base64url")]
      const [, length = 0, , lengthOfR = 0, ...numbers] = bytes
      const others = [
        [...bytes, 0],
        // A length in the long form, and a number with a zero that it does not need.
        [0x30, 0x81, length, ...bytes.slice(2)],
        [0x30, length + 1, 0x02, lengthOfR + 1, 0, ...numbers],
      ]
      for (const other of others) {
        const signature = Buffer.from(other).toString("base64url")
        const changed = { ...response, response: { ...response.response, signature } }
        assert.strictEqual(yield* outcomeOf(prove(token, changed)), "PasskeyInvalid")
      }
      yield* complete(answer({ token, options }, phone))
    }).pipe(Effect.provide(layer)),
  )

  it.effect.prop(
    "in a registration is refused, or makes a passkey of that user; no sign-in breaks by it",
    [damage(["id", "rawId", "clientDataJSON", "attestationObject"])],
    ([harm]) =>
      Effect.gen(function* () {
        const phone = VirtualAuthenticator.make()
        const ada = yield* join("ada")
        const response = yield* phone.register(yield* registrationOptions(ada.by))
        const change = (field: typeof harm.field, value: string) =>
          field === harm.field ? damaged(value, harm) : value
        const outcome = yield* outcomeOf(
          register(ada.by, {
            id: change("id", response.id),
            rawId: change("rawId", response.rawId),
            type: response.type,
            response: {
              clientDataJSON: change("clientDataJSON", response.response.clientDataJSON),
              attestationObject: change("attestationObject", response.response.attestationObject),
            },
          }),
        )
        assert.include(["success", "PasskeyInvalid"], outcome)
        assert.strictEqual((yield* passkeysOf(ada)).length, outcome === "success" ? 1 : 0)
        if (outcome === "PasskeyInvalid") return
        // Model, counter and key are not attested, so they may be anything that is well-formed.
        const { token, options } = yield* begin()
        assert.include(
          ["success", "PasskeyInvalid", "SignInRefused"],
          yield* outcomeOf(Effect.asVoid(answer({ token, options }, phone))),
        )
      }).pipe(Effect.provide(layer)),
  )
})
