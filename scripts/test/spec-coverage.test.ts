/** What counts as a test of a demand: one under its section whose name is about it, and nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { resolve } from "node:path"
import { cover, testsOf } from "../spec-coverage.ts"
import { leftOut, must, should } from "../spec/requirement.ts"
import { requirements } from "../spec/requirements.ts"

const source = `
import { describe, it } from "vitest"

describe("RFC 1 §1", () => {
  it.effect("MUST do this", () =>
    Effect.gen(function* () {
      const quoted = "it(\\"is no test\\")"
    }),
  )

  describe("inner", () => {
    it("MUST \\"quote\\"", () => {})
  })

  it.effect(
    \`MUST do that, by \${name}\`,
    () => Effect.void,
  )
})

it.live("stands alone", () => Effect.void)

const suites = (name) => {
  withLayer(layer({ grace: true }))(\`RFC 2 §2 (\${name})\`, (it) => {
    it.effect("MUST race", () => Effect.void)
  })

  withLayer(layer())("The rest", (it) => {
    for (const library of libraries) {
      describe("RFC 3 §3", () => {
        it.effect("MUST go on", () => Effect.void)
      })
    }
    it.effect("is of the rest", () => Effect.void)
  })
}

describe("RFC 1 §2", () => {
  for (const some of all) {
    it.prop("MUST hold", [some], () => true)
  }
})
`

describe("testsOf", () => {
  it("finds each test with the titles that it stands under", () => {
    assert.deepStrictEqual(testsOf(source), [
      { sections: ["RFC 1 §1"], name: "MUST do this" },
      { sections: ["RFC 1 §1", "inner"], name: String.raw`MUST \"quote\"` },
      { sections: ["RFC 1 §1"], name: "MUST do that, by ${name}" },
      { sections: [], name: "stands alone" },
      { sections: ["RFC 2 §2"], name: "MUST race" },
      { sections: ["The rest", "RFC 3 §3"], name: "MUST go on" },
      { sections: ["The rest"], name: "is of the rest" },
      { sections: ["RFC 1 §2"], name: "MUST hold" },
    ])
  })

  it("finds none where there is none", () => {
    assert.deepStrictEqual(testsOf(""), [])
    assert.deepStrictEqual(testsOf('const it = "it is"\nitem("x")\n'), [])
  })

  it("counts no test that is skipped, or to be written, by itself or with its suite", () => {
    const skipped =
      'describe("A", () => {\n  it.skip("a", f)\n  it.effect.skip("b", f)\n  it.todo("c")\n  it("d", f)\n})\n'
    assert.deepStrictEqual(
      testsOf(`${skipped}${skipped.replace("describe", "describe.skip")}`).map(({ name }) => name),
      ["d"],
    )
  })

  it("sees a suite end where no test follows at its indentation", () => {
    const uneven = 'withLayer(a)("A", (it) => {\n  describe("B", () => {})\n})\nif (b) {\n    it("c", () => {})\n}\n'
    assert.deepStrictEqual(testsOf(uneven), [{ sections: [], name: "c" }])
  })
})

describe("cover", () => {
  const tests = testsOf(source)
  const stateOf = (...demands: Parameters<typeof cover>[0]) => cover(demands, tests).map(({ state }) => state)

  it("takes a test whose section and name fit, and no other", () => {
    assert.deepStrictEqual(
      stateOf(
        must("RFC 1 §1", "this", /do this/),
        should("RFC 1 §1", "quote", /quote/),
        must("RFC 1 §1", "race", /race/),
        must("RFC 1", "this", /do this/),
        must("RFC 1 §12", "hold", /hold/),
        { section: "RFC 1 §1", level: "MUST", demand: "nothing said of it" },
      ),
      ["tested", "tested", "missing", "missing", "missing", "missing"],
    )
  })

  it("looks under the section alone, however deep it stands", () => {
    assert.deepStrictEqual(
      stateOf(must("RFC 3 §3", "on", /go on/), must("RFC 2 §2", "on", /go on/), must("RFC 4 §4", "on", /go on/)),
      ["tested", "missing", "missing"],
    )
  })

  it("takes for a MUST only a test that says so", () => {
    assert.deepStrictEqual(
      stateOf(must("The rest", "rest", /of the rest/), should("The rest", "rest", /of the rest/)),
      ["missing", "tested"],
    )
  })

  it("counts what is left out apart, with its reason", () => {
    const [row] = cover([leftOut("RFC 1 §1", "later", "Comes later")], tests)
    assert.strictEqual(row?.state, "left out")
    assert.strictEqual(row?.requirement.leftOut, "Comes later")
  })
})

describe("the requirements", () => {
  it("say of each demand either what its tests are about or why it is left out, and say it once", () => {
    for (const { about, demand, leftOut: reason } of requirements) {
      assert.notStrictEqual(about === undefined, reason === undefined, demand)
      assert.isFalse(about?.global ?? false, demand)
    }
    const rows = requirements.map(({ demand, section }) => `${section}: ${demand}`)
    assert.deepStrictEqual(
      rows.filter((row, index) => rows.indexOf(row) !== index),
      [],
    )
  })

  it("stand under sections of specifications", () => {
    const known =
      /^(?:RFC \d+ (?:§[\d.]+|appendix \w)|OAuth 2\.[01] |OpenID |Initiating User|Client ID Metadata|Model Context Protocol )/u
    assert.deepStrictEqual(
      requirements.map(({ section }) => section).filter((section) => !known.test(section)),
      [],
    )
  })
})

describe("the command", () => {
  it("prints what is missing alone, and how many there are", () => {
    const script = resolve(import.meta.dirname, "../spec-coverage.ts")
    const { status, stdout } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" })
    assert.strictEqual(status, 0, stdout)
    assert.match(stdout, /^belfry: \d+ demands, \d+ tested, \d+ left out, 0 missing\n$/u)
  })
})
