/**
 * The messages of WebAuthn as JSON, between our API and a browser's `PublicKeyCredential`.
 *
 * Bytes are base64url without padding.
 *
 * @see [WebAuthn Level 3 §5.1.8](https://www.w3.org/TR/webauthn-3/#sctn-parseCreationOptionsFromJSON)
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const bytes = (maximum: number) =>
  Schema.String.check(
    Schema.isPattern(/^[A-Za-z0-9_-]*$/u, { message: "Expected base64url" }),
    Schema.isMaxLength(maximum),
  )

const Descriptor = Schema.Struct({
  type: Schema.Literal("public-key"),
  id: bytes(2048),
  transports: Schema.optionalKey(Schema.Array(Schema.String)),
})

/**
 * What `navigator.credentials.create` is called with (`PublicKeyCredentialCreationOptionsJSON`). `timeout` in
 * milliseconds.
 *
 * @see [WebAuthn Level 3 §5.4](https://www.w3.org/TR/webauthn-3/#dictionary-makecredentialoptions)
 * @category models
 * @since 0.1.0
 */
export const RegistrationOptions = Schema.Struct({
  rp: Schema.Struct({ id: Schema.String, name: Schema.String }),
  user: Schema.Struct({ id: bytes(86), name: Schema.String, displayName: Schema.String }),
  challenge: bytes(256),
  pubKeyCredParams: Schema.Array(Schema.Struct({ type: Schema.Literal("public-key"), alg: Schema.Int })),
  timeout: Schema.Int,
  excludeCredentials: Schema.Array(Descriptor),
  authenticatorSelection: Schema.Struct({
    residentKey: Schema.Literals(["required", "preferred", "discouraged"]),
    requireResidentKey: Schema.Boolean,
    userVerification: Schema.Literals(["required", "preferred", "discouraged"]),
  }),
  attestation: Schema.Literal("none"),
  extensions: Schema.Struct({ credProps: Schema.Boolean }),
}).annotate({ identifier: "RegistrationOptions" })
/**
 * @category models
 * @since 0.1.0
 */
export interface RegistrationOptions extends Schema.Schema.Type<typeof RegistrationOptions> {}

/**
 * What `navigator.credentials.get` is called with (`PublicKeyCredentialRequestOptionsJSON`). `timeout` in milliseconds.
 *
 * @see [WebAuthn Level 3 §5.5](https://www.w3.org/TR/webauthn-3/#dictionary-assertion-options)
 * @category models
 * @since 0.1.0
 */
export const AuthenticationOptions = Schema.Struct({
  challenge: bytes(256),
  timeout: Schema.Int,
  rpId: Schema.String,
  allowCredentials: Schema.Array(Descriptor),
  userVerification: Schema.Literals(["required", "preferred", "discouraged"]),
}).annotate({ identifier: "AuthenticationOptions" })
/**
 * @category models
 * @since 0.1.0
 */
export interface AuthenticationOptions extends Schema.Schema.Type<typeof AuthenticationOptions> {}

/**
 * What an authenticator answers to registration (`RegistrationResponseJSON`). Members that we do not read are dropped.
 *
 * @see [WebAuthn Level 3 §5.2.1](https://www.w3.org/TR/webauthn-3/#iface-authenticatorattestationresponse)
 * @category models
 * @since 0.1.0
 */
export const RegistrationResponse = Schema.Struct({
  id: bytes(2048),
  rawId: bytes(2048),
  type: Schema.Literal("public-key"),
  response: Schema.Struct({
    clientDataJSON: bytes(8192),
    attestationObject: bytes(65_536),
    transports: Schema.optionalKey(
      Schema.Array(Schema.String.check(Schema.isMaxLength(64))).check(Schema.isMaxLength(16)),
    ),
  }),
}).annotate({ identifier: "RegistrationResponse" })
/**
 * @category models
 * @since 0.1.0
 */
export interface RegistrationResponse extends Schema.Schema.Type<typeof RegistrationResponse> {}

/**
 * What an authenticator answers to authentication (`AuthenticationResponseJSON`). Members that we do not read are
 * dropped.
 *
 * @see [WebAuthn Level 3 §5.2.2](https://www.w3.org/TR/webauthn-3/#iface-authenticatorassertionresponse)
 * @category models
 * @since 0.1.0
 */
export const AuthenticationResponse = Schema.Struct({
  id: bytes(2048),
  rawId: bytes(2048),
  type: Schema.Literal("public-key"),
  response: Schema.Struct({
    clientDataJSON: bytes(8192),
    authenticatorData: bytes(8192),
    signature: bytes(8192),
    userHandle: Schema.optionalKey(Schema.NullOr(bytes(128))),
  }),
}).annotate({ identifier: "AuthenticationResponse" })
/**
 * @category models
 * @since 0.1.0
 */
export interface AuthenticationResponse extends Schema.Schema.Type<typeof AuthenticationResponse> {}
