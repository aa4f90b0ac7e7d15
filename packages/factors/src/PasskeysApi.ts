/**
 * HTTP contract of passkeys: sign in with one, register, rename, remove.
 *
 * @since 0.1.0
 */
import { asProblem, limited } from "@belfry/core/ProblemApi"
import { Authentication, notFresh, Transport } from "@belfry/core/SessionsApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { FactorEnrolled, FactorEnrolledInSignIn, lastWayIn } from "./EnrolmentsApi.ts"
import { Passkey, PasskeyId, PasskeyInvalid, PasskeyName, PasskeyNotFound } from "./Passkey.ts"
import { refused, SignInContinued, SignInResult, SignInStart } from "./SignInAttemptsApi.ts"
import { AuthenticationOptions, AuthenticationResponse, RegistrationOptions, RegistrationResponse } from "./WebAuthn.ts"

const passkeyInvalid = PasskeyInvalid.pipe(asProblem({ status: 401, title: "Unauthorized" }))
const notFound = PasskeyNotFound.pipe(asProblem({ status: 404, title: "Not Found" }))

const Registration = Schema.Struct({ response: RegistrationResponse, name: Schema.optionalKey(PasskeyName) })

/**
 * The endpoints of passkeys.
 *
 * **Details**
 *
 * What `options` answer goes into `PublicKeyCredential.parseRequestOptionsFromJSON` or `parseCreationOptionsFromJSON`,
 * and what `toJSON` of the credential answers comes back as `response`. Challenges are good once, for 5 minutes.
 *
 * @see [WebAuthn Level 3 §5.1](https://www.w3.org/TR/webauthn-3/#iface-pkcredential)
 * @category api
 * @since 0.1.0
 */
export class PasskeysApi extends HttpApiGroup.make("passkeys")
  .add(
    HttpApiEndpoint.post("options", "/sign-in/passkey/options", {
      payload: SignInStart,
      success: Schema.Struct({ options: AuthenticationOptions, signIn: Schema.NullOr(SignInContinued) }),
      error: [refused, limited],
    }).annotate(
      OpenApi.Summary,
      "What the browser is asked with for a passkey; a sign-in begins with it, if there is none (signIn is null otherwise)",
    ),
    HttpApiEndpoint.post("prove", "/sign-in/passkey", {
      payload: Schema.Struct({ response: AuthenticationResponse, transport: Schema.optionalKey(Transport) }),
      success: SignInResult,
      error: [passkeyInvalid, refused, limited],
    }).annotate(OpenApi.Summary, "Signs in, or goes on with it, by what the authenticator answered"),
    HttpApiEndpoint.get("list", "/factors/passkeys", { success: Schema.Struct({ passkeys: Schema.Array(Passkey) }) })
      .annotate(OpenApi.Summary, "The user's passkeys, the oldest first")
      .middleware(Authentication),
    HttpApiEndpoint.post("registrationOptions", "/factors/passkeys/options", {
      success: RegistrationOptions,
      error: [notFresh, limited],
    })
      .annotate(OpenApi.Summary, "What the browser is asked with to make a passkey")
      .middleware(Authentication),
    HttpApiEndpoint.post("register", "/factors/passkeys", {
      payload: Registration,
      success: Schema.Struct({ passkey: Passkey, ...FactorEnrolled.fields }),
      error: [passkeyInvalid, notFresh, limited],
    })
      .annotate(OpenApi.Summary, "Keeps the passkey that the authenticator made")
      .middleware(Authentication),
    HttpApiEndpoint.patch("rename", "/factors/passkeys/:passkeyId", {
      params: { passkeyId: PasskeyId },
      payload: Schema.Struct({ name: PasskeyName }),
      success: Passkey,
      error: notFound,
    })
      .annotate(OpenApi.Summary, "Renames one of the user's passkeys")
      .middleware(Authentication),
    HttpApiEndpoint.delete("remove", "/factors/passkeys/:passkeyId", {
      params: { passkeyId: PasskeyId },
      success: HttpApiSchema.NoContent,
      error: [notFound, lastWayIn, notFresh],
    })
      .annotate(OpenApi.Summary, "Removes one of the user's passkeys")
      .middleware(Authentication),
    HttpApiEndpoint.post("registrationOptionsInSignIn", "/sign-in/enrol/passkey/options", {
      success: RegistrationOptions,
      error: [refused, limited],
    }).annotate(OpenApi.Summary, "What the browser is asked with to make a passkey that a sign-in demands"),
    HttpApiEndpoint.post("registerInSignIn", "/sign-in/enrol/passkey", {
      payload: Schema.Struct({ ...Registration.fields, transport: Schema.optionalKey(Transport) }),
      success: Schema.Struct({ passkey: Passkey, ...FactorEnrolledInSignIn.fields }),
      error: [passkeyInvalid, refused, limited],
    }).annotate(OpenApi.Summary, "Keeps the passkey that the authenticator made, and goes on with the sign-in"),
  )
  .annotateMerge(
    OpenApi.annotations({ title: "Passkeys", description: "Signing in with a key that never leaves the device" }),
  ) {}
