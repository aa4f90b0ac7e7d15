/**
 * Pages of the roles of an organization.
 *
 * @since 0.1.0
 */
import type { Permission } from "@belfry/organization/Permission"
import type { Role } from "@belfry/organization/Role"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import { chosenBy } from "../organizationForms.ts"
import type { Page } from "./document.ts"
import {
  type Choice,
  choices,
  isChosen,
  type Listed,
  may,
  nameIn,
  type OrganizationFrame,
  pager,
  type Shown,
  shownPage,
} from "./organizationParts.ts"
import { blank, field, form, type FormState, links, section, submit } from "./parts.ts"

/**
 * The roles of an organization: those of every organization, and those that it made.
 *
 * @category views
 * @since 0.1.0
 */
export const rolesPage = (
  words: Catalogue,
  view: Shown & OrganizationFrame & { readonly list: Listed<Role> },
): Page => {
  const { at, list, membership } = view
  const { organizationParts, roles: text } = words
  const builtIn = list.items.filter(({ isBuiltIn }) => isBuiltIn)
  const own = list.items.filter(({ isBuiltIn }) => !isBuiltIn)
  const rows = (roles: ReadonlyArray<Role>): Html =>
    html`<ul class="rows">
      ${roles.map((role) => roleRow(words, view, role))}
    </ul>`
  return shownPage(
    words,
    text.title,
    view,
    html`<p class="quiet">${text.text}</p>
      ${may(membership, "role:create") && html`<p><a class="button plain" href="${at.newRole}">${text.create}</a></p>`}
      ${section("own", text.own, own.length === 0 ? html`<p class="quiet">${text.none}</p>` : rows(own))}
      ${pager(words, at.roles, list)} ${builtIn.length > 0 && section("of-site", text.ofSite, rows(builtIn))}
      ${links({ href: at.overview, label: organizationParts.back(membership.organizationName) })}`,
    view,
  )
}

/**
 * Making a role. `permissions` are those that there are.
 *
 * @category views
 * @since 0.1.0
 */
export const newRolePage = (
  words: Catalogue,
  view: Shown & OrganizationFrame & { readonly permissions: Iterable<Permission> },
): Page => {
  const { at, state = blank } = view
  const text = words.newRole
  return shownPage(
    words,
    text.title,
    view,
    html`${form(at.newRole, html`${fieldsOf(words, state, view, null)} ${submit(text.submit)}`)}
    ${links({ href: at.roles, label: words.roles.title })}`,
    view,
  )
}

/**
 * What the page of a role shows. `permissions` are those that there are. `mayChange` and `mayDelete` tell whether the
 * reader can; `isOutOfReach` that they cannot because it allows more than they may do.
 *
 * @category models
 * @since 0.1.0
 */
export interface RoleView extends Shown, OrganizationFrame {
  readonly role: Role
  readonly permissions: Iterable<Permission>
  readonly isOutOfReach: boolean
  readonly mayChange: boolean
  readonly mayDelete: boolean
}

/**
 * A role.
 *
 * @category views
 * @since 0.1.0
 */
export const rolePage = (words: Catalogue, view: RoleView): Page => {
  const { at, mayChange, mayDelete, role, state = blank } = view
  const text = words.role
  return shownPage(
    words,
    nameIn(words.roleNames, role.name),
    view,
    html`${
      mayChange
        ? form(at.role(role.name), html`${fieldsOf(words, state, view, role)} ${submit(text.save)}`)
        : readOnly(words, view)
    }
    ${mayDelete && html`<p><a class="button danger" href="${at.deleteRole(role.name)}">${text.delete}</a></p>`}
    ${links({ href: at.roles, label: words.roles.title })}`,
    view,
  )
}

/**
 * Asks once more before a role is deleted, and what its holders get instead. `others` are the roles to choose from.
 *
 * @category views
 * @since 0.1.0
 */
