/**
 * An authenticator in software, with the browser around it: it answers WebAuthn options as a security key, a phone or a
 * password manager does, and lies where a test tells it to.
 *
 * @see [WebAuthn Level 3 §6](https://www.w3.org/TR/webauthn-3/#sctn-authenticator-model)
 * @since 0.1.0
 */
import type {
  AuthenticationOptions,
  AuthenticationResponse,
  RegistrationOptions,
  RegistrationResponse,
} from "@belfry/factors/WebAuthn"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"

/**
 * How an authenticator is made, and how it differs for one answer.
 *
 * **Details**
 *
 * By default: ES256, the user present and verified, bound to one device, a counter that grows by one, at
 * `http://localhost:3000`. `rpId`, `challenge`, `userHandle` and `credentialId` are what the options, or the
 * credential, say; null leaves the user handle out. `signCount` is the next value of the counter.
 *
 * @category models
 * @since 0.1.0
 */
export interface Behaviour {
  readonly algorithm?: "ES256" | "EdDSA" | "RS256"
  readonly aaguid?: string
  readonly transports?: ReadonlyArray<string>
  readonly isUserPresent?: boolean
  readonly isUserVerified?: boolean
  readonly isBackupEligible?: boolean
  readonly isBackedUp?: boolean
  readonly signCount?: number
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly userHandle?: string | null
  /** The credential that answers, whatever the options allow; at registration, the one that is passed off as new. */
  readonly credentialId?: string
  /** What else the browser says of where it is. */
  readonly clientData?: Readonly<Record<string, unknown>>
  /** At registration: no attestation, one by the new key itself, or format and statement of another. */
  readonly attestation?: "none" | "self" | { readonly fmt: string; readonly attStmt: ReadonlyMap<string, Cbor> }
}

/**
 * An authenticator with the credentials that it made.
 *
 * @category models
 * @since 0.1.0
 */
export interface VirtualAuthenticator {
  /** Makes a credential. */
  readonly register: (options: RegistrationOptions, behaviour?: Behaviour) => Effect.Effect<RegistrationResponse>
  /** Signs in with the last credential that the options allow. Dies when it has none. */
  readonly authenticate: (
    options: AuthenticationOptions,
    behaviour?: Behaviour,
  ) => Effect.Effect<AuthenticationResponse>
}

/**
 * Makes an authenticator without credentials.
 *
 * **Example** (A security key without a PIN, whose counter stands still)
 *
 * ```ts
 * const key = VirtualAuthenticator.make({ isUserVerified: false, signCount: 0 })
 * const response = yield* key.register(options)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (nature: Behaviour = {}): VirtualAuthenticator => {
  const credentials: Array<Credential> = []

  const find = (options: AuthenticationOptions, credentialId: string | undefined): Credential => {
    const allowed = options.allowCredentials.map(({ id }) => id)
    const found = credentials.findLast(({ id }) =>
      credentialId === undefined ? allowed.length === 0 || allowed.includes(id) : id === credentialId,
    )
    if (found === undefined) throw new Error("The authenticator has no such credential")
    return found
  }

  return {
    register: (options, behaviour) =>
      Effect.sync(() => {
        const how = { ...defaults, ...nature, ...behaviour }
        const known = credentials.find(({ id }) => id === how.credentialId)
        const credential: Credential = known ?? {
          id: how.credentialId ?? Base64Url.encode(randomBytes(32)),
          userHandle: options.user.id,
          signCount: 0,
          ...makeKey(how.algorithm),
        }
        if (known === undefined) credentials.push(credential)
        const id = Base64Url.decode(credential.id)
        if (id._tag === "Failure") throw new Error("The credential id is not base64url")
        const attested = Buffer.concat([
          Buffer.from(how.aaguid.replaceAll("-", ""), "hex"),
          uint16(id.success.length),
          id.success,
          encodeCbor(credential.publicKey),
        ])
        const clientDataJSON = clientData("webauthn.create", options.challenge, how)
        const signCount = how.signCount ?? credential.signCount
        const authData = authenticatorData(how.rpId ?? options.rp.id, how, signCount, attested)
        const { fmt, attStmt } =
          how.attestation === "none"
            ? { fmt: "none", attStmt: new Map<string, Cbor>() }
            : how.attestation === "self"
              ? { fmt: "packed", attStmt: selfAttestation(credential, authData, clientDataJSON) }
              : how.attestation
        const attestation = new Map<string, Cbor>([
          ["fmt", fmt],
          ["attStmt", attStmt],
          ["authData", authData],
        ])
        return {
          id: credential.id,
          rawId: credential.id,
          type: "public-key" as const,
          response: {
            clientDataJSON,
            attestationObject: Base64Url.encode(encodeCbor(attestation)),
            transports: how.transports,
          },
        }
      }),

    authenticate: (options, behaviour) =>
      Effect.sync(() => {
        const how = { ...defaults, ...nature, ...behaviour }
        const credential = find(options, how.credentialId)
        credential.signCount = how.signCount ?? credential.signCount + 1
        const data = authenticatorData(how.rpId ?? options.rpId, how, credential.signCount)
        const clientDataJSON = clientData("webauthn.get", options.challenge, how)
        return {
          id: credential.id,
          rawId: credential.id,
          type: "public-key" as const,
          response: {
            clientDataJSON,
            authenticatorData: Base64Url.encode(data),
            signature: Base64Url.encode(signature(credential, data, clientDataJSON)),
            userHandle: how.userHandle === undefined ? credential.userHandle : how.userHandle,
          },
        }
      }),
  }
}

/**
 * What CBOR is written from: the few types that WebAuthn uses.
 *
 * @see [RFC 8949 §3.1](https://www.rfc-editor.org/rfc/rfc8949.html#section-3.1)
 * @category models
 * @since 0.1.0
 */
