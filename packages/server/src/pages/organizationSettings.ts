/**
 * The settings of an organization.
 *
 * Every form of the page is sent to the page itself with the name of its action. An organization that was deleted has
 * the way back there.
 *
 * @since 0.1.0
 */
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import type { Actor } from "@belfry/organization/Membership"
import { Members } from "@belfry/organization/Members"
import { OrganizationNotFound } from "@belfry/organization/Organization"
import { Organizations, type OwnOrganization } from "@belfry/organization/Organizations"
import { OrganizationSettings } from "@belfry/organization/OrganizationSettings"
import { PermissionMissing } from "@belfry/organization/Permission"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { actionOf, decode, type FormFields, FormUnreadable, problemsOf } from "./form.ts"
import { LogoField, RequiredNameField, SlugField, typedOf } from "./organizationForms.ts"
import { pathsOf, routesOf } from "./organizationPaths.ts"
import { type Again, asShown, orAgain } from "./organizationRefusals.ts"
import { doneAt, makeOrganizationVisits, type OrganizationVisit } from "./organizationVisits.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { type Answer, type Failure, get, post, type Visit } from "./visit.ts"
import { may, type Shown } from "./views/organizationParts.ts"
import { settingsPermissions } from "./views/organizations.ts"
import { organizationSettingsPage, restoreOrganizationPage } from "./views/organizationSettings.ts"

const SaveForm = Schema.Struct({ name: RequiredNameField, slug: SlugField, logo: LogoField })

const TransferForm = Schema.Struct({ email: Email })

