/**
 * A host's own API beside the whole server: the code of the README, compiled as it stands there. The tests start it.
 */
import { BillingDefinition, Entitlement, Entitlements, PlanCatalogue } from "@belfry/billing"
import {
  CoreHandlers,
  type OutboxEvent,
  OutboxSubscribers,
  ProblemApi,
  RequestHandlers,
  SessionsApi,
} from "@belfry/core"
import { SignInPolicy, StepUpApi, StepUpHandlers } from "@belfry/factors"
import { AccessTokenVerifier, ResourceServerApi, ResourceServerHandlers } from "@belfry/oauth-server"
import { AccessDefinition, AccessModel, MembershipApi, MembershipHandlers } from "@belfry/organization"
import { NodeServer, Server } from "@belfry/server"
import { Effect, Layer, Schema } from "effect"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"

// #region access
const access = AccessDefinition.define({
  resources: { project: ["read", "create", "delete"] },
  roles: { member: ["project:read"], editor: ["project:read", "project:create"] },
  teamRoles: { lead: ["project:delete"] },
  metadata: { public: AccessDefinition.anyMetadata, private: AccessDefinition.anyMetadata },
})
// #endregion

// #region plans
const billing = BillingDefinition.define({
  features: ["sso"],
  limits: ["members"],
  base: { features: [], limits: { members: 3 } },
  plans: {
    team: {
      title: "Team",
      audience: ["organization"],
      prices: { month: { lookupKey: "team_month" }, year: { lookupKey: "team_year" } },
      seats: { prices: { month: { lookupKey: "seat_month" }, year: { lookupKey: "seat_year" } } },
      features: ["sso"],
      limits: { members: null },
      trialDays: 14,
    },
  },
  organizationLimits: { members: "members" }, // a fourth member needs the plan
})
// #endregion

/** What a payment is made of. */
const Payment = Schema.Struct({ amount: Schema.Int })

// #region step-up
const pay = HttpApiEndpoint.post("pay", "/payments", { payload: Payment, success: Schema.Int })
  .annotate(StepUpApi.SensitiveAction, "pay")
  .middleware(StepUpApi.StepUpCheck) // 403 StepUpRequired, with the factors to prove
  .middleware(SessionsApi.Authentication)
// #endregion

// #region resource
const reports = HttpApiEndpoint.get("reports", "/reports", { success: Schema.Array(Schema.String) })
  .annotate(ResourceServerApi.RequiredTokenScopes, ["reports:read"])
  .middleware(ResourceServerApi.ResourceAuthorization) // 401 and 403 as RFC 6750 says, with `resource_metadata`
// #endregion

/** What nobody paid for is told as 402. */
const needsPlan = Entitlement.EntitlementMissing.pipe(ProblemApi.asProblem({ status: 402, title: "Payment Required" }))

// #region permission
const createProject = HttpApiEndpoint.post("createProject", "/projects", { success: Schema.String, error: needsPlan })
  .annotate(MembershipApi.RequiredPermissions, [access.permission("project:create")]) // "project:crate" does not compile
  .middleware(MembershipApi.MembershipCheck) // provides CurrentMembership; 404 to outsiders, 403 to who lacks it
  .middleware(SessionsApi.Authentication)
// #endregion

/** The host's API. What a browser sends with its cookie is asked where it comes from, as Belfry's own API does. */
export const Api = HttpApi.make("host")
  .add(HttpApiGroup.make("host").add(pay, createProject).middleware(ProblemApi.RequestGuard))
  .add(HttpApiGroup.make("machines").add(reports))

const handlers = Layer.mergeAll(
  HttpApiBuilder.group(Api, "host", (group) =>
    group
      .handle("pay", ({ payload }) => Effect.succeed(payload.amount))
      .handle(
        "createProject",
        Effect.fnUntraced(
          function* () {
            const { organizationId } = yield* MembershipApi.CurrentMembership
            const entitlements = yield* Entitlements.Entitlements
            const organization = { _tag: "Organization", organizationId } as const
            // #region entitlement
            yield* entitlements.require(organization, billing.feature("sso")) // one statement, never Stripe
            // #endregion
            return "created"
          },
          Effect.catchTag("StoreError", RequestHandlers.storeUnavailable),
        ),
      ),
  ),
  HttpApiBuilder.group(Api, "machines", (group) => group.handle("reports", () => Effect.succeed(["Q3"]))),
)

// #region host
const Middleware = Layer.mergeAll(
  CoreHandlers.layerMiddleware,
  StepUpHandlers.layerStepUpCheck,
  MembershipHandlers.layerMembershipCheck,
  ResourceServerHandlers.layer({ resource: "https://api.example" }).pipe(
    Layer.provide(AccessTokenVerifier.layerLocal({ audience: "https://api.example" })),
  ),
)
const Host = Layer.mergeAll(
  HttpApiBuilder.layer(Api).pipe(Layer.provide(handlers), Layer.provide(Middleware)),
  Server.layerRoutes, // or one group of them: a host mounts what it wants
  Server.layerDeliveries,
)
const Live = NodeServer.serve(Host).pipe(
  Layer.provide(Server.layerServices),
  Layer.provide(Layer.mergeAll(AccessModel.layer(access), PlanCatalogue.layer(billing))),
)
// #endregion

/** The host's server, over the database that is provided. */
export const layer = Live

/** Tells the host's search what happened. */
const handle = (event: OutboxEvent.OutboxEvent) => Effect.logInfo(`${event.type} is searched for from now on`)

// #region subscriber
const Subscriber = Layer.effectDiscard(
  OutboxSubscribers.OutboxSubscribers.use((subscribers) =>
    subscribers.register({ name: "search", types: new Set(["organization.MemberRemoved"]), handle }),
  ),
)
// #endregion

/** A subscriber of the outbox. */
export const subscriber = Subscriber

// #region policy
const policy = SignInPolicy.make({ secondFactor: "required" }) // everybody sets one up at the next sign-in

const Policy = Layer.succeed(SignInPolicy.SignInPolicy, {
  ...policy,
  // Whoever may pay proves the passkey again before paying.
  stepUp: (facts) => (facts.stepUp.action === "pay" ? Effect.succeed([["passkey"]]) : policy.stepUp(facts)),
})
// #endregion

/** The policy of the host. */
export const layerPolicy = Policy
