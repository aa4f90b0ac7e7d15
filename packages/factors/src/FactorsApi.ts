/**
 * The HTTP API of this package, under `/auth`.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import * as HttpApi from "effect/http-api/HttpApi"
import { PasswordsApi } from "./PasswordsApi.ts"

/**
 * Sign-in factors.
 *
 * **Details**
 *
 * A body that is not of the right form is answered with all of its faults, not the first alone.
 *
 * @category api
 * @since 0.1.0
 */
export class FactorsApi extends HttpApi.make("belfry")
  .add(PasswordsApi)
  .middleware(RequestGuard)
  .annotate(HttpApi.PayloadParseOptions, { errors: "all" })
  .prefix("/auth") {}
