/**
 * What one payer has is not there for others: every endpoint of the contract, with every name in a request that is
 * another payer's, answers 404, changes nothing here, and does not go to Stripe for it. On all three stores.
 */
import { BillingApi } from "@belfry/billing/BillingApi"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import { EntitlementStore } from "@belfry/billing/EntitlementStore"
import { OperationId } from "@belfry/billing/Operation"
import { OperationStore } from "@belfry/billing/OperationStore"
import type { Payer, PayerRef } from "@belfry/billing/Payer"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { Upgrades } from "@belfry/billing/Upgrades"
import { Slug } from "@belfry/organization/Organization"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestBilling from "@belfry/testing/TestBilling"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { OpenApi } from "effect/http-api"
import { migrations } from "./support/BillingStores.ts"
import { serve, type Services, signIn } from "./support/HostServer.ts"

/** What a payer has, as requests name it. */
interface Things {
  readonly payer: string
  readonly subscription: string
  readonly checkout: string
}

interface Asking {
  readonly request: (things: Things) => readonly [method: string, path: string, json?: Schema.Json]
  /** What of a payer the request names. */
  readonly names: ReadonlyArray<keyof Things>
}

/** How every endpoint is asked that takes the name of something that a payer has. */
const askings: Readonly<Record<string, Asking>> = {
  "subscriptions.upgrade": {
    request: ({ payer, subscription }) => [
      "POST",
      "/upgrade",
      { plan: "storage", payer, subscriptionId: subscription },
    ],
    names: ["payer", "subscription"],
  },
  "subscriptions.list": { request: ({ payer }) => ["GET", `/subscriptions?payer=${payer}`], names: ["payer"] },
  "subscriptions.get": {
    request: ({ payer, subscription }) => ["GET", `/subscriptions/${subscription}?payer=${payer}`],
    names: ["payer", "subscription"],
  },
  "subscriptions.cancel": {
    request: ({ payer, subscription }) => ["POST", "/cancel", { payer, subscriptionId: subscription }],
    names: ["payer", "subscription"],
  },
  "subscriptions.restore": {
    request: ({ payer, subscription }) => ["POST", "/restore", { payer, subscriptionId: subscription }],
    names: ["payer", "subscription"],
  },
  "subscriptions.portal": { request: ({ payer }) => ["POST", "/portal", { payer }], names: ["payer"] },
  "subscriptions.checkout": { request: ({ checkout }) => ["GET", `/checkouts/${checkout}`], names: ["checkout"] },
  "subscriptions.invoices": { request: ({ payer }) => ["GET", `/invoices?payer=${payer}`], names: ["payer"] },
  "subscriptions.entitlements": { request: ({ payer }) => ["GET", `/entitlements?payer=${payer}`], names: ["payer"] },
}

/** What names in requests name of a payer. */
const ofPayers: Readonly<Record<string, keyof Things>> = {
  payer: "payer",
  subscription: "subscription",
  subscriptionId: "subscription",
  checkout: "checkout",
}

/** Names that no payer owns, or whose own test is below. */
const ofNobody = new Set(
  "active audience cancelUrl confirm cursor interval limit locale metadata part plan redirect returnUrl seats successUrl when".split(
    " ",
  ),
)

const Operation = Schema.Struct({
  operationId: Schema.String,
  parameters: Schema.Array(Schema.Struct({ name: Schema.String })),
  requestBody: Schema.optionalKey(Schema.Json),
})

const specification = Schema.decodeUnknownSync(
  Schema.Struct({
    paths: Schema.Record(Schema.String, Schema.Record(Schema.String, Operation)),
    components: Schema.Struct({ schemas: Schema.Record(Schema.String, Schema.Json) }),
  }),
)(JSON.parse(JSON.stringify(OpenApi.fromApi(BillingApi))))

/** The names of members of a body. */
const membersOf = (schema: unknown): ReadonlyArray<string> => {
  const reference = TestHttp.at(schema, "$ref")
  if (typeof reference === "string")
    return membersOf(specification.components.schemas[reference.split("/").at(-1) ?? ""])
  return Object.keys(TestHttp.at(schema, "properties") ?? {})
}

