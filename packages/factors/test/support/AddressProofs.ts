/**
 * Addresses that something else than our own mail proved: tokens that a test hands out, which are kept like all others
 * and are put back when a transaction comes to nothing.
 */
import { Email } from "@belfry/core/User"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import { AddressProofs } from "@belfry/factors/AddressProofs"
import * as Passwords from "@belfry/factors/Passwords"
import { Duration, Effect, Layer, Option, type Redacted, Schema } from "effect"
import * as People from "./People.ts"

const purpose = { name: "test.proof", lifetime: Duration.days(1), payload: Schema.Struct({ email: Schema.String }) }

/** A token that proves an address. */
export const prove = (email: Email) =>
  VerificationTokens.use((tokens) => tokens.issue({ purpose, subject: email, userId: null, payload: { email } }))

const layerProofs = Layer.effect(
  AddressProofs,
  Effect.map(VerificationTokens, (tokens) => ({
    find: (token) =>
      tokens.peek(purpose, token).pipe(
        Effect.map(({ subject }) => Option.some(Email.make(subject))),
        Effect.catchTag("VerificationTokenInvalid", () => Effect.succeedNone),
      ),
    claim: (token, user) =>
      tokens.consume(purpose, token).pipe(
        Effect.map(({ subject }) => subject === user.email),
        Effect.catchTag("VerificationTokenInvalid", () => Effect.succeed(false)),
      ),
  })),
)

/** Passwords that know these proofs, over the services of a test. */
export const layerPasswords = Layer.fresh(Layer.provide(Passwords.layer, layerProofs))

/** Signs up by a proof, however it goes on. */
export const signUpProved = (
  proof: Redacted.Redacted,
  options: { readonly password?: Redacted.Redacted; readonly name?: string | null } = {},
) =>
  Passwords.Passwords.use((passwords) =>
    passwords.signUpProved({ proof, password: People.adasPassword, name: null, client: People.home, ...options }),
  )
