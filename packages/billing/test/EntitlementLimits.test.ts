/**
 * Limits of organizations that plans set: the lower of what a plan says and of what the settings say, asked when
 * somebody is added.
 */
import * as BillingDefinition from "@belfry/billing/BillingDefinition"
import { Subscriptions } from "@belfry/billing/Subscriptions"
import { Email } from "@belfry/core/User"
import { Invitations } from "@belfry/organization/Invitations"
import type { Actor } from "@belfry/organization/Membership"
import { LimitReached, type OrganizationId } from "@belfry/organization/Organization"
import { RoleName } from "@belfry/organization/Role"
import { Roles } from "@belfry/organization/Roles"
import { Teams } from "@belfry/organization/Teams"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as Builders from "@belfry/testing/Builders"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { statementsOf } from "@belfry/testing/StatementCounter"
import * as TestBilling from "@belfry/testing/TestBilling"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { migrations } from "./support/BillingStores.ts"
import type { Services } from "./support/HostServer.ts"

const plain = RoleName.make("member")

/** Every limit that a plan can set is set: to two, and to none with the plan. */
const definition = BillingDefinition.define({
  features: [],
  limits: ["people", "letters", "ranks", "groups", "places"],
  base: { features: [], limits: { people: 2, letters: 2, ranks: 2, groups: 2, places: 2 } },
  plans: {
    team: {
      title: "Team",
      audience: ["organization"],
      prices: { month: { lookupKey: "team_month" } },
      limits: { people: null, letters: null, ranks: null, groups: null, places: null },
    },
  },
  organizationLimits: {
    members: "people",
    invitations: "letters",
    roles: "ranks",
    teams: "groups",
    teamMembers: "places",
  },
})

/** An organization, and the one who owns it. */
const begin = Effect.gen(function* () {
  const actor = yield* OrganizationBuilders.actor()
  const { organization, ownerId } = yield* OrganizationBuilders.storedOrganization({ owner: actor.user })
  return { actor, at: organization.id, ownerId }
})

interface Place {
  readonly actor: Actor
  readonly at: OrganizationId
}

let names = 0

const addMember = Effect.fnUntraced(function* ({ at }: Place) {
  const { id: userId } = yield* Builders.storedUser()
  return yield* TrustedOrganizations.use((trusted) => trusted.addMember(at, { userId, roles: [plain] }))
})

const addInvitation = ({ actor, at }: Place) =>
  Invitations.use((invitations) =>
    invitations.create(actor, at, { email: Email.make(`guest-${++names}@example.com`), roles: [plain] }),
  )

const addRole = ({ actor, at }: Place) =>
  Roles.use((roles) => roles.create(actor, at, { name: RoleName.make(`rank-${++names}`), permissions: [] }))

const addTeam = ({ actor, at }: Place) => Teams.use((teams) => teams.create(actor, at, { name: `Team ${++names}` }))

/** Puts somebody new into the one team that there is. */
const addToTeam = Effect.fnUntraced(function* ({ actor, at }: Place) {
  const teams = yield* Teams
  const { items } = yield* teams.list(actor, at)
  const team = items[0] ?? (yield* OrganizationBuilders.storedTeam({ organizationId: at }))
  const { id: memberId } = yield* OrganizationBuilders.storedMember(at)
  return yield* teams.addMember(actor, at, team.id, { memberId })
})

/** How often somebody can be added, `most` times at most, and the limit that ends it. */
const countUntil = <A, E, R>(add: Effect.Effect<A, E, R>, most = 6) =>
  Effect.gen(function* () {
    for (let count = 0; count < most; count++) {
      const refusal = yield* Effect.match(add, { onFailure: (error) => error, onSuccess: () => undefined })
      if (refusal === undefined) continue
      if (!(refusal instanceof LimitReached)) return assert.fail(String(refusal))
      return { count, limit: refusal.limit, maximum: refusal.maximum }
    }
    return { count: most, limit: null, maximum: null }
  })

const free = (count: number) => ({ count, limit: null, maximum: null })

type Adding = (place: Place) => Effect.Effect<unknown, unknown, Services | Scope.Scope>

const addings: Readonly<
  Record<string, { readonly add: Adding; readonly limit: LimitReached["limit"]; readonly before?: number }>
