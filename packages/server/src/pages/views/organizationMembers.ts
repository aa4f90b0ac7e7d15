/**
 * Pages of the members of an organization.
 *
 * @since 0.1.0
 */
import type { MemberWithUser } from "@belfry/organization/Member"
import type { TeamOfMember } from "@belfry/organization/Team"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { RoleChoice } from "../organizationChoices.ts"
import { chosenBy } from "../organizationForms.ts"
import type { Page } from "./document.ts"
import {
  type Choice,
  choices,
  isChosen,
  type Listed,
  listPage,
  may,
  moment,
  nameIn,
  type OrganizationFrame,
  personName,
  roleList,
  type Shown,
  shownPage,
} from "./organizationParts.ts"
import { blank, form, type FormState, links, section, submit } from "./parts.ts"

/**
 * The members of an organization, oldest first.
 *
 * @category views
 * @since 0.1.0
 */
export const membersPage = (
  words: Catalogue,
  view: Shown & OrganizationFrame & { readonly list: Listed<MemberWithUser> },
): Page => {
  const { at, membership } = view
  const { members: text } = words
  return listPage(words, view, {
    title: text.title,
    path: at.members,
    create: may(membership, "invitation:create") && { href: at.newInvitation, label: text.invite },
    search: { label: text.searchLabel, hint: text.searchHint },
    none: words.organizationParts.nothingFound,
    row: (member) => memberRow(words, view, member),
  })
}

/**
 * A member. `roles` are those to choose from; null where the reader cannot change them: because one allows more than
 * they may do (`isOutOfReach`), or is none that they may see (`hasUnseen`), or for want of the permission. `teams` is
 * null where they cannot be seen.
 *
 * @category views
 * @since 0.1.0
 */
export const memberPage = (
  words: Catalogue,
  view: Shown &
    OrganizationFrame & {
      readonly member: MemberWithUser
      readonly roles: ReadonlyArray<RoleChoice> | null
      readonly isOutOfReach: boolean
      readonly hasUnseen: boolean
      readonly teams: ReadonlyArray<TeamOfMember> | null
      readonly now: number
    },
): Page => {
  const { at, hasUnseen, isOutOfReach, member, membership, now, roles, state = blank, teams } = view
  const { member: text, members } = words
  const isSelf = member.id === membership.memberId
  const joined = member.createdAt.epochMilliseconds
  return shownPage(
    words,
    personName(member),
    view,
    html`<p class="quiet">
        ${member.name !== null && html`${member.email}<br />`}
        ${moment(joined, members.joined(words.time.ago(joined, now)))}
      </p>
      ${
        roles === null
          ? html`<p>${roleList(words, member.roles)}</p>
              ${(isOutOfReach || hasUnseen) && html`<p class="quiet">${isOutOfReach ? text.tooMuch : text.unseen}</p>`}`
          : form(
              at.member(member.id),
              html`${roleChoices(words, state, {
                roles,
                chosen: new Set<string>(member.roles),
                text: text.rolesText,
              })}
              ${submit(text.save)}`,
            )
      }
      ${
        teams !== null &&
        section(
          "teams",
          text.teams,
          teams.length === 0
            ? html`<p class="quiet">${text.noTeams}</p>`
            : html`<ul class="rows">
                ${teams.map(
                  ({ team, role }) =>
                    html`<li class="bar">
                      <a href="${at.team(team.id)}">${team.name}</a>
                      <span class="quiet">${nameIn(words.teamRoleNames, role)}</span>
                    </li>`,
                )}
              </ul>`,
        )
      }
      ${
        isSelf
          ? html`<p><a class="button danger" href="${at.leave}">${text.leave}</a></p>`
          : may(membership, "member:delete") &&
            !isOutOfReach &&
            html`<p><a class="button danger" href="${at.removeMember(member.id)}">${text.remove}</a></p>`
      }
      ${links({ href: at.members, label: words.members.title })}`,
    view,
  )
}

/**
 * Asks once more before a member is removed.
 *
 * @category views
 * @since 0.1.0
 */
export const removeMemberPage = (
  words: Catalogue,
  view: Shown & OrganizationFrame & { readonly member: MemberWithUser },
): Page => {
  const { at, member, membership } = view
  const text = words.removeMember
  return shownPage(
    words,
    text.title(personName(member), membership.organizationName),
    view,
    html`${member.name !== null && html`<p class="quiet">${member.email}</p>`}
      <p>${text.text}</p>
      ${form(at.removeMember(member.id), html`<button class="main danger">${text.submit}</button>`)}
      ${links({ href: at.member(member.id), label: text.cancel })}`,
  )
}

/**
 * The roles to choose from, those that the reader cannot give among them. `chosen` are those before anything was typed.
 *
 * @category parts
 * @since 0.1.0
 */
export const roleChoices = (
  words: Catalogue,
  state: FormState,
  view: {
    readonly roles: ReadonlyArray<RoleChoice>
    readonly chosen: ReadonlySet<string>
    readonly text?: string
  },
): Html =>
  choices(state, {
    id: "roles",
    title: words.member.roles,
    text: view.text,
    items: view.roles.map(({ name, description, mayGive }): Choice => ({
      name: `${chosenBy.role}${name}`,
      label: nameIn(words.roleNames, name),
      hint: mayGive ? (description ?? (nameIn(words.roleTexts, name, "") || undefined)) : words.roles.cannotGive,
      isChecked: isChosen(state, `${chosenBy.role}${name}`, view.chosen.has(name)),
      isDisabled: !mayGive,
    })),
  })

// internal

const memberRow = (words: Catalogue, { at, membership }: OrganizationFrame, member: MemberWithUser): Html =>
  html`<li class="bar">
    <div>
      <h2><a href="${at.member(member.id)}">${personName(member)}</a></h2>
      <p class="quiet">${member.name !== null && html`${member.email}<br />`}${roleList(words, member.roles)}</p>
    </div>
    ${member.id === membership.memberId && html`<p class="status good">${words.organizationParts.you}</p>`}
  </li>`
