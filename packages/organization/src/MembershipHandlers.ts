/**
 * HTTP adapter of access: the middleware by which a host's own endpoints act for an organization.
 *
 * @since 0.1.0
 */
import { storeUnavailable, unavailableResponse } from "@belfry/core/RequestHandlers"
import { CurrentSession } from "@belfry/core/SessionsApi"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { requestedOrganization } from "./internal/requests.ts"
import { missing } from "./Membership.ts"
import {
  CurrentMembership,
  MembershipCheck,
  organizationParameter,
  OrganizationRequired,
  RequiredPermissions,
} from "./MembershipApi.ts"
import { Memberships } from "./Memberships.ts"
import { PermissionMissing } from "./Permission.ts"

/**
 * Finds the organization that the request acts for, and checks the permissions that the endpoint and its group are
 * annotated with.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMembershipCheck = Layer.effect(
  MembershipCheck,
  Effect.gen(function* () {
    const memberships = yield* Memberships
    return MembershipCheck.of(
      Effect.fnUntraced(function* (httpEffect, { endpoint, group }) {
        const { id: sessionId, userId } = yield* CurrentSession
        const requested = yield* requestedOrganization(yield* HttpServerRequest.HttpServerRequest, yield* parameter)
        const answer = yield* memberships.active({ userId, sessionId, requested }).pipe(
          Effect.asSome,
          // Answered here: this middleware cannot fail with what others fail with.
          Effect.catchTag("StoreError", (error) => Effect.as(Effect.ignore(storeUnavailable(error)), Option.none())),
        )
        if (Option.isNone(answer)) return unavailableResponse
        if (Option.isNone(answer.value)) return yield* new OrganizationRequired()
        const { membership } = answer.value.value
        const lacking = missing(membership, [
          ...Context.get(group.annotations, RequiredPermissions),
          ...Context.get(endpoint.annotations, RequiredPermissions),
        ])
        if (lacking.length > 0) return yield* new PermissionMissing({ reason: "permission", missing: lacking })
        return yield* Effect.provideService(httpEffect, CurrentMembership, membership)
      }),
    )
  }),
)

// internal

/** What stands in the path of a route that has the parameter. */
const parameter = Effect.withFiber((fiber) =>
  Effect.succeed(Context.getOrUndefined(fiber.context, HttpRouter.RouteContext)?.params[organizationParameter]),
)
