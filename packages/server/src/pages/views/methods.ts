/**
 * How somebody signs in: the section of the account page, and the pages that change a passkey or take a factor off.
 *
 * @since 0.1.0
 */
import type { Enrolment } from "@belfry/factors/Enrolment"
import { EnrollableFactor, type Factor } from "@belfry/factors/Factor"
import type { Passkey } from "@belfry/factors/Passkey"
import { attributes, html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import { withQuery } from "../query.ts"
import type { Page } from "./document.ts"
import { field, form, links, type Problem, section, submit, summary } from "./parts.ts"
import type { FormView } from "./signUp.ts"

/**
 * What somebody has set up to sign in. `now` in milliseconds of the epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface MethodsView {
  readonly enrolments: ReadonlyArray<Enrolment>
  readonly passkeys: ReadonlyArray<Passkey>
  readonly now: number
}

/**
 * What can be taken off.
 *
 * @category models
 * @since 0.1.0
 */
export const removableFactors = ["password", "totp", "hotp", "passkey"] as const
/**
 * @category models
 * @since 0.1.0
 */
export type RemovableFactor = (typeof removableFactors)[number]

/**
 * The section of the account page about how its owner signs in.
 *
 * @category parts
 * @since 0.1.0
 */
export const methodsSection = (words: Catalogue, paths: Paths, view: MethodsView): Html => {
  const text = words.methods
  const { enrolments, passkeys } = view
  const find = (factor: Factor) => enrolments.find((enrolment) => enrolment.factor === factor)
  const rows = [
    row(
      text.password,
      find("password") === undefined ? text.passwordNone : text.passwordSet,
      link("#password", find("password") === undefined ? text.passwordSetUp : text.passwordChange),
    ),
    ...(["totp", "hotp"] as const).map((factor) => {
      const enrolment = find(factor)
      return enrolment === undefined
        ? row(text[factor], text.off, link(paths[factor], text.setUp, `${text.setUp}: ${text[factor]}`))
        : row(
            text[factor],
            html`<span class="status good">${text.on}</span> ${times(words, enrolment, view.now)}`,
            link(withQuery(paths.removeFactor, { factor }), text.remove, `${text.remove}: ${text[factor]}`),
          )
    }),
    row(text.passkeys, null, link(paths.addPasskey, text.addPasskey), [
      ...(passkeys.length === 0 ? [html`<p class="quiet">${text.noPasskeys}</p>`] : []),
      ...passkeys.map((passkey) => passkeyRow(words, paths, passkey, view.now)),
    ]),
    backupCodes(words, paths, find),
  ]
  return section(
    "sign-in-methods",
    text.title,
    html`<ul class="rows">
      ${rows}
    </ul>`,
  )
}

/**
 * A passkey: its name, and the way to remove it.
 *
 * @category views
 * @since 0.1.0
 */
export const editPasskeyPage = (
  words: Catalogue,
  paths: Paths,
  { passkey, state, status = 200 }: FormView & { readonly passkey: Passkey },
): Page => ({
  title: words.editPasskey.title,
  status,
  hasProblems: state.problems.length > 0,
  main: html`${summary(words, state.problems)}
    <h1>${words.editPasskey.title}</h1>
    ${form(
      paths.editPasskey,
      html`${field(words, state, {
        name: "name",
        label: words.fields.passkeyName.label,
        type: "text",
        autocomplete: "off",
        value: passkey.name,
      })}
      ${submit(words.editPasskey.save)}`,
      { passkey: passkey.id },
    )}
    <p>
      <a class="button danger" href="${withQuery(paths.removeFactor, { factor: "passkey", passkey: passkey.id })}"
        >${words.editPasskey.remove}</a
      >
    </p>
    ${links({ href: paths.account, label: words.common.back })}`,
})

/**
 * Asks once more before a factor is taken off.
 *
 * @category views
 * @since 0.1.0
 */
export const removeFactorPage = (
  words: Catalogue,
  paths: Paths,
  view: {
    readonly factor: RemovableFactor
    readonly passkey?: Passkey | undefined
    readonly problems?: ReadonlyArray<Problem>
    readonly status?: number
  },
): Page => {
  const { factor, passkey, problems = [], status = 200 } = view
  const text = words.remove
  return {
    title: text.title[factor],
    status,
    hasProblems: problems.length > 0,
    main: html`${summary(words, problems)}
      <h1>${text.title[factor]}</h1>
      ${passkey !== undefined && html`<p>${text.named(passkey.name)}</p>`}
      <p>${text.text[factor]}</p>
      ${form(paths.removeFactor, html`<button class="main danger">${text.submit}</button>`, {
        factor,
        ...(passkey === undefined ? {} : { passkey: passkey.id }),
      })}
      ${links({ href: paths.account, label: text.cancel })}`,
  }
}

// internal

/** Below this many backup codes, their owner is told to make new ones. */
const fewCodes = 3

const row = (title: string, text: Html | string | null, action: Html | null, more: ReadonlyArray<Html> = []): Html =>
  html`<li>
    <div class="bar">
      <div>
        <h3>${title}</h3>
        ${text !== null && html`<p class="quiet">${text}</p>`}
      </div>
      ${action}
    </div>
    ${more}
  </li>`

const link = (href: string, label: string, named?: string): Html =>
  html`<a${attributes({ href, class: "button plain", "aria-label": named })}>${label}</a>`

const passkeyRow = (words: Catalogue, paths: Paths, passkey: Passkey, now: number): Html => {
  const text = words.methods
  return html`<div class="bar">
    <p>
      ${passkey.name}<br /><span class="quiet"
        >${times(words, passkey, now)}${passkey.isBackedUp && html`, ${text.backedUp}`}</span
      >
    </p>
    ${link(withQuery(paths.editPasskey, { passkey: passkey.id }), text.change, text.changeNamed(passkey.name))}
  </div>`
}

const times = (
  { methods, time }: Catalogue,
  { createdAt, lastUsedAt }: Pick<Enrolment, "createdAt" | "lastUsedAt">,
  now: number,
): string =>
  `${methods.added(time.ago(createdAt.epochMilliseconds, now))}, ${
    lastUsedAt === null ? methods.neverUsed : methods.used(time.ago(lastUsedAt.epochMilliseconds, now))
  }`

const backupCodes = (words: Catalogue, paths: Paths, find: (factor: Factor) => Enrolment | undefined): Html => {
  const text = words.methods
  const isUseful = EnrollableFactor.literals.some((factor) => find(factor) !== undefined)
  if (!isUseful) return row(text.backupCodes, text.backupCodesLater, null)
  const left = find("backup-code")?.count ?? 0
  return row(
    text.backupCodes,
    left > fewCodes
      ? words.backupCodes.left(left)
      : html`<span class="status warn">${words.backupCodes.left(left)} ${text.fewLeft}</span>`,
    link(paths.backupCodes, text.newCodes),
  )
}
