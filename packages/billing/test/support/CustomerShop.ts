/**
 * A provider that has customers and nothing else, with keys as the real one has them: a request that is repeated is
 * answered as before for a day, and another request under the same key is refused.
 */
import { type BillingCustomer, ProviderCustomerId } from "@belfry/billing/BillingCustomer"
import { BillingProvider, type IdempotencyKey, type ProviderCustomer } from "@belfry/billing/BillingProvider"
import { BillingProviderError } from "@belfry/billing/BillingProviderError"
import { Clock, Context, Duration, Effect, Layer, Option } from "effect"

/** What was asked for, in order. */
export interface Call {
  readonly method: "createCustomer" | "updateCustomer" | "findCustomer" | "searchCustomers" | "listCustomersByEmail"
  readonly key?: IdempotencyKey
  readonly request?: unknown
}

/** What the provider has, and how it answers. */
export class CustomerShop extends Context.Service<
  CustomerShop,
  {
    readonly customers: Map<string, ProviderCustomer>
    readonly calls: Array<Call>
    /** Set by a test: how a call goes wrong once it was done, `after`, or before. */
    failure: {
      readonly method: Call["method"]
      readonly reason: BillingProviderError["reason"]
      isAfter: boolean
    } | null
  }
>()("@belfry/billing/test/CustomerShop") {}

/** The shop, and the provider over it. */
export const layer = Layer.effect(
  BillingProvider,
  Effect.gen(function* () {
    const shop = yield* CustomerShop
    const answers = new Map<IdempotencyKey, { readonly request: string; readonly id: string; readonly until: number }>()
    const error = (method: string, reason: BillingProviderError["reason"]) =>
      new BillingProviderError({ method, reason, code: null, requestId: null, cause: "test" })

    /** Others get their turn before and after what a call does. */
    const call = <A>(asked: Call, body: () => Effect.Effect<A, BillingProviderError>) =>
      Effect.gen(function* () {
        shop.calls.push(asked)
        yield* Effect.yieldNow
        const { failure } = shop
        const fails = failure?.method === asked.method ? failure : null
        if (fails !== null && !fails.isAfter) return yield* error(asked.method, fails.reason)
        const answer = yield* body()
        yield* Effect.yieldNow
        return fails === null ? answer : yield* error(asked.method, fails.reason)
      })
    const once = (key: IdempotencyKey, request: unknown, make: () => ProviderCustomer) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const text = JSON.stringify(request)
        const kept = answers.get(key)
        const earlier = kept !== undefined && kept.until > now ? kept : undefined
        if (earlier !== undefined && earlier.request !== text) return yield* error("key", "refused")
        const answer = earlier === undefined ? make() : shop.customers.get(earlier.id)
        if (answer === undefined) return yield* error("key", "refused")
        if (earlier === undefined) {
          shop.customers.set(answer.id, answer)
          answers.set(key, { request: text, id: answer.id, until: now + Duration.toMillis("24 hours") })
        }
        return answer
      })
    const where = (isMeant: (customer: ProviderCustomer) => boolean) => () =>
      Effect.sync(() => [...shop.customers.values()].filter(isMeant))

    return Context.get(
      yield* Layer.build(
        Layer.mock(BillingProvider)({
          isEnabled: true,
          isLive: false,
          createCustomer: (request, key) =>
            call({ method: "createCustomer", key, request }, () => once(key, request, () => built(request))),
          updateCustomer: (id, change, key) =>
            call({ method: "updateCustomer", key, request: change }, () =>
              once(key, { id, change }, () => {
                const found = shop.customers.get(id)
                if (found === undefined) throw new Error("No such customer")
                const metadata = { ...found.metadata, ...change.metadata }
                return { ...found, profile: change.profile ?? found.profile, metadata }
              }),
            ),
          findCustomer: (id) =>
            call({ method: "findCustomer" }, () => Effect.sync(() => Option.fromUndefinedOr(shop.customers.get(id)))),
          searchCustomers: ({ key, value }) =>
            call(
              { method: "searchCustomers" },
              where(({ metadata }) => metadata[key] === value),
            ),
          listCustomersByEmail: (email) =>
            call(
              { method: "listCustomersByEmail" },
              where(({ profile }) => profile.email === email),
            ),
        }),
      ),
      BillingProvider,
    )
  }),
).pipe(Layer.provideMerge(Layer.sync(CustomerShop, () => ({ customers: new Map(), calls: [], failure: null }))))

/** How often a method was called. */
export const countOf = (method: Call["method"]) =>
  Effect.map(CustomerShop, ({ calls }) => calls.filter((each) => each.method === method).length)

/** A customer that the provider has. */
export const customer = Effect.fnUntraced(function* (fields: Partial<ProviderCustomer> = {}) {
  const { customers } = yield* CustomerShop
  const found = { ...built({ name: "Somebody", email: null, metadata: {} }), ...fields }
  customers.set(found.id, found)
  return found
})

let count = 0

const built = ({ email, metadata, name }: BillingCustomer["request"]): ProviderCustomer => ({
  id: ProviderCustomerId.make(`cus_${++count}`),
  isDeleted: false,
  profile: { name, email },
  metadata,
})
