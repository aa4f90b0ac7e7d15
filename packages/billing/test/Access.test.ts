/**
 * Who may do what for whom: every call of the table, for every kind of payer and everybody who could ask, by the
 * services and over HTTP.
 */
import { BillingAccess } from "@belfry/billing/BillingAccess"
import { billingActions } from "@belfry/billing/BillingActions"
import type { BillingHooksService } from "@belfry/billing/BillingHooks"
import { BillingForbidden, PayerNotFound, type PayerRef } from "@belfry/billing/Payer"
import { Upgrades } from "@belfry/billing/Upgrades"
import { Audit } from "@belfry/core/Audit"
import * as AccessDefinition from "@belfry/organization/AccessDefinition"
import type { Actor } from "@belfry/organization/Membership"
import type { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { builtInResources, Permission, permissionsOf } from "@belfry/organization/Permission"
import type { TeamId } from "@belfry/organization/Team"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestBilling from "@belfry/testing/TestBilling"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import { assertOutcome, byService, names, type Paying } from "./support/BillingCalls.ts"
import { serve, signIn } from "./support/HostServer.ts"

/** Teams have a treasurer and an auditor. */
const access = AccessDefinition.define({
  resources: {},
  roles: {},
  teamRoles: { treasurer: ["billing:read", "billing:manage"], auditor: ["billing:read"] },
  metadata: { public: AccessDefinition.anyMetadata, private: AccessDefinition.anyMetadata },
})

const layer = (hooks: Partial<BillingHooksService> = {}) => TestBilling.layerMemory({ access, hooks })

/** A payer with a subscription to a plan, and a checkout that somebody opened. */
const pays = Effect.fnUntraced(function* (actor: Actor, plan: string, ref: PayerRef, text: string) {
  const { id } = yield* TestBilling.subscribe(actor, { plan, payer: ref })
  const wish = TestBilling.wish({ plan: "storage", payer: ref })
  const { checkoutId } = yield* Upgrades.use((upgrades) => upgrades.upgrade(actor, wish))
  const paying: Paying = { ref, text, subscriptionId: id, checkoutId: checkoutId ?? assert.fail("no checkout") }
  return paying
})

/** An organization and a team that pay, and their owner. */
const begin = Effect.gen(function* () {
  const owner = yield* signIn()
  const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: owner.user })
  const at = organization.id
  const { id: teamId } = yield* OrganizationBuilders.storedTeam({ organizationId: at })
  const ofOrganization: PayerRef = { _tag: "Organization", organization: at }
  const ofTeam: PayerRef = { _tag: "Team", organization: at, teamId }
  return {
    as: yield* serve,
    owner,
    at,
    teamId,
    organization: pays(owner.actor, "team", ofOrganization, `organization:${at}`),
    team: pays(owner.actor, "squad", ofTeam, `team:${at}/${teamId}`),
  }
})

const everything = permissionsOf(builtInResources)

const permissions = (...texts: ReadonlyArray<string>) => texts.map((text) => Permission.make(text))

/** A member with roles of the host by name, or with permissions alone; in a team with a role, where there is one. */
const member = Effect.fnUntraced(function* (
  at: OrganizationId,
  given: string | ReadonlyArray<Permission>,
  inTeam?: { readonly teamId: TeamId; readonly role: string },
) {
  const someone = yield* signIn()
  const role = typeof given === "string" ? null : yield* OrganizationBuilders.storedRole(at, { permissions: given })
  const roles =
    typeof given === "string"
      ? OrganizationBuilders.builtIn(given)
      : { builtIn: [], custom: role === null ? [] : [role.id] }
  const { id } = yield* OrganizationBuilders.storedMember(at, { user: someone.user, roles })
  if (inTeam !== undefined) {
    yield* OrganizationBuilders.storedTeamMember({ id: inTeam.teamId, organizationId: at }, id, inTeam.role)
  }
  return someone
})

/** What those may who are members of an organization: both permissions, the one of reading, the one of changing, none. */
const standings: Readonly<
  Record<string, { readonly given: string | ReadonlyArray<Permission>; readonly has: string }>
> = {
  owner: { given: "owner", has: "billing:read billing:manage" },
  admin: { given: "admin", has: "billing:read" },
  billing: { given: "billing", has: "billing:read billing:manage" },
  member: { given: "member", has: "" },
  reader: { given: permissions("billing:read"), has: "billing:read" },
  manager: { given: permissions("billing:manage"), has: "billing:manage" },
  "whoever has all else": {
    given: everything.filter((permission) => !permission.startsWith("billing:")),
    has: "",
  },
}

