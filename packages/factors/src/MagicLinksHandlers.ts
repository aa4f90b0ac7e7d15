/**
 * HTTP adapter of links by e-mail.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { clientInfo, seeing } from "@belfry/core/RequestHandlers"
import { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { FactorsApi } from "./FactorsApi.ts"
import { MagicLinks } from "./MagicLinks.ts"
import {
  answeringFailures,
  replacedSession,
  sending,
  signInResult,
  signInToken,
  transportOf,
} from "./SignInHandlers.ts"

/**
 * The handlers of {@link MagicLinksApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  FactorsApi,
  "magicLinks",
  Effect.fnUntraced(function* (handlers) {
    const links = yield* MagicLinks
    const site = yield* Site

    return handlers.handleAll({
      send: ({ payload, request }) => sending(request, site, payload, (options) => links.send(options)),
      prove: ({ payload, request }) => {
        // Without an attempt too: whether the link is good in another browser is for the service to say.
        const transport = transportOf(request, payload.transport)
        return links
          .prove({
            link: payload.token,
            token: signInToken(request, site),
            replaces: replacedSession(request, site, transport),
            client: clientInfo(request),
          })
          .pipe(
            Effect.flatMap((outcome) => signInResult(outcome, transport, site)),
            answeringFailures(request, site),
          )
      },
    })
  }),
).pipe(seeing(MagicLinks, Site, RequestGuard))
