/**
 * Pages of the invitations of an organization.
 *
 * @since 0.1.0
 */
import type { Invitation, InvitationStatus } from "@belfry/organization/Invitation"
import type { Team, TeamRoleName } from "@belfry/organization/Team"
import { attributes, html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { RoleChoice } from "../organizationChoices.ts"
import { chosenBy } from "../organizationForms.ts"
import { withQuery } from "../query.ts"
import type { Page } from "./document.ts"
import { roleChoices } from "./organizationMembers.ts"
import {
  group,
  type Listed,
  listPage,
  may,
  moment,
  nameIn,
  type OrganizationFrame,
  roleList,
  type Shown,
  shownPage,
} from "./organizationParts.ts"
import { blank, field, form, links, select, submit } from "./parts.ts"

/**
 * The invitations of an organization, newest first; those of the status `wanted`, when it is one.
 *
 * @category views
 * @since 0.1.0
 */
export const invitationsPage = (
  words: Catalogue,
  view: Shown &
    OrganizationFrame & {
      readonly list: Listed<Invitation>
      readonly wanted: InvitationStatus | undefined
      readonly now: number
    },
): Page => {
  const { at, list, membership, wanted } = view
  const { invitations: text } = words
  return listPage(words, view, {
    title: text.title,
    path: at.invitations,
    create: may(membership, "invitation:create") && { href: at.newInvitation, label: text.create },
    search: { label: text.searchLabel, hint: text.searchHint },
    filters: html`<nav aria-label="${text.show}">
      <ul class="row">
        ${statuses.map((each) => {
          const href = withQuery(at.invitations, { ...list.query, status: each })
          const current = attributes({ href, "aria-current": each === wanted ? "true" : undefined })
          return html`<li><a${current}>${each === undefined ? text.all : text.status[each]}</a></li>`
        })}
      </ul>
    </nav>`,
    none: text.none,
    row: (invitation) => invitationRow(words, view, invitation),
  })
}

/**
 * What there is to choose for an invitation. `lifetimes` are those for which it may be open, in seconds, as the values
 * of their field; the one whose value is empty is the host's.
 *
 * @category models
 * @since 0.1.0
 */
export interface NewInvitationView extends Shown, OrganizationFrame {
  readonly roles: ReadonlyArray<RoleChoice>
  readonly teams: ReadonlyArray<Team>
  readonly teamRoles: ReadonlyArray<TeamRoleName>
  readonly lifetimes: ReadonlyArray<{ readonly value: string; readonly seconds: number }>
}

/**
 * Inviting somebody: with which roles, to which teams, for how long.
 *
 * @category views
 * @since 0.1.0
 */
export const newInvitationPage = (words: Catalogue, view: NewInvitationView): Page => {
  const { at, lifetimes, roles, state = blank, teamRoles, teams } = view
  const { fields, newInvitation: text } = words
  return shownPage(
    words,
    text.title,
    view,
    html`<p>${text.text}</p>
      ${form(
        at.newInvitation,
        html`${field(words, state, {
          name: "email",
          label: fields.email.label,
          type: "email",
          autocomplete: "off",
        })}
        ${roleChoices(words, state, { roles, chosen: new Set(["member"]) })}
        ${
          teams.length > 0 &&
          group(
            state,
            { id: "teams", title: text.teams, text: text.teamsText },
            teams.map(({ id, name }) =>
              select(state, {
                name: `${chosenBy.team}${id}`,
                label: name,
                value: "",
                options: [
                  { value: "", label: text.noTeam },
                  ...teamRoles.map((role) => ({ value: role, label: nameIn(words.teamRoleNames, role) })),
                ],
              }),
            ),
          )
        }
        ${
          lifetimes.length > 1 &&
          select(state, {
            name: "lifetime",
            label: text.lifetime,
            value: "",
            options: lifetimes.map(({ seconds, value }) => ({ value, label: words.time.in(seconds) })),
          })
        }
        ${submit(text.submit)}`,
      )}
      ${links({ href: at.invitations, label: words.invitations.title })}`,
    view,
  )
}

// internal

const statuses: ReadonlyArray<InvitationStatus | undefined> = [
  "pending",
  "accepted",
  "rejected",
  "revoked",
  "expired",
  undefined,
]

const invitationRow = (
  words: Catalogue,
  { at, membership, now }: OrganizationFrame & { readonly now: number },
  invitation: Invitation,
): Html => {
  const { email, expiresAt, id, roles, sentAt, status } = invitation
  const { invitations: text, time } = words
  const isOpen = status === "pending"
  const maySend = (isOpen || status === "expired") && may(membership, "invitation:create")
  const mayRevoke = isOpen && may(membership, "invitation:revoke")
  return html`<li>
    <div class="bar">
      <h2>${email}</h2>
      <p class="${isOpen ? "status good" : "status"}">${text.status[status]}</p>
    </div>
    <p class="quiet">
      ${roleList(words, roles)}<br />${moment(
        sentAt.epochMilliseconds,
        text.sent(time.ago(sentAt.epochMilliseconds, now)),
      )}${isOpen && html`, ${moment(expiresAt.epochMilliseconds, text.until(time.date(expiresAt.epochMilliseconds)))}`}
    </p>
    ${
      (maySend || mayRevoke) &&
      html`<div class="row">
        ${
          maySend &&
          form(
            at.invitations,
            html`<button class="plain" aria-label="${text.resendNamed(email)}">${text.resend}</button>`,
            {
              action: "resend",
              invitation: id,
            },
          )
        }
        ${
          mayRevoke &&
          form(
            at.invitations,
            html`<button class="plain" aria-label="${text.revokeNamed(email)}">${text.revoke}</button>`,
            {
              action: "revoke",
              invitation: id,
            },
          )
        }
      </div>`
    }
  </li>`
}
