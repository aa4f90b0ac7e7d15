/**
 * HTTP contract of plans: what is sold, for everybody to see.
 *
 * @since 0.1.0
 */
import { asProblem } from "@belfry/core/ProblemApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { BillingFailed, BillingUnavailable } from "./BillingProviderError.ts"
import { PayerKind, PayerNotFound, BillingForbidden } from "./Payer.ts"
import { PlanNotFound, PlanView } from "./Plan.ts"

/**
 * Errors of this package that several endpoints answer, on the wire.
 *
 * @category errors
 * @since 0.1.0
 */
export const problems = {
  payerNotFound: PayerNotFound.pipe(asProblem({ status: 404, title: "Not Found" })),
  forbidden: BillingForbidden.pipe(asProblem({ status: 403, title: "Forbidden" })),
  planNotFound: PlanNotFound.pipe(asProblem({ status: 404, title: "Not Found" })),
  unavailable: BillingUnavailable.pipe(asProblem({ status: 503, title: "Service Unavailable" })),
  failed: BillingFailed.pipe(asProblem({ status: 502, title: "Bad Gateway" })),
}

/**
 * The endpoint of plans. Needs no session.
 *
 * @category api
 * @since 0.1.0
 */
export class PlansApi extends HttpApiGroup.make("plans")
  .add(
    HttpApiEndpoint.get("list", "/billing/plans", {
      query: { audience: Schema.optionalKey(PayerKind) },
      success: Schema.Struct({ plans: Schema.Array(PlanView) }),
      error: [problems.unavailable, problems.failed],
    }).annotate(OpenApi.Summary, "The plans that are sold, with what they cost"),
  )
  .annotateMerge(OpenApi.annotations({ title: "Plans", description: "What is sold" })) {}
