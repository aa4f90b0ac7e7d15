/**
 * The settings of an organization: its name and address, handing it over, deleting it; and restoring it.
 *
 * @since 0.1.0
 */
import type { Organization } from "@belfry/organization/Organization"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { OrganizationPaths } from "../organizationPaths.ts"
import type { Paths } from "../PageKit.ts"
import { withQuery } from "../query.ts"
import type { Page } from "./document.ts"
import { may, nameAndSlug, type OrganizationFrame, type Shown, shownPage } from "./organizationParts.ts"
import { blank, field, form, links, section, submit } from "./parts.ts"

/**
 * What the settings show. `isFresh`: the person proved who they are recently. `grace` is for how long a deleted
 * organization can be restored, in words; null: not at all. `allowsDeletion`: the host does.
 *
 * @category models
 * @since 0.1.0
 */
export interface SettingsView extends Shown, OrganizationFrame {
  readonly organization: Organization
  readonly isFresh: boolean
  readonly allowsDeletion: boolean
  readonly grace: string | null
}

/**
 * The settings of an organization: what the roles of the reader let them change.
 *
 * @category views
 * @since 0.1.0
 */
export const organizationSettingsPage = (words: Catalogue, paths: Paths, view: SettingsView): Page => {
  const { at, membership } = view
  return shownPage(
    words,
    words.organizationSettings.title,
    view,
    html`${may(membership, "organization:update") && profile(words, view)}
    ${may(membership, "organization:transfer") && transfer(words, paths, view)}
    ${view.allowsDeletion && may(membership, "organization:delete") && deletion(words, paths, view)}
    ${links({ href: at.overview, label: words.organizationParts.back(membership.organizationName) })}`,
    view,
  )
}

/**
 * Asks once more before an organization is restored. `until` is in words.
 *
 * @category views
 * @since 0.1.0
 */
export const restoreOrganizationPage = (
  words: Catalogue,
  paths: Paths,
  view: Shown & {
    readonly organization: Organization
    readonly at: OrganizationPaths
    readonly isFresh: boolean
    readonly deletedAgo: string
    readonly until: string
  },
): Page => {
  const { at, deletedAgo, isFresh, organization, until } = view
  const text = words.restoreOrganization
  return shownPage(
    words,
    text.title(organization.name),
    view,
    html`<p>${text.text(deletedAgo, until)}</p>
      ${
        isFresh
          ? form(at.settings, submit(text.submit), { action: "restore" })
          : confirmFirst(words, paths, at.settings, text.submit)
      }
      ${links({ href: paths.organizations, label: words.organization.all })}`,
  )
}

// internal

const profile = (words: Catalogue, { at, organization, state = blank }: SettingsView): Html => {
  const { fields, organizationSettings: text } = words
  return section(
    "profile",
    text.profile,
    form(
      at.settings,
      html`${nameAndSlug(words, state, { slugHint: text.slugHint, organization })}
        ${field(words, state, {
          name: "logo",
          label: fields.logo.label,
          type: "text",
          autocomplete: "off",
          autocapitalize: "none",
          hint: text.logoHint,
          value: organization.logo ?? "",
          isOptional: true,
        })} <button class="plain">${text.save}</button>`,
      { action: "save" },
    ),
  )
}

const transfer = (words: Catalogue, paths: Paths, { at, isFresh, state = blank }: SettingsView): Html => {
  const { fields, organizationSettings: text } = words
  return section(
    "transfer",
    text.transfer,
    html`<p>${text.transferText}</p>
      ${
        isFresh
          ? form(
              at.settings,
              html`${field(words, state, {
                  name: "email",
                  label: fields.memberEmail.label,
                  type: "email",
                  autocomplete: "off",
                })} <button class="danger">${text.transferSubmit}</button>`,
              { action: "transfer" },
            )
          : confirmFirst(words, paths, `${at.settings}#transfer`, text.transferStart)
      }`,
  )
}

const deletion = (words: Catalogue, paths: Paths, view: SettingsView): Html => {
  const { at, grace, isFresh, organization, state = blank } = view
  const { fields, organizationSettings: text } = words
  return section(
    "delete",
    text.danger,
    html`<p>${text.dangerText(organization.name, grace)}</p>
      ${
        isFresh
          ? form(
              at.settings,
              html`${field(words, state, {
                  name: "confirm_name",
                  label: fields.confirmName.label,
                  type: "text",
                  autocomplete: "off",
                  autocapitalize: "none",
                })} <button class="danger">${text.dangerSubmit}</button>`,
              { action: "delete" },
            )
          : confirmFirst(words, paths, `${at.settings}#delete`, text.dangerStart)
      }`,
  )
}

/** The way to a form that asks for a proof first. */
const confirmFirst = (words: Catalogue, paths: Paths, target: string, label: string): Html =>
  html`<p class="quiet">${words.organizationParts.confirmFirst}</p>
    <p><a class="button plain" href="${withQuery(paths.confirmAccess, { return_to: target })}">${label}</a></p>`
