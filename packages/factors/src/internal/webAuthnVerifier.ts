/**
 * Verifies what authenticators answer, by @simplewebauthn/server, in the terms of this package.
 *
 * The library is loaded with the first response: it takes a fifth of a second and 25 MB, which a server without
 * passkeys does not need.
 */
import type { Site } from "@belfry/core/Site"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { StoredPasskey } from "../Passkey.ts"
import type { AuthenticationResponse, RegistrationResponse } from "../WebAuthn.ts"

/** Why a response proves nothing: known to the audit log alone. */
export class Refusal extends Data.TaggedError("Refusal")<{
  readonly reason:
    | "attestation"
    | "backup-eligibility"
    | "challenge"
    | "counter"
    | "known-credential"
    | "malformed"
    | "unknown-credential"
    | "user-disabled"
    | "user-handle"
    | "verification"
}> {}

/** What a verified registration says of the credential that it made. */
export interface Registered extends Pick<
  StoredPasskey,
  "aaguid" | "credentialId" | "isBackedUp" | "isMultiDevice" | "publicKey" | "signCount"
> {
  readonly isUserVerified: boolean
}

/** What a verified assertion says. */
export interface Asserted extends Pick<StoredPasskey, "isBackedUp" | "isMultiDevice" | "signCount"> {
  readonly isUserVerified: boolean
}

/** COSE algorithms: ES256, EdDSA, RS256. */
export const algorithms: ReadonlyArray<number> = [-7, -8, -257]

/** The relying party that a site is: the id that credentials are bound to, and the origins that may use them. */
export const relyingParty = (site: Pick<Site["Service"], "baseUrl" | "origin" | "allowedOrigins">) => {
  const id = site.baseUrl.hostname
  const isWithin = (origin: string): boolean => {
    const host = URL.parse(origin)?.hostname
    return host === id || host?.endsWith(`.${id}`) === true
  }
  // Browsers refuse the id to any other site; here nobody may claim to be one.
  return { id, origins: [site.origin, ...site.allowedOrigins.filter(isWithin)] }
}

/** The token that a response carries as its challenge. What is read here proves nothing before it is verified. */
export const challengeOf = ({ clientDataJSON }: { readonly clientDataJSON: string }) =>
  Effect.fromResult(
    Result.gen(function* () {
      const clientData = yield* decodeClientData(yield* Base64Url.decodeString(clientDataJSON))
      // RP ids are the same in a frame of another site, where people do not see whom they sign in to.
      if (clientData.crossOrigin === true || clientData.topOrigin !== undefined) return yield* Result.fail("framed")
      return Redacted.make(yield* Base64Url.decodeString(clientData.challenge))
    }),
  ).pipe(Effect.mapError(() => new Refusal({ reason: "malformed" })))

/** The challenge that carries a token. */
export const toChallenge = (token: Redacted.Redacted): string => Base64Url.encode(Redacted.value(token))

/**
 * Verifies a registration: challenge, origin, relying party, presence, algorithm. It is not attested: a browser that
 * was asked for none answers with none, or with a signature by the new key itself.
 *
 * @see [WebAuthn Level 3 §7.1](https://www.w3.org/TR/webauthn-3/#sctn-registering-a-new-credential)
 */
export const verifyRegistration = Effect.fnUntraced(function* (options: {
  readonly response: RegistrationResponse
  readonly challenge: Redacted.Redacted
  readonly party: ReturnType<typeof relyingParty>
}) {
  const { response, challenge, party } = options
  const { server, helpers } = yield* library
  const { id, rawId, type } = response
  const { clientDataJSON, attestationObject } = response.response
  const isAsAsked = yield* attempt(async () => {
    const attestation = helpers.decodeAttestationObject(helpers.isoBase64URL.toBuffer(attestationObject))
    const format = attestation.get("fmt")
    return format === "none" || (format === "packed" && attestation.get("attStmt").get("x5c") === undefined)
  })
  // Certificates that nobody asked for are not looked at: to check one, the library may go where it points.
  if (!isAsAsked) return yield* new Refusal({ reason: "attestation" })
  const { verified, registrationInfo } = yield* attempt(() =>
    server.verifyRegistrationResponse({
      response: {
        id,
        rawId,
        type,
        response: { clientDataJSON, attestationObject },
        clientExtensionResults: {},
      },
      expectedChallenge: toChallenge(challenge),
      expectedOrigin: party.origins,
      expectedRPID: party.id,
      requireUserVerification: false,
      supportedAlgorithmIDs: [...algorithms],
    }),
  )
  if (!verified) return yield* new Refusal({ reason: "verification" })
  const { credential, aaguid, userVerified, credentialDeviceType, credentialBackedUp } = registrationInfo
  // What the authenticator made counts, and `id` has to say the same. WebAuthn Level 3 §7.1: at most 1023 bytes.
  if (credential.id !== response.id || credential.id.length > maxCredentialId) {
    return yield* new Refusal({ reason: "malformed" })
  }
  return {
    aaguid,
    credentialId: credential.id,
    publicKey: credential.publicKey,
    signCount: credential.counter,
    isMultiDevice: credentialDeviceType === "multiDevice",
    isBackedUp: credentialBackedUp,
    isUserVerified: userVerified,
  } satisfies Registered
})

