/**
 * The HTTP API of teams, under `/auth`: for hosts that have some, beside `OrganizationApi`.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import * as HttpApi from "effect/http-api/HttpApi"
import { TeamsApi } from "./TeamsApi.ts"

/**
 * Teams.
 *
 * @category api
 * @since 0.1.0
 */
export class OrganizationTeamsApi extends HttpApi.make("belfry")
  .add(TeamsApi)
  .middleware(RequestGuard)
  .annotate(HttpApi.PayloadParseOptions, { errors: "all" })
  .prefix("/auth") {}
