/**
 * Pages of logging out for a client: the question, and that it is done.
 *
 * @see [OpenID Connect RP-Initiated Logout §2](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout)
 * @since 0.1.0
 */
import type { OAuthClient } from "@belfry/oauth-server/OAuthClient"
import { html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Paths } from "../PageKit.ts"
import { formActionsOf, nameOf } from "./authorization.ts"
import type { Page } from "./document.ts"
import { form, links, submit } from "./parts.ts"

/**
 * Asks whether to log out. `client` is who wants it, if that is known; `request` is sealed.
 *
 * @category views
 * @since 0.1.0
 */
export const endSessionPage = (
  words: Catalogue,
  paths: Paths,
  { client, request }: { readonly client: OAuthClient | null; readonly request: string },
): Page => {
  const text = words.endSession
  return {
    title: text.title,
    // The way may go on to the client.
    formActions: [...new Set(client?.metadata.postLogoutRedirectUris.flatMap(formActionsOf))],
    main: html`<h1>${text.title}</h1>
      <p>${client === null ? text.text : text.byClient(nameOf(client))}</p>
      ${form(paths.confirmSignOut, submit(text.submit), { request })}
      ${links({ href: paths.account, label: text.stay })}`,
  }
}

/**
 * Says that nobody is signed in any more, and nothing else.
 *
 * @category views
 * @since 0.1.0
 */
export const signedOutPage = (words: Catalogue, paths: Paths): Page => ({
  title: words.endSession.done,
  main: html`<h1>${words.endSession.done}</h1>
    <p>${words.endSession.doneText}</p>
    ${links({ href: paths.signIn, label: words.common.signIn })}`,
})
