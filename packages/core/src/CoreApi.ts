/**
 * The HTTP API of this package: sessions and the signed-in user, under `/auth`.
 *
 * @since 0.1.0
 */
import * as HttpApi from "effect/http-api/HttpApi"
import { RequestGuard } from "./ProblemApi.ts"
import { SessionsApi } from "./SessionsApi.ts"
import { UsersApi } from "./UsersApi.ts"

/**
 * Sessions and the signed-in user.
 *
 * **Details**
 *
 * A body that is not of the right form is answered with all of its faults, not the first alone.
 *
 * @category api
 * @since 0.1.0
 */
export class CoreApi extends HttpApi.make("belfry")
  .add(SessionsApi)
  .add(UsersApi)
  .middleware(RequestGuard)
  .annotate(HttpApi.PayloadParseOptions, { errors: "all" })
  .prefix("/auth") {}