/**
 * Adds the page of settings.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const sessions = yield* Sessions
  const members = yield* Members
  const organizations = yield* Organizations
  const { allowsDeletion, deletionGrace } = yield* OrganizationSettings
  const visits = yield* makeOrganizationVisits
  const route = routesOf(paths).settings

  const isFresh = ({ session }: Actor) => Effect.isSuccess(sessions.requireFresh(session))

  const show = Effect.fnUntraced(function* ({ words }: Visit, entered: OrganizationVisit, shown: Shown) {
    const { actor, organization: id, ...frame } = entered
    if (!settingsPermissions.some((permission) => may(frame.membership, permission))) {
      return yield* new PermissionMissing({ reason: "permission", missing: [] })
    }
    const { organization } = yield* organizations.get(actor, id)
    return organizationSettingsPage(words, paths, {
      ...frame,
      ...shown,
      organization,
      isFresh: yield* isFresh(actor),
      allowsDeletion,
      grace: Duration.isZero(deletionGrace) ? null : words.time.in(Duration.toSeconds(deletionGrace)),
    })
  })

  /** The organization of the address, where it was deleted and the reader may restore it. */
  const findDeleted = Effect.fnUntraced(function* (visit: Visit, actor: Actor) {
    const named = visit.param("organization")
    const { items } = yield* organizations.list(actor, { deleted: true, limit: 100 })
    const found = items.find(({ organization: { id, slug } }) => named === id || named === slug)
    if (found === undefined) return yield* new OrganizationNotFound()
    return found
  })

  const showDeleted = Effect.fnUntraced(function* (
    { words }: Visit,
    actor: Actor,
    { organization }: OwnOrganization,
    shown: Shown,
  ) {
    const { epochMilliseconds: deletedAt } = organization.deletedAt ?? organization.updatedAt
    return restoreOrganizationPage(words, paths, {
      ...shown,
      organization,
      at: pathsOf(paths, organization),
      isFresh: yield* isFresh(actor),
      deletedAgo: words.time.ago(deletedAt, yield* Clock.currentTimeMillis),
      until: words.time.date(deletedAt + Duration.toMillis(deletionGrace)),
    })
  })

  /** What the page does for an organization that is there, or for one that was deleted. */
  const either = Effect.fnUntraced(function* <R, R2>(
    visit: Visit,
    present: (entered: OrganizationVisit) => Effect.Effect<Answer, Failure, R>,
    deleted: (actor: Actor, own: OwnOrganization) => Effect.Effect<Answer, Failure, R2>,
  ) {
    const entered = yield* visits.enter(visit).pipe(
      Effect.map(Option.some),
      Effect.catchTag("OrganizationNotFound", () => Effect.succeedNone),
    )
    if (Option.isSome(entered)) return yield* present(entered.value)
    const actor = yield* visits.actor(visit)
    return yield* deleted(actor, yield* findDeleted(visit, actor))
  })

  type Action = (visit: Visit, entered: OrganizationVisit, fields: FormFields) => ReturnType<Parameters<typeof post>[1]>

  const actions: Readonly<Record<string, Action>> = {
    save: Effect.fnUntraced(function* (visit, entered, fields) {
      const { words } = visit
      const again = (refused: Again) =>
        show(visit, entered, asShown(refused, typedOf(fields, ["name", "slug", "logo"])))
      const form = decode(SaveForm, { slug: "", logo: "", ...fields })
      if (Result.isFailure(form)) {
        const { organizationName, slug, logo } = words.fields
        const problems = problemsOf(form.failure, fields, { name: organizationName, slug, logo })
        return yield* again({ status: 422, problems })
      }
      return yield* organizations.update(entered.actor, entered.organization, form.success).pipe(
        Effect.map((organization) => withQuery(pathsOf(paths, organization).settings, { done: "organization-saved" })),
        orAgain(words, again),
      )
    }),

    transfer: Effect.fnUntraced(function* (visit, entered, fields) {
      const { words } = visit
      const { actor, at, organization } = entered
      // The proof comes before what is wrong with the form.
      yield* sessions.requireFresh(actor.session)
      const again = (refused: Again) => show(visit, entered, asShown(refused, typedOf(fields, ["email"])))
      const form = decode(TransferForm, fields)
      if (Result.isFailure(form)) {
        const problems = problemsOf(form.failure, fields, { email: words.fields.memberEmail })
        return yield* again({ status: 422, problems })
      }
      return yield* members.get(actor, organization, { _tag: "Email", email: form.success.email }).pipe(
        Effect.flatMap(({ id }) => organizations.transfer(actor, organization, { to: id })),
        Effect.as(withQuery(at.overview, { done: "organization-transferred" })),
        Effect.catchTag("MemberNotFound", () =>
          again({ status: 422, problems: [{ field: "email", message: words.problems.noSuchMember }] }),
        ),
        orAgain(words, again),
      )
    }),

    delete: Effect.fnUntraced(function* (visit, entered, fields) {
      const { words } = visit
      const { actor, membership, organization } = entered
      yield* sessions.requireFresh(actor.session)
      const again = (refused: Again) => show(visit, entered, asShown(refused, typedOf(fields, ["confirm_name"])))
      const name = (fields["confirm_name"] ?? "").trim()
      if (name !== membership.organizationName.trim()) {
        const { invalid, missing } = words.fields.confirmName
        const problems = [{ field: "confirm_name", message: name === "" ? missing : invalid }]
        return yield* again({ status: 422, problems })
      }
      return yield* organizations
        .remove(actor, organization)
        .pipe(Effect.as(withQuery(paths.organizations, { done: "organization-deleted" })), orAgain(words, again))
    }),
  }

  yield* get(
    route,
    Effect.fnUntraced(function* (visit) {
      return yield* either(
        visit,
        (entered) => show(visit, entered, { done: doneAt(visit) }),
        (actor, own) => showDeleted(visit, actor, own, {}),
      )
    }),
  )

  yield* post(
    route,
    Effect.fnUntraced(function* (visit, fields) {
      return yield* either(
        visit,
        (entered) => Effect.flatMap(actionOf(actions, fields), (action) => action(visit, entered, fields)),
        Effect.fnUntraced(function* (actor, own) {
          if (fields["action"] !== "restore") return yield* new FormUnreadable({ status: 400 })
          return yield* organizations.restore(actor, own.organization.id).pipe(
            Effect.map((organization) =>
              withQuery(pathsOf(paths, organization).overview, { done: "organization-restored" }),
            ),
            orAgain(visit.words, (refused) => showDeleted(visit, actor, own, asShown(refused))),
          )
        }),
      )
    }),
  )
})
