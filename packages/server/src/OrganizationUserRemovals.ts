/**
 * Deleting a user ends the memberships, in the same transaction, and is refused to the last owner of an organization.
 *
 * @since 0.1.0
 */
import { UserDeletionRefused } from "@belfry/core/User"
import { UserRemovals } from "@belfry/core/UserRemovals"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * Layer that has users leave their organizations when they are deleted.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const removals = yield* UserRemovals
    const organizations = yield* TrustedOrganizations
    const refusal = (name: string) =>
      new UserDeletionRefused({ reason: `You are the last owner of ${name}: hand it over or delete it first` })
    yield* removals.register((user, client) =>
      Effect.catchTag(organizations.removeUser(user.id, client), "LastOwner", ({ organizationId }) =>
        organizations.get(organizationId).pipe(
          // It is there: its row is locked by this transaction.
          Effect.catchTag("OrganizationNotFound", () => Effect.fail(refusal("an organization"))),
          Effect.flatMap(({ name }) => Effect.fail(refusal(name))),
        ),
      ),
    )
  }),
)
