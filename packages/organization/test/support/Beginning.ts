/**
 * An organization that somebody made, with a member and an outsider: where the tests of `Organizations` begin.
 */
import type { Actor } from "@belfry/organization/Membership"
import { NewOrganization, type OrganizationId, Slug } from "@belfry/organization/Organization"
import { Organizations } from "@belfry/organization/Organizations"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { Effect } from "effect"
import { auditOf, takeEvents } from "./Happenings.ts"
import { signIn } from "./HostServer.ts"

/** Makes an organization of somebody. */
export const create = (actor: Actor, name = "Engines", fields: Partial<NewOrganization> = {}) =>
  Organizations.use((organizations) => organizations.create(actor, NewOrganization.make({ name, ...fields })))

/** An organization that `ada` made; `bob` is a member, `eve` is not. */
export const begin = Effect.gen(function* () {
  const [ada, bob, eve] = [yield* signIn("ada"), yield* signIn("bob"), yield* signIn("eve")]
  const { organization, membership } = yield* create(ada.actor, "Engines", { slug: Slug.make("engines") })
  const { id: memberId } = yield* OrganizationBuilders.storedMember(organization.id, { user: bob.actor.user })
  yield* takeEvents(organization.id)
  return {
    organizations: yield* Organizations,
    organization,
    id: organization.id,
    ada: ada.actor,
    bob: bob.actor,
    eve: eve.actor,
    ownerId: membership.memberId,
    memberId,
  }
})

/** The name of what a call fails with. */
export const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

/** What the audit log gained since it had `already`. */
export const gained = (id: OrganizationId, already: number) => Effect.map(auditOf(id), (all) => all.slice(already))
