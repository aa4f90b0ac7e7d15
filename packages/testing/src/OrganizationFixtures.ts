/**
 * Where the suites of the stores of organizations begin, and how they call what services call under a lock.
 *
 * @since 0.1.0
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import type { OrganizationId } from "@belfry/organization/Organization"
import { RoleName } from "@belfry/organization/Role"
import * as Effect from "effect/Effect"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"

/**
 * An organization, as its owner looks at it.
 *
 * @category fixtures
 * @since 0.1.0
 */
export const begin = Effect.suspend(() => beginWith())

/**
 * An organization with these fields, as its owner looks at it.
 *
 * @category fixtures
 * @since 0.1.0
 */
export const beginWith = (...fields: Parameters<typeof OrganizationBuilders.storedOrganization>) =>
  Effect.map(OrganizationBuilders.storedOrganization(...fields), ({ organization, owner, ownerId }) => ({
    organization,
    owner,
    ownerId,
    id: organization.id,
    viewer: { userId: owner.id, organization: organization.id },
  }))

/**
 * The name of a role.
 *
 * @category fixtures
 * @since 0.1.0
 */
export const roleName = (name: string): RoleName => RoleName.make(name)

/**
 * Makes a call as services do: in a transaction that holds the lock of the organization.
 *
 * @category combinators
 * @since 0.1.0
 */
export const underLock = <A, E, R>(organizationId: OrganizationId, call: Effect.Effect<A, E, R>) =>
  TransactionStore.use((transactions) =>
    transactions.run(
      Effect.andThen(
        MembershipStore.use((memberships) => memberships.lock(organizationId, null)),
        call,
      ),
    ),
  )

/**
 * Makes the same call in 50 fibers at once; what they answered.
 *
 * @category combinators
 * @since 0.1.0
 */
export const inFiftyFibers = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: 50 }), () => call, { concurrency: "unbounded" })
