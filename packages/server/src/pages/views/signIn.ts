/**
 * Pages of signing in and signing out.
 *
 * @since 0.1.0
 */
import type { Factor } from "@belfry/factors/Factor"
import type { LoginContext } from "@belfry/oauth-server/Authorizations"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import { withQuery } from "../query.ts"
import type { Page } from "./document.ts"
import { type ProviderChoice, providerButtons } from "./providers.ts"
import { field, form, type FormState, links, notice, passkeyForm, returnField, submit, summary } from "./parts.ts"

/**
 * Signing in. `factors` are those that may begin a sign-in, `providers` those whose word may. `flow` is the request of
 * a client, `isSwitching` tells that it is another account than the one that is signed in.
 *
 * @category views
 * @since 0.1.0
 */
export const signInPage = (
  words: Catalogue,
  paths: Paths,
  view: {
    readonly state: FormState
    readonly factors: ReadonlyArray<Factor>
    readonly providers: ReadonlyArray<ProviderChoice>
    readonly returnTo: string | undefined
    readonly flow?: Pick<LoginContext, "returnTo"> | undefined
    readonly isSwitching?: boolean
    readonly done?: string | undefined
    readonly status?: number
    readonly headers?: Readonly<Record<string, string>>
  },
): Page => {
  const { state, factors, providers, returnTo, flow, isSwitching = false } = view
  const toEmail = withQuery(paths.signInEmail, { return_to: returnTo, ...(isSwitching ? { switch: "1" } : {}) })
  const title = words.signIn.title
  const hasPasskeys = factors.includes("passkey")
  const hasPassword = factors.includes("password")
  return {
    title,
    hasProblems: state.problems.length > 0,
    status: view.status ?? 200,
    headers: view.headers ?? {},
    needs: hasPasskeys ? "passkeys" : undefined,
    main: html`${summary(words, state.problems)}
      <h1>${title}</h1>
      ${notice(view.done)} ${hasPassword && passwordForm(words, paths, state, returnTo, hasPasskeys)}
      ${
        hasPasskeys &&
        passkeyForm(words, {
          action: paths.signInPasskey,
          kind: "get",
          options: "/auth/sign-in/passkey/options",
          label: words.passkey.signIn,
          isAutofill: hasPassword,
          isPlain: true,
          hidden: returnField(returnTo),
        })
      }
      ${providerButtons(words, paths, providers, returnField(returnTo))}
      ${links(
        ...(hasMailFactor(factors) ? [{ href: toEmail, label: words.signInEmail.instead }] : []),
        ...(hasPassword
          ? [
              { href: withQuery(paths.forgotPassword, { return_to: flow?.returnTo }), label: words.signIn.forgot },
              {
                before: words.signIn.noAccount,
                href: withQuery(paths.signUp, { return_to: flow?.returnTo }),
                label: words.signIn.signUp,
              },
            ]
          : []),
      )}`,
  }
}

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

// internal

const passwordForm = (
  words: Catalogue,
  paths: Paths,
  state: FormState,
  returnTo: string | undefined,
  hasPasskeys: boolean,
): Html =>
  form(
    paths.signIn,
    html`${field(words, state, {
      name: "email",
      label: words.fields.email.label,
      type: "email",
      autocomplete: hasPasskeys ? "username webauthn" : "username",
    })}
    ${field(words, state, {
      name: "password",
      label: words.fields.password.label,
      type: "password",
      autocomplete: "current-password",
    })}
    ${submit(words.signIn.submit)}`,
    returnField(returnTo),
  )

const hasMailFactor = (factors: ReadonlyArray<Factor>): boolean =>
  factors.includes("email-code") || factors.includes("magic-link")
