/**
 * What pages say of the client that waits for the person, and the pages of its request: choosing an account, consent,
 * what went wrong.
 *
 * What a client says of itself is text here and nothing more: no picture of it is loaded, and no link is followed for
 * it.
 *
 * @since 0.1.0
 */
import type { User } from "@belfry/core/User"
import type { LoginContext } from "@belfry/oauth-server/Authorizations"
import type { OAuthClient } from "@belfry/oauth-server/OAuthClient"
import * as RedirectUri from "@belfry/oauth-server/RedirectUri"
import { attributes, empty, html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import { withQuery } from "../query.ts"
import type { Page } from "./document.ts"
import { form, links, submit } from "./parts.ts"

/**
 * A client's name for itself, on one line and without characters that nobody sees or that turn text around; its id
 * where it has none.
 *
 * @category formatting
 * @since 0.1.0
 */
export const clientName = ({ clientId, name }: { readonly clientId: string; readonly name: string | null }): string => {
  const text = plain(name ?? "")
  const shown = text === "" ? plain(clientId) : text
  return shown.length > maxName ? `${shown.slice(0, maxName - 1)}…` : shown
}

/**
 * The same of a client that is on file.
 *
 * @category formatting
 * @since 0.1.0
 */
export const nameOf = ({ id, metadata }: OAuthClient): string => clientName({ clientId: id, name: metadata.clientName })

/**
 * The same in a request: with the host of its metadata document beside it, where it has one. Anybody may take a name,
 * so that the host tells clients of one name apart.
 *
 * @category formatting
 * @since 0.1.0
 */
export const nameIn = (words: Catalogue, { client, documentHost }: LoginContext): string =>
  documentHost === null ? nameOf(client) : words.authorization.from(nameOf(client), documentHost)

/**
 * Where another account is signed in for a client than the one that is.
 *
 * @category accessors
 * @since 0.1.0
 */
export const otherAccount = (paths: Paths, { returnTo }: LoginContext): string =>
  withQuery(paths.signIn, { return_to: returnTo, switch: "1" })

/**
 * Where forms may lead that end at a redirect URI of a client, as sources of a content security policy.
 *
 * **Details**
 *
 * Chromium holds every redirect after a form to the policy of its page, those of the client itself too, and many
 * clients send people on to another origin of theirs that nobody can list: one that is not allowed leaves the person on
 * a dead page whose request is used up. So https is allowed, and on this computer any port; beside these the URI's own
 * source.
 *
 * @see [CSP Level 3 §6.4.1.1](https://www.w3.org/TR/CSP3/#form-action-pre-navigate)
 * @category accessors
 * @since 0.1.0
 */
export const formActionsOf = (redirectUri: string): ReadonlyArray<string> => {
  const source = RedirectUri.sourceOf(redirectUri)
  if (source === null || source.startsWith("https:")) return ["https:"]
  // A source has no place for an IPv6 address (CSP Level 3 §2.3.1).
  if (source.startsWith("http://[")) return ["https:", "http:"]
  return RedirectUri.isLoopback(redirectUri)
    ? ["https:", "http://localhost:*", "http://127.0.0.1:*"]
    : ["https:", source]
}

/**
 * A page within a flow: for which client it is, how to turn away from it, and leave for its forms to end there.
 *
 * @category views
 * @since 0.1.0
 */
export const inFlow = (words: Catalogue, paths: Paths, page: Page, flow: LoginContext): Page => {
  const { id, isDynamic, redirectUri } = flow
  const text = words.authorization
  const framed = { ...page, words, formActions: formActionsOf(redirectUri) }
  if (page.isOfFlow === true) return framed
  const name = nameIn(words, flow)
  return {
    ...framed,
    main: html`<p class="quiet">${isDynamic ? text.continueToUnverified(name) : text.continueTo(name)}</p>
      ${page.main} ${cancelForm(paths, id, text.cancel(name), "plain")}`,
  }
}

/**
 * Asks which account the client shall have.
 *
 * @category views
 * @since 0.1.0
 */
export const selectAccountPage = (
  words: Catalogue,
  paths: Paths,
  view: { readonly flow: LoginContext; readonly user: User },
): Page => {
  const { flow, user } = view
  const text = words.selectAccount
  const name = nameIn(words, flow)
  return {
    title: text.title,
    isOfFlow: true,
    main: html`<h1>${text.title}</h1>
      <p>${text.text(name)}</p>
      ${unverified(flow, text.unverified(name))}
      <p>${user.name !== null && html`<strong>${user.name}</strong><br />`}${user.email}</p>
      ${form(paths.authorizeAccount, submit(text.continueAs(user.name ?? user.email)), { request: flow.id })}
      <p>
        <a class="button main plain" href="${otherAccount(paths, flow)}">${words.authorization.otherAccount}</a>
      </p>
      <p class="quiet">${text.other}</p>
      ${cancelForm(paths, flow.id, words.authorization.cancel(name), "plain")}`,
  }
}

/**
 * What the page of consent shows.
 *
 * **Details**
 *
 * `scopeWords` says what a scope lets the client do; none where nobody knows. `sessionId` is that of the person who is
 * asked: the answer counts from them alone. `organization` is the one as a member of which they are asked, if any; the
 * answer counts for it alone.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConsentView {
  readonly flow: LoginContext
  readonly user: User
  readonly sessionId: string
  readonly organization: { readonly id: string; readonly name: string } | null
  readonly scopeWords: (scope: string) => string | undefined
}

/**
 * Asks whether the client may have what it asks for.
 *
 * @category views
 * @since 0.1.0
 */
export const consentPage = (words: Catalogue, paths: Paths, view: ConsentView): Page => {
  const { flow, organization, user, sessionId } = view
  const text = words.consent
  const name = nameIn(words, flow)
  const title = text.title(name)
  return {
    title,
    isOfFlow: true,
    main: html`<h1>${title}</h1>
      <p class="quiet">
        ${words.account.signedInAs(user.email)}<br /><a href="${otherAccount(paths, flow)}"
          >${words.authorization.otherAccount}</a
        >
      </p>
      ${
        organization !== null &&
        html`<p>
          ${text.asMember(organization.name)}${
            !flow.isBound &&
            html`<br /><a href="${withQuery(paths.authorizeOrganization, { request: flow.id })}"
                >${text.otherOrganization}</a
              >`
          }
        </p>`
      }
      ${unverified(flow, text.unverified(name))}
      ${
        RedirectUri.isLoopback(flow.redirectUri) &&
        html`<p class="warn">${isOfAnyProgram(flow) ? text.loopbackOfAny(name) : text.loopback}</p>`
      }
      ${form(
        paths.authorizeConsent,
        html`<div role="group" aria-labelledby="asks">
            <h2 id="asks">${text.asks(name)}</h2>
            ${flow.scopes.map((scope) => scopeItem(words, view, scope))}
          </div>
          ${resources(words, flow)} ${about(words, flow)}
          <button class="main" name="decision" value="allow">${text.allow}</button>
          <button class="main plain" name="decision" value="deny">${text.deny}</button>`,
        {
          request: flow.id,
          session: sessionId,
          ...(organization === null ? {} : { organization: organization.id }),
        },
      )}
      <p class="quiet">${text.takeBack}</p>`,
  }
}

/**
 * The name of the field that gives a scope.
 *
 * @category accessors
 * @since 0.1.0
 */
export const scopeField = (scope: string): string => `scope:${scope}`

/**
 * What kept a request from going on. `description` is for developers.
 *
 * @category models
 * @since 0.1.0
 */
export interface AuthorizationErrorView {
  readonly code: string
  readonly description: string | undefined
  /** In seconds. */
  readonly retryAfter?: number | undefined
}

/**
 * Tells the person what no client can be told. Codes that are not known have words in common. It leads nowhere but
 * home: nobody knows where the request came from.
 *
 * @see [RFC 6749 §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2.1)
 * @category views
 * @since 0.1.0
 */
export const authorizationErrorPage = (words: Catalogue, view: AuthorizationErrorView): Page => {
  const { code, description, retryAfter } = view
  const text = words.authorizationError
  const reason = isReason(text.reasons, code) ? text.reasons[code](retryAfter) : text.otherReason
  const wait = retryAfter ?? (code === "temporarily_unavailable" ? 1 : undefined)
  return {
    title: text.title,
    status:
      code === "rate_limited" ? 429 : code === "temporarily_unavailable" ? 503 : code === "server_error" ? 500 : 400,
    headers: wait === undefined ? {} : { "retry-after": String(wait) },
    hasProblems: true,
    isOfFlow: true,
    main: html`<h1>${text.title}</h1>
      <p>${reason}</p>
      <details class="quiet">
        <summary>${text.developers}</summary>
        <p>${code}${description !== undefined && description !== "" && html`: ${description}`}</p>
      </details>
      ${links({ href: "/", label: words.failures.home })}`,
  }
}

// internal

const maxName = 80

const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Z}]+/gu, " ").trim()

