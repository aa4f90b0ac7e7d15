/**
 * Pages of one's own organizations: the list with invitations, making one, one of them, leaving it; and the section of
 * the account page about them.
 *
 * @since 0.1.0
 */
import type { InvitationPreview } from "@belfry/organization/Invitation"
import type { OrganizationCounts } from "@belfry/organization/Organization"
import type { OwnOrganization } from "@belfry/organization/Organizations"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import { organizationPayer, billingPathsOf } from "../billingPaths.ts"
import { pathsOf } from "../organizationPaths.ts"
import type { Paths } from "../PageKit.ts"
import type { Page } from "./document.ts"
import {
  type Listed,
  may,
  moment,
  nameAndSlug,
  type OrganizationFrame,
  pager,
  roleList,
  type Shown,
  shownPage,
} from "./organizationParts.ts"
import { blank, form, links, section, submit } from "./parts.ts"

/**
 * What the list of one's organizations shows. `activeId` is the one that the session acts for.
 *
 * @category models
 * @since 0.1.0
 */
export interface OrganizationsView extends Shown {
  readonly list: Listed<OwnOrganization>
  readonly activeId: string | null
  readonly invitations: ReadonlyArray<InvitationPreview>
  readonly deleted: ReadonlyArray<OwnOrganization>
  readonly mayCreate: boolean
  readonly now: number
}

/**
 * One's organizations, the invitations to others, and those that were deleted and that they can restore.
 *
 * @category views
 * @since 0.1.0
 */
export const organizationsPage = (words: Catalogue, paths: Paths, view: OrganizationsView): Page => {
  const { activeId, deleted, invitations, list, mayCreate } = view
  const text = words.organizations
  return shownPage(
    words,
    text.title,
    view,
    html`${
      list.items.length === 0
        ? html`<p class="quiet">${text.none}</p>`
        : html`<ul class="rows">
            ${list.items.map((item) => organizationRow(words, paths, item, activeId))}
          </ul>`
    }
    ${pager(words, paths.organizations, list)}
    ${mayCreate && html`<p><a class="button plain" href="${paths.newOrganization}">${text.create}</a></p>`}
    ${
      invitations.length > 0 &&
      section(
        "invitations",
        text.invitations,
        html`<ul class="rows">
          ${invitations.map((invitation) => invitationRow(words, paths, invitation))}
        </ul>`,
      )
    }
    ${
      deleted.length > 0 &&
      section(
        "deleted",
        text.deleted,
        html`<ul class="rows">
          ${deleted.map((item) => deletedRow(words, paths, item, view.now))}
        </ul>`,
      )
    }
    ${links({ href: paths.account, label: words.common.back })}`,
  )
}

/**
 * What the account page shows of organizations: the first few.
 *
 * @category models
 * @since 0.1.0
 */
export interface OwnOrganizationsView {
  readonly organizations: ReadonlyArray<OwnOrganization>
}

/**
 * The section of the account page about organizations.
 *
 * @category parts
 * @since 0.1.0
 */
export const organizationsSection = (words: Catalogue, paths: Paths, { organizations }: OwnOrganizationsView): Html => {
  const text = words.organizations
  return section(
    "organizations",
    text.section,
    html`${
        organizations.length > 0 &&
        html`<ul class="rows">
          ${organizations.map(
            ({ organization, membership }) =>
              html`<li class="bar">
                <a href="${pathsOf(paths, organization).overview}">${organization.name}</a>
                <span class="quiet">${roleList(words, membership.roles)}</span>
              </li>`,
          )}
        </ul>`
      }
      <p><a href="${paths.organizations}">${organizations.length > 0 ? text.open : text.openNone}</a></p>`,
  )
}

/**
 * Making an organization.
 *
 * @category views
 * @since 0.1.0
 */
export const newOrganizationPage = (words: Catalogue, paths: Paths, shown: Shown): Page => {
  const text = words.newOrganization
  const { state = blank } = shown
  return shownPage(
    words,
    text.title,
    shown,
    html`${form(
      paths.newOrganization,
      html`${nameAndSlug(words, state, { slugHint: text.slugHint })} ${submit(text.submit)}`,
    )}
    ${links({ href: paths.organizations, label: words.organization.all })}`,
  )
}

/**
 * An organization: what is in it, as far as the roles of the reader show it. `counts` is null where they show none.
 *
 * @category views
 * @since 0.1.0
 */
