/**
 * HTTP adapter of backup codes.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { seeing } from "@belfry/core/RequestHandlers"
import { Authentication } from "@belfry/core/SessionsApi"
import { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { BackupCodes } from "./BackupCodes.ts"
import { FactorsApi } from "./FactorsApi.ts"
import { inSession, proving } from "./SignInHandlers.ts"

/**
 * The handlers of {@link BackupCodesApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  FactorsApi,
  "backupCodes",
  Effect.fnUntraced(function* (handlers) {
    const backupCodes = yield* BackupCodes
    const site = yield* Site

    return handlers.handleAll({
      prove: ({ payload, request }) =>
        proving(request, site, payload.transport, (step) => backupCodes.prove({ ...step, code: payload.code })),
      replace: ({ request }) =>
        inSession(request, site, ({ session, user, client }) =>
          Effect.map(backupCodes.replace({ session, user, client }), (codes) => ({ codes })),
        ),
    })
  }),
).pipe(seeing(BackupCodes, Site, RequestGuard, Authentication))
