/**
 * A readable name for the device of a session, from what its browser says of itself.
 *
 * @since 0.1.0
 */
import type { Session } from "@belfry/core/Session"
import type { Catalogue } from "../PageCatalogues.ts"

/**
 * The session's label, or the browser and the system: `Firefox on Linux`.
 *
 * **Details**
 *
 * The text is what a client claims and proves nothing.
 *
 * @category formatting
 * @since 0.1.0
 */
export const deviceName = (session: Pick<Session, "label" | "userAgent">, words: Catalogue): string => {
  if (session.label !== null) return session.label
  const agent = session.userAgent ?? ""
  const browser = match(browsers, agent)
  const system = match(systems, agent)
  if (browser !== undefined && system !== undefined) return words.devices.on(browser, system)
  // A program names itself first: `curl/8.5.0`.
  const program = /^(?!Mozilla)[\w .-]{1,40}(?=\/|$)/u.exec(agent)?.[0]
  return browser ?? system ?? program ?? words.devices.unknown
}

// internal

const match = (known: ReadonlyArray<readonly [pattern: RegExp, name: string]>, agent: string) =>
  known.find(([pattern]) => pattern.test(agent))?.[1]

// In this order: most browsers also name those that they descend from.
const browsers = [
  [/\b(?:Edg|EdgA|EdgiOS)\//u, "Edge"],
  [/\b(?:OPR|OPT|Opera)\//u, "Opera"],
  [/\bSamsungBrowser\//u, "Samsung Internet"],
  [/\bVivaldi\//u, "Vivaldi"],
  [/\b(?:Firefox|FxiOS)\//u, "Firefox"],
  [/\bHeadlessChrome\//u, "Chrome"],
  [/\b(?:Chrome|CriOS|Chromium)\//u, "Chrome"],
  [/\bVersion\/[\d.]+ .*Safari\//u, "Safari"],
] as const

const systems = [
  [/\biPhone\b/u, "iPhone"],
  [/\biPad\b/u, "iPad"],
  [/\bAndroid\b/u, "Android"],
  [/\bCrOS\b/u, "ChromeOS"],
  [/\bWindows\b/u, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/u, "Mac"],
  [/\bLinux\b/u, "Linux"],
] as const