const endpoints = Object.values(specification.paths).flatMap((operations) =>
  Object.values(operations).map(({ operationId, parameters, requestBody }) => ({
    id: operationId,
    names: [
      ...parameters.map(({ name }) => name),
      ...membersOf(TestHttp.at(requestBody, "content", "application/json", "schema")),
    ],
  })),
)

describe("The contract of billing", () => {
  it("has no endpoint that takes the name of something of a payer, and is not asked below", () => {
    for (const { id, names } of endpoints) {
      const named = names.flatMap((name) => {
        const thing = ofPayers[name]
        assert.isTrue(thing !== undefined || ofNobody.has(name) || name === "stripe-signature", `${id} names a ${name}`)
        return thing === undefined ? [] : [thing]
      })
      // Where people come back from a checkout they are told no status: see the last test.
      if (id === "subscriptions.checkoutReturn") continue
      assert.sameMembers(named, [...(askings[id]?.names ?? [])], id)
    }
    const known = new Set(endpoints.map(({ id }) => id))
    assert.deepStrictEqual(
      Object.keys(askings).filter((id) => !known.has(id)),
      [],
    )
  })
})

/** Somebody who pays for themselves, for an organization and for its team. */
const tenant = Effect.gen(function* () {
  const owner = yield* signIn()
  const built = yield* OrganizationBuilders.organization()
  const slug = Slug.make(`acme-${built.id.slice(-12)}`)
  const { organization } = yield* OrganizationBuilders.storedOrganization({ ...built, slug, owner: owner.user })
  const at = organization.id
  const { id: teamId } = yield* OrganizationBuilders.storedTeam({ organizationId: at })
  const upgrades = yield* Upgrades
  const pays = Effect.fnUntraced(function* (
    plan: string,
    payer: Payer,
    ref: PayerRef,
    ...texts: ReadonlyArray<string>
  ) {
    const { id: subscription } = yield* TestBilling.subscribe(owner.actor, { plan, payer: ref })
    const { checkoutId } = yield* upgrades.upgrade(owner.actor, TestBilling.wish({ plan: "storage", payer: ref }))
    const checkout = checkoutId ?? assert.fail("no checkout")
    return { payer, texts, things: { payer: texts[0] ?? "", subscription, checkout } satisfies Things }
  })
  const user = yield* pays("pro", { _tag: "User", userId: owner.user.id }, { _tag: "Self" }, "me")
  const ofOrganization = yield* pays(
    "team",
    { _tag: "Organization", organizationId: at },
    { _tag: "Organization", organization: at },
    `organization:${at}`,
    `organization:${slug}`,
  )
  const ofTeam = yield* pays(
    "squad",
    { _tag: "Team", organizationId: at, teamId },
    { _tag: "Team", organization: at, teamId },
    `team:${at}/${teamId}`,
    `team:${slug}/${teamId}`,
  )
  return { owner, at, teamId, payers: [user, ofOrganization, ofTeam] }
})

type Tenant = Effect.Success<typeof tenant>

/** Two of them. What is refused changes neither. */
class Tenants extends Context.Service<Tenants, { readonly own: Tenant; readonly other: Tenant }>()(
  "@belfry/billing/test/Tenants",
) {}

const layerTenants = Layer.effect(Tenants, Effect.all({ own: tenant, other: tenant }))

/** Everything that is kept of a tenant's payers, here and at Stripe, and every id of theirs. */
const snapshot = Effect.fnUntraced(function* ({ payers }: Tenant) {
  const local = yield* LocalStripe
  const [customers, entitlements, operations, subscriptions] = [
    yield* CustomerStore,
    yield* EntitlementStore,
    yield* OperationStore,
    yield* SubscriptionStore,
  ]
  const kept = yield* Effect.forEach(payers, ({ payer, things }) =>
    Effect.all([
      customers.findByPayer(payer),
      entitlements.facts(payer),
      operations.find(OperationId.make(things.checkout)),
      subscriptions.listByPayer(payer),
    ]),
  )
  const ids = kept.map(([customer]) => Option.getOrThrow(customer).providerId)
  const at = local.objects()
  const theirs = [...Object.values(at.subscriptions), ...Object.values(at.checkouts)].filter(({ customer }) =>
    ids.some((id) => id === customer),
  )
  return { ids, text: JSON.stringify([kept, theirs]) }
})

