/**
 * Pages of setting up factors, in the account and in a sign-in that demands one.
 *
 * @since 0.1.0
 */
import type { Factor } from "@belfry/factors/Factor"
import { attributes, empty, html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import type { Page } from "./document.ts"
import {
  blank,
  codeField,
  field,
  form,
  links,
  notice,
  passkeyForm,
  type Problem,
  section,
  submit,
  summary,
  withoutPasskeys,
} from "./parts.ts"
import type { FormView } from "./signUp.ts"

/**
 * A factor whose codes an app or a device shows.
 *
 * @category models
 * @since 0.1.0
 */
export type CodeFactor = "totp" | "hotp"

/**
 * Where a factor is set up: `path` is that of the page, `back` where to go instead.
 *
 * @category models
 * @since 0.1.0
 */
export interface EnrolmentView {
  readonly path: string
  readonly back: { readonly href: string; readonly label: string }
}

/**
 * The choice of what to set up, when a sign-in demands something.
 *
 * @category views
 * @since 0.1.0
 */
export const enrolPage = (
  words: Catalogue,
  paths: Paths,
  view: { readonly email: string; readonly enrol: ReadonlyArray<Factor> },
): Page => {
  const text = words.enrol
  const start = (path: string, label: string) =>
    form(path, html`<button class="plain">${label}</button>`, { action: "start" })
  const choices: ReadonlyArray<readonly [factor: Factor, title: string, text: string, go: Html]> = [
    [
      "passkey",
      text.passkey,
      text.passkeyText,
      html`<p><a class="button plain" href="${paths.enrolPasskey}">${text.passkeyStart}</a></p>`,
    ],
    ["totp", text.totp, text.totpText, start(paths.enrolTotp, text.totpStart)],
    [
      "hotp",
      text.hotp,
      text.hotpText,
      html`<p><a class="button plain" href="${paths.enrolHotp}">${text.hotpStart}</a></p>`,
    ],
  ]
  return {
    title: text.title,
    main: html`<h1>${text.title}</h1>
      <p class="quiet">${words.proof.signingInAs(view.email)}</p>
      <p>${text.text}</p>
      ${choices
        .filter(([factor]) => view.enrol.includes(factor))
        .map(([factor, title, text, go]) =>
          section(
            `enrol-${factor}`,
            title,
            html`<p class="quiet">${text}</p>
              ${go}`,
          ),
        )}
      ${form(paths.cancelSignIn, html`<button class="plain">${words.proof.cancel}</button>`)}`,
  }
}

/**
 * What is needed to set up an app or a device, before its secret is made.
 *
 * @category views
 * @since 0.1.0
 */
export const startCodesPage = (
  words: Catalogue,
  factor: CodeFactor,
  { path, back, state, status = 200 }: EnrolmentView & FormView,
): Page => ({
  title: words[factor].title,
  status,
  hasProblems: state.problems.length > 0,
  main: html`${summary(words, state.problems)}
    <h1>${words[factor].title}</h1>
    <p>${words[factor].intro}</p>
    ${form(
      path,
      html`${
        factor === "hotp" &&
        field(words, state, {
          name: "secret",
          label: words.fields.secret.label,
          type: "text",
          autocomplete: "off",
          autocapitalize: "characters",
          hint: words.hotp.secretHint,
          isOptional: true,
        })
      }
      ${submit(words[factor].start)}`,
      { action: "start" },
    )}
    ${links(back)}`,
})

/**
 * The secret, to scan and to type, and the form of the first code. `image` is the QR code.
 *
 * @category views
 * @since 0.1.0
 */
export const confirmCodesPage = (
  words: Catalogue,
  factor: CodeFactor,
  view: EnrolmentView & FormView & { readonly image: Html; readonly secret: string; readonly uri: string },
): Page => {
  const { path, back, state, status = 200, headers = {} } = view
  const text = words[factor]
  return {
    title: text.title,
    status,
    headers,
    hasProblems: state.problems.length > 0,
    main: html`${summary(words, state.problems)}
      <h1>${text.title}</h1>
      <p>${text.scan}</p>
      ${view.image}
      <p><a href="${view.uri}">${text.open}</a></p>
      <p>${text.secret}</p>
      <p><code id="secret">${groups(view.secret)}</code></p>
      ${form(path, html`${codeField(words, state, { kind: "digits", hint: text.confirm })} ${submit(text.submit)}`, {
        action: "confirm",
      })}
      ${links(back)}`,
  }
}

/**
 * Making a passkey. `options` is the endpoint that says how; `action` takes what the authenticator answers.
 *
 * @category views
 * @since 0.1.0
 */
export const addPasskeyPage = (
  words: Catalogue,
  view: EnrolmentView & FormView & { readonly options: string },
): Page => {
  const { path, back, options, state, status = 200, headers = {} } = view
  const text = words.addPasskey
  return {
    title: text.title,
    status,
    headers,
    hasProblems: state.problems.length > 0,
    needs: "passkeys",
    main: html`${summary(words, state.problems)}
      <h1>${text.title}</h1>
      <p>${text.text}</p>
      ${withoutPasskeys(words)}
      ${passkeyForm(words, {
        action: path,
        kind: "create",
        options,
        label: words.passkey.create,
        content: field(words, state, {
          name: "name",
          label: words.fields.passkeyName.label,
          type: "text",
          autocomplete: "off",
          hint: text.nameHint,
          isOptional: true,
        }),
      })}
      ${links(back)}`,
  }
}

/**
 * Backup codes, this once. They print on one page. `next` is where to go when they are kept.
 *
 * @category views
 * @since 0.1.0
 */
export const backupCodesPage = (
  words: Catalogue,
  view: {
    readonly siteName: string
    readonly email: string
    readonly codes: ReadonlyArray<string>
    readonly next: string
    readonly done?: string | undefined
  },
): Page => {
  const text = words.backupCodes
  return {
    title: text.title,
    needs: "codes",
    main: html`<h1>${text.title}</h1>
      ${notice(view.done)}
      <p>${text.text}</p>
      <p class="print">${text.owner(view.siteName, view.email)}</p>
      <ul class="codes" id="codes">
        ${view.codes.map((code) => html`<li><code>${code}</code></li>`)}
      </ul>
      <p>${text.keep}</p>
      <div
        class="bar"
        ${attributes({ "data-copy": text.copy, "data-copied": text.copied, "data-print": text.print })}
      ></div>
      <p class="quiet" role="status" id="copied"></p>
      <p><a class="button main" href="${view.next}">${text.saved}</a></p>`,
  }
}

/**
 * How many backup codes are left, and new ones. `set` tells the form which codes it replaces.
 *
 * @category views
 * @since 0.1.0
 */
export const makeBackupCodesPage = (
  words: Catalogue,
  paths: Paths,
  view: {
    readonly left: number
    readonly set: string
    readonly problems?: ReadonlyArray<Problem>
    readonly status?: number
  },
): Page => {
  const text = words.backupCodes
  const { problems } = { ...blank, ...view }
  return {
    title: text.newTitle,
    status: view.status ?? 200,
    hasProblems: problems.length > 0,
    main: html`${summary(words, problems)}
      <h1>${text.newTitle}</h1>
      <p>${text.left(view.left)} ${view.left > 0 ? text.newText : empty}</p>
      ${form(paths.backupCodes, submit(text.make), { set: view.set })}
      ${links({ href: paths.account, label: words.common.back })}`,
  }
}

// internal

/** In groups of four, as people type it. */
const groups = (secret: string): string => (secret.match(/.{1,4}/gu) ?? []).join(" ")
