/** A demand of a specification, and how to tell the tests that are about it. */

/** One demand. `section` is the title of a `describe`; `about` tells its tests from others of the section. */
export interface Requirement {
  readonly section: string
  readonly level: "MUST" | "SHOULD"
  readonly demand: string
  readonly about?: RegExp
  /** Why it is not met here. */
  readonly leftOut?: string
}

/** A demand that is tested by tests whose name `about` finds. */
export const must = (section: string, demand: string, about: RegExp): Requirement => ({
  section,
  level: "MUST",
  demand,
  about,
})

/** What is recommended, and tested like a demand. */
export const should = (section: string, demand: string, about: RegExp): Requirement => ({
  section,
  level: "SHOULD",
  demand,
  about,
})

/** A demand that is not met here, with the reason. */
export const leftOut = (
  section: string,
  demand: string,
  reason: string,
  level: Requirement["level"] = "MUST",
): Requirement => ({ section, level, demand, leftOut: reason })