const suite = (name: string, layer: Layer.Layer<Services, unknown>) =>
  withLayer(Layer.provideMerge(layerTenants, layer))(`A payer (${name})`, (it) => {
    for (const [id, { names, request }] of Object.entries(askings)) {
      it.effect(`keeps to itself what ${id} is about`, () =>
        Effect.gen(function* () {
          const local = yield* LocalStripe
          const as = yield* serve
          const { other, own } = yield* Tenants
          const outsider = yield* signIn()
          const before = yield* snapshot(other)
          const from = local.calls.length
          const ask = (things: Things, token = own.owner.token) => {
            const [method, path, json] = request(things)
            return as(token)(method, `/auth/billing${path}`, json)
          }
          const refused = (response: TestHttp.TestResponse, what: string) => {
            assert.strictEqual(response.status, 404, `${what}: ${response.text}`)
            assert.strictEqual(response.headers.get("content-type"), "application/problem+json", what)
          }
          for (const [place, { things }] of own.payers.entries()) {
            for (const foreign of other.payers) {
              if (names.includes("payer")) {
                for (const text of foreign.texts.filter((text) => text !== "me")) {
                  refused(yield* ask({ ...things, payer: text }), "another's payer")
                  refused(yield* ask({ ...foreign.things, payer: text }), "everything is another's")
                }
              }
              if (names.includes("subscription")) {
                refused(yield* ask({ ...things, subscription: foreign.things.subscription }), "another's subscription")
              }
              if (names.includes("checkout")) {
                refused(yield* ask({ ...things, checkout: foreign.things.checkout }), "another's checkout")
              }
            }
            // Of two payers of one person, one has nothing of the other's either.
            const { things: next = things } = own.payers[(place + 1) % own.payers.length] ?? {}
            if (names.includes("subscription")) {
              refused(
                yield* ask({ ...things, subscription: next.subscription }),
                "the subscription of one's other payer",
              )
            }
            if (things.payer !== "me") refused(yield* ask(things, outsider.token), "an outsider")
          }
          if (names.includes("payer")) {
            const mixed = `team:${own.at}/${other.teamId}`
            for (const { things } of own.payers) refused(yield* ask({ ...things, payer: mixed }), "another's team")
          }
          const after = yield* snapshot(other)
          assert.strictEqual(after.text, before.text)
          const sent = JSON.stringify(local.calls.slice(from).map(({ params, path }) => [path, params]))
          for (const id of before.ids) assert.notInclude(sent, String(id))
        }),
      )
    }

    it.effect("shows nothing of its invoices to others, wherever their cursors come from", () =>
      Effect.gen(function* () {
        const as = yield* serve
        const { other, own } = yield* Tenants
        const local = yield* LocalStripe
        const { ids } = yield* snapshot(other)
        const theirs = Object.values(local.objects().invoices).filter((invoice) =>
          ids.some((id) => id === invoice.customer),
        )
        assert.isAbove(theirs.length, 1)
        for (const { things } of own.payers) {
          for (const invoice of theirs) {
            const cursor = Buffer.from(invoice.id).toString("base64url")
            const path = `/auth/billing/invoices?payer=${things.payer}&cursor=${cursor}`
            const response = yield* as(own.owner.token)("GET", path)
            assert.strictEqual(response.status, 200, response.text)
            for (const { id } of theirs) assert.notInclude(response.text, id)
          }
        }
      }),
    )

    it.effect("shows nothing of its checkout to others who come back from it", () =>
      Effect.gen(function* () {
        const as = yield* serve
        const { other, own } = yield* Tenants
        const before = yield* snapshot(other)
        for (const { things } of other.payers) {
          const response = yield* as(own.owner.token)("GET", `/auth/billing/checkouts/${things.checkout}/return`)
          assert.strictEqual(response.status, 303)
          assert.strictEqual(response.location, "http://localhost:3000/billing")
        }
        assert.strictEqual((yield* snapshot(other)).text, before.text)
      }),
    )
  })

suite("memory", TestBilling.layerMemory())
for (const { name, layer } of TestDatabase.each(migrations)) suite(name, TestBilling.layerSql(layer))
