/**
 * Sensitive actions: whether a session proved recently what the policy asks for.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { Session, SessionProof } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import type { StoreError } from "@belfry/core/StoreError"
import type { User } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { provable } from "./Enrolment.ts"
import { EnrolmentStore } from "./EnrolmentStore.ts"
import { Factor } from "./Factor.ts"
import { progress } from "./SignInAttempt.ts"
import { SignInPolicy } from "./SignInPolicy.ts"
import { StepUpRequired } from "./StepUp.ts"

/**
 * Sensitive actions.
 *
 * @category services
 * @since 0.1.0
 */
export class StepUps extends Context.Service<
  StepUps,
  {
    /**
     * Fails with `StepUpRequired` unless the factors that the policy asks for before `action` were proved in this
     * session within the freshness window.
     */
    readonly require: (options: {
      readonly session: Session
      readonly user: User
      readonly action: string
      readonly client: ClientInfo
    }) => Effect.Effect<void, StepUpRequired | StoreError>
  }
>()("@belfry/factors/StepUps") {}

/**
 * The service over proofs, enrolments and the policy.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  StepUps,
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const enrolments = yield* EnrolmentStore
    const policy = yield* SignInPolicy
    const { freshness } = sessions.policy

    return StepUps.of({
      require: Effect.fn("StepUps.require")(function* ({ session, user, action, client }) {
        const { id: sessionId, amr, acr } = session
        const since = DateTime.subtractDuration(yield* DateTime.now, freshness)
        const proofs = (yield* sessions.proofs(sessionId, since)).filter(isProofOfFactor)
        const able = provable(yield* enrolments.list(user.id))
        const alternatives = yield* policy.stepUp({
          user,
          provable: able,
          proofs: proofs.map((proof) => ({ ...proof, amr: [], email: null })),
          client,
          stepUp: { sessionId, amr, acr, action },
        })
        const { isComplete, factors } = progress({
          alternatives,
          provable: able,
          proved: proofs.map(({ factor }) => factor),
          enrol: [],
        })
        if (!isComplete) {
          return yield* new StepUpRequired({ action, factors, maxAge: Duration.toSeconds(freshness) })
        }
      }),
    })
  }),
)

// internal

const isFactor = Schema.is(Factor)

/** What this package does not know as a factor proves nothing here. */
const isProofOfFactor = (proof: SessionProof): proof is SessionProof & { readonly factor: Factor } =>
  isFactor(proof.factor)
