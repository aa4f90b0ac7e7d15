/**
 * A person with a browser of their own: opens pages, fills in forms, presses buttons, reads what is there.
 *
 * Whatever goes wrong behind their back is noted: errors in the console (among them all that the
 * Content-Security-Policy blocks), requests to another origin, files that are answered with an error.
 */
import { assert } from "@effect/vitest"
import type { Browser, BrowserContext, BrowserContextOptions, Page, Response } from "playwright-core"
import type { ServedSite } from "./ServedSite.ts"

/** The password of everybody who signs up in a test. */
export const password = "correct horse battery staple"

/** One for all systems: it names the device in the list of sessions. */
const userAgent =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"

/** A person with a browser. */
export class Visitor {
  readonly page: Page
  readonly site: ServedSite
  /** What went wrong behind the person's back. */
  readonly faults: Array<string> = []
  /** Methods and paths of the site's documents that were asked for, in their order. */
  readonly documents: Array<string> = []
  private readonly context: BrowserContext
  /** Other sites that the person goes to; what goes wrong there is not ours. */
  private readonly elsewhere = new Set<string>()

  private constructor(context: BrowserContext, page: Page, site: ServedSite) {
    this.context = context
    this.page = page
    this.site = site
    page.on("console", (message) => {
      // Chromium reports the status of a page, say of a form that was refused, as an error of the console.
      const isStatus = message.text().startsWith("Failed to load resource: the server responded with a status of")
      const origin = originOf(message.location().url)
      // A test's own server goes with the test's scope, which may be before the browser has a page's last file.
      const isGone = origin === site.origin && site.isStopping()
      const isOurs = !this.elsewhere.has(origin) && !isGone
      if (["error", "warning"].includes(message.type()) && !isStatus && isOurs) this.faults.push(message.text())
    })
    page.on("pageerror", (error) => this.faults.push(String(error)))
    context.on("request", (request) => {
      const url = new URL(request.url())
      const isOurs = url.origin === site.origin
      // A page elsewhere may load what it likes.
      const isElsewhere = () => this.elsewhere.has(url.origin) || this.elsewhere.has(originOf(request.frame().url()))
      if (!isOurs && !isElsewhere()) this.faults.push(`request to ${url.origin}`)
      if (isOurs && request.isNavigationRequest()) this.documents.push(`${request.method()} ${url.pathname}`)
    })
    context.on("response", (response) => {
      const isFile = !response.request().isNavigationRequest()
      const isOurs = originOf(response.url()) === site.origin
      if (isFile && isOurs && !response.ok()) this.faults.push(`${response.status()} for ${response.url()}`)
    })
  }

  static async open(browser: Browser, site: ServedSite, options: BrowserContextOptions): Promise<Visitor> {
    const context = await browser.newContext({ baseURL: site.origin, userAgent, ...options })
    context.setDefaultTimeout(15_000)
    return new Visitor(context, await context.newPage(), site)
  }

  /** Lets the person go to another site, and nowhere else: what its pages load from third ones is empty. */
  async mayVisit(origin: string): Promise<void> {
    this.elsewhere.add(origin)
    const isThird = (url: URL) => url.origin !== this.site.origin && !this.elsewhere.has(url.origin)
    await this.context.route(isThird, (route) => route.fulfill({ status: 200, contentType: "text/css", body: "" }))
  }

  /** Opens a path of the site, or a link; gives the status of the page that came in the end. */
  go(target: string): Promise<number> {
    return this.arrive(() => this.page.goto(target))
  }

  reload(): Promise<number> {
    return this.arrive(() => this.page.reload())
  }

  back(): Promise<number> {
    return this.arrive(() => this.page.goBack())
  }

  /** Presses a button that sends a form. */
  press(name: string): Promise<number> {
    return this.arrive(() => this.page.getByRole("button", { name, exact: true }).click())
  }

  /** Follows a link. */
  follow(name: string): Promise<number> {
    return this.arrive(() => this.page.getByRole("link", { name, exact: true }).click())
  }

  /** Does what leads to another page, waits for it, and gives its status. */
  async arrive(act: () => Promise<unknown>): Promise<number> {
    const isPage = (response: Response) =>
      response.request().isNavigationRequest() && (response.status() < 300 || response.status() > 399)
    const [response] = await Promise.all([
      this.page.waitForEvent("response", isPage),
      this.page.waitForEvent("load"),
      act(),
    ])
    return response.status()
  }

  /** Types into fields, by their labels. */
  async enter(values: Readonly<Record<string, string>>): Promise<void> {
    for (const [label, value] of Object.entries(values)) {
      await this.page.getByRole("textbox", { name: label, exact: true }).fill(value)
    }
  }

  /** The value of a field. */
  valueOf(label: string): Promise<string> {
    return this.page.getByRole("textbox", { name: label, exact: true }).inputValue()
  }

  /** Whether there is a field of this label. */
  async hasField(label: string): Promise<boolean> {
    return (await this.page.getByRole("textbox", { name: label, exact: true }).count()) > 0
  }

  /** The path of the page's address, with its query. */
  get path(): string {
    const { pathname, search } = new URL(this.page.url())
    return pathname + search
  }

  /** The heading of the page. */
  heading(): Promise<string> {
    return this.page.getByRole("heading", { level: 1 }).innerText()
  }

  /** What the page says was done. */
  notice(): Promise<string> {
    // Other live regions are there before they say anything.
    return this.page.getByRole("status").filter({ hasText: /\S/u }).innerText()
  }

  /** What the page says is wrong, line by line. */
  problems(): Promise<ReadonlyArray<string>> {
    return this.page.getByRole("alert").getByRole("listitem").allInnerTexts()
  }

  /** The text of the page. */
  text(): Promise<string> {
    return this.page.locator("main").innerText()
  }

  /** Ends the browser; fails with the faults that were noted. */
  async close(): Promise<void> {
    await this.context.close()
    assert.deepStrictEqual(this.faults, [], "faults in the browser")
  }
}

// internal

const originOf = (url: string): string => URL.parse(url)?.origin ?? ""