const cancelForm = (paths: Paths, id: string, label: string, look: string): Html =>
  form(paths.authorizeCancel, html`<button class="${look}">${label}</button>`, { request: id })

/**
 * Whether nothing but a name tells a client from any program on this computer: it registered itself, and is answered
 * nowhere else.
 */
const isOfAnyProgram = ({ client, isDynamic }: LoginContext): boolean =>
  isDynamic && client.metadata.redirectUris.every((uri) => RedirectUri.isLoopback(uri))

const unverified = ({ isDynamic }: LoginContext, text: string): Html =>
  isDynamic ? html`<p class="warn">${text}</p>` : empty

const scopeItem = (words: Catalogue, { flow, scopeWords }: ConsentView, scope: string): Html => {
  const known = scopeWords(scope)
  const text = html`${known ?? html`<code>${scope}</code>`}${
    flow.givenScopes.includes(scope) && html` <span class="optional">(${words.consent.given})</span>`
  }`
  // Whoever does not want to be known to the client denies all of it.
  if (scope === "openid") return html`<p class="check"><span aria-hidden="true">&check;</span><span>${text}</span></p>`
  const name = scopeField(scope)
  return html`<label class="check"
    ><input${attributes({ type: "checkbox", name, value: "1", checked: true })}><span>${text}</span></label
  >`
}

