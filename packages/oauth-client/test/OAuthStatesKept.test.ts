import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { UserStore } from "@belfry/core/UserStore"
import { type OAuthStateRow, OAuthStateStore } from "@belfry/oauth-client/OAuthStateStore"
import * as SqlOAuthClientMigrations from "@belfry/oauth-client/SqlOAuthClientMigrations"
import * as Builders from "@belfry/testing/Builders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { Cookies } from "effect/http"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import {
  begin,
  codeOf,
  finish,
  layerMemory,
  plain,
  provider,
  state,
  textOf,
  verifier,
  withKeys,
} from "./support/States.ts"

const databases = TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthClientMigrations.migrations]).map(
  ({ name, layer }) => ({
    name,
    layer: Layer.merge(Layer.provideMerge(TestServices.layerSqlStores, layer), NodeCrypto.layer),
  }),
)

describe("OAuthStates (strategy adapter)", () => {
  const acme = provider("adapter")

  it.effect("knows a used state no more, and tells that to nobody but its browser", () =>
    Effect.gen(function* () {
      const states = yield* withKeys("k1")
      const { token, finish: callback } = yield* begin(states, acme)
      assert.strictEqual(yield* codeOf(callback), "taken")
      assert.strictEqual(yield* codeOf(callback), "state_not_found")
      assert.strictEqual(yield* codeOf(finish(states, acme, { token, cookie: null })), "state_mismatch")
    }).pipe(Effect.provide(layerMemory)),
  )

  it.effect("uses a state up that comes back too late, or at another redirect URI", () =>
    Effect.gen(function* () {
      const states = yield* withKeys("k1")
      const [late, astray] = [yield* begin(states, acme), yield* begin(states, acme)]
      const given = { token: astray.token, cookie: astray.cookie.value, redirectUri: "http://localhost:3000/" }
      assert.strictEqual(yield* codeOf(finish(states, acme, given)), "state_mismatch")
      assert.strictEqual(yield* codeOf(astray.finish), "state_not_found")
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* codeOf(late.finish), "state_mismatch")
      assert.strictEqual(yield* codeOf(late.finish), "state_not_found")
    }).pipe(Effect.provide(layerMemory)),
  )

  it.effect("opens no state that was put into the row of another one", () =>
    Effect.gen(function* () {
      const store = yield* OAuthStateStore
      const rows: Array<OAuthStateRow> = []
      const states = yield* Effect.provideService(withKeys("k1"), OAuthStateStore, {
        ...store,
        insert: (row) => Effect.sync(() => void rows.push(row)),
      })
      const [mine, theirs] = [yield* begin(states, acme), yield* begin(states, acme, { redirectUrl: "/theirs" })]
      const [first, second] = rows
      assert.isTrue(first !== undefined && second !== undefined)
      if (first === undefined || second === undefined) return
      yield* store.insert({ ...first, sealed: second.sealed })
      yield* store.insert(second)
      assert.strictEqual(yield* codeOf(mine.finish), "state_mismatch")
      assert.strictEqual((yield* theirs.finish).redirectUrl, "/theirs")
    }).pipe(Effect.provide(layerMemory)),
  )

  it.effect("takes no cookie that holds a whole state, or the hash that the row is kept under", () =>
    Effect.gen(function* () {
      const store = yield* OAuthStateStore
      const rows: Array<OAuthStateRow> = []
      const states = yield* Effect.provideService(withKeys("k1"), OAuthStateStore, {
        ...store,
        insert: (row) =>
          Effect.andThen(
            store.insert(row),
            Effect.sync(() => void rows.push(row)),
          ),
      })
      const mine = yield* begin(states, acme)
      const whole = yield* begin(states, provider("cookie"))
      const cookies = [
        whole.cookie.value,
        ...rows.flatMap((row) => [row.stateHash, row.sealed].map((text) => Redacted.make(text))),
      ]
      assert.strictEqual(cookies.length, 3)
      for (const cookie of cookies) {
        assert.strictEqual(yield* codeOf(finish(states, acme, { token: mine.token, cookie })), "state_mismatch")
      }
      assert.strictEqual(yield* codeOf(mine.finish), "taken")
    }).pipe(Effect.provide(layerMemory)),
  )

  const places: ReadonlyArray<{
    readonly name: string
    readonly layer: Layer.Layer<
      Extract<Layer.Success<typeof layerMemory>, Layer.Success<(typeof databases)[number]["layer"]>>,
      TestDatabase.TestDatabaseError
    >
  }> = [{ name: "memory", layer: layerMemory }, ...databases]
  for (const { name, layer } of places) {
    it.effect(`gives a state to one of 50 callbacks at once (${name})`, () =>
      Effect.gen(function* () {
        const { token, cookie } = yield* begin(yield* withKeys("k1"), acme)
        // Two nodes, of which one has a new key already.
        const nodes = [yield* withKeys("k1"), yield* withKeys("k2", "k1")]
        const answers = yield* Effect.forEach(
          Array.from({ length: 25 }).flatMap(() => nodes),
          (states) => codeOf(finish(states, acme, { token, cookie: cookie.value })),
          { concurrency: "unbounded" },
        )
        assert.deepStrictEqual(answers.toSorted(), [...Array.from({ length: 49 }, () => "state_not_found"), "taken"])
      }).pipe(Effect.provide(layer)),
    )
  }

  for (const { name, layer } of databases) {
    it.effect(`keeps nothing readable at rest, and loses a link with its user (${name})`, () =>
      Effect.gen(function* () {
        const states = yield* withKeys("k1")
        const sql = yield* SqlClient.SqlClient
        const users = yield* UserStore
        const user = yield* Builders.user()
        yield* users.insert(user)
        const { token, cookie, finish: callback } = yield* begin(states, acme, { intent: "link", userId: user.id })
        const rows = yield* sql<{ readonly row: string }>`
          SELECT row_to_json(s)::text AS row FROM belfry_oauth_states s`
        const row = rows.map((all) => all.row).join("\n")
        assert.include(row, user.id)
        const handle = cookie.name.slice(-6)
        const secrets = [Redacted.value(token), handle, textOf(cookie), verifier, "nonce-1", "payload-7", "/inbox"]
        for (const text of secrets) assert.notInclude(row, text)
        yield* users.remove(user.id)
        assert.strictEqual(yield* codeOf(callback), "state_not_found")
      }).pipe(Effect.provide(layer)),
    )
  }
})