export const deleteRolePage = (
  words: Catalogue,
  view: Shown & OrganizationFrame & { readonly role: Role; readonly others: ReadonlyArray<{ readonly name: string }> },
): Page => {
  const { at, others, role, state = blank } = view
  const text = words.deleteRole
  const chosen = state.values["replacement"] ?? ""
  const items: ReadonlyArray<Choice> = [
    { name: "replacement", value: "", label: text.nobody, isChecked: chosen === "" },
    ...others.map(({ name }) => ({
      name: "replacement",
      value: name,
      label: nameIn(words.roleNames, name),
      isChecked: chosen === name,
    })),
  ]
  return shownPage(
    words,
    text.title(nameIn(words.roleNames, role.name)),
    view,
    html`<p>${text.text}</p>
      ${form(
        at.deleteRole(role.name),
        html`${choices(state, { id: "replacement", title: text.replacement, type: "radio", items })}
          <button class="main danger">${text.submit}</button>`,
      )}
      ${links({ href: at.role(role.name), label: text.cancel })}`,
    view,
  )
}

// internal

const roleRow = (words: Catalogue, { at }: OrganizationFrame, { description, name }: Role): Html =>
  html`<li>
    <h3><a href="${at.role(name)}">${nameIn(words.roleNames, name)}</a></h3>
    <p class="quiet">${description ?? nameIn(words.roleTexts, name, "")}</p>
  </li>`

const fieldsOf = (
  words: Catalogue,
  state: FormState,
  { membership, permissions }: OrganizationFrame & { readonly permissions: Iterable<Permission> },
  role: Role | null,
): Html => {
  const { fields, newRole, role: text } = words
  const given = new Set<string>(role?.permissions ?? [])
  const groups = byResource(permissions)
  const isWhole = [...permissions].every((permission) => membership.permissionSet.has(permission))
  const problem = state.problems.find(({ field }) => field === "permissions")
  return html`${field(words, state, {
      name: "name",
      label: fields.roleName.label,
      type: "text",
      autocomplete: "off",
      autocapitalize: "none",
      hint: newRole.nameHint,
      value: role?.name ?? "",
    })}
    ${field(words, state, {
      name: "description",
      label: fields.roleDescription.label,
      type: "text",
      autocomplete: "off",
      value: role?.description ?? "",
      isOptional: true,
    })}
    <div id="permissions" tabindex="-1">
      <h2>${text.permissions}</h2>
      ${!isWhole && html`<p class="hint">${text.missing}</p>`}
      ${problem !== undefined && html`<p class="problem">${problem.message}</p>`}
    </div>
    ${groups.map(([resource, list]) =>
      choices(blank, {
        id: `resource-${resource}`,
        title: nameIn(words.resourceNames, resource),
        level: 3,
        items: list.map((permission) => ({
          name: `${chosenBy.permission}${permission}`,
          label: nameIn(words.permissionNames, permission),
          isChecked: isChosen(state, `${chosenBy.permission}${permission}`, given.has(permission)),
          isDisabled: !membership.permissionSet.has(permission),
        })),
      }),
    )}`
}

const readOnly = (words: Catalogue, { isOutOfReach, permissions, role }: RoleView): Html => {
  const text = words.role
  const given = [...permissions].filter((permission) => role.permissions.includes(permission))
  const description = role.description ?? nameIn(words.roleTexts, role.name, "")
  return html`${description !== "" && html`<p>${description}</p>`}
  ${role.isBuiltIn ? html`<p class="quiet">${text.builtIn}</p>` : isOutOfReach && html`<p class="quiet">${text.tooMuch}</p>`}
  ${section(
    "permissions",
    text.permissions,
    role.permissions.length === 0
      ? html`<p class="quiet">${text.none}</p>`
      : html`${byResource(given).map(
          ([resource, list]) =>
            html`<h3>${nameIn(words.resourceNames, resource)}</h3>
              <ul>
                ${list.map((permission) => html`<li>${nameIn(words.permissionNames, permission)}</li>`)}
              </ul>`,
        )}`,
  )}`
}

/** Permissions by what they are about, in the order in which they come. */
const byResource = (
  permissions: Iterable<Permission>,
): ReadonlyArray<readonly [resource: string, permissions: ReadonlyArray<Permission>]> => {
  const groups = new Map<string, Array<Permission>>()
  for (const permission of permissions) {
    const resource = permission.slice(0, permission.indexOf(":"))
    const group = groups.get(resource)
    if (group === undefined) groups.set(resource, [permission])
    else group.push(permission)
  }
  return [...groups]
}
