import { unknownClient } from "@belfry/core/AuditEvent"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { Authentication } from "@belfry/core/SessionsApi"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import type { Factor } from "@belfry/factors/Factor"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import type { StepUpRequired } from "@belfry/factors/StepUp"
import { SensitiveAction, StepUpCheck } from "@belfry/factors/StepUpApi"
import * as StepUpHandlers from "@belfry/factors/StepUpHandlers"
import { StepUps } from "@belfry/factors/StepUps"
import { TotpStore } from "@belfry/factors/TotpStore"
import * as Builders from "@belfry/testing/Builders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted, Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { TestClock } from "effect/testing"

const client = unknownClient

/** A session in which factors were proved just now. */
const sessionWith = Effect.fnUntraced(function* (...factors: ReadonlyArray<string>) {
  const user = yield* Users.use((users) => users.create({ email: Email.make("ada@example.com") }))
  const at = yield* DateTime.now
  const proofs = factors.map((factor) => ({ factor, at }))
  const { session, token } = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["pwd"], proofs, client }))
  return { user, session, token }
})

const enrolTotp = Effect.fnUntraced(function* ({ user }: Effect.Success<ReturnType<typeof sessionWith>>) {
  const store = yield* TotpStore
  const now = yield* DateTime.now
  const secret = yield* Builders.sealed
  const times = { createdAt: now, confirmedAt: null, lastUsedAt: null }
  yield* store.begin({
    userId: user.id,
    secret,
    algorithm: "SHA1",
    digits: 6,
    period: 30,
    lastStep: null,
    ...times,
  })
  yield* store.confirm({ userId: user.id, secret, step: 1, now })
})

const require = ({ user, session }: Effect.Success<ReturnType<typeof sessionWith>>, action = "pay") =>
  StepUps.use((stepUps) => stepUps.require({ user, session, action, client }))

/** Proves one factor in a step-up of the session, as its service would. */
const prove = Effect.fnUntraced(function* (
  { user, session }: Effect.Success<ReturnType<typeof sessionWith>>,
  factor: Factor,
  action = "pay",
) {
  const attempts = yield* SignInAttempts
  const { token } = yield* attempts.start({ stepUp: { user, session, action }, client })
  const open = yield* attempts.open({ token, factor, client })
  return yield* attempts.prove({ open, user, amr: ["otp"], confirm: Effect.void })
})

describe("A sensitive action", () => {
  it.effect("is open for ten minutes after any first factor, and not at the end of the tenth", () =>
    Effect.gen(function* () {
      const ada = yield* sessionWith("password")
      yield* TestClock.adjust("599999 millis")
      yield* require(ada)
      yield* TestClock.adjust("1 millis")
      const { action, factors, maxAge } = yield* Effect.flip(require(ada)).pipe(Effect.flatMap(orStepUp))
      assert.deepStrictEqual([action, maxAge], ["pay", 600])
      assert.deepStrictEqual([...factors].sort(), ["email-code", "magic-link"])
    }).pipe(Effect.provide(TestServices.layerMemory)),
  )

  it.effect("wants the second factor of who has one, and opens when it is proved", () =>
    Effect.gen(function* () {
      const ada = yield* sessionWith("password")
      yield* enrolTotp(ada)
      const { factors } = yield* Effect.flip(require(ada)).pipe(Effect.flatMap(orStepUp))
      assert.deepStrictEqual(factors, ["totp"])
      const outcome = yield* prove(ada, "totp")
      assert.strictEqual(outcome._tag, "SignInComplete")
      yield* require(ada)
    }).pipe(Effect.provide(TestServices.layerMemory)),
  )

  it.effect("wants what a host's policy says for this action, and not for another", () => {
    const policy = SignInPolicy.make()
    const payByTotp = Layer.succeed(SignInPolicy.SignInPolicy, {
      ...policy,
      stepUp: (facts) =>
        facts.stepUp.action === "pay"
          ? Effect.succeed([["totp", "password"] as const])
          : Effect.succeed([["password"] as const]),
    })
    return Effect.gen(function* () {
      const ada = yield* sessionWith("password")
      yield* enrolTotp(ada)
      yield* require(ada, "rename")
      assert.deepStrictEqual((yield* Effect.flip(require(ada)).pipe(Effect.flatMap(orStepUp))).factors, ["totp"])
    }).pipe(Effect.provide(TestServices.layerMemory.pipe(Layer.provideMerge(payByTotp))))
  })

  it.effect("shows a policy the factors of this package alone, with their times", () => {
    const policy = SignInPolicy.make()
    const seen: Array<SignInPolicy.StepUpFacts["proofs"]> = []
    const watching = Layer.succeed(SignInPolicy.SignInPolicy, {
      ...policy,
      stepUp: (facts) => {
        seen.push(facts.proofs)
        return policy.stepUp(facts)
      },
    })
    return Effect.gen(function* () {
      const ada = yield* sessionWith("a paper key", "password", "__proto__")
      yield* require(ada)
      assert.deepStrictEqual(seen, [[{ factor: "password", amr: [], at: ada.session.createdAt, email: null }]])
    }).pipe(Effect.provide(TestServices.layerMemory.pipe(Layer.provideMerge(watching))))
  })

  it.effect("is not opened by what was proved in another session", () =>
    Effect.gen(function* () {
      const ada = yield* sessionWith("password")
      const { session } = yield* Sessions.use((sessions) => sessions.start({ user: ada.user, amr: ["pwd"], client }))
      yield* require(ada)
      assert.strictEqual((yield* Effect.flip(require({ ...ada, session })))._tag, "StepUpRequired")
    }).pipe(Effect.provide(TestServices.layerMemory)),
  )
})