describe("The table of actions", () => {
  it("has every call of the services that people make", () => {
    assert.deepStrictEqual(names.toSorted(), Object.keys(billingActions).toSorted())
    assert.deepStrictEqual([...new Set(Object.values(billingActions))].toSorted(), ["billing:manage", "billing:read"])
  })

  it.effect("lets everybody see to what they pay for themselves, and nobody else", () =>
    Effect.gen(function* () {
      const { as, owner } = yield* begin
      const paying = yield* pays(owner.actor, "pro", { _tag: "Self" }, "me")
      const stranger = yield* signIn()
      for (const name of names) {
        yield* assertOutcome(as, name, owner, paying, { expected: "done", who: "oneself" })
      }
      const theirs = yield* byService("checkouts.get", stranger.actor, paying)
      assert.strictEqual(theirs, "none")
    }).pipe(Effect.provide(layer())),
  )

  for (const kind of ["organization", "team"] as const) {
    for (const [who, { given, has }] of Object.entries(standings)) {
      it.effect(`says what ${who} may do for the ${kind}`, () =>
        Effect.gen(function* () {
          const { as, at, [kind]: begun } = yield* begin
          const paying = yield* begun
          const someone = yield* member(at, given)
          for (const name of names) {
            const needs = billingActions[name]
            const expected = has.split(" ").includes(needs) ? "done" : `permission: ${needs}`
            yield* assertOutcome(as, name, someone, paying, { expected, who })
          }
        }).pipe(Effect.provide(layer())),
      )
    }

    it.effect(`shows nothing of the ${kind} to outsiders, who own another one`, () =>
      Effect.gen(function* () {
        const { as, [kind]: begun } = yield* begin
        const paying = yield* begun
        const { owner: stranger } = yield* begin
        for (const name of names) {
          yield* assertOutcome(as, name, stranger, paying, { expected: "none", who: "an outsider" })
        }
      }).pipe(Effect.provide(layer())),
    )
  }

  const inTeams: ReadonlyArray<readonly [role: string, has: string]> = [
    ["treasurer", "billing:read billing:manage"],
    ["auditor", "billing:read"],
    ["lead", ""],
  ]
  for (const [role, has] of inTeams) {
    it.effect(`says what the ${role} of a team may do for it, and for it alone`, () =>
      Effect.gen(function* () {
        const { as, at, organization, team, teamId } = yield* begin
        const [ofOrganization, ofTeam] = [yield* organization, yield* team]
        const someone = yield* member(at, "member", { teamId, role })
        const other = yield* OrganizationBuilders.storedTeam({ organizationId: at })
        const elsewhere = yield* member(at, "member", { teamId: other.id, role })
        for (const name of names) {
          const needs = billingActions[name]
          const expected = has.split(" ").includes(needs) ? "done" : `permission: ${needs}`
          const refused = `permission: ${needs}`
          yield* assertOutcome(as, name, someone, ofTeam, { expected, who: role })
          yield* assertOutcome(as, name, someone, ofOrganization, { expected: refused, who: `${role}, beyond` })
          yield* assertOutcome(as, name, elsewhere, ofTeam, { expected: refused, who: `${role} of another team` })
        }
      }).pipe(Effect.provide(layer())),
    )
  }

  it.effect("has nobody do anything for an organization that is deleted", () =>
    Effect.gen(function* () {
      const { as, at, organization, owner } = yield* begin
      const paying = yield* organization
      yield* OrganizationStore.use((store) => Effect.flatMap(DateTime.now, (now) => store.markDeleted(at, now)))
      for (const name of names) {
        yield* assertOutcome(as, name, owner, paying, { expected: "none", who: "the owner" })
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is told to the audit log where it refuses a change, and to the caller alone where it refuses a look", () =>
    Effect.gen(function* () {
      const { at, organization } = yield* begin
      const paying = yield* organization
      const { actor } = yield* member(at, "member")
      for (const name of names) yield* byService(name, actor, paying)
      const refused = yield* Audit.use((log) => log.list({ userId: actor.user.id, type: "billing." }))
      assert.deepStrictEqual(
        refused.map(({ outcome, reason, type }) => [type, outcome, reason]).toSorted(),
        ["billing.cancel", "billing.portal", "billing.restore", "billing.upgrade"].map((type) => [
          type,
          "failure",
          "permission",
        ]),
      )
    }).pipe(Effect.provide(layer())),
  )
})

describe("The host", () => {
  it.effect("has the last word: it lets nobody do what it forbids", () =>
    Effect.gen(function* () {
      const { as, at, organization, owner, team } = yield* begin
      const [ofOrganization, ofTeam] = [yield* organization, yield* team]
      const ofOwner = yield* pays(owner.actor, "pro", { _tag: "Self" }, "me")
      const reader = yield* member(at, permissions("billing:read"))
      isOpen = false
      for (const name of names) {
        const needs = billingActions[name]
        for (const paying of [ofOrganization, ofTeam, ofOwner]) {
          yield* assertOutcome(as, name, owner, paying, { expected: `host: ${needs}`, who: "the owner" })
        }
        const expected = needs === "billing:read" ? `host: ${needs}` : `permission: ${needs}`
        yield* assertOutcome(as, name, reader, ofOrganization, { expected, who: "a reader" })
      }
    }).pipe(
      Effect.ensuring(Effect.sync(() => (isOpen = true))),
      Effect.provide(layer({ authorize: ({ isAllowed }) => Effect.sync(() => isOpen && isAllowed) })),
    ),
  )

  it.effect(
    "has the last word: it lets members do what they lack permissions for, and is not asked about outsiders",
    () =>
      Effect.gen(function* () {
        const { as, at, organization } = yield* begin
        const paying = yield* organization
        const someone = yield* member(at, "member")
        const stranger = yield* signIn()
        for (const name of names) {
          yield* assertOutcome(as, name, someone, paying, { expected: "done", who: "a member" })
          yield* assertOutcome(as, name, stranger, paying, { expected: "none", who: "an outsider" })
        }
      }).pipe(Effect.provide(layer({ authorize: () => Effect.succeed(true) }))),
  )

  it.effect("hears who asks for what, of which payer, and what permissions say", () => {
    const asked: Array<readonly [string, string, boolean]> = []
    return Effect.gen(function* () {
      const { at, owner, teamId } = yield* begin
      const access = yield* BillingAccess
      const someone = yield* member(at, "member")
      const team: PayerRef = { _tag: "Team", organization: at, teamId }
      assert.deepStrictEqual(yield* access.require(owner.actor, { _tag: "Self" }, "portals.open"), {
        _tag: "User",
        userId: owner.user.id,
      })
      assert.deepStrictEqual(yield* access.require(owner.actor, team, "invoices.list"), {
        _tag: "Team",
        organizationId: at,
        teamId,
      })
      yield* Effect.flip(access.require(someone.actor, team, "upgrades.upgrade"))
      assert.deepStrictEqual(asked, [
        ["portals.open", "User", true],
        ["invoices.list", "Team", true],
        ["upgrades.upgrade", "Team", false],
      ])
    }).pipe(
      Effect.provide(
        layer({
          authorize: ({ action, isAllowed, payer }) =>
            Effect.sync(() => {
              asked.push([action, payer._tag, isAllowed])
              return isAllowed
            }),
        }),
      ),
    )
  })
})

describe("A payer that something is found of", () => {
  it.effect("is judged as the one that is named, and is nobody else's", () =>
    Effect.gen(function* () {
      const { at, owner, teamId } = yield* begin
      const access = yield* BillingAccess
      const [reader, stranger] = [yield* member(at, permissions("billing:read")), yield* signIn()]
      const ofOrganization = { _tag: "Organization", organizationId: at } as const
      const ofTeam = { _tag: "Team", organizationId: at, teamId } as const
      const ofOwner = { _tag: "User", userId: owner.user.id } as const
      for (const payer of [ofOrganization, ofTeam, ofOwner]) {
        yield* access.requireFor(owner.actor, payer, "upgrades.upgrade")
        const refusal = yield* Effect.flip(access.requireFor(stranger.actor, payer, "checkouts.get"))
        assert.deepStrictEqual(refusal, new PayerNotFound())
      }
      const forbidden = new BillingForbidden({ reason: "permission", permission: "billing:manage" })
      for (const payer of [ofOrganization, ofTeam]) {
        yield* access.requireFor(reader.actor, payer, "checkouts.get")
        assert.deepStrictEqual(yield* Effect.flip(access.requireFor(reader.actor, payer, "portals.open")), forbidden)
      }
      const elsewhere = { ...ofTeam, teamId: (yield* begin).teamId }
      const refusal = yield* Effect.flip(access.requireFor(owner.actor, elsewhere, "checkouts.get"))
      assert.deepStrictEqual(refusal, new PayerNotFound())
    }).pipe(Effect.provide(layer())),
  )
})

// Closed by the test whose host forbids everything, when there is something to forbid.
let isOpen = true
