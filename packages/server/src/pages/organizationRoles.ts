/**
 * The roles of an organization: looking at them, making, changing and deleting them.
 *
 * @since 0.1.0
 */
import { AccessModel } from "@belfry/organization/AccessModel"
import { Permission } from "@belfry/organization/Permission"
import { owner, type Role, RoleNotFound, RoleRefused } from "@belfry/organization/Role"
import { Roles } from "@belfry/organization/Roles"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decode, type FormFields, problemsOf } from "./form.ts"
import { makeChoices, mayGive } from "./organizationChoices.ts"
import { chosenOf, DescriptionField, RoleNameField, typedOf } from "./organizationForms.ts"
import { roleOf, routesOf } from "./organizationPaths.ts"
import { type Again, asShown, gone, orAgain } from "./organizationRefusals.ts"
import { doneAt, makeOrganizationVisits, type OrganizationVisit, partOf, requireOnPage } from "./organizationVisits.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, post, type Visit } from "./visit.ts"
import { may, type Shown } from "./views/organizationParts.ts"
import { deleteRolePage, newRolePage, rolePage, rolesPage } from "./views/organizationRoles.ts"

const RoleForm = Schema.Struct({ name: RoleNameField, description: DescriptionField })

/**
 * Adds the pages of roles.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const { permissions } = yield* AccessModel
  const roles = yield* Roles
  const choices = yield* makeChoices
  const visits = yield* makeOrganizationVisits
  const routes = routesOf(paths)

  /** The role of the address. */
  const find = Effect.fnUntraced(function* (visit: Visit, { actor, organization }: OrganizationVisit) {
    const name = roleOf(visit.param("role"))
    if (name === undefined) return yield* new RoleNotFound({ roles: [] })
    return yield* roles.get(actor, organization, name)
  })

  /** The form's fields; its permissions are all that were chosen and are known here. */
  const read = (fields: FormFields, { words }: Visit): Result.Result<typeof RoleForm.Type & Chosen, Again> => {
    const form = decode(RoleForm, { description: "", ...fields })
    if (Result.isFailure(form)) {
      const { roleDescription, roleName } = words.fields
      const problems = problemsOf(form.failure, fields, { name: roleName, description: roleDescription })
      return Result.fail({ status: 422, problems })
    }
    const chosen = chosenOf(fields, "permission").filter(isPermission)
    return chosen.length === 0
      ? Result.fail({ status: 422, problems: [{ field: "permissions", message: words.problems.noPermission }] })
      : Result.succeed({ ...form.success, permissions: chosen })
  }

  const show = ({ words }: Visit, entered: OrganizationVisit, role: Role, shown: Shown) => {
    const { membership } = entered
    const isOutOfReach = !mayGive(membership, role)
    const isOpen = !role.isBuiltIn && !isOutOfReach
    return rolePage(words, {
      ...frameOf(entered),
      ...shown,
      role,
      permissions,
      isOutOfReach: isOutOfReach && (may(membership, "role:update") || may(membership, "role:delete")),
      mayChange: isOpen && may(membership, "role:update"),
      mayDelete: isOpen && may(membership, "role:delete"),
    })
  }

  yield* get(
    routes.roles,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      const { options, ...part } = partOf(visit)
      const page = yield* roles.list(entered.actor, entered.organization, options)
      return rolesPage(visit.words, { ...frameOf(entered), list: { ...page, ...part }, done: doneAt(visit) })
    }),
  )

  yield* get(
    routes.newRole,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      yield* requireOnPage(entered, "role:create")
      return newRolePage(visit.words, { ...frameOf(entered), permissions })
    }),
  )

  yield* post(
    routes.newRole,
    Effect.fnUntraced(function* (visit, fields) {
      const entered = yield* visits.enter(visit)
      yield* requireOnPage(entered, "role:create")
      const again = (refused: Again) =>
        Effect.succeed(
          newRolePage(visit.words, {
            ...frameOf(entered),
            ...asShown(refused, typedOf(fields, ["name", "description"], "permission")),
            permissions,
          }),
        )
      const form = read(fields, visit)
      if (Result.isFailure(form)) return yield* again(form.failure)
      return yield* roles
        .create(entered.actor, entered.organization, form.success)
        .pipe(
          Effect.as(withQuery(entered.at.roles, { done: "role-created" })),
          Effect.mapError(ofName),
          orAgain(visit.words, again),
        )
    }),
  )

  yield* get(
    routes.role,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      return show(visit, entered, yield* find(visit, entered), { done: doneAt(visit) })
    }),
  )

  yield* post(
    routes.role,
    Effect.fnUntraced(function* (visit, fields) {
      const entered = yield* visits.enter(visit)
      const role = yield* find(visit, entered)
      const again = (refused: Again) =>
        Effect.succeed(
          show(visit, entered, role, asShown(refused, typedOf(fields, ["name", "description"], "permission"))),
        )
      const form = read(fields, visit)
      if (Result.isFailure(form)) return yield* again(form.failure)
      return yield* roles.update(entered.actor, entered.organization, role.name, form.success).pipe(
        Effect.map(({ name }) => withQuery(entered.at.role(name), { done: "role-saved" })),
        Effect.mapError((error) => (role.isBuiltIn ? error : ofName(error))),
        orAgain(visit.words, again),
      )
    }),
  )

  /**
   * The roles that the holders of one can get in its place: nobody becomes an owner by that. One of its name is the
   * host's.
   */
  const others = (entered: OrganizationVisit, role: Role) =>
    Effect.map(choices.roles(entered), (all) =>
      all.filter(({ id, mayGive, name }) => mayGive && (id !== role.id || name !== role.name) && name !== owner),
    )

  yield* get(
    routes.deleteRole,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      yield* requireOnPage(entered, "role:delete")
      const role = yield* find(visit, entered)
      return deleteRolePage(visit.words, { ...frameOf(entered), role, others: yield* others(entered, role) })
    }),
  )

  yield* post(
    routes.deleteRole,
    Effect.fnUntraced(function* (visit, fields) {
      const entered = yield* visits.enter(visit)
      yield* requireOnPage(entered, "role:delete")
      const role = yield* find(visit, entered)
      const again = Effect.fnUntraced(function* (refused: Again) {
        return deleteRolePage(visit.words, {
          ...frameOf(entered),
          ...asShown(refused, typedOf(fields, ["replacement"])),
          role,
          others: yield* others(entered, role),
        })
      })
      const chosen = fields["replacement"] ?? ""
      const replacement = roleOf(chosen)
      if (chosen !== "" && replacement === undefined) {
        return yield* again(gone("replacement", visit.words.problems.noReplacement))
      }
      return yield* roles.remove(entered.actor, entered.organization, role.name, replacement).pipe(
        Effect.as(withQuery(entered.at.roles, { done: "role-deleted" })),
        Effect.catchTag(
          "RoleNotFound",
          Effect.fnUntraced(function* (error) {
            if (replacement === undefined) return yield* error
            return yield* again(gone("replacement", visit.words.problems.noReplacement))
          }),
        ),
        orAgain(visit.words, again),
      )
    }),
  )
})

// internal

interface Chosen {
  readonly permissions: ReadonlyArray<Permission>
}

const isPermission = Schema.is(Permission)

const frameOf = ({ at, membership }: OrganizationVisit) => ({ at, membership })

/** Where the role itself is no host's, a role of the host is what has its name. */
const ofName = <E extends { readonly _tag: string }>(error: E | RoleRefused): E | RoleRefused =>
  error instanceof RoleRefused && error.reason === "built-in" ? new RoleRefused({ reason: "name-taken" }) : error
