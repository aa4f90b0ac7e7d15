/**
 * What the pages of organizations share: the way back, choices, searches, lists that go on.
 *
 * @since 0.1.0
 */
import type { Membership } from "@belfry/organization/Membership"
import type { BuiltInPermission } from "@belfry/organization/Permission"
import { attributes, empty, html, type Html, type Interpolation } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import { type OrganizationPaths, pathsOf } from "../organizationPaths.ts"
import type { Paths } from "../PageKit.ts"
import { withQuery } from "../query.ts"
import type { Page } from "./document.ts"
import { blank, field, type FormState, hiddenFields, links, notice, summary } from "./parts.ts"

/**
 * What a page of an organization is about, whatever it shows: who looks at it, and where its pages are.
 *
 * @category models
 * @since 0.1.0
 */
export interface OrganizationFrame {
  readonly membership: Membership
  readonly at: OrganizationPaths
}

/**
 * The frame for a membership.
 *
 * @category constructors
 * @since 0.1.0
 */
export const frameOf = (paths: Paths, membership: Membership): OrganizationFrame => ({
  membership,
  at: pathsOf(paths, { id: membership.organizationId, slug: membership.organizationSlug }),
})

/**
 * What a page shows besides its own: the form as it was sent, and how it was answered; what was done.
 *
 * @category models
 * @since 0.1.0
 */
export interface Shown {
  readonly state?: FormState
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly done?: string | undefined
}

/**
 * A page with its problems, its heading and what was done. Above the heading is the way back to the organization.
 *
 * @category parts
 * @since 0.1.0
 */
export const shownPage = (
  words: Catalogue,
  title: string,
  shown: Shown,
  content: Html,
  frame?: OrganizationFrame,
): Page => {
  const { problems } = shown.state ?? blank
  return {
    title: frame === undefined ? title : `${title} – ${frame.membership.organizationName}`,
    status: shown.status ?? 200,
    headers: shown.headers ?? {},
    hasProblems: problems.length > 0,
    main: html`${summary(words, problems)}
      ${
        frame !== undefined &&
        html`<p class="quiet"><a href="${frame.at.overview}">${frame.membership.organizationName}</a></p>`
      }
      <h1>${title}</h1>
      ${notice(shown.done)} ${content}`,
  }
}

/**
 * Whether somebody may do something in the organization.
 *
 * @category predicates
 * @since 0.1.0
 */
export const may = ({ permissionSet }: Pick<Membership, "permissionSet">, permission: BuiltInPermission): boolean =>
  permissionSet.has(permission)

/**
 * The words for something that has a name of its own; `otherwise`, or the name, where there are none.
 *
 * @category formatting
 * @since 0.1.0
 */
export const nameIn = (known: Readonly<Record<string, string>>, name: string, otherwise = name): string =>
  (Object.hasOwn(known, name) ? known[name] : undefined) ?? otherwise

/**
 * Roles in words, as a list.
 *
 * @category formatting
 * @since 0.1.0
 */
export const roleList = ({ organizationParts, roleNames }: Catalogue, roles: ReadonlyArray<string>): string =>
  organizationParts.list(roles.map((role) => nameIn(roleNames, role)))

/**
 * A person as others know them: by name, else by address.
 *
 * @category formatting
 * @since 0.1.0
 */
export const personName = ({ name, email }: { readonly name: string | null; readonly email: string }): string =>
  name ?? email

/**
 * The fields for the name and the slug of an organization, with those that it has.
 *
 * @category parts
 * @since 0.1.0
 */
export const nameAndSlug = (
  words: Catalogue,
  state: FormState,
  view: {
    readonly slugHint: string
    readonly organization?: { readonly name: string; readonly slug: string | null }
  },
): Html => {
  const { organization, slugHint } = view
  const { organizationName, slug } = words.fields
  return html`${field(words, state, {
    name: "name",
    label: organizationName.label,
    type: "text",
    autocomplete: "organization",
    value: organization?.name ?? "",
  })}
  ${field(words, state, {
    name: "slug",
    label: slug.label,
    type: "text",
    autocomplete: "off",
    autocapitalize: "none",
    hint: slugHint,
    value: organization?.slug ?? "",
    isOptional: true,
  })}`
}

/**
 * One of several things that can be chosen. A radio button shares its `name` with the others, and has a `value`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Choice {
  readonly name: string
  readonly value?: string
  readonly label: string
  readonly hint?: string | undefined
  readonly isChecked: boolean
  readonly isDisabled?: boolean
}

/**
 * Whether something is chosen: as it was sent, or as it is where nothing was sent.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isChosen = (state: FormState, name: string, otherwise: boolean): boolean =>
  state === blank ? otherwise : state.values[name] === "1"

/**
 * Things to choose from, under a heading. `id` is what problems name as their field.
 *
 * @category parts
 * @since 0.1.0
 */
export const choices = (
  state: FormState,
  { items, type = "checkbox", ...options }: GroupOptions & { readonly items: ReadonlyArray<Choice> },
): Html =>
  group(
    state,
    { ...options, type },
    items.map((item) => choice(type, item)),
  )

/**
 * What a group of fields is called, and about. `id` is what problems name as their field.
 *
 * @category models
 * @since 0.1.0
 */
