/**
 * What passes between our API and a browser's `PublicKeyCredential`.
 */
import {
  AuthenticationOptions,
  AuthenticationResponse,
  RegistrationOptions,
  RegistrationResponse,
} from "@belfry/factors/WebAuthn"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { relyingParty } from "../src/internal/webAuthnVerifier.ts"
import { begin, join, registrationOptions } from "./support/PasskeyPeople.ts"
import { layer } from "./support/People.ts"

const accepts = <S extends Schema.Codec<unknown, unknown>>(schema: S, input: unknown): boolean =>
  Result.isSuccess(Schema.decodeUnknownResult(Schema.toCodecJson(schema))(input))

const attested = {
  id: "AAEC",
  rawId: "AAEC",
  type: "public-key",
  response: { clientDataJSON: "e30", attestationObject: "oA", transports: ["usb"] },
}

const asserted = {
  id: "AAEC",
  rawId: "AAEC",
  type: "public-key",
  response: { clientDataJSON: "e30", authenticatorData: "AAEC", signature: "AAEC", userHandle: "AAEC" },
}

describe("The response of an authenticator", () => {
  it("is taken as a browser's toJSON makes it, without the members that are not read", () => {
    const decode = Schema.decodeUnknownSync(RegistrationResponse)
    const response = { ...attested.response, publicKeyAlgorithm: -7, publicKey: "AAEC", authenticatorData: "AAEC" }
    assert.deepStrictEqual(
      decode({ ...attested, response, authenticatorAttachment: "platform", clientExtensionResults: { credProps: {} } }),
      decode(attested),
    )
    assert.isTrue(accepts(AuthenticationResponse, { ...asserted, clientExtensionResults: {} }))
  })

  it("need not name transports or a user", () => {
    const { transports: _transports, ...response } = attested.response
    assert.isTrue(accepts(RegistrationResponse, { ...attested, response }))
    const { userHandle: _userHandle, ...assertion } = asserted.response
    assert.isTrue(accepts(AuthenticationResponse, { ...asserted, response: assertion }))
    assert.isTrue(accepts(AuthenticationResponse, { ...asserted, response: { ...assertion, userHandle: null } }))
  })

  const wrong: ReadonlyArray<unknown> = ["AA=", "A+/A", "AA EC", "ü", 1, null, { AAEC: 1 }, ["AAEC"]]

  for (const [name, schema, valid] of [
    ["registration", RegistrationResponse, attested],
    ["assertion", AuthenticationResponse, asserted],
  ] as const) {
    it(`is refused where something of a ${name} is missing, no base64url or too long`, () => {
      assert.isTrue(accepts(schema, valid))
      const binaries = Object.keys(valid.response).filter((key) => key !== "transports" && key !== "userHandle")
      for (const value of [undefined, ...wrong, "A".repeat(65_537)]) {
        for (const key of ["id", "rawId", "type", "response"]) {
          assert.isFalse(accepts(schema, { ...valid, [key]: value }), `${key}: ${String(value).slice(0, 20)}`)
        }
        for (const key of binaries) {
          assert.isFalse(accepts(schema, { ...valid, response: { ...valid.response, [key]: value } }), key)
        }
      }
      for (const value of [undefined, null, "", "A", 1, []]) assert.isFalse(accepts(schema, value))
    })
  }

  it("is refused with transports or a user handle beyond all measure", () => {
    const withTransports = (transports: unknown) => ({ ...attested, response: { ...attested.response, transports } })
    assert.isTrue(accepts(RegistrationResponse, withTransports([])))
    for (const transports of [Array.from({ length: 17 }, () => "usb"), ["x".repeat(65)], "usb", [1]]) {
      assert.isFalse(accepts(RegistrationResponse, withTransports(transports)))
    }
    const response = { ...asserted.response, userHandle: "A".repeat(129) }
    assert.isFalse(accepts(AuthenticationResponse, { ...asserted, response }))
  })
})

describe("Options", () => {
  it.effect("are JSON that a browser parses, as they are made", () =>
    Effect.gen(function* () {
      const ada = yield* join("ada")
      const creation = yield* registrationOptions(ada.by)
      assert.deepStrictEqual(Schema.encodeSync(RegistrationOptions)(creation), creation)
      assert.deepStrictEqual(JSON.parse(JSON.stringify(creation)), creation)
      const { options } = yield* begin()
      assert.deepStrictEqual(Schema.encodeSync(AuthenticationOptions)(options), options)
      // WebAuthn Level 3 §5.4.3: a user handle has at most 64 bytes; §13.4.3: a challenge has at least 16.
      assert.isAtMost(Buffer.from(creation.user.id, "base64url").length, 64)
      assert.isAtLeast(Buffer.from(options.challenge, "base64url").length, 16)
    }).pipe(Effect.provide(layer)),
  )
})

describe("The relying party", () => {
  it("is the host of the site; other origins count on it and below it", () => {
    const party = relyingParty({
      baseUrl: new URL("https://example.com:8443/"),
      origin: "https://example.com:8443",
      allowedOrigins: [
        "https://app.example.com",
        "https://example.com",
        "https://example.org",
        "https://evilexample.com",
        "https://example.com.evil.org",
        "https://com",
      ],
    })
    assert.deepStrictEqual(party, {
      id: "example.com",
      origins: ["https://example.com:8443", "https://app.example.com", "https://example.com"],
    })
  })
})