export type Cbor = number | string | Uint8Array | ReadonlyArray<Cbor> | ReadonlyMap<number | string, Cbor>

/**
 * Writes CBOR. Numbers are integers of at most 32 bits.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeCbor = (value: Cbor): Buffer => {
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value)
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  if (typeof value === "string") {
    const bytes = Buffer.from(value)
    return Buffer.concat([head(3, bytes.length), bytes])
  }
  if (isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(encodeCbor)])
  const entries = [...value].flatMap(([key, item]) => [encodeCbor(key), encodeCbor(item)])
  return Buffer.concat([head(5, value.size), ...entries])
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Key {
  readonly privateKey: KeyObject
  /** The hash of the signature; null where the algorithm has its own. */
  readonly digest: string | null
  /** As COSE, RFC 9053. */
  readonly publicKey: ReadonlyMap<number, Cbor>
}

interface Credential extends Key {
  readonly id: string
  readonly userHandle: string
  signCount: number
}

const defaults = {
  algorithm: "ES256",
  aaguid: "00000000-0000-0000-0000-000000000000",
  transports: ["internal"],
  isUserPresent: true,
  isUserVerified: true,
  isBackupEligible: false,
  isBackedUp: false,
  origin: "http://localhost:3000",
  attestation: "none",
} satisfies Behaviour

type Settled = Behaviour & Required<Pick<Behaviour, keyof typeof defaults>>

const makeKey = (algorithm: Settled["algorithm"]): Key => {
  switch (algorithm) {
    case "ES256": {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
      const { x, y } = publicKey.export({ format: "jwk" })
      const cose = new Map<number, Cbor>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, bytesOf(x)],
        [-3, bytesOf(y)],
      ])
      return { privateKey, digest: "sha256", publicKey: cose }
    }
    case "EdDSA": {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519")
      const { x } = publicKey.export({ format: "jwk" })
      return {
        privateKey,
        digest: null,
        publicKey: new Map<number, Cbor>([
          [1, 1],
          [3, -8],
          [-1, 6],
          [-2, bytesOf(x)],
        ]),
      }
    }
    case "RS256": {
      const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
      const { n, e } = publicKey.export({ format: "jwk" })
      const cose = new Map<number, Cbor>([
        [1, 3],
        [3, -257],
        [-1, bytesOf(n)],
        [-2, bytesOf(e)],
      ])
      return { privateKey, digest: "sha256", publicKey: cose }
    }
  }
}

const clientData = (type: string, challenge: string, how: Settled): string =>
  Base64Url.encode(
    JSON.stringify({
      type,
      challenge: how.challenge ?? challenge,
      origin: how.origin,
      crossOrigin: false,
      ...how.clientData,
    }),
  )

// WebAuthn Level 3 §6.1
const authenticatorData = (rpId: string, how: Settled, signCount: number, attested?: Uint8Array): Buffer => {
  const flags =
    (how.isUserPresent ? 0x01 : 0) |
    (how.isUserVerified ? 0x04 : 0) |
    (how.isBackupEligible ? 0x08 : 0) |
    (how.isBackedUp ? 0x10 : 0) |
    (attested === undefined ? 0 : 0x40)
  const counter = Buffer.alloc(4)
  counter.writeUInt32BE(signCount)
  return Buffer.concat([sha256(Buffer.from(rpId)), Buffer.of(flags), counter, attested ?? Buffer.alloc(0)])
}

const signature = ({ digest, privateKey }: Key, authData: Uint8Array, clientDataJSON: string): Buffer =>
  sign(digest, Buffer.concat([authData, sha256(Buffer.from(clientDataJSON, "base64url"))]), privateKey)

// WebAuthn Level 3 §8.2
const selfAttestation = (credential: Credential, authData: Uint8Array, clientDataJSON: string) =>
  new Map<string, Cbor>([
    ["alg", credential.publicKey.get(3) ?? 0],
    ["sig", signature(credential, authData, clientDataJSON)],
  ])

// RFC 8949 §3: the major type, and the shortest form of its argument.
const head = (type: number, argument: number): Buffer => {
  if (argument < 24) return Buffer.of((type << 5) | argument)
  if (argument < 0x100) return Buffer.of((type << 5) | 24, argument)
  if (argument < 0x1_0000) return Buffer.concat([Buffer.of((type << 5) | 25), uint16(argument)])
  const bytes = Buffer.alloc(5)
  bytes[0] = (type << 5) | 26
  bytes.writeUInt32BE(argument, 1)
  return bytes
}

const uint16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest()

const bytesOf = (base64url: string | undefined): Buffer => Buffer.from(base64url ?? "", "base64url")

const isArray = (value: Cbor): value is ReadonlyArray<Cbor> => Array.isArray(value)
