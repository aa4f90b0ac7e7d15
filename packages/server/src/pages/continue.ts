/**
 * Going on with a sign-in by its next factor, proving again who one is, and the answers of passkeys to both.
 *
 * @since 0.1.0
 */
import { cookieToken } from "@belfry/core/RequestHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { Passkeys } from "@belfry/factors/Passkeys"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import { SignInPolicy } from "@belfry/factors/SignInPolicy"
import { AuthenticationResponse } from "@belfry/factors/WebAuthn"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeAttempts } from "./attempts.ts"
import { type Flow, inSignIn } from "./flows.ts"
import { decode } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { makeProofs } from "./proofs.ts"
import { makeProviders } from "./providers.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post, type Visit, type Visitor } from "./visit.ts"
import { signInPage } from "./views/signIn.ts"

const PasskeyForm = Schema.Struct({ response: Schema.fromJsonString(AuthenticationResponse) })

/**
 * Adds the pages that ask for one more factor.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const sessions = yield* Sessions
  const signIns = yield* SignInAttempts
  const passkeys = yield* Passkeys
  const { firstFactors } = yield* SignInPolicy
  const attempts = yield* makeAttempts
  const proofs = yield* makeProofs
  const providers = yield* makeProviders
  const visitors = yield* makeVisitors

  yield* get(
    paths.continueSignIn,
    Effect.fnUntraced(function* (visit) {
      if (attempts.token(visit) === undefined) return paths.signIn
      const { state, token } = yield* attempts.get(visit)
      return yield* proofs.show(
        visit,
        state,
        { action: paths.continueSignIn, token },
        { wanted: visit.query("factor"), asksNext: visit.query("resync") === "1" },
      )
    }),
    inSignIn,
  )

  yield* post(
    paths.continueSignIn,
    Effect.fnUntraced(function* (visit, fields) {
      const token = yield* attempts.getToken(visit)
      return yield* proofs.submit(visit, fields, { action: paths.continueSignIn, token })
    }),
    inSignIn,
  )

  yield* post(
    paths.cancelSignIn,
    Effect.fnUntraced(function* (visit) {
      const token = attempts.token(visit)
      const start = withQuery(paths.signIn, { return_to: visit.flow?.returnTo })
      if (token === undefined) return start
      yield* signIns.cancel(token, visit.client)
      yield* attempts.forget(visit)
      if (visit.flow !== undefined) return start
      // Who is signed in began it to change something in the account.
      return Option.isSome(yield* visitors.find(visit)) ? paths.account : start
    }),
    inSignIn,
  )

  yield* post(
    paths.signInPasskey,
    Effect.fnUntraced(function* (visit, fields) {
      const { words, client, request } = visit
      const { state, token } = yield* attempts.get(visit)
      const returnTo = visit.returnTo(fields["return_to"])
      const again = (status: number, message: string, headers = {}) => {
        const problems = [{ message }]
        return state.user === null
          ? Effect.map(providers.forSignIn, (providers) =>
              signInPage(words, paths, {
                state: { values: {}, problems },
                factors: firstFactors,
                providers,
                returnTo,
                flow: visit.flow,
                status,
                headers,
              }),
            )
          : proofs.again(
              visit,
              { action: paths.continueSignIn, token, returnTo },
              { wanted: "passkey", problems, status, headers },
            )
      }
      const form = decode(PasskeyForm, fields)
      if (Result.isFailure(form)) return yield* again(422, words.passkey.refused)
      const { response } = form.success
      return yield* passkeys.prove({ token, response, client, replaces: cookieToken(request, site) }).pipe(
        attempts.settle(visit, { by: token, otherwise: returnTo }),
        Effect.catchTags({
          PasskeyInvalid: () => again(401, words.passkey.refused),
          RateLimited: ({ retryAfter }) =>
            again(429, words.problems.limited(retryAfter), { "retry-after": String(retryAfter) }),
        }),
      )
    }),
    inSignIn,
  )

  /** The proof that makes the visitor's session fresh again: the one that was begun, or a new one. */
  const prove = Effect.fnUntraced(function* (visit: Visit, { session, user }: Visitor, wanted: string | undefined) {
    const returnTo = visit.returnTo(wanted)
    const target = returnTo ?? withQuery(paths.account, { done: "confirmed" })
    const begun = yield* attempts.find(visit)
    const step = { action: paths.confirmAccess, returnTo }
    if (Option.isSome(begun)) {
      const { state, token } = begun.value
      const { stepUp, context } = state.attempt
      if (stepUp?.sessionId === session.id && context.returnTo === target) return { state, step: { ...step, token } }
    }
    const started = yield* signIns.start({
      context: { returnTo: target },
      stepUp: { session, user },
      client: visit.client,
    })
    yield* attempts.keep(started)
    return { state: started.state, step: { ...step, token: started.token } }
  })

  yield* get(
    paths.confirmAccess,
    Effect.fnUntraced(function* (visit) {
      const visitor = yield* visitors.get(visit)
      const wanted = visit.query("return_to")
      // What a client asks for is more than that the last proof is not old.
      const isDone =
        visit.flow === undefined
          ? yield* Effect.isSuccess(sessions.requireFresh(visitor.session))
          : !isProofOf(visit.flow)
      if (isDone) return visit.returnTo(wanted) ?? paths.account
      const { state, step } = yield* prove(visit, visitor, wanted)
      return yield* proofs.show(visit, state, step, {
        wanted: visit.query("factor"),
        asksNext: visit.query("resync") === "1",
      })
    }),
  )

  yield* post(
    paths.confirmAccess,
    Effect.fnUntraced(function* (visit, fields) {
      const visitor = yield* visitors.get(visit)
      const { step } = yield* prove(visit, visitor, fields["return_to"])
      return yield* proofs.submit(visit, fields, step)
    }),
  )
})

// internal

/** Whether a client waits for a proof of who is signed in. */
const isProofOf = ({ intent }: Flow): boolean => intent === "reauthenticate" || intent === "step_up"
