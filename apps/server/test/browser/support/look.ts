/// <reference lib="dom" />
/**
 * Looks at a page as it stands: with axe, in both colour schemes, on narrow and wide screens, enlarged.
 */
import { assert } from "@effect/vitest"
import type * as Axe from "axe-core"
import type { Page } from "playwright-core"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import type { Visitor } from "./Visitor.ts"

/**
 * Examines the page that a visitor sees, whatever led to it; fails with all that is wrong with it.
 *
 * Narrow is 320 CSS pixels, wide 1280, and 640 what is left of the wide screen at 200 % zoom. Enlarged text is twice as
 * large on the same screen.
 */
export const examine = async ({ page }: Visitor, heading: string): Promise<void> => {
  assert.strictEqual(await page.getByRole("heading", { level: 1 }).innerText(), heading)
  const faults: Array<string> = []
  const look = async (name: string, width: number, check: (page: Page) => Promise<ReadonlyArray<string>>) => {
    await page.setViewportSize({ width, height: 800 })
    faults.push(...(await check(page)).map((fault) => `${name}, ${width} px: ${fault}`))
  }
  await page.evaluate(axe)
  for (const [colorScheme, width] of [
    ["light", 1280],
    ["dark", 320],
  ] as const) {
    await page.emulateMedia({ colorScheme })
    await look(colorScheme, width, violations)
    await look(colorScheme, width, overflows)
  }
  await look("zoomed to 200 %", 640, overflows)
  await page.evaluate(() => (document.documentElement.style.fontSize = "200%"))
  for (const width of [1280, 320]) await look("text at 200 %", width, overflows)
  await page.evaluate(() => (document.documentElement.style.fontSize = ""))
  await page.setViewportSize({ width: 1280, height: 720 })
  await page.emulateMedia({ colorScheme: null })
  if (faults.length > 0) assert.fail([`${heading} (${page.url()})`, ...faults].join("\n"))
}

/** The element that has the focus: its name for people, and whether its focus can be seen. */
export const focused = (page: Page): Promise<{ readonly name: string; readonly isVisible: boolean }> =>
  page.evaluate(() => {
    const element = document.activeElement
    if (!(element instanceof HTMLElement)) return { name: "", isVisible: false }
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element)
    const { top, bottom } = element.getBoundingClientRect()
    const label = element instanceof HTMLInputElement ? element.labels?.[0]?.innerText : undefined
    return {
      name: label ?? element.getAttribute("aria-label") ?? element.innerText,
      isVisible:
        outlineStyle === "solid" &&
        Number.parseFloat(outlineWidth) >= 2 &&
        outlineColor !== getComputedStyle(document.documentElement).backgroundColor &&
        top >= 0 &&
        bottom <= window.innerHeight,
    }
  })

/** What a page weighs in bytes for somebody who was never here, with headers and all files. */
export const weigh = async (visitor: Visitor, path: string): Promise<number> => {
  const sizes: Array<Promise<number>> = []
  visitor.page.on("requestfinished", (request) => {
    sizes.push(
      request.sizes().then(({ responseHeadersSize, responseBodySize }) => responseHeadersSize + responseBodySize),
    )
  })
  await visitor.arrive(() => visitor.page.goto(path, { waitUntil: "networkidle" }))
  assert.isAtLeast(sizes.length, 3)
  // Chromium without a window does not ask for the icon.
  const icon = await visitor.page.locator("link[rel=icon]").getAttribute("href")
  sizes.push(visitor.page.request.get(icon ?? "").then(async (response) => (await response.body()).length))
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

// internal

/** What axe finds wrong, by all its rules that are no experiments, the size of targets included. */
const violations = async (page: Page): Promise<ReadonlyArray<string>> =>
  page.evaluate(async () => {
    const found = await window.axe.run(document, { rules: { "target-size": { enabled: true } } })
    return found.violations.map(({ id, nodes }) => `${id} at ${nodes.map(({ target }) => target.join(" ")).join(", ")}`)
  })

/** What is wider than the screen, or cut off, or too narrow. */
const overflows = async (page: Page): Promise<ReadonlyArray<string>> =>
  page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement
    const beyond = [...document.body.querySelectorAll("*")].filter((element) => {
      const { left, right, width } = element.getBoundingClientRect()
      return width > 0 && (left < 0 || right > clientWidth + 0.5)
    })
    const cut = [...document.querySelectorAll<HTMLElement>("button, .button")].filter(
      (element) => element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight,
    )
    const narrow = [
      ...document.querySelectorAll<HTMLInputElement>(
        "input:not([type=hidden], [type=checkbox], [type=radio], [hidden])",
      ),
    ].filter((element) => element.clientWidth < 100)
    return [
      ...(scrollWidth > clientWidth ? [`scrolls to ${scrollWidth} px`] : []),
      ...beyond.map((element) => `${element.tagName} ${element.className} is beyond the edge`),
      ...narrow.map(({ name }) => `the field ${name} is too narrow to type in`),
      ...cut.map((element) => `"${element.innerText}" is cut off`),
    ]
  })

declare global {
  interface Window {
    readonly axe: typeof Axe
  }
}

const axe = Fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
