/**
 * What people, dashboards and time do in a world of chaos, one step at a time.
 */
import { Outbox } from "@belfry/core/Outbox"
import type { UserId } from "@belfry/core/User"
import type { Actor } from "@belfry/organization/Membership"
import type { MemberId } from "@belfry/organization/Member"
import { aggregateOf, type OrganizationId } from "@belfry/organization/Organization"
import { OrganizationEvent } from "@belfry/organization/OrganizationEvent"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { BillingProvider } from "@belfry/billing/BillingProvider"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import type { Payer, PayerRef } from "@belfry/billing/Payer"
import { Subscriptions } from "@belfry/billing/Subscriptions"
import { Upgrades } from "@belfry/billing/Upgrades"
import { MemberStore } from "@belfry/organization/MemberStore"
import { cards, LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { Effect, Exit, Option, Schema } from "effect"
import type { Stripe } from "stripe"
import { wish } from "./Buying.ts"
import { type Ground, type Machine, removeUser } from "./Chaos.ts"
import { sdkOf } from "./localStripe.ts"

/** Numbers that a seed decides. */
export interface Chance {
  readonly next: () => number
  /** One of these. */
  readonly of: <A>(choices: readonly [A, ...ReadonlyArray<A>]) => A
  readonly within: (least: number, most: number) => number
}

export const chance = (seed: number): Chance => {
  let state = seed >>> 0
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    of: (choices) => choices[Math.floor(next() * choices.length)] ?? choices[0],
    within: (least, most) => least + Math.floor(next() * (most - least + 1)),
  }
}

/** Somebody who lives through a history: a user for themselves, or the owner of an organization for it. */
export interface Hero {
  readonly actor: Actor
  readonly payer: Payer
  readonly ref: PayerRef
  readonly organizationId: OrganizationId | null
  readonly chance: Chance
  readonly members: Array<{ readonly id: MemberId; readonly userId: UserId }>
  steps: number
}

/** Somebody new. */
export const hero = Effect.fnUntraced(function* (seed: number) {
  const luck = chance(seed)
  const actor = yield* OrganizationBuilders.actor()
  const steps = luck.within(8, 20)
  if (luck.next() < 0.5) {
    const payer: Payer = { _tag: "User", userId: actor.user.id }
    const own: Hero = { actor, payer, ref: { _tag: "Self" }, organizationId: null, chance: luck, members: [], steps }
    return own
  }
  const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: actor.user })
  const payer: Payer = { _tag: "Organization", organizationId: organization.id }
  const ref: PayerRef = { _tag: "Organization", organization: organization.id }
  const ofAll: Hero = { actor, payer, ref, organizationId: organization.id, chance: luck, members: [], steps }
  return ofAll
})

