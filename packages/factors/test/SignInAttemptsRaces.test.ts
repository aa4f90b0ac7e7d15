/**
 * What happens when one sign-in is answered from several places at once, over each store.
 */
import { Sessions } from "@belfry/core/Sessions"
import { TotpStore } from "@belfry/factors/TotpStore"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Option } from "effect"
import {
  completed,
  everywhere,
  failOnce,
  get,
  going,
  home,
  open,
  prove,
  proveFirst,
  refusal,
  start,
  stepUp,
  trailOf,
  userWith,
} from "./support/SignIns.ts"

const fifty = Array.from({ length: 50 }, (_, index) => index)

const atOnce = <A, E, R>(run: (index: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(fifty, (index) => Effect.result(run(index)), { concurrency: "unbounded" })

for (const { name, layer } of everywhere()) {
  withLayer(layer)(`A sign-in that is answered from several places (${name})`, (it) => {
    it.effect("ends in one session, though 50 right answers come at once", () =>
      Effect.gen(function* () {
        const user = yield* userWith("password", "totp")
        const { token } = yield* going(proveFirst(user))
        // Opened one after the other by two devices, before either was looked at.
        const devices = [yield* open(token, "totp"), yield* open(token, "totp")] as const
        const answers = yield* atOnce((index) => prove(index % 2 === 0 ? devices[0] : devices[1], user))
        const winners = answers.flatMap((answer) => (answer._tag === "Success" ? [answer.success] : []))
        assert.deepStrictEqual(
          winners.map(({ _tag }) => _tag),
          ["SignInComplete"],
        )
        const reasons = answers.flatMap((answer) =>
          answer._tag === "Failure" && answer.failure._tag === "SignInRefused" ? [answer.failure.reason] : [],
        )
        assert.strictEqual(reasons.length, 49)
        assert.deepStrictEqual(new Set(reasons), new Set(["invalid"]))
        assert.strictEqual((yield* Sessions.use((sessions) => sessions.list(user.id))).length, 1)
        // Nothing is left of the others.
        assert.deepStrictEqual(yield* trailOf(user), ["sign-in.proved", "session.started"])
      }),
    )

    it.effect("takes one step of 50 at once, and has one token", () =>
      Effect.gen(function* () {
        const user = yield* userWith("password", "totp")
        const { token } = yield* start()
        const opened = yield* open(token, "email-code")
        const answers = yield* atOnce(() => prove(opened, user))
        const winners = answers.flatMap((answer) => (answer._tag === "Success" ? [answer.success] : []))
        assert.strictEqual(winners.length, 1)
        const [winner] = winners
        if (winner?._tag !== "SignInContinues") return assert.fail("The second factor was not asked for")
        assert.strictEqual((yield* get(winner.token)).attempt.proofs.length, 1)
        assert.strictEqual(yield* refusal(get(token)), "SignInRefused:invalid")
        assert.deepStrictEqual(yield* trailOf(user), ["sign-in.proved"])
      }),
    )

    it.effect("uses a code up for the one that moved it", () =>
      Effect.gen(function* () {
        const user = yield* userWith("password", "totp")
        const totps = yield* TotpStore
        const totp = Option.getOrThrow(yield* totps.find(user.id))
        const claim = (step: number) =>
          Effect.filterOrFail(
            totps.claimStep({ userId: user.id, secret: totp.secret, step, now: totp.createdAt }),
            (isClaimed) => isClaimed,
            () => "used" as const,
          )
        const { token } = yield* going(proveFirst(user))
        const opened = yield* open(token, "totp")
        const answers = yield* atOnce((index) => prove(opened, user, { confirm: claim(100 + index) }))
        assert.strictEqual(answers.filter(({ _tag }) => _tag === "Success").length, 1)
        const { lastStep } = Option.getOrThrow(yield* totps.find(user.id))
        assert.strictEqual(lastStep, 100 + answers.findIndex(({ _tag }) => _tag === "Success"))
      }),
    )

    it.effect("takes five of 50 wrong codes, and is locked", () =>
      Effect.gen(function* () {
        const { token } = yield* start()
        const answers = yield* atOnce(() => failOnce(token, "email-code"))
        const left = answers.flatMap((answer) => (answer._tag === "Success" ? [answer.success] : []))
        assert.deepStrictEqual(left.toSorted(), [0, 1, 2, 3, 4])
        assert.strictEqual(yield* refusal(open(token, "email-code")), "SignInRefused:locked")
      }),
    )

    it.effect("makes a session fresh once for 50 answers", () =>
      Effect.gen(function* () {
        const user = yield* userWith("password")
        const { session } = yield* completed(proveFirst(user))
        const { token } = yield* stepUp(session, user)
        const opened = yield* open(token, "password")
        const answers = yield* atOnce(() => prove(opened, user))
        const tokens = answers.flatMap((answer) => (answer._tag === "Success" ? [answer.success.token] : []))
        assert.strictEqual(tokens.length, 1)
        for (const fresh of tokens) {
          const verified = yield* Sessions.use((sessions) => sessions.verify(fresh))
          assert.strictEqual(verified.session.id, session.id)
        }
      }),
    )

    it.effect("and makes a session fresh does not wait for the end of that session, which waits for it", () =>
      Effect.gen(function* () {
        for (let round = 0; round < 20; round++) {
          const user = yield* userWith("password")
          const { session } = yield* completed(proveFirst(user))
          const { token } = yield* stepUp(session, user)
          const opened = yield* open(token, "password")
          const revoke = Sessions.use((sessions) => sessions.revoke(user.id, session.id, home))
          const [outcome] = yield* Effect.all([Effect.result(prove(opened, user)), revoke], {
            concurrency: "unbounded",
          })
          if (outcome._tag === "Failure") assert.strictEqual(outcome.failure._tag, "SignInRefused")
          assert.deepStrictEqual(yield* Sessions.use((sessions) => sessions.list(user.id)), [])
        }
      }),
    )

    it.effect("is over once it is complete, though it began with an attempt", () =>
      Effect.gen(function* () {
        const user = yield* userWith("password")
        const { token } = yield* start({ returnTo: "/inbox" })
        const { context } = yield* completed(proveFirst(user, "password", { token }))
        assert.deepStrictEqual(context, { returnTo: "/inbox" })
        assert.strictEqual(yield* refusal(get(token)), "SignInRefused:invalid")
      }),
    )
  })
}