/**
 * Verifies an assertion by a passkey: challenge, origin, relying party, presence, signature. The counter is returned as
 * it is: whether it grew is the store's to say, once the signature is known to be right.
 *
 * @see [WebAuthn Level 3 §7.2](https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion)
 */
export const verifyAssertion = Effect.fnUntraced(function* (options: {
  readonly response: AuthenticationResponse
  readonly challenge: Redacted.Redacted
  readonly party: ReturnType<typeof relyingParty>
  readonly passkey: StoredPasskey
}) {
  const { response, challenge, party, passkey } = options
  const { server, helpers } = yield* library
  const { id, rawId, type } = response
  const { clientDataJSON, authenticatorData, signature } = response.response
  const isWellFormed = yield* attempt(async () => {
    const isEcdsa = helpers.cose.isCOSEPublicKeyEC2(helpers.decodeCredentialPublicKey(passkey.publicKey))
    return !isEcdsa || isEcdsaSignature(helpers.isoBase64URL.toBuffer(signature))
  })
  // The library reads the same two numbers from other bytes, too.
  if (!isWellFormed) return yield* new Refusal({ reason: "verification" })
  const { verified, authenticationInfo } = yield* attempt(() =>
    server.verifyAuthenticationResponse({
      response: {
        id,
        rawId,
        type,
        response: { clientDataJSON, authenticatorData, signature },
        clientExtensionResults: {},
      },
      expectedChallenge: toChallenge(challenge),
      expectedOrigin: party.origins,
      expectedRPID: party.id,
      // Above 0 the library would refuse a counter before it looked at the signature.
      credential: { id: passkey.credentialId, publicKey: passkey.publicKey, counter: 0 },
      requireUserVerification: false,
    }),
  )
  if (!verified) return yield* new Refusal({ reason: "verification" })
  const { newCounter, userVerified, credentialDeviceType, credentialBackedUp } = authenticationInfo
  const isMultiDevice = credentialDeviceType === "multiDevice"
  // Whether a credential may be copied is settled when it is made.
  if (isMultiDevice !== passkey.isMultiDevice) return yield* new Refusal({ reason: "backup-eligibility" })
  return {
    signCount: newCounter,
    isMultiDevice,
    isBackedUp: credentialBackedUp,
    isUserVerified: userVerified,
  } satisfies Asserted
})

// internal

/**
 * Whether bytes are an ECDSA signature in DER, of a curve of at most 384 bits: a sequence of two positive integers,
 * each in its shortest form, and nothing else.
 *
 * @see [WebAuthn Level 3 §6.5.5](https://www.w3.org/TR/webauthn-3/#sctn-signature-attestation-types)
 */
const isEcdsaSignature = (bytes: Uint8Array): boolean => {
  const integerEnd = (start: number): number | undefined => {
    const [tag, length = 0, first = 0x80, second = 0x80] = bytes.subarray(start, start + 4)
    const isShortest = first !== 0 || length === 1 || second >= 0x80
    return tag === 0x02 && length > 0 && first < 0x80 && isShortest ? start + 2 + length : undefined
  }
  const end = integerEnd(2)
  return bytes[0] === 0x30 && bytes[1] === bytes.length - 2 && end !== undefined && integerEnd(end) === bytes.length
}

/** 1023 bytes in base64url. */
const maxCredentialId = 1364

const ClientData = Schema.Struct({
  challenge: Schema.String,
  crossOrigin: Schema.optionalKey(Schema.Boolean),
  topOrigin: Schema.optionalKey(Schema.Unknown),
})

const decodeClientData = Schema.decodeUnknownResult(Schema.fromJsonString(ClientData))

// Modules are loaded once, however often they are asked for.
const library = Effect.promise(async () => ({
  server: await import("@simplewebauthn/server"),
  helpers: await import("@simplewebauthn/server/helpers"),
}))

/** Whatever the library throws is about the response: it has no state and reaches nothing outside. */
const attempt = <A>(verify: () => Promise<A>): Effect.Effect<A, Refusal> =>
  Effect.tryPromise({ try: verify, catch: () => new Refusal({ reason: "verification" }) })
