/**
 * All HTTP handlers of this package.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as InvitationsHandlers from "./InvitationsHandlers.ts"
import * as MembersHandlers from "./MembersHandlers.ts"
import * as OrganizationsHandlers from "./OrganizationsHandlers.ts"
import * as RolesHandlers from "./RolesHandlers.ts"
import * as TeamsHandlers from "./TeamsHandlers.ts"

/**
 * The handlers of `OrganizationApi`, without the middleware: that is `CoreHandlers.layerMiddleware`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  OrganizationsHandlers.layer,
  MembersHandlers.layer,
  RolesHandlers.layer,
  InvitationsHandlers.layer,
)

/**
 * The same with those of `OrganizationTeamsApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWithTeams = Layer.merge(layer, TeamsHandlers.layer)
