import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { layerTable, optionTable, render } from "../readme.ts"
import { layers, options, summaryOf } from "../readme/declarations.ts"
import { regions } from "../readme/snippets.ts"

/** A package with one module, for as long as `use` runs. */
const withModule = <A>(text: string, use: (source: string) => A): A => {
  const source = mkdtempSync(join(tmpdir(), "belfry-readme-"))
  try {
    writeFileSync(join(source, "Doors.ts"), text)
    writeFileSync(join(source, "hidden.ts"), text)
    return use(source)
  } finally {
    rmSync(source, { recursive: true })
  }
}

describe("generated parts of a document", () => {
  const parts = { name: () => "new", code: (argument: string) => `of ${argument}` }

  it("are made anew, and the rest stays as it is", () => {
    assert.strictEqual(
      render("a\n<!-- name -->\nold\n<!-- /name -->\nb", parts),
      "a\n<!-- name -->\n\nnew\n\n<!-- /name -->\nb",
    )
  })

  it("may be there several times, each with its argument", () => {
    const text = "<!-- code x -->\n<!-- /code x --> and <!-- code y-z -->\n<!-- /code y-z -->"
    assert.strictEqual(
      render(text, parts),
      "<!-- code x -->\n\nof x\n\n<!-- /code x --> and <!-- code y-z -->\n\nof y-z\n\n<!-- /code y-z -->",
    )
  })

  it("that nothing is known of, or that are not closed, are an error", () => {
    assert.throws(() => render("<!-- other -->\n<!-- /other -->", parts), "other")
    assert.throws(() => render("<!-- name -->\nold", parts), "not closed")
    assert.throws(() => render("<!-- code x -->\n<!-- /code y -->", parts), "not closed")
  })

  it("stay as they are when they are made again", () => {
    const once = render("<!-- name -->\n<!-- /name -->", parts)
    assert.strictEqual(render(once, parts), once)
  })
})

describe("what a package offers", () => {
  it("has the layers of its modules with their first sentences, and nothing internal", () => {
    const text = `/**
 * Layer that opens {@link doors}, or
 * keeps them shut.
 *
 * **Details**
 *
 * More of it.
 */
export const layer = 1
export const layerless = 2
const layerPrivate = 3
/** Closes. */
export const layerClosed: number = 4
`
    assert.deepStrictEqual(withModule(text, layers), [
      { name: "Doors.layer", summary: "Layer that opens `doors`, or keeps them shut." },
      { name: "Doors.layerClosed", summary: "Closes." },
    ])
  })

  it("has the options of its interfaces, groups by their path", () => {
    const text = `/** How doors open. */
export interface DoorSettings {
  /** In seconds: 5. */
  readonly delay: number | undefined
  /** How many. */
  readonly limits: { readonly keys: number; readonly locks: number; /** By door. */ readonly hinges: number }
}
export interface DoorOptions {}
interface HiddenOptions { readonly a: string }
export interface Door { readonly a: string }
`
    assert.deepStrictEqual(withModule(text, options), [
      {
        name: "Doors.DoorSettings",
        about: "How doors open.",
        members: [
          { name: "delay", type: "number", summary: "In seconds: 5." },
          { name: "limits", type: "", summary: "How many." },
          { name: "limits.keys", type: "number", summary: "" },
          { name: "limits.locks", type: "number", summary: "" },
          { name: "limits.hinges", type: "number", summary: "By door." },
        ],
      },
    ])
  })

  it("is told in tables, in which a bar does not end a cell", () => {
    assert.include(layerTable([{ name: "A.layer", summary: "this | that" }]), "| `A.layer` | this \\| that |")
    const table = optionTable([
      { name: "A.Options", about: "All of it.", members: [{ name: "a", type: "1 | 2", summary: "" }] },
    ])
    assert.strictEqual(table, "### A.Options\n\nAll of it.\n\n| option | type |\n| --- | --- |\n| `a` | `1 \\| 2` |")
  })

  it("says nothing where a comment says nothing", () => {
    assert.strictEqual(summaryOf("*\n * @since 0.1.0\n "), "")
  })
})

describe("pieces of code", () => {
  it("are cut from a program without the indentation that they share", () => {
    const program =
      "a\n  // #region one\n  const x = {\n    y,\n  }\n  // #endregion\nb\n// #region two\nz\n// #endregion\n"
    assert.deepStrictEqual(regions(program), [
      ["one", "const x = {\n  y,\n}"],
      ["two", "z"],
    ])
  })
})
