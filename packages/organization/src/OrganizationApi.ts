/**
 * The HTTP API of organizations without teams, under `/auth`.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import * as HttpApi from "effect/http-api/HttpApi"
import { InvitationsApi } from "./InvitationsApi.ts"
import { MembersApi } from "./MembersApi.ts"
import { OrganizationsApi } from "./OrganizationsApi.ts"
import { RolesApi } from "./RolesApi.ts"

/**
 * Organizations, members, roles and invitations.
 *
 * @category api
 * @since 0.1.0
 */
export class OrganizationApi extends HttpApi.make("belfry")
  .add(OrganizationsApi)
  .add(MembersApi)
  .add(RolesApi)
  .add(InvitationsApi)
  .middleware(RequestGuard)
  .annotate(HttpApi.PayloadParseOptions, { errors: "all" })
  .prefix("/auth") {}
