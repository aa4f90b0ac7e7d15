/**
 * Accounts at other providers: the section of the account page, and the page that asks before one is unlinked.
 *
 * @since 0.1.0
 */
import type { AccountSummary } from "@belfry/core/LinkedAccount"
import { attributes, empty, html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import { withQuery } from "../query.ts"
import type { Page } from "./document.ts"
import { form, links, type Problem, section, summary } from "./parts.ts"
import type { ProviderChoice } from "./providers.ts"

/**
 * An account at a provider that its owner can unlink.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConnectedAccount {
  readonly account: AccountSummary
  readonly provider: ProviderChoice
}

/**
 * What somebody has linked, and could link.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConnectedAccountsView {
  readonly providers: ReadonlyArray<ProviderChoice>
  readonly connected: ReadonlyArray<ConnectedAccount>
}

/**
 * The section of the account page about accounts elsewhere; nothing where there is no provider. `confirmFirst` is the
 * way to a proof of identity, where the last one is old.
 *
 * @category parts
 * @since 0.1.0
 */
export const connectedAccountsSection = (
  words: Catalogue,
  paths: Paths,
  view: ConnectedAccountsView & { readonly isFresh: boolean; readonly now: number },
): Html => {
  const { providers, connected, isFresh, now } = view
  const text = words.connectedAccounts
  if (providers.length === 0) return empty
  const free = providers.filter(({ id }) => !connected.some(({ provider }) => provider.id === id))
  return section(
    sectionId,
    text.title,
    html`<p class="quiet">${text.text}</p>
      ${
        connected.length > 0 &&
        html`<ul class="rows">
          ${connected.map((item) => connectedRow(words, paths, item, now))}
        </ul>`
      }
      ${
        free.length > 0 &&
        html`${!isFresh && html`<p class="quiet">${words.account.confirmHint}</p>`}
          <ul class="choices">
            ${free.map(
              (provider) =>
                html`<li>
                  ${isFresh ? linkForm(paths, provider, text.link) : confirmLink(paths, text.link(provider.name))}
                </li>`,
            )}
          </ul>`
      }`,
  )
}

/**
 * Where the account page tells of connected accounts.
 *
 * @category accessors
 * @since 0.1.0
 */
export const connectedAccountsPath = (paths: Paths): string => `${paths.account}#${sectionId}`

/**
 * Asks once more before an account is unlinked.
 *
 * @category views
 * @since 0.1.0
 */
export const unlinkAccountPage = (
  words: Catalogue,
  paths: Paths,
  view: ConnectedAccount & {
    readonly now: number
    readonly problems?: ReadonlyArray<Problem>
    readonly status?: number
  },
): Page => {
  const { account, provider, now, problems = [], status = 200 } = view
  const text = words.unlinkAccount
  const title = text.title(provider.name)
  return {
    title,
    status,
    hasProblems: problems.length > 0,
    main: html`${summary(words, problems)}
      <h1>${title}</h1>
      <p>${text.linked(linkedAgo(words, account, now))}</p>
      <p>${text.text(provider.name)}</p>
      ${form(paths.unlinkAccount, html`<button class="main danger">${text.submit}</button>`, { account: account.id })}
      ${links({ href: connectedAccountsPath(paths), label: text.cancel })}`,
  }
}

// internal

const sectionId = "connected-accounts"

const linkForm = (paths: Paths, provider: ProviderChoice, label: (name: string) => string): Html =>
  form(paths.account, html`<button class="plain">${label(provider.name)}</button>`, {
    action: "link",
    provider: provider.id,
  })

const confirmLink = (paths: Paths, label: string): Html =>
  html`<a class="button plain" href="${withQuery(paths.confirmAccess, { return_to: connectedAccountsPath(paths) })}"
    >${label}</a
  >`

const linkedAgo = ({ time }: Catalogue, { createdAt }: AccountSummary, now: number): string =>
  time.ago(createdAt.epochMilliseconds, now)

const connectedRow = (words: Catalogue, paths: Paths, { account, provider }: ConnectedAccount, now: number): Html => {
  const text = words.connectedAccounts
  const ago = linkedAgo(words, account, now)
  const linkAttributes = attributes({
    href: withQuery(paths.unlinkAccount, { account: account.id }),
    class: "button plain",
    "aria-label": text.unlinkNamed(provider.name, ago),
  })
  return html`<li class="bar">
    <div>
      <h3>${provider.name}</h3>
      <p class="quiet">
        <time datetime="${new Date(account.createdAt.epochMilliseconds).toISOString()}">${text.linked(ago)}</time>
      </p>
    </div>
    <a${linkAttributes}>${text.unlink}</a>
  </li>`
}
