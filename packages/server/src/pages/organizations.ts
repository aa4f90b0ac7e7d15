/**
 * One's own organizations: the list with invitations, making one, looking at one, leaving it.
 *
 * @since 0.1.0
 */
import { InvitationId } from "@belfry/organization/Invitation"
import { Invitations } from "@belfry/organization/Invitations"
import type { SessionActor } from "@belfry/organization/Membership"
import { Memberships } from "@belfry/organization/Memberships"
import { OrganizationCreationRefused, toOrganizationRef } from "@belfry/organization/Organization"
import { Organizations } from "@belfry/organization/Organizations"
import { OrganizationSettings } from "@belfry/organization/OrganizationSettings"
import { Teams } from "@belfry/organization/Teams"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { takesMoney } from "./billing.ts"
import { actionOf, decode, decodeHidden, type FormFields, FormUnreadable, problemsOf } from "./form.ts"
import { RequiredNameField, SlugField, typedOf } from "./organizationForms.ts"
import { pathsOf, routesOf } from "./organizationPaths.ts"
import { type Again, asShown, orAgain } from "./organizationRefusals.ts"
import { doneAt, makeOrganizationVisits, partOf } from "./organizationVisits.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, post, type Visit } from "./visit.ts"
import type { Shown } from "./views/organizationParts.ts"
import {
  leaveOrganizationPage,
  newOrganizationPage,
  organizationPage,
  organizationsPage,
} from "./views/organizations.ts"

const NewForm = Schema.Struct({ name: RequiredNameField, slug: SlugField })

const AnswerForm = Schema.Struct({ invitation: InvitationId })

/**
 * Adds the pages of one's organizations.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const memberships = yield* Memberships
  const organizations = yield* Organizations
  const invitations = yield* Invitations
  const settings = yield* OrganizationSettings
  const hasTeams = Option.isSome(yield* Effect.serviceOption(Teams))
  const hasBilling = yield* takesMoney
  const visits = yield* makeOrganizationVisits
  const routes = routesOf(paths)

  const mayCreate = ({ user }: SessionActor) =>
    typeof settings.mayCreate === "boolean" ? Effect.succeed(settings.mayCreate) : settings.mayCreate(user)

  const show = Effect.fnUntraced(function* (visit: Visit, actor: SessionActor, shown: Shown) {
    const { options, ...part } = partOf(visit)
    const { session, user } = actor
    const active = yield* memberships.active({ userId: user.id, sessionId: session.id, requested: null }).pipe(
      // Only an organization that is named can be unknown.
      Effect.catchTag("OrganizationNotFound", () => Effect.succeedNone),
    )
    return organizationsPage(visit.words, paths, {
      ...shown,
      list: { ...(yield* organizations.list(actor, options)), ...part },
      activeId: Option.match(active, { onNone: () => null, onSome: ({ membership }) => membership.organizationId }),
      invitations: (yield* invitations.mine(actor)).items,
      deleted: (yield* organizations.list(actor, { deleted: true })).items,
      mayCreate: yield* mayCreate(actor),
      now: yield* Clock.currentTimeMillis,
    })
  })

  type Action = (visit: Visit, actor: SessionActor, fields: FormFields) => ReturnType<Parameters<typeof post>[1]>

  const actions: Readonly<Record<string, Action>> = {
    switch: Effect.fnUntraced(function* (_visit, actor, fields) {
      const ref = toOrganizationRef(fields["organization"] ?? "")
      if (ref === null) return yield* new FormUnreadable({ status: 400 })
      yield* memberships.activate(actor, ref)
      return withQuery(paths.organizations, { done: "organization-switched" })
    }),

    accept: Effect.fnUntraced(function* (visit, actor, fields) {
      const { invitation: id } = yield* decodeHidden(AnswerForm, fields)
      return yield* invitations.accept(actor, { _tag: "Id", id }).pipe(
        Effect.map(({ organizationId, organizationSlug }) =>
          withQuery(pathsOf(paths, { id: organizationId, slug: organizationSlug }).overview, {
            done: "invitation-accepted",
          }),
        ),
        orAgain(visit.words, (refused) => show(visit, actor, asShown(refused))),
      )
    }),

    reject: Effect.fnUntraced(function* (visit, actor, fields) {
      const { invitation: id } = yield* decodeHidden(AnswerForm, fields)
      return yield* invitations.reject(actor, { _tag: "Id", id }, visit.client).pipe(
        Effect.as(withQuery(paths.organizations, { done: "invitation-rejected" })),
        orAgain(visit.words, (refused) => show(visit, actor, asShown(refused))),
      )
    }),
  }

  yield* get(
    paths.organizations,
    Effect.fnUntraced(function* (visit) {
      return yield* show(visit, yield* visits.actor(visit), { done: doneAt(visit) })
    }),
  )

  yield* post(
    paths.organizations,
    Effect.fnUntraced(function* (visit, fields) {
      const actor = yield* visits.actor(visit)
      const action = yield* actionOf(actions, fields)
      return yield* action(visit, actor, fields)
    }),
  )

  const isAllowed = Effect.fnUntraced(function* (actor: SessionActor) {
    if (!(yield* mayCreate(actor))) return yield* new OrganizationCreationRefused()
  })

  yield* get(
    paths.newOrganization,
    Effect.fnUntraced(function* (visit) {
      yield* isAllowed(yield* visits.actor(visit))
      return newOrganizationPage(visit.words, paths, {})
    }),
  )

  yield* post(
    paths.newOrganization,
    Effect.fnUntraced(function* (visit, fields) {
      const { words } = visit
      const actor = yield* visits.actor(visit)
      const again = (refused: Again) =>
        newOrganizationPage(words, paths, asShown(refused, typedOf(fields, ["name", "slug"])))
      const form = decode(NewForm, { slug: "", ...fields })
      if (Result.isFailure(form)) {
        const { organizationName, slug } = words.fields
        return again({ status: 422, problems: problemsOf(form.failure, fields, { name: organizationName, slug }) })
      }
      return yield* organizations.create(actor, form.success).pipe(
        Effect.map(({ organization }) =>
          withQuery(pathsOf(paths, organization).overview, { done: "organization-created" }),
        ),
        orAgain(words, (refused) => Effect.succeed(again(refused))),
      )
    }),
  )

  yield* get(
    routes.overview,
    Effect.fnUntraced(function* (visit) {
      const { actor, organization, ...frame } = yield* visits.enter(visit)
      const counts = yield* organizations.get(actor, organization).pipe(
        Effect.map(({ counts }) => counts),
        // Whoever may not see the organization still sees that they are in it, and how to leave.
        Effect.catchTag("PermissionMissing", () => Effect.succeed(null)),
      )
      return organizationPage(visit.words, paths, { ...frame, counts, hasTeams, hasBilling, done: doneAt(visit) })
    }),
  )

  yield* get(
    routes.leave,
    Effect.fnUntraced(function* (visit) {
      return leaveOrganizationPage(visit.words, yield* visits.enter(visit))
    }),
  )

  yield* post(
    routes.leave,
    Effect.fnUntraced(function* (visit) {
      const { actor, organization, ...frame } = yield* visits.enter(visit)
      return yield* organizations.leave(actor, organization).pipe(
        Effect.as(withQuery(paths.organizations, { done: "organization-left" })),
        orAgain(visit.words, (refused) =>
          Effect.succeed(leaveOrganizationPage(visit.words, { ...frame, ...asShown(refused) })),
        ),
      )
    }),
  )
})
