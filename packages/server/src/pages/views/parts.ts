/**
 * What the forms of the hosted pages are made of: fields, buttons, the summary of problems, notices.
 *
 * @since 0.1.0
 */
import { attributes, empty, html, type Html, type Interpolation } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"

/**
 * Something that has to be put right. With a `field`, the message stands beside it and the summary links to it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Problem {
  readonly field?: string
  readonly message: string
}

/**
 * What a form shows: what was typed, by the names of fields, and what is wrong with it.
 *
 * @category models
 * @since 0.1.0
 */
export interface FormState {
  readonly values: Readonly<Record<string, string>>
  readonly problems: ReadonlyArray<Problem>
}

/**
 * A form that nobody has sent yet.
 *
 * @category models
 * @since 0.1.0
 */
export const blank: FormState = { values: {}, problems: [] }

/**
 * The summary of all problems, on top of the page. It takes the focus when the page loads.
 *
 * @see [WCAG 2.2 §3.3.1](https://www.w3.org/TR/WCAG22/#error-identification)
 * @category parts
 * @since 0.1.0
 */
export const summary = (words: Catalogue, problems: ReadonlyArray<Problem>): Html =>
  problems.length === 0
    ? empty
    : html`<div class="errors" role="alert" tabindex="-1" autofocus aria-labelledby="problems">
        <h2 id="problems">${words.common.summaryTitle}</h2>
        <ul>
          ${problems.map(({ field, message }) =>
            field === undefined ? html`<li>${message}</li>` : html`<li><a href="#${field}">${message}</a></li>`,
          )}
        </ul>
      </div>`

/**
 * A message that something was done.
 *
 * @category parts
 * @since 0.1.0
 */
export const notice = (message: string | undefined): Html =>
  message === undefined ? empty : html`<div class="notice" role="status"><p>${message}</p></div>`

/**
 * A form that is sent by POST. Fields that were sent before it was found wanting keep what was typed.
 *
 * @category parts
 * @since 0.1.0
 */
export const form = (action: string, content: Interpolation, hidden: Readonly<Record<string, string>> = {}): Html =>
  html`<form method="post" action="${action}" novalidate>${content} ${hiddenFields(hidden)}</form>`

/**
 * Fields that nobody sees, by their names.
 *
 * @category parts
 * @since 0.1.0
 */
export const hiddenFields = (values: Readonly<Record<string, string>>): ReadonlyArray<Html> =>
  Object.entries(values).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)

/**
 * A field with its label above it, a hint, and the message of a problem beside it.
 *
 * **Details**
 *
 * `name` is also the element's id. Passwords are never given back; where script runs they can be shown.
 *
 * @category parts
 * @since 0.1.0
 */
