/**
 * Customers in memory.
 *
 * @since 0.1.0
 */
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryTables } from "@belfry/core/MemoryTables"
import { MemoryOrganizationTables } from "@belfry/organization/MemoryOrganizationTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { BillingCustomer, CustomerId } from "./BillingCustomer.ts"
import { CustomerStore, type PayerFacts } from "./CustomerStore.ts"
import { factsOf } from "./internal/memoryPayers.ts"
import { MemoryBillingTables, trialKey } from "./MemoryBillingTables.ts"
import type { Payer } from "./Payer.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const organizationTables = yield* MemoryOrganizationTables
  const { customerOf, customers, trials } = yield* MemoryBillingTables

  const facts = (payer: Payer): PayerFacts | undefined => factsOf(payer, tables, organizationTables)
  const find = (id: CustomerId) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(customers.get(id))))
  const where = (isMeant: (customer: BillingCustomer) => boolean): BillingCustomer | undefined =>
    [...customers.values()].find(isMeant)
  const change = (id: CustomerId, patch: Partial<BillingCustomer>): void => {
    const customer = customers.get(id)
    if (customer !== undefined) customers.set(id, { ...customer, ...patch })
  }
  const inOrder = (after: CustomerId | null): ReadonlyArray<BillingCustomer> =>
    [...customers.values()]
      .filter(({ id, closedAt }) => closedAt === null && (after === null || id > after))
      .sort((a, b) => (a.id < b.id ? -1 : 1))

  return CustomerStore.of({
    facts: (payer) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(facts(payer)))),
    find,
    findByPayer: (payer) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(customerOf(payer)))),
    findByProvider: (id) =>
      tables.statement(() => Effect.succeed(Option.fromUndefinedOr(where(({ providerId }) => providerId === id)))),
    listByOrganization: (organizationId) =>
      tables.statement(() =>
        Effect.succeed(
          [...customers.values()]
            .filter(({ payer }) => payer !== null && payer._tag !== "User" && payer.organizationId === organizationId)
            .sort((a, b) => (a.id < b.id ? -1 : 1)),
        ),
      ),
    insert: (customer) =>
      tables.statement((): ReturnType<CustomerStore["Service"]["insert"]> => {
        const { id, payer, providerId } = customer
        if (payer === null || facts(payer) === undefined) return Effect.succeed({ _tag: "absent" })
        const earlier = customerOf(payer)
        if (earlier !== undefined) return Effect.succeed({ _tag: "exists", customer: earlier })
        if (customers.has(id)) return refuse("CustomerStore", "insert", "unique id")
        if (providerId !== null && where((other) => other.providerId === providerId) !== undefined)
          return refuse("CustomerStore", "insert", "unique provider id")
        customers.set(id, customer)
        return Effect.succeed({ _tag: "kept", customer })
      }),
    // In memory a transaction has everything to itself.
    lock: find,
    attach: ({ generation, id, profile, providerId }) =>
      tables.statement(() => {
        const customer = customers.get(id)
        const owner = where((other) => other.providerId === providerId)
        if (customer === undefined || customer.generation !== generation || (owner !== undefined && owner.id !== id))
          return Effect.succeed("conflict" as const)
        if (customer.providerId !== null)
          return Effect.succeed(customer.providerId === providerId ? ("known" as const) : ("conflict" as const))
        change(id, { providerId, profile })
        return Effect.succeed("attached" as const)
      }),
    renew: ({ generation, id, now, request }) =>
      tables.statement(() => {
        if (customers.get(id)?.generation !== generation) return Effect.succeed(false)
        change(id, { generation: generation + 1, providerId: null, request, requestedAt: now })
        return Effect.succeed(true)
      }),
    setProfile: (id, profile) => tables.statement(() => Effect.sync(() => change(id, { profile }))),
    listOutdated: (after, limit) =>
      tables.statement(() =>
        Effect.succeed(
          inOrder(after)
            .flatMap((customer) => {
              const known = customer.payer === null ? undefined : facts(customer.payer)
              return customer.providerId === null || known === undefined || !isOutdated(customer, known)
                ? []
                : [{ customer, facts: known }]
            })
            .slice(0, limit),
        ),
      ),
    list: (after, limit) =>
      tables.statement(() =>
        Effect.succeed(
          inOrder(after)
            .filter(({ providerId }) => providerId !== null)
            .slice(0, limit),
        ),
      ),
    listOrphans: (after, limit) =>
      tables.statement(() =>
        Effect.succeed(
          inOrder(after)
            .filter(({ payer }) => payer === null)
            .slice(0, limit),
        ),
      ),
    close: (id, now) =>
      tables.statement(() =>
        Effect.sync(() => {
          if (customers.get(id)?.closedAt === null) change(id, { closedAt: now })
        }),
      ),
    claimTrial: (id, group, now) =>
      tables.statement(() => {
        if (!customers.has(id)) return refuse("CustomerStore", "claimTrial", "the customer exists")
        if (trials.has(trialKey(id, group))) return Effect.succeed(false)
        trials.set(trialKey(id, group), now)
        return Effect.succeed(true)
      }),
    hadTrial: (id, group) => tables.statement(() => Effect.succeed(trials.has(trialKey(id, group)))),
  })
})

/**
 * Layer that keeps customers in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<CustomerStore, never, MemoryBillingTables | MemoryOrganizationTables | MemoryTables> =
  Layer.effect(CustomerStore, make)

// internal

/** The address of an organization or a team is whatever somebody set at the provider. */
const isOutdated = ({ payer, profile }: BillingCustomer, { email, name }: PayerFacts): boolean =>
  profile.name !== name || (payer?._tag === "User" && profile.email !== email)
