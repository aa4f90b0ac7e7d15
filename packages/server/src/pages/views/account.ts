/**
 * The account page: a list of sections, each with its own short form; and the page before an account is deleted.
 *
 * @since 0.1.0
 */
import type { Session } from "@belfry/core/Session"
import type { User } from "@belfry/core/User"
import { empty, html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import { deviceName } from "../device.ts"
import type { Paths } from "../PageKit.ts"
import { withQuery } from "../query.ts"
import type { Page } from "./document.ts"
import { applicationsSection, type ApplicationsView } from "./applications.ts"
import { billingSection, type OwnBillingView } from "./billing.ts"
import { methodsSection, type MethodsView } from "./methods.ts"
import { connectedAccountsSection, type ConnectedAccountsView } from "./connectedAccounts.ts"
import { organizationsSection, type OwnOrganizationsView } from "./organizations.ts"
import { field, form, type FormState, links, notice, type Problem, section, summary, username } from "./parts.ts"

/**
 * What the account page shows.
 *
 * **Details**
 *
 * `isFresh` tells whether the person proved who they are recently: what asks for it is a link to that proof otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface AccountView
  extends MethodsView, ConnectedAccountsView, ApplicationsView, OwnOrganizationsView, OwnBillingView {
  readonly user: User
  readonly session: Session
  readonly sessions: ReadonlyArray<Session>
  readonly isFresh: boolean
  readonly state: FormState
  readonly done?: string | undefined
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * The account page.
 *
 * @category views
 * @since 0.1.0
 */
export const accountPage = (words: Catalogue, paths: Paths, view: AccountView): Page => ({
  title: words.account.title,
  status: view.status ?? 200,
  headers: view.headers ?? {},
  hasProblems: view.state.problems.length > 0,
  main: html`${summary(words, view.state.problems)}
    <h1>${words.account.title}</h1>
    ${notice(view.done)}
    <div class="bar">
      <p class="quiet">${words.account.signedInAs(view.user.email)}</p>
      ${form(paths.signOut, html`<button class="plain">${words.account.signOut}</button>`)}
    </div>
    ${[profile, email, methodsSection, password, sessions, connectedAccountsSection, applicationsSection, organizationsSection, billingSection, deletion].map((section) => section(words, paths, view))}`,
})

/**
 * Asks once more before an account is deleted.
 *
 * @category views
 * @since 0.1.0
 */
export const deleteAccountPage = (
  words: Catalogue,
  paths: Paths,
  view: { readonly user: User; readonly problems: ReadonlyArray<Problem>; readonly status?: number },
): Page => ({
  title: words.deleteAccount.title,
  status: view.status ?? 200,
  hasProblems: view.problems.length > 0,
  main: html`${summary(words, view.problems)}
    <h1>${words.deleteAccount.title}</h1>
    <p>${words.deleteAccount.text(view.user.email)}</p>
    ${form(paths.deleteAccount, html`<button class="main danger">${words.deleteAccount.submit}</button>`)}
    ${links({ href: paths.account, label: words.deleteAccount.cancel })}`,
})

// internal

type Section = (words: Catalogue, paths: Paths, view: AccountView) => Html

const profile: Section = (words, paths, { user, state }) =>
  section(
    "profile",
    words.account.profile,
    form(
      paths.account,
      html`${field(words, state, {
          name: "name",
          label: words.fields.name.label,
          type: "text",
          autocomplete: "name",
          hint: words.account.nameHint,
          value: user.name ?? "",
          isOptional: true,
        })} <button class="plain">${words.account.saveName}</button>`,
      { action: "name" },
    ),
  )

const email: Section = (words, paths, { user, state, isFresh }) => {
  const isVerified = user.emailVerifiedAt !== null
  return section(
    "email-address",
    words.account.email,
    html`<p>
        ${user.email}
        <span class="${isVerified ? "status good" : "status warn"}"
          >${isVerified ? words.account.verified : words.account.unverified}</span
        >
      </p>
      ${
        isVerified
          ? empty
          : html`<p class="quiet">${words.account.unverifiedText}</p>
              ${form(paths.account, html`<button class="plain">${words.account.sendVerification}</button>`, { action: "verify" })}`
      }
      ${
        isFresh
          ? form(
              paths.account,
              html`${field(words, state, {
                  name: "new_email",
                  label: words.fields.newEmail.label,
                  type: "email",
                  autocomplete: "email",
                  hint: words.account.changeEmailHint,
                })} <button class="plain">${words.account.changeEmail}</button>`,
              { action: "email" },
            )
          : confirmFirst(words, paths, "email-address", words.account.confirmForEmail)
      }`,
  )
}

const password: Section = (words, paths, view) => {
  const { user, state, enrolments, isFresh } = view
  const text = words.account
  const hasPassword = enrolments.some(({ factor }) => factor === "password")
  const chosen = field(words, state, {
    name: "new_password",
    label: words.fields.newPassword.label,
    type: "password",
    autocomplete: "new-password",
    hint: words.common.passwordHint,
  })
  if (!hasPassword) {
    return section(
      "password",
      text.password,
      html`<p class="quiet">${text.noPasswordText}</p>
        ${
          isFresh
            ? form(
                paths.account,
                html`${username(user.email)} ${chosen} <button class="plain">${text.setPassword}</button>`,
                { action: "password" },
              )
            : confirmFirst(words, paths, "password", text.setPassword)
        }`,
    )
  }
  return section(
    "password",
    text.password,
    html`<p class="quiet">${text.passwordText}</p>
      ${form(
        paths.account,
        html`${username(user.email)}
          ${field(words, state, {
            name: "current_password",
            label: words.fields.currentPassword.label,
            type: "password",
            autocomplete: "current-password",
          })}
          ${chosen} <button class="plain">${text.changePassword}</button>`,
        { action: "password" },
      )}
      <p><a href="${withQuery(paths.removeFactor, { factor: "password" })}">${text.removePassword}</a></p>`,
  )
}

/** The way to a form that asks for a proof first. `id` is that of the form's section. */
const confirmFirst = (words: Catalogue, paths: Paths, id: string, label: string): Html =>
  html`<p class="quiet">${words.account.confirmHint}</p>
    <p>
      <a class="button plain" href="${withQuery(paths.confirmAccess, { return_to: `${paths.account}#${id}` })}"
        >${label}</a
      >
    </p>`

const sessions: Section = (words, paths, view) => {
  const others = view.sessions.filter(({ id }) => id !== view.session.id)
  return section(
    "sessions",
    words.account.sessions,
    html`<ul class="sessions">
        ${[view.session, ...others].map((session) => sessionItem(words, paths, view, session))}
      </ul>
      ${
        others.length === 0
          ? html`<p class="quiet">${words.account.onlyThis}</p>`
          : form(paths.account, html`<button class="plain">${words.account.revokeOthers}</button>`, {
              action: "revoke-others",
            })
      }`,
  )
}

const sessionItem = (words: Catalogue, paths: Paths, view: AccountView, session: Session): Html => {
  const { account, time } = words
  const { epochMilliseconds: created } = session.createdAt
  const { epochMilliseconds: seen } = session.lastSeenAt
  const device = deviceName(session, words)
  const started = time.ago(created, view.now)
  const isThis = session.id === view.session.id
  const used = view.now - seen < day ? account.usedToday : account.lastUsed(time.ago(seen, view.now))
  return html`<li class="bar">
    <div>
      <h3>${device}</h3>
      ${isThis && html`<p class="status good">${account.thisDevice}</p>`}
      <p class="quiet">
        ${session.ipAddress !== null && html`${session.ipAddress}<br />`}
        <time datetime="${iso(created)}">${account.signedIn(started)}</time>
        ${!isThis && view.now - created >= day && html`<br /><time datetime="${iso(seen)}">${used}</time>`}
      </p>
    </div>
    ${
      !isThis &&
      form(
        paths.account,
        html`<button class="plain" aria-label="${account.revokeNamed(device, started)}">${account.revoke}</button>`,
        { action: "revoke", session: session.id },
      )
    }
  </li>`
}

const day = 86_400_000

const deletion: Section = (words, paths) =>
  section(
    "delete",
    words.account.danger,
    html`<p>${words.account.dangerText}</p>
      <p><a class="button danger" href="${paths.deleteAccount}">${words.account.startDelete}</a></p>`,
  )

const iso = (epochMilliseconds: number): string => new Date(epochMilliseconds).toISOString()
