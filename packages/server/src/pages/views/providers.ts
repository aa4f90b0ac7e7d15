/**
 * Pages and parts about other providers: buttons that lead to them, the way there, what can go wrong on it.
 *
 * @since 0.1.0
 */
import type { OAuthErrorCode } from "@belfry/oauth-client/OAuthSignIn"
import { empty, html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import { withQuery } from "../query.ts"
import { connectedAccountsPath } from "./connectedAccounts.ts"
import type { Page } from "./document.ts"
import { form, links, returnField } from "./parts.ts"

/**
 * A provider as people see it.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProviderChoice {
  readonly id: string
  readonly name: string
}

/**
 * What the form of a provider's button takes along. `sign_up` lets somebody new in where the provider asks for that.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProviderFields {
  readonly return_to?: string
  readonly sign_up?: "1"
}

/**
 * One button a provider, in the order of the configuration; nothing where there is none.
 *
 * @category parts
 * @since 0.1.0
 */
export const providerButtons = (
  words: Catalogue,
  paths: Paths,
  providers: ReadonlyArray<ProviderChoice>,
  fields: ProviderFields,
): Html =>
  providers.length === 0
    ? empty
    : html`<ul class="choices">
        ${providers.map((provider) => html`<li>${providerForm(paths, provider, words.providers.continue, fields)}</li>`)}
      </ul>`

/**
 * The step between this site and a provider. The browser goes on by itself.
 *
 * **Details**
 *
 * It ends the way of the form: a browser holds every redirect after a form to the page's `form-action`, and nobody can
 * list all the origins that a provider may send people through.
 *
 * @see [CSP Level 3 §6.4.1.1](https://www.w3.org/TR/CSP3/#form-action-pre-navigate)
 * @see [HTML Standard, the `Refresh` header](https://html.spec.whatwg.org/multipage/document-lifecycle.html#the-refresh-header)
 * @category views
 * @since 0.1.0
 */
export const leavingPage = (
  words: Catalogue,
  { name, url }: { readonly name: string; readonly url: string },
): Page => ({
  title: words.providers.continue(name),
  headers: { refresh: `0;url=${url}` },
  main: html`<h1>${words.providers.continue(name)}</h1>
    <p>${words.providers.leaving(name)}</p>
    <p><a class="button main" href="${url}">${words.providers.go(name)}</a></p>`,
})

/**
 * What became of a way through a provider.
 *
 * **Details**
 *
 * `code` is whatever came in the address. `canRetry` tells whether a provider may be asked again, `stage` how far the
 * person is: at the start of a sign-in, in the middle of one, or signed in.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignInErrorView {
  readonly code: string | undefined
  readonly provider: ProviderChoice | undefined
  readonly canRetry: boolean
  readonly stage: "start" | "continue" | "signed-in"
  readonly returnTo: string | undefined
}

/**
 * Why a way through a provider came to nothing, and what the person can do. Codes that are not known have words in
 * common, and none is shown.
 *
 * @category views
 * @since 0.1.0
 */
export const signInErrorPage = (words: Catalogue, paths: Paths, view: SignInErrorView): Page => {
  const text = words.signInError
  const name = view.provider?.name ?? words.providers.unknown
  const reason = reasonOf(text.reasons, view.code)
  const ways = otherWays(words, paths, view, reason)
  return {
    title: text.title(name),
    hasProblems: true,
    main: html`<h1>${text.title(name)}</h1>
      <p>${reason === undefined ? text.otherReason(name) : text.reasons[reason](name)}</p>
      ${mainWay(words, paths, view, reason)} ${ways.length > 0 && links(...ways)}`,
  }
}

// internal

/** The codes that have words of their own: all of ours, and those of providers that people can do something about. */
type Reason =
  | OAuthErrorCode
  | "access_denied"
  | "provider_not_found"
  | "rate_limited"
  | "server_error"
  | "temporarily_unavailable"

const reasonOf = (reasons: Readonly<Record<Reason, unknown>>, code: string | undefined): Reason | undefined =>
  code !== undefined && isReason(reasons, code) ? code : undefined

const isReason = (reasons: Readonly<Record<Reason, unknown>>, code: string): code is Reason =>
  Object.hasOwn(reasons, code)

const mainWay = (
  words: Catalogue,
  paths: Paths,
  { provider, canRetry, stage, returnTo }: SignInErrorView,
  reason: Reason | undefined,
): Html => {
  const button = (href: string, label: string) => html`<p><a class="button main" href="${href}">${label}</a></p>`
  if (stage === "signed-in") return button(connectedAccountsPath(paths), words.common.back)
  if (reason === "account_not_linked") {
    const target = withQuery(paths.signIn, { return_to: connectedAccountsPath(paths) })
    return button(target, words.signInError.signInAndLink)
  }
  if (provider === undefined || !canRetry || reason === "signup_disabled") return empty
  return providerForm(paths, provider, words.signInError.again, returnField(returnTo), "main")
}

const otherWays = (
  words: Catalogue,
  paths: Paths,
  { stage, returnTo }: SignInErrorView,
  reason: Reason | undefined,
): ReadonlyArray<{ readonly href: string; readonly label: string }> => {
  const text = words.signInError
  if (stage === "signed-in") return []
  if (stage === "continue") return [{ href: paths.continueSignIn, label: text.otherFactor }]
  if (reason === "account_not_linked") return []
  const otherWay = { href: withQuery(paths.signIn, { return_to: returnTo }), label: text.otherWay }
  return reason === "signup_disabled" ? [otherWay, { href: paths.signUp, label: words.signIn.signUp }] : [otherWay]
}

const providerForm = (
  paths: Paths,
  provider: ProviderChoice,
  label: (name: string) => string,
  fields: ProviderFields,
  look: "main" | "main plain" = "main plain",
): Html =>
  form(paths.signInProvider, html`<button class="${look}">${label(provider.name)}</button>`, {
    provider: provider.id,
    ...fields,
  })
