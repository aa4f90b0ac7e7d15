/**
 * The HTTP API of this package, under `/auth`.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import * as HttpApi from "effect/http-api/HttpApi"
import { BackupCodesApi } from "./BackupCodesApi.ts"
import { EmailCodesApi } from "./EmailCodesApi.ts"
import { EnrolmentsApi } from "./EnrolmentsApi.ts"
import { MagicLinksApi } from "./MagicLinksApi.ts"
import { HotpsApi, TotpsApi } from "./OneTimePasswordsApi.ts"
import { PasskeysApi } from "./PasskeysApi.ts"
import { PasswordsApi } from "./PasswordsApi.ts"
import { SignInAttemptsApi } from "./SignInAttemptsApi.ts"

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
  .add(SignInAttemptsApi)
  .add(PasswordsApi)
  .add(EmailCodesApi)
  .add(MagicLinksApi)
  .add(PasskeysApi)
  .add(TotpsApi)
  .add(HotpsApi)
  .add(BackupCodesApi)
  .add(EnrolmentsApi)
  .middleware(RequestGuard)
  .annotate(HttpApi.PayloadParseOptions, { errors: "all" })
  .prefix("/auth") {}
