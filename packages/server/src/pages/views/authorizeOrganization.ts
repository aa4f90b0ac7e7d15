/**
 * Choosing the organization that a client gets access for.
 *
 * @since 0.1.0
 */
import type { LoginContext } from "@belfry/oauth-server/Authorizations"
import type { OwnOrganization } from "@belfry/organization/Organizations"
import { html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import { nameIn } from "./authorization.ts"
import type { Page } from "./document.ts"
import { type Listed, pager, roleList } from "./organizationParts.ts"
import { form } from "./parts.ts"

/**
 * Asks as a member of which organization a client shall have access.
 *
 * @category views
 * @since 0.1.0
 */
export const authorizeOrganizationPage = (
  words: Catalogue,
  paths: Paths,
  view: { readonly flow: LoginContext; readonly list: Listed<OwnOrganization> },
): Page => {
  const { flow, list } = view
  const text = words.authorizeOrganization
  return {
    title: text.title,
    main: html`<h1>${text.title}</h1>
      <p>${text.text(nameIn(words, flow))}</p>
      <ul class="choices">
        ${list.items.map(
          ({ organization, membership }) =>
            html`<li>
              ${form(
                paths.authorizeOrganization,
                html`<button class="main plain">${text.use(organization.name)}</button>`,
                {
                  request: flow.id,
                  organization: organization.id,
                },
              )}
              <p class="quiet">${roleList(words, membership.roles)}</p>
            </li>`,
        )}
      </ul>
      ${pager(words, paths.authorizeOrganization, list)}`,
  }
}