export const field = (
  words: Catalogue,
  state: FormState,
  options: {
    readonly name: string
    readonly label: string
    readonly type: "text" | "email" | "password"
    readonly autocomplete: string
    readonly inputmode?: "numeric" | "text"
    readonly autocapitalize?: "characters" | "none"
    readonly hint?: string | undefined
    readonly value?: string
    readonly isOptional?: boolean
  },
): Html => {
  const { name, type, hint, isOptional = false } = options
  const problem = state.problems.find((problem) => problem.field === name)
  const describedBy = [
    ...(hint === undefined ? [] : [`${name}-hint`]),
    ...(problem === undefined ? [] : [`${name}-problem`]),
  ]
  const input = html`<input${attributes({
    id: name,
    name,
    type,
    inputmode: options.inputmode ?? (type === "email" ? "email" : undefined),
    autocomplete: options.autocomplete,
    autocapitalize: options.autocapitalize ?? (type === "text" ? undefined : "none"),
    autocorrect: type === "text" && options.autocapitalize === undefined ? undefined : "off",
    spellcheck: "false",
    required: !isOptional,
    value: type === "password" ? undefined : (state.values[name] ?? options.value ?? ""),
    "aria-invalid": problem === undefined ? undefined : "true",
    "aria-describedby": describedBy.length === 0 ? undefined : describedBy.join(" "),
  })}>`
  const { common } = words
  return html`<div class="field">
    <label for="${name}"
      >${options.label}${isOptional && html` <span class="optional">(${common.optional})</span>`}</label
    >
    ${hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`}
    ${problem !== undefined && html`<p class="problem" id="${name}-problem">${problem.message}</p>`}
    ${
      type === "password"
        ? html`<div
            class="secret"
            ${attributes({
              "data-show": common.showPassword,
              "data-hide": common.hidePassword,
              "data-show-hint": common.showPasswordHint,
              "data-hide-hint": common.hidePasswordHint,
            })}
          >
            ${input}
          </div>`
        : input
    }
  </div>`
}

/**
 * A field to choose one of several values in, with its label above it. `value` is chosen where nothing was sent.
 *
 * @category parts
 * @since 0.1.0
 */
export const select = (
  { values }: FormState,
  view: {
    readonly name: string
    readonly label: string
    readonly value: string
    readonly options: ReadonlyArray<{ readonly value: string; readonly label: string }>
  },
): Html => {
  const { label, name, options } = view
  const chosen = values[name] ?? view.value
  return html`<div class="field">
    <label for="${name}">${label}</label>
    <select${attributes({ id: name, name, autocomplete: "off" })}>
      ${options.map(({ label, value }) => html`<option${attributes({ value, selected: value === chosen })}>${label}</option>`)}
    </select>
  </div>`
}

/**
 * The field of a code: of digits from an app or a device, or of letters and digits from a mail or a sheet of paper.
 * What was typed is never given back.
 *
 * @category parts
 * @since 0.1.0
 */
export const codeField = (
  words: Catalogue,
  { problems }: FormState,
  options: {
    readonly kind: "digits" | "letters"
    readonly name?: "code" | "next_code"
    readonly isFromMail?: boolean
    readonly hint?: string
  },
): Html => {
  const { kind, name = "code", hint } = options
  return field(
    words,
    { values: {}, problems },
    {
      name,
      label: name === "code" ? words.fields.code.label : words.fields.nextCode.label,
      type: "text",
      // Browsers fill in what came by mail or message and what their own authenticators show, and nothing else.
      autocomplete: kind === "digits" || options.isFromMail === true ? "one-time-code" : "off",
      inputmode: kind === "digits" ? "numeric" : "text",
      autocapitalize: kind === "digits" ? "none" : "characters",
      hint,
    },
  )
}

/**
 * A form that only the script of passkeys can send, which also shows it. Above it stands what to do without.
 *
 * **Details**
 *
 * `kind` is what the authenticator is asked for, `options` the endpoint that says how. Where `isAutofill`, passkeys are
 * offered in the field for the address, too.
 *
 * @see [WebAuthn Level 3 §5.1.4](https://www.w3.org/TR/webauthn-3/#sctn-getAssertion)
 * @category parts
 * @since 0.1.0
 */
export const passkeyForm = (
  { passkey }: Catalogue,
  view: {
    readonly action: string
    readonly kind: "get" | "create"
    readonly options: string
    readonly label: string
    readonly isAutofill?: boolean
    readonly isPlain?: boolean
    readonly content?: Html
    readonly hidden?: Readonly<Record<string, string>>
  },
): Html =>
  html`<form
    method="post"
    action="${view.action}"
    novalidate
    ${attributes({
      hidden: true,
      "data-passkey": view.kind,
      "data-options": view.options,
      "data-autofill": view.isAutofill === true,
      "data-cancelled": passkey.cancelled,
      "data-exists": view.kind === "create" ? passkey.exists : undefined,
      "data-failed": passkey.failed,
    })}
  >
    ${view.content} ${hiddenFields({ ...view.hidden, response: "" })}
    <button class="${view.isPlain === true ? "main plain" : "main"}">${view.label}</button>
    <p class="problem" role="status"></p>
  </form>`

/**
 * Says, until the script of passkeys takes it away, that passkeys do not work here.
 *
 * @category parts
 * @since 0.1.0
 */
export const withoutPasskeys = ({ passkey }: Catalogue): Html =>
  html`<p class="quiet" data-no-passkey="">${passkey.needsScript}</p>`

/**
 * Tells a password manager whose password a form is about, where the form does not ask for it. Nobody sees it.
 *
 * @see [HTML Standard §4.10.18.7](https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#autofill)
 * @category parts
 * @since 0.1.0
 */
export const username = (email: string): Html =>
  html`<input type="text" name="username" autocomplete="username" value="${email}" hidden />`

/**
 * The button of a form that is alone on its page.
 *
 * @category parts
 * @since 0.1.0
 */
export const submit = (label: string): Html => html`<button class="main">${label}</button>`

/**
 * The hidden field by which a form says where the person wants to go, if anywhere.
 *
 * @category parts
 * @since 0.1.0
 */
export const returnField = (returnTo: string | undefined): Readonly<Record<string, string>> =>
  returnTo === undefined ? {} : { return_to: returnTo }

/**
 * A section of a page, which its heading names. `id` is what addresses link to.
 *
 * @category parts
 * @since 0.1.0
 */
export const section = (id: string, title: string, content: Html): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    ${content}
  </section>`

/**
 * Ways to go on, below a form.
 *
 * @category parts
 * @since 0.1.0
 */
export const links = (
  ...items: ReadonlyArray<{ readonly href: string; readonly label: string; readonly before?: string }>
): Html =>
  html`<div class="links">
    ${items.map(
      ({ href, label, before }) =>
        html`<p>${before !== undefined && html`${before} `}<a href="${href}">${label}</a></p>`,
    )}
  </div>`