describe("OAuthStates (strategy cookie)", () => {
  const acme = provider("cookie")
  // A store that dies when it is asked.
  const layerNoStore = Layer.merge(Layer.mock(OAuthStateStore, {}), NodeCrypto.layer)

  it.effect("asks no store, and so cannot tell a second use from the first", () =>
    Effect.gen(function* () {
      const states = yield* withKeys("k1")
      const { kept, finish: callback } = yield* begin(states, acme)
      for (const _ of [1, 2]) assert.deepStrictEqual(plain(yield* callback), plain(kept))
    }).pipe(Effect.provide(layerNoStore)),
  )

  it.effect("takes no cookie that marks a row", () =>
    Effect.gen(function* () {
      const states = yield* withKeys("k1")
      const marked = yield* begin(states, provider("adapter"))
      const given = { token: marked.token, cookie: marked.cookie.value }
      assert.strictEqual(yield* codeOf(finish(states, acme, given)), "state_mismatch")
    }).pipe(Effect.provide(layerMemory)),
  )

  it.effect("refuses a state that does not fit into a cookie of 4096 bytes with its attributes", () =>
    Effect.gen(function* () {
      const states = yield* withKeys("k1")
      let largest = 0
      let refused = 0
      for (let length = 1000; length < 3500; length += 50) {
        const kept = yield* state({ payload: { text: "x".repeat(length) } })
        const answer = yield* Effect.result(states.create(acme, kept))
        if (answer._tag === "Failure") {
          assert.deepInclude(answer.failure, { _tag: "OAuthStateTooLarge", part: "cookie", limit: 3900 })
          refused += 1
          continue
        }
        assert.strictEqual(refused, 0)
        const { name, expiresAt } = answer.success.cookie
        const cookie = Cookies.makeCookieUnsafe(`__Host-${name}`, textOf(answer.success.cookie), {
          path: "/",
          httpOnly: true,
          secure: true,
          sameSite: "lax",
          expires: new Date(expiresAt.epochMilliseconds),
        })
        largest = Cookies.serializeCookie(cookie).length
        assert.isAtMost(largest, 4096)
      }
      assert.isAbove(refused, 0)
      assert.isAbove(largest, 3800)
    }).pipe(Effect.provide(layerNoStore)),
  )
})

describe("cookies of states that are too many", () => {
  const surplusOf = (cookies: Readonly<Record<string, string>>) =>
    Effect.map(withKeys("k1"), (states) => states.surplusCookies(cookies)).pipe(Effect.provide(layerMemory))
  const nth = (index: number) => `__Host-belfry_oauth_acme_${String(index).padStart(6, "0")}`

  it.effect("are the earliest, where a browser has more than seven of them", () =>
    Effect.gen(function* () {
      const others = { "__Host-belfry_session": "s", "__Host-belfry_oauth_start": "b", belfry_oauth_acme_account: "a" }
      const seven = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [nth(index + 2), "marker"]))
      assert.deepStrictEqual(yield* surplusOf({}), [])
      assert.deepStrictEqual(yield* surplusOf({ ...others, ...seven }), [])
      const nine = { [nth(0)]: "marker", ...others, [nth(1)]: "marker", ...seven }
      assert.sameMembers([...(yield* surplusOf(nine))], [nth(0), nth(1)])
    }),
  )

  it.effect("are the earliest, where a browser has more than 4 kB of them", () =>
    Effect.gen(function* () {
      const [small, large] = ["x".repeat(300), "x".repeat(3700)]
      assert.deepStrictEqual(yield* surplusOf({ [nth(0)]: small, [nth(1)]: large }), [])
      assert.deepStrictEqual(yield* surplusOf({ [nth(0)]: large, [nth(1)]: large }), [nth(0)])
      assert.deepStrictEqual(yield* surplusOf({ [nth(0)]: small, [nth(1)]: small, [nth(2)]: large }), [nth(0)])
    }),
  )

  it.effect("are told by names that every state cookie has, at every provider", () =>
    Effect.gen(function* () {
      const states = yield* withKeys("k1")
      for (const id of ["a", "x_y-Z", "p".repeat(64)]) {
        const names: Array<string> = []
        for (let index = 0; index < 8; index++) {
          names.push((yield* begin(states, provider("adapter", id))).cookie.name)
        }
        const cookies = Object.fromEntries(names.map((name) => [name, "marker"]))
        assert.deepStrictEqual(states.surplusCookies(cookies), names.slice(0, 1))
      }
    }).pipe(Effect.provide(layerMemory)),
  )
})