const Api = HttpApi.make("app").add(
  HttpApiGroup.make("payments")
    .add(
      HttpApiEndpoint.get("pay", "/pay", { success: Schema.String })
        .annotate(SensitiveAction, "payment")
        .middleware(StepUpCheck)
        .middleware(Authentication),
    )
    .add(
      HttpApiEndpoint.get("refund", "/refund", { success: Schema.String })
        .middleware(StepUpCheck)
        .middleware(Authentication),
    ),
)

const Payments = HttpApiBuilder.group(Api, "payments", (handlers) =>
  handlers.handleAll({ pay: () => Effect.succeed("paid"), refund: () => Effect.succeed("refunded") }),
)

describe("An endpoint of a host with StepUpCheck", () => {
  it.effect("answers 403 with the action and its factors, and serves once they are proved", () =>
    Effect.gen(function* () {
      const services = yield* Effect.context<TestServices.Services>()
      const app = HttpApiBuilder.layer(Api).pipe(
        Layer.provide(Payments),
        Layer.provide(StepUpHandlers.layerStepUpCheck),
        Layer.provide(CoreHandlers.layerMiddleware),
        Layer.provide(HttpServer.layerServices),
        Layer.provide(Layer.succeedContext(services)),
      )
      const { handler } = yield* Effect.acquireRelease(
        Effect.sync(() => HttpRouter.toWebHandler(app, { disableLogger: true })),
        ({ dispose }) => Effect.promise(dispose),
      )
      const context = yield* Effect.context<never>()
      const get = Effect.fnUntraced(function* (path: string, token: Redacted.Redacted) {
        const headers = { authorization: `Bearer ${Redacted.value(token)}` }
        const response = yield* Effect.promise(() =>
          handler(new Request(`http://localhost:3000${path}`, { headers }), context),
        )
        return { status: response.status, json: yield* Effect.promise(() => response.json()) }
      })
      const ada = yield* sessionWith("password")
      assert.deepStrictEqual(yield* get("/pay", ada.token), { status: 200, json: "paid" })
      yield* enrolTotp(ada)
      const required = (action: string) => ({
        status: 403,
        json: {
          type: "about:blank",
          title: "Forbidden",
          status: 403,
          _tag: "StepUpRequired",
          action,
          factors: ["totp"],
          maxAge: 600,
        },
      })
      assert.deepStrictEqual(yield* get("/pay", ada.token), required("payment"))
      assert.deepStrictEqual(yield* get("/refund", ada.token), required("payments.refund"))
      const outcome = yield* prove(ada, "totp")
      const token = outcome._tag === "SignInComplete" ? outcome.token : ada.token
      assert.deepStrictEqual(yield* get("/refund", token), { status: 200, json: "refunded" })
      assert.strictEqual((yield* get("/refund", ada.token)).status, 401)
    }).pipe(Effect.provide(TestServices.layerMemory)),
  )
})

const orStepUp = (error: StepUpRequired | { readonly _tag: "StoreError" }) =>
  error._tag === "StepUpRequired" ? Effect.succeed(error) : Effect.die(error)
