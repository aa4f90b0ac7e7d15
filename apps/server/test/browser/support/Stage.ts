/**
 * What the tests of one file share: a Chromium and a running server. Where there is no Chromium, a test says so.
 */
import { afterAll, assert, beforeAll, describe, it, onTestFinished } from "@effect/vitest"
import type { Browser, BrowserContextOptions } from "playwright-core"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Chromium from "./Chromium.ts"
import * as ServedSite from "./ServedSite.ts"
import { Visitor } from "./Visitor.ts"

/** The stage of a file's tests. */
export interface Stage {
  /** The server that all tests of the file share. */
  readonly site: ServedSite.ServedSite
  /**
   * A person with a browser of their own, without cookies, in front of the file's server or another one. The browser is
   * closed when the test ends, which fails when it met a fault.
   */
  readonly visitor: (options?: BrowserContextOptions, site?: ServedSite.ServedSite) => Promise<Visitor>
}

/**
 * Describes tests in a browser, in front of a server of this environment, which `program` is as for `ServedSite.start`.
 * Where no browser is found they are one test, which is skipped with the reason, and fails where `CI` is true.
 */
export const inBrowser = (
  name: string,
  tests: (stage: Stage) => void,
  environment: ServedSite.Environment = {},
  program?: string,
): void => {
  describe(name, () => {
    const executable = Chromium.find()
    if (executable === undefined) {
      it("needs a Chromium", (context) => {
        if (process.env["CI"] === "true") throw new Error(Chromium.absence)
        sayOnce(Chromium.absence)
        context.skip(Chromium.absence)
      })
      return
    }

    let browser: Browser | undefined
    let served: ServedSite.ServedSite | undefined
    beforeAll(async () => {
      browser = await Chromium.launch(executable)
      served = await ServedSite.start(environment, program)
    })
    afterAll(async () => {
      await browser?.close()
      assert.deepStrictEqual(await served?.stop(), { code: 0, said: "" })
    })

    const running = <A>(value: A | undefined): A => {
      if (value === undefined) throw new Error("Browser and server run during tests only")
      return value
    }
    tests({
      get site() {
        return running(served)
      },
      visitor: async (options = {}, site = running(served)) => {
        const visitor = await Visitor.open(running(browser), site, options)
        onTestFinished(async ({ task }) => {
          if (task.result?.state === "fail") await keepScreenshot(visitor, task.name)
          await visitor.close()
        })
        return visitor
      },
    })
  })
}

// internal

/** Says something once a run, however many files have reason to. */
const sayOnce = (line: string): void => {
  const directory = process.env["BELFRY_TEST_RUN_DIR"]
  try {
    if (directory !== undefined) Fs.writeFileSync(Path.join(directory, "no-chromium"), line, { flag: "wx" })
  } catch {
    return
  }
  process.stderr.write(`${line}\n`)
}

/** Keeps what a visitor sees, out of the repository, and says where. */
const keepScreenshot = async (visitor: Visitor, testName: string): Promise<void> => {
  const directory = Path.join(Os.tmpdir(), "belfry-screenshots")
  const name = testName.replace(/\W+/gu, "-").slice(0, 80)
  const path = Path.join(directory, `${name}-${process.pid}-${(screenshots += 1)}.png`)
  await visitor.page.screenshot({ path, fullPage: true })
  process.stderr.write(`The page at the end of "${testName}", ${visitor.page.url()}: ${path}\n`)
}

let screenshots = 0