/** One step of somebody's history. Whatever it fails with, the history goes on. */
export const step = Effect.fnUntraced(function* (machine: Machine, who: Hero) {
  const { actor, chance: luck, organizationId, payer, ref } = who
  const local = yield* LocalStripe
  if (luck.next() < 0.4) yield* machine.killAt(luck.within(1, 40))

  const upgrade = Effect.fnUntraced(function* (when: "now" | "period-end", confirm: "portal" | "service") {
    const plan = luck.of(payer._tag === "User" ? ["basic", "gold", "tried", "desks", "bundle", "storage"] : ["team"])
    const interval = plan === "basic" ? luck.of(["month", "year"] as const) : "month"
    const seats = plan === "desks" ? luck.within(1, 9) : null
    const exit = yield* machine.attempt(
      Upgrades.use((upgrades) => upgrades.upgrade(actor, wish({ payer: ref, plan, interval, seats, when, confirm }))),
    )
    if (Exit.isFailure(exit)) return
    const { kind, url } = exit.value
    // Some never come there, some have no luck with their card.
    if (kind === "checkout" && luck.next() < 0.9) {
      yield* local.pay(url, luck.of([cards.pays, cards.pays, cards.pays, cards.failsLater, cards.declined]))
    }
    if (kind === "portal" && luck.next() < 0.9) yield* local.submitPortal(url)
  })
  /** What somebody does at Stripe itself. */
  const dashboard = Effect.fnUntraced(function* (
    act: (stripe: Stripe, customer: string, subscription: string | undefined) => Promise<unknown>,
  ) {
    const known = yield* CustomerStore.use((customers) => customers.findByPayer(payer))
    const customer = Option.getOrNull(known)?.providerId ?? null
    if (customer === null) return
    const [chosen] = yield* BillingProvider.use((provider) => provider.listSubscriptions(customer, { ended: false }))
    yield* Effect.promise(() => act(sdkOf(local), customer, chosen).catch(() => undefined))
  })

  const cancel = (when: "now" | "period-end") =>
    machine.attempt(
      Subscriptions.use(({ cancel }) =>
        cancel(actor, {
          payer: ref,
          subscriptionId: null,
          when,
          confirm: "service",
          returnUrl: "/billing",
          locale: null,
        }),
      ),
    )
  const tell = Effect.fnUntraced(function* (event: OrganizationEvent) {
    const payload = yield* Effect.orDie(encodeEvent(event))
    const entry = { type: `organization.${event._tag}`, payload }
    yield* Outbox.use((outbox) => outbox.append(aggregateOf(event.organizationId), [entry]))
  })
  const joins = Effect.gen(function* () {
    if (organizationId === null) return
    const { id, user } = yield* OrganizationBuilders.storedMember(organizationId)
    who.members.push({ id, userId: user.id })
    const about = { organizationId, actorId: null, memberId: id, userId: user.id }
    yield* tell({ _tag: "MemberAdded", ...about, roles: [], via: "addition" })
  })
  const leaves = Effect.gen(function* () {
    if (organizationId === null) return
    const last = who.members.pop()
    if (last === undefined) return
    yield* MemberStore.use((members) => members.remove(organizationId, last.id))
    const about = { organizationId, actorId: null, memberId: last.id, userId: last.userId }
    yield* tell({ _tag: "MemberRemoved", ...about, reason: "removed" })
  })
  const gone: Act =
    organizationId === null
      ? removeUser(actor.user.id)
      : OrganizationStore.use((organizations) => organizations.remove(organizationId))

  const steps: readonly [Act, ...ReadonlyArray<Act>] = [
    upgrade("now", "service"),
    upgrade("now", "service"),
    upgrade("now", "portal"),
    upgrade("period-end", "service"),
    cancel("period-end"),
    cancel("now"),
    machine.attempt(Subscriptions.use(({ restore }) => restore(actor, ref, null))),
    joins,
    joins,
    leaves,
    dashboard((stripe, customer) =>
      stripe.customers.update(customer, { invoice_settings: { default_payment_method: "pm_card_visa" } }),
    ),
    dashboard((stripe, _, id) =>
      id === undefined ? Promise.resolve() : stripe.subscriptions.update(id, { metadata: { seen: "yes" } }),
    ),
    dashboard((stripe, _, id) =>
      id === undefined ? Promise.resolve() : stripe.subscriptions.update(id, { cancel_at_period_end: true }),
    ),
    dashboard(async (stripe, customer) => {
      const { data } = await stripe.prices.list({ lookup_keys: ["storage_month"] })
      for (const { id } of data) await stripe.subscriptions.create({ customer, items: [{ price: id }] })
    }),
    dashboard(async (stripe, customer) => {
      const open = await stripe.invoices.list({ customer, status: "open" } satisfies Stripe.InvoiceListParams)
      for (const { id } of open.data) if (id !== undefined) await stripe.invoices.pay(id)
    }),
    luck.next() < 0.1 ? dashboard((stripe, customer) => stripe.customers.del(customer)) : Effect.void,
    luck.next() < 0.1 ? Effect.exit(gone) : Effect.void,
  ]
  yield* Effect.exit(luck.of(steps))
  yield* machine.spare
})

// internal

const encodeEvent = Schema.encodeEffect(Schema.toCodecJson(OrganizationEvent))

type Act = Effect.Effect<unknown, unknown, CustomerStore | MemberStore | OrganizationStore | Ground>
