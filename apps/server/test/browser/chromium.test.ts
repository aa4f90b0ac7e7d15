/**
 * Which Chromium the browser tests take. Needs none.
 */
import { assert, describe, it } from "@effect/vitest"
import { absence, find, places } from "./support/Chromium.ts"

describe("the Chromium of the machine", () => {
  const onMachine =
    (...files: ReadonlyArray<string>) =>
    (file: string) =>
      files.includes(file)
  const [debian, mac] = places.files

  it("is the one that the setting names, then one on the PATH, then one where systems keep it", () => {
    const PATH = "/opt/bin:/usr/local/bin"
    const all = ["/my/chromium", "/usr/local/bin/google-chrome", mac]
    assert.strictEqual(find({ PATH, BELFRY_CHROMIUM: "/my/chromium" }, onMachine(...all)), "/my/chromium")
    assert.strictEqual(find({ PATH, BELFRY_CHROMIUM: "" }, onMachine(...all)), "/usr/local/bin/google-chrome")
    assert.strictEqual(find({ PATH }, onMachine(mac)), mac)
    assert.strictEqual(find({}, onMachine(mac, debian)), debian)
    assert.isUndefined(find({ PATH }, onMachine()))
  })

  it("is not replaced by another when the setting names a file that is not there", () => {
    assert.throws(() => find({ BELFRY_CHROMIUM: "/my/chromium" }, onMachine(debian)), /\/my\/chromium/u)
  })

  it("is asked for by every name under which it was looked for, and by how to install it", () => {
    for (const name of [places.setting, ...places.programs, ...places.files, "apt-get install chromium"]) {
      assert.include(absence, name)
    }
    assert.notInclude(absence, "\n")
  })
})
