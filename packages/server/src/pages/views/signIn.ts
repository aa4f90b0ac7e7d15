/**
 * Pages of signing in, proving the password again, and signing out.
 *
 * @since 0.1.0
 */
import { html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import type { Page } from "./document.ts"
import { field, form, type FormState, links, notice, submit, summary, username } from "./parts.ts"

/**
 * Signing in.
 *
 * @category views
 * @since 0.1.0
 */
export const signInPage = (
  words: Catalogue,
  paths: Paths,
  view: {
    readonly state: FormState
    readonly returnTo: string | undefined
    readonly done?: string | undefined
    readonly status?: number
    readonly headers?: Readonly<Record<string, string>>
  },
): Page => {
  const { state } = view
  const title = words.signIn.title
  return {
    title,
    hasProblems: state.problems.length > 0,
    status: view.status ?? 200,
    headers: view.headers ?? {},
    main: html`${summary(words, state.problems)}
      <h1>${title}</h1>
      ${notice(view.done)}
      ${form(
        paths.signIn,
        html`${field(words, state, {
          name: "email",
          label: words.fields.email.label,
          type: "email",
          autocomplete: "username",
        })}
        ${field(words, state, {
          name: "password",
          label: words.fields.password.label,
          type: "password",
          autocomplete: "current-password",
        })}
        ${submit(words.signIn.submit)}`,
        view.returnTo === undefined ? {} : { return_to: view.returnTo },
      )}
      ${links(
        { href: paths.forgotPassword, label: words.signIn.forgot },
        { before: words.signIn.noAccount, href: paths.signUp, label: words.signIn.signUp },
      )}`,
  }
}

/**
 * Proving the password again.
 *
 * @category views
 * @since 0.1.0
 */
export const confirmAccessPage = (
  words: Catalogue,
  paths: Paths,
  view: {
    readonly email: string
    readonly state: FormState
    readonly returnTo: string | undefined
    readonly status?: number
    readonly headers?: Readonly<Record<string, string>>
  },
): Page => ({
  title: words.confirmAccess.title,
  hasProblems: view.state.problems.length > 0,
  status: view.status ?? 200,
  headers: view.headers ?? {},
  main: html`${summary(words, view.state.problems)}
    <h1>${words.confirmAccess.title}</h1>
    <p>${words.confirmAccess.text}</p>
    ${form(
      paths.confirmAccess,
      html`${username(view.email)}
      ${field(words, view.state, {
        name: "password",
        label: words.fields.password.label,
        type: "password",
        autocomplete: "current-password",
      })}
      ${submit(words.confirmAccess.submit)}`,
      view.returnTo === undefined ? {} : { return_to: view.returnTo },
    )}
    ${links({ href: paths.account, label: words.common.back })}`,
})

/**
 * Asks whether to sign out, for those who come by a link: a link alone signs nobody out.
 *
 * @category views
 * @since 0.1.0
 */
export const signOutPage = (words: Catalogue, paths: Paths): Page => ({
  title: words.signOut.title,
  main: html`<h1>${words.signOut.title}</h1>
    <p>${words.signOut.text}</p>
    ${form(paths.signOut, submit(words.signOut.submit))} ${links({ href: paths.account, label: words.common.back })}`,
})
