/**
 * The section of the account page about applications with access.
 *
 * @since 0.1.0
 */
import type { GrantSummary } from "@belfry/oauth-server/Grant"
import * as RedirectUri from "@belfry/oauth-server/RedirectUri"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import { clientName } from "./authorization.ts"
import { form, section } from "./parts.ts"

/**
 * An application that may use the account, or may again without a question. `since` in milliseconds of the epoch;
 * `grants` are in force.
 *
 * @category models
 * @since 0.1.0
 */
export interface Application {
  readonly clientId: string
  readonly name: string | null
  readonly scopes: ReadonlyArray<string>
  readonly since: number
  readonly grants: ReadonlyArray<GrantSummary>
}

/**
 * What somebody let use their account. `scopeWords` says what a scope lets a client do; none where nobody knows.
 *
 * @category models
 * @since 0.1.0
 */
export interface ApplicationsView {
  readonly applications: ReadonlyArray<Application>
  readonly scopeWords: (scope: string) => string | undefined
}

/**
 * The section of the account page about applications with access.
 *
 * @category parts
 * @since 0.1.0
 */
export const applicationsSection = (
  words: Catalogue,
  paths: Paths,
  view: ApplicationsView & { readonly now: number },
): Html => {
  const { applications } = view
  const text = words.applications
  return section(
    "applications",
    text.title,
    applications.length === 0
      ? html`<p class="quiet">${text.none}</p>`
      : html`<p class="quiet">${text.text}</p>
          <ul class="rows">
            ${applications.map((application) => row(words, paths, view, application))}
          </ul>`,
  )
}

// internal

const row = (
  words: Catalogue,
  paths: Paths,
  view: ApplicationsView & { readonly now: number },
  { clientId, name: claimed, grants, scopes, since }: Application,
): Html => {
  const text = words.applications
  const called = clientName({ clientId, name: claimed })
  // Anybody may take a name. Whose id is a URL is told apart by its host, as where the person agreed.
  const host = RedirectUri.hostOf(clientId)
  const name = host === null ? called : words.authorization.from(called, host)
  const may = text.list(scopes.map((scope) => view.scopeWords(scope) ?? scope))
  return html`<li>
    <div class="bar">
      <h3>${name}</h3>
      ${form(
        paths.account,
        html`<button class="plain" aria-label="${text.removeNamed(name)}">${text.remove}</button>`,
        {
          action: "remove-application",
          client: clientId,
        },
      )}
    </div>
    <p class="quiet">
      ${may !== "" && html`${text.may(may)}<br />`}${time(words, since, view.now)}${
        grants.length === 0 && html`<br />${text.idle}`
      }
    </p>
    ${grants.length > 1 && grants.map((grant) => grantRow(words, paths, view.now, name, grant))}
  </li>`
}

/** One of several: each can be ended without the others. */
const grantRow = (words: Catalogue, paths: Paths, now: number, name: string, grant: GrantSummary): Html => {
  const text = words.applications
  const { epochMilliseconds: since } = grant.createdAt
  const label = text.endNamed(name, words.time.ago(since, now))
  return html`<div class="bar">
    <p class="quiet">${time(words, since, now)}${grant.isOffline && html`, ${text.offline}`}</p>
    ${form(paths.account, html`<button class="plain" aria-label="${label}">${text.end}</button>`, {
      action: "end-access",
      grant: grant.id,
    })}
  </div>`
}

const time = ({ applications, time }: Catalogue, then: number, now: number): Html =>
  html`<time datetime="${new Date(then).toISOString()}">${applications.since(time.ago(then, now))}</time>`
