/**
 * The frame around every hosted page.
 *
 * @since 0.1.0
 */
import { attributes, html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Theme } from "../../PageTheme.ts"

/**
 * A page before it has its frame.
 *
 * **Details**
 *
 * `hasProblems` says so in the title, which a screen reader speaks first. `holdsToken` tells that the page's own
 * address carries a secret. `needs` names the script that it loads besides that of every page. `words`: of the page,
 * where they are others than the reader's browser asks for. `formActions`: where its forms may lead beside this site,
 * as sources of a content security policy. `isOfFlow` tells that the page itself says for which client it is, and how
 * to turn away.
 *
 * @category models
 * @since 0.1.0
 */
export interface Page {
  readonly title: string
  readonly main: Html
  readonly status?: number
  readonly hasProblems?: boolean
  readonly holdsToken?: boolean
  readonly needs?: "passkeys" | "codes" | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly words?: Catalogue
  readonly formActions?: ReadonlyArray<string>
  readonly isOfFlow?: boolean
}

/**
 * Writes a whole document.
 *
 * @category parts
 * @since 0.1.0
 */
export const document = (
  frame: {
    readonly words: Catalogue
    readonly siteName: string
    readonly logo: Theme["logo"]
    readonly assets: {
      readonly stylesheet: string
      readonly script: string
      readonly passkeys: string
      readonly codes: string
      readonly icon: string
    }
  },
  page: Page,
): Html => {
  const { words, siteName, logo, assets } = frame
  const title = page.hasProblems === true ? words.common.errorTitle(page.title) : page.title
  return html`<!doctype html>
<html${attributes({ lang: words.locale, dir: words.direction })}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} &ndash; ${siteName}</title>
<link rel="stylesheet" href="${assets.stylesheet}">
<link rel="icon" type="image/svg+xml" href="${assets.icon}">
<script src="${assets.script}" defer></script>
${page.needs !== undefined && html`<script src="${assets[page.needs]}" defer></script>`}
</head>
<body>
<header><p class="brand">${
    logo === null ? siteName : html`<img${attributes({ src: logo.src, alt: logo.alt, height: 32 })}>`
  }</p></header>
<main>
${page.main}
</main>
</body>
</html>
`
}
