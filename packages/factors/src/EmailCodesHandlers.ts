/**
 * HTTP adapter of codes by e-mail.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { seeing } from "@belfry/core/RequestHandlers"
import { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { FactorsApi } from "./FactorsApi.ts"
import { EmailCodes } from "./EmailCodes.ts"
import { proving, sending } from "./SignInHandlers.ts"

/**
 * The handlers of {@link EmailCodesApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  FactorsApi,
  "emailCodes",
  Effect.fnUntraced(function* (handlers) {
    const codes = yield* EmailCodes
    const site = yield* Site

    return handlers.handleAll({
      send: ({ payload, request }) => sending(request, site, payload, (options) => codes.send(options)),
      prove: ({ payload, request }) =>
        proving(request, site, payload.transport, (step) => codes.prove({ ...step, code: payload.code })),
    })
  }),
).pipe(seeing(EmailCodes, Site, RequestGuard))