export interface GroupOptions {
  readonly id: string
  readonly title: string
  readonly text?: string | undefined
  readonly type?: "checkbox" | "radio"
  readonly level?: 2 | 3
}

/**
 * Fields that belong together, under a heading.
 *
 * @category parts
 * @since 0.1.0
 */
export const group = (state: FormState, options: GroupOptions, content: Interpolation): Html => {
  const { id, title, text, type, level = 2 } = options
  const problem = state.problems.find(({ field }) => field === id)
  const describedBy = [
    ...(text === undefined ? [] : [`${id}-hint`]),
    ...(problem === undefined ? [] : [`${id}-problem`]),
  ]
  return html`<div
    role="${type === "radio" ? "radiogroup" : "group"}"
    tabindex="-1"
    ${attributes({
      id,
      "aria-labelledby": `${id}-title`,
      "aria-describedby": describedBy.length === 0 ? undefined : describedBy.join(" "),
    })}
  >
    ${level === 2 ? html`<h2 id="${id}-title">${title}</h2>` : html`<h3 id="${id}-title">${title}</h3>`}
    ${text !== undefined && html`<p class="hint" id="${id}-hint">${text}</p>`}
    ${problem !== undefined && html`<p class="problem" id="${id}-problem">${problem.message}</p>`} ${content}
  </div>`
}

/**
 * Which part of a list is shown: what was asked for, and where it goes on.
 *
 * @category models
 * @since 0.1.0
 */
export interface Listed<A> {
  readonly items: ReadonlyArray<A>
  readonly cursor: string | null
  /** What the address asks for besides the part: a search, say. */
  readonly query: Readonly<Record<string, string | undefined>>
  readonly isFirst: boolean
}

/**
 * The ways to other parts of a list.
 *
 * @category parts
 * @since 0.1.0
 */
export const pager = <A>(words: Catalogue, path: string, { cursor, query, isFirst }: Listed<A>): Html =>
  cursor === null && isFirst
    ? empty
    : html`<p class="row">
        ${cursor !== null && html`<a href="${withQuery(path, { ...query, cursor })}">${words.organizationParts.next}</a>`}
        ${!isFirst && html`<a href="${withQuery(path, query)}">${words.organizationParts.first}</a>`}
      </p>`

/**
 * A page with a list of an organization: what can be made, a search, the items, and the ways to other parts and back.
 *
 * **Details**
 *
 * `create` is the way to make one, for whoever may. `filters` stand between the search and the items. `none` is said
 * where there is nothing to search in; where a search finds nothing, that is said instead.
 *
 * @category parts
 * @since 0.1.0
 */
export const listPage = <A>(
  words: Catalogue,
  view: Shown & OrganizationFrame & { readonly list: Listed<A> },
  options: {
    readonly title: string
    readonly path: string
    readonly create?: false | { readonly href: string; readonly label: string }
    readonly search?: { readonly label: string; readonly hint: string }
    readonly filters?: Html
    readonly none: string
    readonly row: (item: A) => Html
  },
): Page => {
  const { at, list, membership } = view
  const { create = false, filters, none, path, row, search, title } = options
  const { organizationParts: text } = words
  return shownPage(
    words,
    title,
    view,
    html`${create !== false && html`<p><a class="button plain" href="${create.href}">${create.label}</a></p>`}
    ${search !== undefined && searchForm(words, path, { ...search, query: list.query })} ${filters}
    ${
      list.items.length === 0
        ? html`<p class="quiet">${list.query["search"] === undefined ? none : text.nothingFound}</p>`
        : html`<ul class="rows">
            ${list.items.map(row)}
          </ul>`
    }
    ${pager(words, path, list)} ${links({ href: at.overview, label: text.back(membership.organizationName) })}`,
    view,
  )
}

/**
 * A moment, in words.
 *
 * @category parts
 * @since 0.1.0
 */
export const moment = (epochMilliseconds: number, text: string): Html =>
  html`<time datetime="${new Date(epochMilliseconds).toISOString()}">${text}</time>`

// internal

/** A field to search by, which keeps the other parameters of the page's address. */
const searchForm = (
  words: Catalogue,
  path: string,
  options: {
    readonly label: string
    readonly hint: string
    readonly query: Readonly<Record<string, string | undefined>>
  },
): Html =>
  html`<form action="${path}" role="search">
    ${Object.entries(options.query).map(([name, value]) => name !== "search" && value !== undefined && hiddenFields({ [name]: value }))}
    ${field(words, blank, {
      name: "search",
      label: options.label,
      type: "text",
      autocomplete: "off",
      autocapitalize: "none",
      hint: options.hint,
      value: options.query["search"] ?? "",
      isOptional: true,
    })} <button class="plain">${words.organizationParts.search}</button>
  </form>`

const choice = (type: "checkbox" | "radio", { name, value, label, hint, isChecked, isDisabled }: Choice): Html =>
  html`<label class="${hint === undefined ? "check" : "check tall"}"
    ><input${attributes({ type, name, value: value ?? "1", checked: isChecked, disabled: isDisabled === true })}><span
      >${label}${hint !== undefined && html`<br /><span class="quiet">${hint}</span>`}</span
    ></label
  >`