const resources = ({ consent }: Catalogue, flow: LoginContext): Html =>
  flow.resources.length === 0
    ? empty
    : html`<p>${consent.resources}</p>
        <ul>
          ${flow.resources.map(({ identifier, name }) => html`<li><strong>${plain(name ?? identifier)}</strong></li>`)}
        </ul>`

/** Where the answer goes, and what the client says of itself. */
const about = ({ consent }: Catalogue, { client, redirectHost }: LoginContext): Html => {
  const { clientUri, policyUri, tosUri } = client.metadata
  const documents = [
    [tosUri, consent.terms],
    [policyUri, consent.policy],
  ] as const
  return html`<p class="quiet">
    ${redirectHost === null ? consent.application : consent.redirect(redirectHost)}
    ${clientUri !== null && html`<br />${consent.website(plain(clientUri))}`}
    ${documents.map(([uri, label]) => isWeb(uri) && html`<br /><a href="${uri}" rel="noopener noreferrer">${label}</a>`)}
  </p>`
}

const isWeb = (uri: string | null): uri is string => uri !== null && /^https?:\/\//iu.test(uri) && URL.canParse(uri)

type Reasons = Catalogue["authorizationError"]["reasons"]

const isReason = (reasons: Reasons, code: string): code is keyof Reasons => Object.hasOwn(reasons, code)
