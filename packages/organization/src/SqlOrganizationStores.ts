/**
 * All stores of this package in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as SqlInvitationStore from "./SqlInvitationStore.ts"
import * as SqlMemberStore from "./SqlMemberStore.ts"
import * as SqlMembershipStore from "./SqlMembershipStore.ts"
import * as SqlOrganizationStore from "./SqlOrganizationStore.ts"
import * as SqlRoleStore from "./SqlRoleStore.ts"
import * as SqlTeamStore from "./SqlTeamStore.ts"

/**
 * Layer with every store of this package, in PostgreSQL. The tables are those of `SqlOrganizationMigrations`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  SqlInvitationStore.layer,
  SqlMemberStore.layer,
  SqlMembershipStore.layer,
  SqlOrganizationStore.layer,
  SqlRoleStore.layer,
  SqlTeamStore.layer,
)
