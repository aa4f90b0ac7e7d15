/**
 * HTTP adapter of passkeys.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { clientInfo, seeing } from "@belfry/core/RequestHandlers"
import { Authentication } from "@belfry/core/SessionsApi"
import { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Struct from "effect/Struct"
import { FactorsApi } from "./FactorsApi.ts"
import { Passkeys } from "./Passkeys.ts"
import {
  answeringFailures,
  continued,
  enrolledInSignIn,
  enrollingInSignIn,
  inSession,
  proving,
  signInToken,
  transportOf,
} from "./SignInHandlers.ts"

/**
 * The handlers of {@link PasskeysApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  FactorsApi,
  "passkeys",
  Effect.fnUntraced(function* (handlers) {
    const passkeys = yield* Passkeys
    const site = yield* Site

    return handlers.handleAll({
      options: ({ payload, request }) =>
        Effect.gen(function* () {
          const { options, continues } = yield* passkeys.authenticationOptions({
            token: signInToken(request, site),
            context: Struct.pick(payload, ["returnTo", "label"]),
            client: clientInfo(request),
          })
          const transport = transportOf(request, payload.transport)
          return { options, signIn: continues === null ? null : yield* continued(continues, transport, site) }
        }).pipe(answeringFailures(request, site)),
      prove: ({ payload, request }) =>
        proving(request, site, payload.transport, (step) => passkeys.prove({ ...step, response: payload.response })),
      list: ({ request }) =>
        inSession(request, site, ({ user }) => Effect.map(passkeys.list(user.id), (list) => ({ passkeys: list }))),
      registrationOptions: ({ request }) =>
        inSession(request, site, ({ by, client }) => passkeys.registrationOptions({ by, client })),
      register: ({ payload, request }) =>
        inSession(request, site, ({ by, client }) =>
          Effect.map(passkeys.register({ ...payload, by, client }), ({ passkey, backupCodes }) => ({
            passkey,
            backupCodes,
          })),
        ),
      rename: ({ params, payload, request }) =>
        inSession(request, site, ({ user, client }) =>
          passkeys.rename({ userId: user.id, passkeyId: params.passkeyId, name: payload.name, client }),
        ),
      remove: ({ params, request }) =>
        inSession(request, site, ({ session, user, client }) =>
          passkeys.remove({ session, user, passkeyId: params.passkeyId, client }),
        ),
      registrationOptionsInSignIn: ({ request }) =>
        enrollingInSignIn(request, site, undefined, ({ by, client }) => passkeys.registrationOptions({ by, client })),
      registerInSignIn: ({ payload, request }) =>
        enrollingInSignIn(request, site, payload.transport, (step, transport) =>
          Effect.gen(function* () {
            const { response, name } = payload
            const { passkey, ...enrolled } = yield* passkeys.register({ ...step, response, name })
            return { passkey, ...(yield* enrolledInSignIn(enrolled, transport, site)) }
          }),
        ),
    })
  }),
).pipe(seeing(Passkeys, Site, RequestGuard, Authentication))
