/**
 * The page that asks for the proof of one factor and leads to the others: in a sign-in, and before something important.
 *
 * @since 0.1.0
 */
import type { Factor } from "@belfry/factors/Factor"
import type { LoginContext } from "@belfry/oauth-server/Authorizations"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import { withQuery } from "../query.ts"
import { nameIn, otherAccount } from "./authorization.ts"
import type { Page } from "./document.ts"
import { type ProviderChoice, providerButtons } from "./providers.ts"
import {
  codeField,
  field,
  form,
  type FormState,
  links,
  passkeyForm,
  returnField,
  submit,
  summary,
  username,
  withoutPasskeys,
} from "./parts.ts"

/**
 * The factors that pages can ask for. A passkey and a security key are one and the same to people.
 *
 * @category models
 * @since 0.1.0
 */
export type PageFactor = Exclude<Factor, "security-key">

/**
 * What the page of a proof shows.
 *
 * **Details**
 *
 * `factor` is the one that is asked for, none when there is nothing to choose from; `others` are the ways beside it.
 * `providers` are those of the accounts that the person has linked. `action` is the path of the page, where its forms
 * go. `asksNext` asks for two codes of a code generator in a row. `flow` is the request of a client, if one waits.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProofView {
  readonly email: string
  readonly isStepUp: boolean
  readonly factor: PageFactor | undefined
  readonly others: ReadonlyArray<PageFactor>
  readonly providers: ReadonlyArray<ProviderChoice>
  readonly action: string
  readonly returnTo?: string | undefined
  readonly asksNext?: boolean
  readonly flow?: LoginContext | undefined
  readonly state: FormState
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Asks for the proof of a factor.
 *
 * @category views
 * @since 0.1.0
 */
export const proofPage = (words: Catalogue, paths: Paths, view: ProofView): Page => {
  const { email, isStepUp, factor, others, action, flow, returnTo, state, status = 200, headers = {} } = view
  const text = words.proof
  const title = isStepUp ? words.confirmAccess.title : text.title
  const confirming = isStepUp
    ? flow === undefined
      ? text.confirming(email)
      : words.authorization.confirming(nameIn(words, flow), email)
    : text.signingInAs(email)
  return {
    title,
    status: factor === undefined ? 409 : status,
    headers,
    hasProblems: state.problems.length > 0,
    needs: factor === "passkey" ? "passkeys" : undefined,
    main: html`${summary(words, state.problems)}
      <h1>${title}</h1>
      <p class="quiet">${confirming}</p>
      ${factor === undefined ? html`<p>${text.nothing}</p>` : forms[factor](words, paths, view)}
      ${links(
        ...others.map((other) => ({
          href: withQuery(action, { factor: other, return_to: returnTo }),
          label: text[other].use,
        })),
        ...(flow === undefined ? [] : [{ href: otherAccount(paths, flow), label: words.authorization.otherAccount }]),
      )}
      ${flow === undefined && form(paths.cancelSignIn, html`<button class="plain">${text.cancel}</button>`)}`,
  }
}

// internal

type FactorForm = (words: Catalogue, paths: Paths, view: ProofView) => Html

const framed =
  (factor: PageFactor, fields: (words: Catalogue, view: ProofView) => Html): FactorForm =>
  (words, _paths, view) =>
    form(view.action, fields(words, view), { factor, ...returnField(view.returnTo) })

const code = (factor: "totp" | "backup-code", kind: "digits" | "letters"): FactorForm =>
  framed(
    factor,
    (words, { state }) =>
      html`${codeField(words, state, { kind, hint: words.proof[factor].text })} ${submit(words.proof.submit)}`,
  )

const hotp = framed("hotp", (words, { state, asksNext, action, returnTo }) => {
  const text = words.proof.hotp
  return html`${codeField(words, state, { kind: "digits", hint: asksNext === true ? text.resyncText : text.text })}
  ${asksNext === true && codeField(words, state, { kind: "digits", name: "next_code" })} ${submit(words.proof.submit)}
  ${
    asksNext !== true &&
    html`<p>
      <a href="${withQuery(action, { factor: "hotp", resync: "1", return_to: returnTo })}">${text.resync}</a>
    </p>`
  }`
})

const password = framed(
  "password",
  (words, { state, email }) =>
    html`${username(email)}
    ${field(words, state, {
      name: "password",
      label: words.fields.password.label,
      type: "password",
      autocomplete: "current-password",
    })}
    ${submit(words.proof.submit)}`,
)

const emailCode = framed(
  "email-code",
  (words, { email }) =>
    html`<p>${words.proof["email-code"].text(email)}</p>
      ${submit(words.signInEmail.sendCode)}`,
)

const magicLink = framed(
  "magic-link",
  (words, { email }) =>
    html`<p>${words.proof["magic-link"].text(email)}</p>
      ${submit(words.signInEmail.sendLink)}`,
)

const passkey: FactorForm = (words, paths, { returnTo }) =>
  html`<p>${words.proof.passkey.text}</p>
    ${withoutPasskeys(words)}
    ${passkeyForm(words, {
      action: paths.signInPasskey,
      kind: "get",
      options: "/auth/sign-in/passkey/options",
      label: words.passkey.use,
      hidden: returnField(returnTo),
    })}`

const oauth: FactorForm = (words, paths, { providers, returnTo }) =>
  html`<p>${words.proof.oauth.text}</p>
    ${providerButtons(words, paths, providers, returnField(returnTo))}`

const forms: Readonly<Record<PageFactor, FactorForm>> = {
  password,
  passkey,
  totp: code("totp", "digits"),
  hotp,
  "email-code": emailCode,
  "magic-link": magicLink,
  "backup-code": code("backup-code", "letters"),
  oauth,
}
