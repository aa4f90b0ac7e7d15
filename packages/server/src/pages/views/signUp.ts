/**
 * Pages of signing up, and of links that come by mail.
 *
 * @since 0.1.0
 */
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import type { Page } from "./document.ts"
import { type ProviderChoice, providerButtons } from "./providers.ts"
import { withQuery } from "../query.ts"
import { field, form, type FormState, links, returnField, submit, summary, username } from "./parts.ts"

/**
 * What a page shows after its form was sent: the form again, with this status.
 *
 * @category models
 * @since 0.1.0
 */
export interface FormView {
  readonly state: FormState
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Signing up. `providers` are those that take new people. `returnTo` goes on with the request of a client, if there is
 * one.
 *
 * @category views
 * @since 0.1.0
 */
export const signUpPage = (
  words: Catalogue,
  paths: Paths,
  view: FormView & { readonly providers: ReadonlyArray<ProviderChoice>; readonly returnTo: string | undefined },
): Page => {
  const title = words.signUp.title
  const fields = returnField(view.returnTo)
  return framed(words, title, view, [
    form(
      paths.signUp,
      html`${field(words, view.state, {
        name: "name",
        label: words.fields.name.label,
        type: "text",
        autocomplete: "name",
        isOptional: true,
      })}
      ${field(words, view.state, {
        name: "email",
        label: words.fields.email.label,
        type: "email",
        autocomplete: "username",
      })}
      ${field(words, view.state, {
        name: "password",
        label: words.fields.chosenPassword.label,
        type: "password",
        autocomplete: "new-password",
        hint: words.common.passwordHint,
      })}
      ${submit(words.signUp.submit)}`,
      fields,
    ),
    providerButtons(words, paths, view.providers, { sign_up: "1", ...fields }),
    links({
      before: words.signUp.haveAccount,
      href: withQuery(paths.signIn, { return_to: view.returnTo }),
      label: words.signUp.signIn,
    }),
  ])
}

/**
 * What a mail was sent for: to sign up, to set a new password, to sign in.
 *
 * @category models
 * @since 0.1.0
 */
export const mailReasons = ["sign-up", "password", "link"] as const

/**
 * What to do next: read the mail. The page is the same whatever is known of the address. `returnTo` goes on with the
 * request of a client, if there is one.
 *
 * @category views
 * @since 0.1.0
 */
export const checkMailPage = (
  words: Catalogue,
  paths: Paths,
  view: { readonly reason: (typeof mailReasons)[number]; readonly returnTo: string | undefined },
): Page => {
  const { text, again } = {
    "sign-up": { text: words.checkMail.signUp, again: paths.signUp },
    password: { text: words.checkMail.forgot, again: paths.forgotPassword },
    link: { text: words.magicLink.sent, again: paths.signInEmail },
  }[view.reason]
  const to = (path: string) => withQuery(path, { return_to: view.returnTo })
  return {
    title: words.checkMail.title,
    main: html`<h1>${words.checkMail.title}</h1>
      <p>${text}</p>
      <p class="quiet">${words.checkMail.nothing}</p>
      ${links({ href: to(again), label: words.checkMail.again }, { href: to(paths.signIn), label: words.common.signIn })}`,
  }
}

/**
 * Completing a sign-up. Another browser than the one that signed up is asked for the password; `email` tells its
 * password manager which.
 *
 * @category views
 * @since 0.1.0
 */
export const confirmSignUpPage = (
  words: Catalogue,
  paths: Paths,
  view: FormView & {
    readonly token: string
    readonly email: string
    readonly asksPassword: boolean
    readonly holdsToken: boolean
  },
): Page => ({
  ...framed(words, words.confirmSignUp.title, view, [
    html`<p>${view.asksPassword ? words.confirmSignUp.otherBrowser : words.confirmSignUp.text}</p>`,
    form(
      paths.confirmSignUp,
      html`${username(view.email)}
      ${
        view.asksPassword &&
        field(words, view.state, {
          name: "password",
          label: words.fields.password.label,
          type: "password",
          autocomplete: "current-password",
        })
      }
      ${submit(words.confirmSignUp.submit)}`,
      { token: view.token },
    ),
  ]),
  holdsToken: view.holdsToken,
})

/**
 * A link whose only step is to confirm it. It is a button because mail scanners follow links and send no forms.
 *
 * @category views
 * @since 0.1.0
 */
export const confirmLinkPage = (view: {
  readonly text: { readonly title: string; readonly text: string; readonly submit: string }
  readonly action: string
  readonly token: string
}): Page => ({
  title: view.text.title,
  holdsToken: true,
  main: html`<h1>${view.text.title}</h1>
    <p>${view.text.text}</p>
    ${form(view.action, submit(view.text.submit), { token: view.token })}`,
})

/**
 * Asking for a new password. `returnTo` goes on with the request of a client, if there is one.
 *
 * @category views
 * @since 0.1.0
 */
export const forgotPasswordPage = (
  words: Catalogue,
  paths: Paths,
  view: FormView & { readonly returnTo: string | undefined },
): Page =>
  framed(words, words.forgot.title, view, [
    html`<p>${words.forgot.text}</p>`,
    form(
      paths.forgotPassword,
      html`${field(words, view.state, {
        name: "email",
        label: words.fields.email.label,
        type: "email",
        autocomplete: "username",
      })}
      ${submit(words.forgot.submit)}`,
      returnField(view.returnTo),
    ),
    links({
      before: words.forgot.remembered,
      href: withQuery(paths.signIn, { return_to: view.returnTo }),
      label: words.common.signIn,
    }),
  ])

/**
 * Setting a new password. `email` tells a password manager whose it is.
 *
 * @category views
 * @since 0.1.0
 */
export const resetPasswordPage = (
  words: Catalogue,
  paths: Paths,
  view: FormView & { readonly token: string; readonly email: string; readonly holdsToken: boolean },
): Page => ({
  ...framed(words, words.reset.title, view, [
    html`<p>${words.reset.text}</p>`,
    form(
      paths.resetPassword,
      html`${username(view.email)}
      ${field(words, view.state, {
        name: "password",
        label: words.fields.newPassword.label,
        type: "password",
        autocomplete: "new-password",
        hint: words.common.passwordHint,
      })}
      ${submit(words.reset.submit)}`,
      { token: view.token },
    ),
  ]),
  holdsToken: view.holdsToken,
})

/**
 * A link that serves no more: used, too old, or never one of ours. What it was for says where to get another.
 *
 * @category views
 * @since 0.1.0
 */
export const expiredLinkPage = (
  words: Catalogue,
  next: ReadonlyArray<{ readonly href: string; readonly label: string }>,
  holdsToken: boolean,
): Page => ({
  title: words.expired.title,
  status: 422,
  holdsToken,
  main: html`<h1>${words.expired.title}</h1>
    <p>${words.expired.text}</p>
    ${links(...next)}`,
})

/**
 * The new address belongs to another account by now.
 *
 * @category views
 * @since 0.1.0
 */
export const emailTakenPage = (words: Catalogue, paths: Paths): Page => ({
  title: words.confirmEmailChange.taken.title,
  status: 409,
  main: html`<h1>${words.confirmEmailChange.taken.title}</h1>
    <p>${words.confirmEmailChange.taken.text}</p>
    ${links({ href: paths.account, label: words.common.back })}`,
})

// internal

const framed = (
  words: Catalogue,
  title: string,
  { state, status = 200, headers = {} }: FormView,
  content: ReadonlyArray<Html>,
): Page => ({
  title,
  status,
  headers,
  hasProblems: state.problems.length > 0,
  main: html`${summary(words, state.problems)}
    <h1>${title}</h1>
    ${content}`,
})
