/**
 * All stores of this package in memory.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as MemoryInvitationStore from "./MemoryInvitationStore.ts"
import * as MemoryMemberStore from "./MemoryMemberStore.ts"
import * as MemoryMembershipStore from "./MemoryMembershipStore.ts"
import * as MemoryOrganizationStore from "./MemoryOrganizationStore.ts"
import * as MemoryOrganizationTables from "./MemoryOrganizationTables.ts"
import * as MemoryRoleStore from "./MemoryRoleStore.ts"
import * as MemoryTeamStore from "./MemoryTeamStore.ts"

/**
 * Layer with every store of this package, over the tables of `core`'s memory stores.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  MemoryInvitationStore.layer,
  MemoryMemberStore.layer,
  MemoryMembershipStore.layer,
  MemoryOrganizationStore.layer,
  MemoryRoleStore.layer,
  MemoryTeamStore.layer,
).pipe(Layer.provideMerge(MemoryOrganizationTables.layer))