export const organizationPage = (
  words: Catalogue,
  paths: Paths,
  view: Shown &
    OrganizationFrame & {
      readonly counts: OrganizationCounts | null
      readonly hasTeams: boolean
      readonly hasBilling: boolean
    },
): Page => {
  const { at, counts, hasBilling, hasTeams, membership } = view
  const { more } = words.organizationParts
  const text = words.organization
  const rows: ReadonlyArray<readonly [isShown: boolean, href: string, label: string, count?: string]> = [
    [may(membership, "member:read"), at.members, text.members, counts === null ? "" : String(counts.members)],
    [
      may(membership, "invitation:read"),
      at.invitations,
      text.invitations,
      counts === null ? "" : text.pending(more(counts.pendingInvitations)),
    ],
    [may(membership, "role:read"), at.roles, text.roles],
    [hasTeams && may(membership, "team:read"), at.teams, text.teams, counts === null ? "" : more(counts.teams)],
    [
      hasBilling && may(membership, "billing:read"),
      billingPathsOf(paths, organizationPayer(membership)).overview,
      words.billing.title,
    ],
    [may(membership, "audit:read"), at.auditLog, text.auditLog],
    [settingsPermissions.some((permission) => may(membership, permission)), at.settings, text.settings],
  ]
  return shownPage(
    words,
    membership.organizationName,
    view,
    html`<p class="quiet">${text.yourRoles(roleList(words, membership.roles))}</p>
      <ul class="rows">
        ${rows.map(
          ([isShown, href, label, count]) =>
            isShown &&
            html`<li class="bar">
              <a href="${href}">${label}</a
              >${count !== undefined && count !== "" && html`<span class="quiet">${count}</span>`}
            </li>`,
        )}
      </ul>
      ${links({ href: at.leave, label: text.leave }, { href: paths.organizations, label: text.all })}`,
  )
}

/**
 * What lets somebody do anything on the page of settings.
 *
 * @category models
 * @since 0.1.0
 */
export const settingsPermissions = ["organization:update", "organization:transfer", "organization:delete"] as const

/**
 * Asks once more before somebody leaves.
 *
 * @category views
 * @since 0.1.0
 */
export const leaveOrganizationPage = (words: Catalogue, view: Shown & OrganizationFrame): Page => {
  const text = words.leaveOrganization
  return shownPage(
    words,
    text.title(view.membership.organizationName),
    view,
    html`<p>${text.text}</p>
      ${form(view.at.leave, html`<button class="main danger">${text.submit}</button>`)}
      ${links({ href: view.at.overview, label: text.cancel })}`,
  )
}

// internal

const organizationRow = (
  words: Catalogue,
  paths: Paths,
  { organization, membership }: OwnOrganization,
  activeId: string | null,
): Html => {
  const text = words.organizations
  return html`<li class="bar">
    <div>
      <h2><a href="${pathsOf(paths, organization).overview}">${organization.name}</a></h2>
      <p class="quiet">${roleList(words, membership.roles)}</p>
    </div>
    ${
      organization.id === activeId
        ? html`<p class="status good">${text.active}</p>`
        : form(
            paths.organizations,
            html`<button class="plain" aria-label="${text.switchNamed(organization.name)}">${text.switch}</button>`,
            { action: "switch", organization: organization.id },
          )
    }
  </li>`
}

const invitationRow = (words: Catalogue, paths: Paths, invitation: InvitationPreview): Html => {
  const { id, inviterName, organizationName, roles } = invitation
  const text = words.organizations
  return html`<li>
    <h3>${organizationName}</h3>
    <p class="quiet">
      ${inviterName !== null && html`${text.invitedBy(inviterName)}<br />`}
      ${words.acceptInvitation.roles(roleList(words, roles))}<br />${until(words, invitation)}
    </p>
    <div class="row">
      ${form(
        paths.organizations,
        html`<button class="plain" aria-label="${text.acceptNamed(organizationName)}">${text.accept}</button>`,
        { action: "accept", invitation: id },
      )}
      ${form(
        paths.organizations,
        html`<button class="plain" aria-label="${text.rejectNamed(organizationName)}">${text.reject}</button>`,
        { action: "reject", invitation: id },
      )}
    </div>
  </li>`
}

const until = ({ acceptInvitation, time }: Catalogue, { expiresAt }: InvitationPreview): Html =>
  moment(expiresAt.epochMilliseconds, acceptInvitation.until(time.date(expiresAt.epochMilliseconds)))

const deletedRow = (words: Catalogue, paths: Paths, { organization }: OwnOrganization, now: number): Html => {
  const text = words.organizations
  const { epochMilliseconds: deletedAt } = organization.deletedAt ?? organization.updatedAt
  return html`<li class="bar">
    <div>
      <h3>${organization.name}</h3>
      <p class="quiet">${moment(deletedAt, text.deletedAgo(words.time.ago(deletedAt, now)))}</p>
    </div>
    <a
      class="button plain"
      href="${pathsOf(paths, { id: organization.id, slug: null }).settings}"
      aria-label="${text.restoreNamed(organization.name)}"
      >${text.restore}</a
    >
  </li>`
}
