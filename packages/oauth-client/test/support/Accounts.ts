/**
 * Accounts at providers over each kind of stores, with a provider that renews tokens and a gate that lets links go.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import type { LinkedAccount, ProviderTokens } from "@belfry/core/LinkedAccount"
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import { UnlinkRefused } from "@belfry/oauth-client/OAuthAccount"
import * as OAuthAccounts from "@belfry/oauth-client/OAuthAccounts"
import * as OAuthProviders from "@belfry/oauth-client/OAuthProviders"
import { SignInGate } from "@belfry/oauth-client/SignInGate"
import * as Builders from "@belfry/testing/Builders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { Context, Effect, Fiber, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as FakeRefresher from "./FakeRefresher.ts"

const options = {
  clientId: "belfry",
  authorizationEndpoint: "https://id.example/authorize",
  tokenEndpoint: "https://id.example/token",
}

const providers = Layer.mergeAll(
  OAuthProviders.layerProvider({ ...options, id: "acme" }),
  OAuthProviders.layerProvider({ ...options, id: "crumb", storeAccountCookie: true }),
  OAuthProviders.layerProvider({ ...options, id: "biscuit", storeAccountCookie: true }),
).pipe(Layer.provideMerge(OAuthProviders.layer), Layer.orDie)

const unasked = () => Effect.die(new Error("not asked for by accounts"))

/** Lets every link go that is there. */
export const openGate = Layer.succeed(SignInGate, {
  attemptCookie: "attempt",
  prove: unasked,
  takeOver: unasked,
  removeWayIn: ({ remove }) =>
    Effect.flatMap(remove, (removed) =>
      removed ? Effect.void : Effect.fail(new UnlinkRefused({ reason: "not-linked" })),
    ),
})

/** Keeps every link. */
export const closedGate = Layer.succeed(SignInGate, {
  attemptCookie: "attempt",
  prove: unasked,
  takeOver: unasked,
  removeWayIn: () => Effect.fail(new UnlinkRefused({ reason: "last-way-in" })),
})

/** Accounts over stores. */
export const layerOver = <A, E>(
  services: Layer.Layer<A | TestServices.Services | TestServices.Stores, E>,
  gate = openGate,
) =>
  OAuthAccounts.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(providers, FakeRefresher.layer, gate)),
    Layer.provideMerge(services),
  )

/** Accounts over memory. */
export const layer = layerOver(TestServices.layerMemory)

/** Accounts over PostgreSQL, which has more than one connection. */
export const postgres = layerOver(
  TestServices.layerSql(TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])),
)

/** Accounts over memory, PGlite and PostgreSQL. */
export const backends: ReadonlyArray<{
  readonly name: string
  readonly layer: Layer.Layer<
    Extract<Layer.Success<typeof layer>, Layer.Success<typeof postgres>>,
    TestDatabase.TestDatabaseError
  >
}> = [
  { name: "memory", layer },
  ...databases().map((database) => ({
    name: database.name,
    layer: layerOver(TestServices.layerSql(database.layer)),
  })),
]

/** PGlite and PostgreSQL with the tables of accounts. */
export function databases() {
  return TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])
}

/** A new user. */
export const newUser = Builders.storedUser()

/** An account of a new user, or of the one that is given, with tokens of the provider. */
export const link = Effect.fnUntraced(function* (
  fields: Partial<Pick<LinkedAccount, "userId" | "providerId" | "accountId">> & {
    readonly tokens?: Partial<ProviderTokens<Redacted.Redacted>>
  } = {},
) {
  const accounts = yield* LinkedAccounts
  const { grant } = yield* FakeRefresher.FakeRefresher
  return yield* accounts.link({
    userId: fields.userId ?? (yield* newUser).id,
    providerId: fields.providerId ?? "acme",
    accountId: fields.accountId ?? "42",
    tokens: { ...(yield* grant), ...fields.tokens },
    client: unknownClient,
  })
})

/** The account as it is in the database. */
export const rowOf = ({ providerId, accountId }: LinkedAccount) =>
  LinkedAccounts.use((accounts) => Effect.map(accounts.find(providerId, accountId), Option.getOrThrow))

/** Another node over the same stores. */
export const otherNode = Effect.map(Layer.build(Layer.fresh(OAuthAccounts.layer)), (context) =>
  Context.get(context, OAuthAccounts.OAuthAccounts),
)

/** Runs an effect while the test's clock goes on, as far as what it waits for takes. */
export const inTime = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) {
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    yield* TestClock.adjust("50 millis")
  }
  return yield* Fiber.join(fiber)
})

/** Text of a secret. */
export const valueOf = (secret: Redacted.Redacted | null): string | null =>
  secret === null ? null : Redacted.value(secret)
