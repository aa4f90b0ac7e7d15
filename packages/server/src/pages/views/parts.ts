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
  html`<form method="post" action="${action}" novalidate>
    ${content}
    ${Object.entries(hidden).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
  </form>`

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
    readonly hint?: string
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
    inputmode: type === "email" ? "email" : undefined,
    autocomplete: options.autocomplete,
    autocapitalize: type === "text" ? undefined : "none",
    autocorrect: type === "text" ? undefined : "off",
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
