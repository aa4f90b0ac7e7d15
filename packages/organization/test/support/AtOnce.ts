/**
 * What it takes to let many do something at once, and to look at what came of it.
 */
import { MemberStore } from "@belfry/organization/MemberStore"
import type { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { takeEvents } from "./Happenings.ts"
import { builtIn, named } from "./Inviting.ts"

/** Limits that a test sets for what is its own. */
export const limits = new Map<string, number>()

const limitOf = (id: string) => Effect.sync(() => limits.get(id) ?? null)

/** People are added without being asked, as often as it takes; limits are those of {@link limits}. */
export const settings = {
  addsMembersDirectly: true,
  limitsRates: false,
  limits: {
    organizations: ({ user }: { readonly user: { readonly id: string } }) => limitOf(user.id),
    members: ({ organizationId }: { readonly organizationId: string }) => limitOf(organizationId),
    teamMembers: ({ teamId }: { readonly teamId: string }) => limitOf(teamId),
  },
}

/** An organization of Ada's, with ways for others to come. */
export const begin = Effect.gen(function* () {
  const { organization, owner, ownerId } = yield* OrganizationBuilders.storedOrganization()
  const at = organization.id
  const ada = { actor: yield* OrganizationBuilders.actor({ user: owner }), id: ownerId }
  const join = Effect.fnUntraced(function* (...names: ReadonlyArray<string>) {
    const actor = yield* OrganizationBuilders.actor()
    const { id } = yield* OrganizationBuilders.storedMember(at, { user: actor.user, roles: builtIn(...names) })
    return { actor, id }
  })
  return { at, ada, join }
})

/** What came of calls that were made at once: each tag with how often, an answer as `ok`. */
export const outcomes = <A, E extends { readonly _tag: string }, R>(calls: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.map(
    Effect.forEach(
      calls,
      Effect.match({
        onFailure: (error) =>
          Reflect.has(error, "reason") ? `${error._tag} ${Reflect.get(error, "reason")}` : error._tag,
        onSuccess: () => "ok",
      }),
      { concurrency: "unbounded" },
    ),
    (all) => {
      const counts: Record<string, number> = {}
      for (const outcome of all) counts[outcome] = (counts[outcome] ?? 0) + 1
      return counts
    },
  )

/** The same call 50 times. */
export const fifty = <A>(call: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: 50 }, (_, index) => call(index))

/** Asserts that the counts of an organization are those of its members, and that it has an owner; the members. */
export const whole = Effect.fnUntraced(function* (at: OrganizationId) {
  const members = yield* MemberStore.use((store) => store.listAll(at, { after: null, limit: 1000, search: null }))
  const owners = members.filter((member) => member.roles.includes(named("owner")))
  const [owner] = owners
  if (owner === undefined) return assert.fail("Nobody owns it")
  const found = yield* OrganizationStore.use((store) =>
    Effect.flatMap(DateTime.now, (now) => store.get({ userId: owner.userId, organization: at }, now)),
  )
  const { counts } = Option.getOrThrow(found).value
  assert.deepStrictEqual([counts.members, counts.owners], [members.length, owners.length])
  return members
})

/** How often each event happened, since they were taken last. */
export const eventsOf = Effect.fnUntraced(function* (at: OrganizationId) {
  const counts: Record<string, number> = {}
  for (const { _tag } of yield* takeEvents(at)) counts[_tag] = (counts[_tag] ?? 0) + 1
  return counts
})
