/**
 * All services of this package at once, over whatever stores the host provides.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as Invitations from "./Invitations.ts"
import * as Members from "./Members.ts"
import * as Memberships from "./Memberships.ts"
import * as Organizations from "./Organizations.ts"
import * as Roles from "./Roles.ts"
import * as Teams from "./Teams.ts"
import * as TrustedOrganizations from "./TrustedOrganizations.ts"

/**
 * The services of organizations without teams.
 *
 * **Details**
 *
 * Needs the services of `core` (`CoreServices.layer`) with their stores, and the stores of this package. The host's
 * declaration (`AccessModel.layer`), settings, hooks and messages are references with defaults: a host that has others
 * provides them to this layer.
 *
 * **Example** (With the host's roles)
 *
 * ```ts
 * const OrganizationsLive = OrganizationServices.layer.pipe(Layer.provide(AccessModel.layer(access)))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  Memberships.layer,
  Organizations.layer,
  Members.layer,
  Roles.layer,
  Invitations.layer,
  TrustedOrganizations.layer,
)

/**
 * The services of organizations that have teams.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWithTeams = Layer.merge(layer, Teams.layer).pipe(Layer.provideMerge(Teams.layerAssignments))