> = {
  // The owner is one.
  members: { add: addMember, limit: "members", before: 1 },
  invitations: { add: addInvitation, limit: "invitations" },
  roles: { add: addRole, limit: "roles" },
  teams: { add: addTeam, limit: "teams" },
  "members of a team": { add: addToTeam, limit: "team-members" },
}

describe("A plan", () => {
  for (const [what, { add, before = 0, limit }] of Object.entries(addings)) {
    it.effect(`limits the ${what} of an organization, and lifts the limit`, () =>
      Effect.gen(function* () {
        const place = yield* begin
        const refused = { count: 2 - before, limit, maximum: 2 }
        assert.deepStrictEqual(yield* countUntil(add(place)), refused)
        yield* TestBilling.subscribe(place.actor, {
          plan: "team",
          payer: { _tag: "Organization", organization: place.at },
        })
        assert.deepStrictEqual(yield* countUntil(add(place)), free(6))
        assert.strictEqual((yield* countUntil(add(yield* begin))).count, 2 - before)
      }).pipe(Effect.provide(TestBilling.layerMemory({ rules: definition.rules }))),
    )

    it.effect(`does not lift the limit of ${what} that the settings have`, () =>
      Effect.gen(function* () {
        const place = yield* begin
        yield* TestBilling.subscribe(place.actor, {
          plan: "team",
          payer: { _tag: "Organization", organization: place.at },
        })
        const refused = { count: 4 - before, limit, maximum: 4 }
        assert.deepStrictEqual(yield* countUntil(add(place)), refused)
        assert.strictEqual((yield* countUntil(add(yield* begin))).count, 2 - before)
      }).pipe(
        Effect.provide(
          TestBilling.layerMemory({
            rules: definition.rules,
            organizationSettings: {
              limits: { members: 4, invitations: 4, roles: 4, teams: 4, teamMembers: () => Effect.succeed(4) },
            },
          }),
        ),
      ),
    )
  }

  it.effect("that is over takes nobody out, and lets nobody more in", () =>
    Effect.gen(function* () {
      const place = yield* begin
      const payer = { _tag: "Organization", organization: place.at } as const
      const { id } = yield* TestBilling.subscribe(place.actor, { plan: "team", payer })
      assert.deepStrictEqual(yield* countUntil(addMember(place), 3), free(3))
      yield* Subscriptions.use((subscriptions) =>
        subscriptions.cancel(place.actor, {
          payer,
          subscriptionId: id,
          when: "now",
          confirm: "service",
          returnUrl: "/billing",
          locale: null,
        }),
      )
      const refused = { count: 0, limit: "members" as const, maximum: 2 }
      assert.deepStrictEqual(yield* countUntil(addMember(place)), refused)
      const { items } = yield* TrustedOrganizations.use((trusted) => trusted.listMembers(place.at))
      assert.strictEqual(items.length, 4)
    }).pipe(Effect.provide(TestBilling.layerMemory({ rules: definition.rules }))),
  )

  it.effect("is not got past by many who come at once", () =>
    Effect.gen(function* () {
      const place = yield* begin
      const outcomes = yield* Effect.all(
        Array.from({ length: 20 }, () => Effect.exit(addMember(place))),
        { concurrency: "unbounded" },
      )
      assert.strictEqual(outcomes.filter(({ _tag }) => _tag === "Success").length, 1)
    }).pipe(Effect.provide(TestBilling.layerMemory({ rules: definition.rules }))),
  )

  it.effect("leaves limits alone that it does not set", () =>
    Effect.gen(function* () {
      const place = yield* begin
      const refused = { count: 4, limit: "teams" as const, maximum: 4 }
      assert.deepStrictEqual(yield* countUntil(addTeam(place)), refused)
      assert.deepStrictEqual(yield* countUntil(addRole(place)), free(6))
    }).pipe(Effect.provide(TestBilling.layerMemory({ organizationSettings: { limits: { teams: 4 } } }))),
  )

  it.effect("is asked for in one statement of whoever is added, and not at Stripe", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const place = yield* begin
      const from = local.calls.length
      const statements = yield* statementsOf(addMember(place))
      assert.strictEqual(statements.filter((statement) => statement.includes("billing_")).length, 1, statements.join())
      assert.strictEqual(local.calls.length, from)
    }).pipe(Effect.provide(TestBilling.layerSql(TestDatabase.layerPglite(migrations), { rules: definition.rules }))),
  )
})
