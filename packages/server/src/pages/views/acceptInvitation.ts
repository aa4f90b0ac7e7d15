/**
 * Pages of an invitation, for whoever holds its token.
 *
 * @since 0.1.0
 */
import type { User } from "@belfry/core/User"
import type { InvitationPreview, InvitationStatus } from "@belfry/organization/Invitation"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import { withQuery } from "../query.ts"
import type { Page } from "./document.ts"
import { moment, personName, roleList, type Shown, shownPage } from "./organizationParts.ts"
import { blank, field, form, links, section, submit, username } from "./parts.ts"

/**
 * What the page of an invitation shows. `user` is who is signed in. `holdsToken`: the page's address carries the token.
 *
 * @category models
 * @since 0.1.0
 */
export interface InvitationView extends Shown {
  readonly preview: InvitationPreview
  readonly token: string
  readonly user: User | null
  readonly holdsToken: boolean
}

/**
 * An open invitation: to join as who is signed in, or to sign in or up first; or to decline.
 *
 * @category views
 * @since 0.1.0
 */
export const acceptInvitationPage = (words: Catalogue, paths: Paths, view: InvitationView): Page => {
  const { preview, token, user } = view
  const { acceptInvitation: text, time } = words
  const { email, expiresAt, inviterName, organizationName, roles } = preview
  return {
    ...shownPage(
      words,
      text.title(organizationName),
      view,
      html`<p>${inviterName === null ? text.invited(email) : text.invitedBy(inviterName, email)}</p>
        <p>${text.roles(roleList(words, roles))}</p>
        <p class="quiet">${moment(expiresAt.epochMilliseconds, text.until(time.date(expiresAt.epochMilliseconds)))}</p>
        ${user === null ? signInOrUp(words, paths, view) : join(words, paths, view, user)}
        ${form(paths.acceptInvitation, html`<button class="main plain">${text.decline}</button>`, {
          action: "reject",
          token,
        })}`,
    ),
    holdsToken: view.holdsToken,
  }
}

/**
 * An invitation that serves no more, and why; `unknown`: a token of none.
 *
 * @category views
 * @since 0.1.0
 */
export const closedInvitationPage = (
  words: Catalogue,
  paths: Paths,
  view: {
    readonly reason: Exclude<InvitationStatus, "pending"> | "unknown"
    readonly holdsToken: boolean
    readonly isSignedIn: boolean
  },
): Page => {
  const { holdsToken, isSignedIn, reason } = view
  const { acceptInvitation, common, organization } = words
  const { title, text } = reason === "unknown" ? acceptInvitation.unknown : acceptInvitation.closed[reason]
  return {
    title,
    status: reason === "unknown" ? 404 : 409,
    holdsToken,
    main: html`<h1>${title}</h1>
      <p>${text}</p>
      ${links(
        isSignedIn
          ? { href: paths.organizations, label: organization.all }
          : { href: withQuery(paths.signIn, { return_to: paths.organizations }), label: common.signIn },
      )}`,
  }
}

/**
 * What is said to whoever declined.
 *
 * @category views
 * @since 0.1.0
 */
export const declinedPage = (words: Catalogue): Page => {
  const { title, text } = words.acceptInvitation.declined
  return {
    title,
    main: html`<h1>${title}</h1>
      <p>${text}</p>
      ${links({ href: "/", label: words.failures.home })}`,
  }
}

// internal

const join = (words: Catalogue, paths: Paths, { preview, token }: InvitationView, user: User): Html => {
  const text = words.acceptInvitation
  return html`${user.email !== preview.email && html`<p class="warn">${text.otherAddress(user.email)}</p>`}
  ${form(paths.acceptInvitation, submit(text.joinAs(personName(user))), { action: "accept", token })}
  ${user.email !== preview.email && links({ href: paths.signOut, label: text.useOther })}`
}

const signInOrUp = (words: Catalogue, paths: Paths, { preview, state = blank, token }: InvitationView): Html => {
  const { acceptInvitation: text, common, fields } = words
  const returnTo = withQuery(paths.acceptInvitation, { token })
  return html`<p>${text.signInText(preview.email)}</p>
    <p><a class="button main" href="${withQuery(paths.signIn, { return_to: returnTo })}">${text.signIn}</a></p>
    ${section(
      "sign-up",
      text.signUp,
      html`<p class="quiet">${text.signUpText}</p>
        ${form(
          paths.acceptInvitation,
          html`${username(preview.email)}
            ${field(words, state, {
              name: "name",
              label: fields.name.label,
              type: "text",
              autocomplete: "name",
              isOptional: true,
            })}
            ${field(words, state, {
              name: "password",
              label: fields.chosenPassword.label,
              type: "password",
              autocomplete: "new-password",
              hint: common.passwordHint,
            })} <button class="main plain">${text.signUpSubmit}</button>`,
          { action: "sign-up", token },
        )}`,
    )}`
}
