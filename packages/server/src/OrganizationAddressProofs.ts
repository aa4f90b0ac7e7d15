/**
 * Invitations prove addresses: whoever holds the token of one reads the mailbox it was sent to, and may sign up by it.
 *
 * @since 0.1.0
 */
import { AddressProofs } from "@belfry/factors/AddressProofs"
import { Invitations } from "@belfry/organization/Invitations"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * Layer of the proofs that invitations are. Signing up by one makes a member too.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  AddressProofs,
  Effect.map(Invitations, ({ acceptForNewUser, provenAddress }) => ({ find: provenAddress, claim: acceptForNewUser })),
)
