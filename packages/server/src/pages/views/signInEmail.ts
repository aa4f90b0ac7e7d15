/**
 * Pages of signing in by mail: asking for a code or a link, entering the code, following the link.
 *
 * @since 0.1.0
 */
import type { Factor } from "@belfry/factors/Factor"
import { html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import { withQuery } from "../query.ts"
import type { Page } from "./document.ts"
import { codeField, field, form, links, notice, returnField, submit, summary } from "./parts.ts"
import type { FormView } from "./signUp.ts"

/**
 * Asking for a code or a link by mail. `factors` are those that may begin a sign-in. `isSwitching` tells that it is
 * another account than the one that is signed in.
 *
 * @category views
 * @since 0.1.0
 */
export const signInEmailPage = (
  words: Catalogue,
  paths: Paths,
  view: FormView & {
    readonly factors: ReadonlyArray<Factor>
    readonly returnTo: string | undefined
    readonly isSwitching?: boolean
  },
): Page => {
  const { state, factors, returnTo, isSwitching = false, status = 200, headers = {} } = view
  const toPassword = withQuery(paths.signIn, { return_to: returnTo, ...(isSwitching ? { switch: "1" } : {}) })
  const text = words.signInEmail
  const hasCode = factors.includes("email-code")
  return {
    title: text.title,
    status,
    headers,
    hasProblems: state.problems.length > 0,
    main: html`${summary(words, state.problems)}
      <h1>${text.title}</h1>
      <p>${text.text}</p>
      ${form(
        paths.signInEmail,
        html`${field(words, state, {
          name: "email",
          label: words.fields.email.label,
          type: "email",
          autocomplete: "username",
        })}
        ${hasCode && html`<button class="main" name="method" value="email-code">${text.sendCode}</button>`}
        ${
          factors.includes("magic-link") &&
          html`<button class="${hasCode ? "main plain" : "main"}" name="method" value="magic-link">
            ${text.sendLink}
          </button>`
        }`,
        returnField(returnTo),
      )}
      ${links(...(factors.includes("password") ? [{ href: toPassword, label: text.withPassword }] : []))}`,
  }
}

/**
 * Entering the code from the mail. `email` is where it went, if that is the address of a user who is known already;
 * `typed` the address that began the sign-in, if the browser still knows it: then another code can be sent.
 *
 * @category views
 * @since 0.1.0
 */
export const enterCodePage = (
  words: Catalogue,
  paths: Paths,
  view: FormView & {
    readonly email: string | undefined
    readonly typed: string | undefined
    readonly isResent?: boolean
  },
): Page => {
  const { state, email, typed, isResent = false, status = 200, headers = {} } = view
  const text = words.enterCode
  const canResend = email !== undefined || typed !== undefined
  return {
    title: text.title,
    status,
    headers,
    hasProblems: state.problems.length > 0,
    main: html`${summary(words, state.problems)}
      <h1>${text.title}</h1>
      ${notice(isResent ? text.resent : undefined)}
      <p>${email === undefined ? text.sent : text.sentTo(email)}</p>
      ${form(
        paths.enterCode,
        html`${codeField(words, state, { kind: "letters", isFromMail: true, hint: text.hint })} ${submit(text.submit)}`,
      )}
      ${
        canResend &&
        form(paths.enterCode, html`<button class="main plain">${text.resend}</button>`, { action: "resend" })
      }
      <p class="quiet">${words.checkMail.nothing}</p>
      ${
        email === undefined
          ? links({ href: paths.signInEmail, label: text.again })
          : links({ href: paths.continueSignIn, label: words.proof.others })
      }`,
  }
}

/**
 * The page that a link from a mail leads to. It is a button because mail scanners follow links and send no forms.
 *
 * @category views
 * @since 0.1.0
 */
export const magicLinkPage = (words: Catalogue, paths: Paths, token: string): Page => ({
  title: words.magicLink.title,
  holdsToken: true,
  main: html`<h1>${words.magicLink.title}</h1>
    <p>${words.magicLink.text}</p>
    ${form(paths.magicLink, submit(words.magicLink.submit), { token })}`,
})

/**
 * The link was opened elsewhere than where it was asked for: what to do.
 *
 * @category views
 * @since 0.1.0
 */
export const otherBrowserPage = (words: Catalogue, paths: Paths, holdsToken: boolean): Page => {
  const { otherBrowser, again } = words.magicLink
  return {
    title: otherBrowser.title,
    status: 403,
    holdsToken,
    main: html`<h1>${otherBrowser.title}</h1>
      <p>${otherBrowser.text}</p>
      <p>${otherBrowser.help}</p>
      ${links({ href: paths.signInEmail, label: again })}`,
  }
}
