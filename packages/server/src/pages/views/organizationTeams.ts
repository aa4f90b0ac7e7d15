/**
 * Pages of the teams of an organization.
 *
 * @since 0.1.0
 */
import type { Team, TeamMember, TeamRoleName } from "@belfry/organization/Team"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Page } from "./document.ts"
import {
  type Listed,
  listPage,
  may,
  moment,
  nameIn,
  type OrganizationFrame,
  pager,
  personName,
  type Shown,
  shownPage,
} from "./organizationParts.ts"
import { blank, field, form, type FormState, links, section, submit } from "./parts.ts"

/**
 * The teams of an organization, oldest first.
 *
 * @category views
 * @since 0.1.0
 */
export const teamsPage = (
  words: Catalogue,
  view: Shown & OrganizationFrame & { readonly list: Listed<Team>; readonly now: number },
): Page => {
  const { at, membership, now } = view
  const { teams: text, time } = words
  return listPage(words, view, {
    title: text.title,
    path: at.teams,
    create: may(membership, "team:create") && { href: at.newTeam, label: text.create },
    search: { label: text.searchLabel, hint: text.searchHint },
    none: text.none,
    row: ({ createdAt: { epochMilliseconds: made }, id, name }) =>
      html`<li>
        <h2><a href="${at.team(id)}">${name}</a></h2>
        <p class="quiet">${moment(made, text.made(time.ago(made, now)))}</p>
      </li>`,
  })
}

/**
 * Making a team.
 *
 * @category views
 * @since 0.1.0
 */
export const newTeamPage = (words: Catalogue, view: Shown & OrganizationFrame): Page => {
  const { at, state = blank } = view
  const text = words.newTeam
  return shownPage(
    words,
    text.title,
    view,
    html`${form(at.newTeam, html`${nameField(words, state, "")} ${submit(text.submit)}`)}
    ${links({ href: at.teams, label: words.teams.title })}`,
    view,
  )
}

/**
 * What the page of a team shows. `may` is what the reader may do in it; `members` is null where they cannot be seen.
 *
 * @category models
 * @since 0.1.0
 */
export interface TeamView extends Shown, OrganizationFrame {
  readonly team: Team
  readonly members: Listed<TeamMember> | null
  readonly may: {
    readonly update: boolean
    readonly remove: boolean
    readonly addMember: boolean
    readonly setRole: boolean
    readonly removeMember: boolean
  }
  /** The roles that there are in teams. */
  readonly roles: ReadonlyArray<TeamRoleName>
  /** Where the bills of the team are; null: nowhere, for this reader. */
  readonly billing: string | null
  readonly now: number
}

/**
 * A team: its members with their roles, and what the reader may do about them.
 *
 * @category views
 * @since 0.1.0
 */
export const teamPage = (words: Catalogue, view: TeamView): Page => {
  const { at, billing, may, members, state = blank, team } = view
  const { fields, team: text } = words
  const path = at.team(team.id)
  return shownPage(
    words,
    team.name,
    view,
    html`${
      members !== null &&
      html`${
        members.items.length === 0
          ? html`<p class="quiet">${text.none}</p>`
          : html`<ul class="rows">
              ${members.items.map((member) => memberRow(words, view, member))}
            </ul>`
      }
      ${pager(words, path, members)}`
    }
    ${
      may.addMember &&
      section(
        "add",
        text.add,
        form(
          path,
          html`${field(words, state, {
              name: "email",
              label: fields.memberEmail.label,
              type: "email",
              autocomplete: "off",
              hint: text.addHint,
            })} <button class="plain">${text.addSubmit}</button>`,
          { action: "add" },
        ),
      )
    }
    ${
      may.update &&
      section(
        "rename",
        text.rename,
        form(path, html`${nameField(words, state, team.name)} <button class="plain">${text.save}</button>`, {
          action: "rename",
        }),
      )
    }
    ${may.remove && html`<p><a class="button danger" href="${at.deleteTeam(team.id)}">${text.delete}</a></p>`}
    ${links(...(billing === null ? [] : [{ href: billing, label: words.billing.title }]), {
      href: at.teams,
      label: words.teams.title,
    })}`,
    view,
  )
}

/**
 * Asks once more before a team is deleted.
 *
 * @category views
 * @since 0.1.0
 */
export const deleteTeamPage = (words: Catalogue, view: Shown & OrganizationFrame & { readonly team: Team }): Page => {
  const { at, team } = view
  const text = words.deleteTeam
  return shownPage(
    words,
    text.title(team.name),
    view,
    html`<p>${text.text}</p>
      ${form(at.deleteTeam(team.id), html`<button class="main danger">${text.submit}</button>`)}
      ${links({ href: at.team(team.id), label: text.cancel })}`,
    view,
  )
}

// internal

const nameField = (words: Catalogue, state: FormState, value: string): Html =>
  field(words, state, {
    name: "name",
    label: words.fields.teamName.label,
    type: "text",
    autocomplete: "off",
    value,
  })

const memberRow = (words: Catalogue, view: TeamView, { joinedAt, member, role }: TeamMember): Html => {
  const { at, may, membership, now, roles, team } = view
  const { team: text, teamRoleNames, time } = words
  const isSelf = member.id === membership.memberId
  const { epochMilliseconds: joined } = joinedAt
  const person = personName(member)
  const path = at.team(team.id)
  const others = may.setRole ? roles.filter((other) => other !== role) : []
  return html`<li>
    <h2>${person}</h2>
    <p class="quiet">
      ${member.name !== null && html`${member.email}<br />`}${nameIn(teamRoleNames, role)},
      ${moment(joined, text.joined(time.ago(joined, now)))}
    </p>
    ${
      (others.length > 0 || may.removeMember || isSelf) &&
      html`<div class="row">
        ${others.map((other) => {
          const name = nameIn(teamRoleNames, other)
          return form(
            path,
            html`<button class="plain" aria-label="${text.makeRoleNamed(person, name)}">
              ${text.makeRole(name)}
            </button>`,
            { action: "role", member: member.id, role: other },
          )
        })}
        ${
          isSelf
            ? form(path, html`<button class="plain">${text.leave}</button>`, { action: "take-out", member: member.id })
            : may.removeMember &&
              form(path, html`<button class="plain" aria-label="${text.removeNamed(person)}">${text.remove}</button>`, {
                action: "take-out",
                member: member.id,
              })
        }
      </div>`
    }
  </li>`
}
