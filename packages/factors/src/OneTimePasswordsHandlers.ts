/**
 * HTTP adapter of one-time passwords that an app or a token computes.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { seeing } from "@belfry/core/RequestHandlers"
import { Authentication } from "@belfry/core/SessionsApi"
import { Site } from "@belfry/core/Site"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Layer from "effect/Layer"
import type { Enrolled } from "./Enrolments.ts"
import { FactorsApi } from "./FactorsApi.ts"
import { Hotps } from "./Hotps.ts"
import { enrolledInSignIn, enrollingInSignIn, inSession, proving } from "./SignInHandlers.ts"
import { Totps } from "./Totps.ts"

/**
 * The handlers of {@link TotpsApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerTotps = HttpApiBuilder.group(
  FactorsApi,
  "totps",
  Effect.fnUntraced(function* (handlers) {
    const totps = yield* Totps
    const site = yield* Site

    return handlers.handleAll({
      prove: ({ payload, request }) =>
        proving(request, site, payload.transport, (step) => totps.prove({ ...step, code: payload.code })),
      enrol: ({ payload, request }) =>
        inSession(request, site, ({ by, client }) => totps.enrol({ ...payload, by, client })),
      pending: ({ request }) => inSession(request, site, ({ by, client }) => totps.pending({ by, client })),
      confirm: ({ payload, request }) =>
        inSession(request, site, ({ by, client }) =>
          Effect.map(totps.confirm({ by, code: payload.code, client }), toFactorEnrolled),
        ),
      remove: ({ request }) =>
        inSession(request, site, ({ session, user, client }) => totps.remove({ session, user, client })),
      enrolInSignIn: ({ payload, request }) =>
        enrollingInSignIn(request, site, undefined, ({ by, client }) => totps.enrol({ ...payload, by, client })),
      pendingInSignIn: ({ request }) =>
        enrollingInSignIn(request, site, undefined, ({ by, client }) => totps.pending({ by, client })),
      confirmInSignIn: ({ payload, request }) =>
        enrollingInSignIn(request, site, payload.transport, (step, transport) =>
          Effect.flatMap(totps.confirm({ ...step, code: payload.code }), (enrolled) =>
            enrolledInSignIn(enrolled, transport, site),
          ),
        ),
    })
  }),
).pipe(seeing(Totps, Site, RequestGuard, Authentication))

/**
 * The handlers of {@link HotpsApi}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHotps = HttpApiBuilder.group(
  FactorsApi,
  "hotps",
  Effect.fnUntraced(function* (handlers) {
    const hotps = yield* Hotps
    const site = yield* Site

    return handlers.handleAll({
      prove: ({ payload, request }) =>
        proving(request, site, payload.transport, (step) =>
          hotps.prove({ ...step, code: payload.code, nextCode: payload.nextCode }),
        ),
      enrol: ({ payload, request }) =>
        inSession(request, site, ({ by, client }) => hotps.enrol({ ...payload, by, client })),
      pending: ({ request }) => inSession(request, site, ({ by, client }) => hotps.pending({ by, client })),
      confirm: ({ payload, request }) =>
        inSession(request, site, ({ by, client }) =>
          Effect.map(hotps.confirm({ by, code: payload.code, client }), toFactorEnrolled),
        ),
      remove: ({ request }) =>
        inSession(request, site, ({ session, user, client }) => hotps.remove({ session, user, client })),
      enrolInSignIn: ({ payload, request }) =>
        enrollingInSignIn(request, site, undefined, ({ by, client }) => hotps.enrol({ ...payload, by, client })),
      pendingInSignIn: ({ request }) =>
        enrollingInSignIn(request, site, undefined, ({ by, client }) => hotps.pending({ by, client })),
      confirmInSignIn: ({ payload, request }) =>
        enrollingInSignIn(request, site, payload.transport, (step, transport) =>
          Effect.flatMap(hotps.confirm({ ...step, code: payload.code }), (enrolled) =>
            enrolledInSignIn(enrolled, transport, site),
          ),
        ),
    })
  }),
).pipe(seeing(Hotps, Site, RequestGuard, Authentication))

/**
 * The handlers of both kinds.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(layerTotps, layerHotps)

// internal

const toFactorEnrolled = ({ backupCodes }: Enrolled) => ({ backupCodes })
