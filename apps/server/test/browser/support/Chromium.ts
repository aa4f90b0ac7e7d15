/**
 * Finds the Chromium of the machine and starts it. The tests download none.
 */
import { type Browser, chromium } from "playwright-core"
import * as Fs from "node:fs"
import * as Path from "node:path"

/** Where a Chromium is looked for: the setting, then programs on the `PATH`, then where macOS keeps them. */
export const places = {
  setting: "BELFRY_CHROMIUM",
  programs: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  files: [
    "/usr/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ],
} as const

/** What is said where none is found. */
export const absence = `No Chromium: looked for $${places.setting}, ${places.programs.join(", ")} on the PATH, ${places.files.join(", ")}. Install one (Debian: apt-get install chromium; macOS: brew install --cask chromium) or name it in ${places.setting}.`

/** The path of the program, or none. Throws where `BELFRY_CHROMIUM` names a file that is not there. */
export const find = (
  environment: Readonly<Record<string, string | undefined>> = process.env,
  exists: (file: string) => boolean = Fs.existsSync,
): string | undefined => {
  const given = environment[places.setting]
  if (given !== undefined && given !== "") {
    if (exists(given)) return given
    throw new Error(`There is no ${given}, which ${places.setting} names`)
  }
  const directories = (environment["PATH"] ?? "").split(Path.delimiter).filter((directory) => directory !== "")
  return [
    ...places.programs.flatMap((program) => directories.map((directory) => Path.join(directory, program))),
    ...places.files,
  ].find((file) => exists(file))
}

/** Starts the program with a new, empty user data directory, and nothing that calls home. */
export const launch = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      // Chromium refuses to sandbox itself when it runs as root, as in containers.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  })
