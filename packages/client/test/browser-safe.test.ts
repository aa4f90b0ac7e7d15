import { serverModules } from "@belfry/testing/ServerModules"
import { assert, describe, it } from "@effect/vitest"
import { build } from "esbuild"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"

/** Bundles a module for browsers as an application would, and tells what is in it. */
const bundle = async (specifier: string) => {
  const result = await build({
    stdin: {
      contents: `export * from ${JSON.stringify(specifier)}`,
      resolveDir: fileURLToPath(new URL("..", import.meta.url)),
    },
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    platform: "browser",
    format: "esm",
    // Left as imports, so that they show in the metafile instead of failing the build.
    external: ["node:*", "pg", "nodemailer"],
    logLevel: "silent",
  })
  return {
    modules: Object.keys(result.metafile.inputs),
    imports: Object.values(result.metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path)),
    bytes: result.outputFiles[0]?.contents ?? new Uint8Array(),
    warnings: result.warnings,
  }
}

describe("@belfry/client in a browser", () => {
  it("holds contracts, models and the client, and nothing that a server is made of", async () => {
    const { modules, imports, warnings } = await bundle("@belfry/client")
    assert.deepStrictEqual(serverModules(modules), [])
    assert.deepStrictEqual(imports, [], "nothing is left to import, no node: module either")
    assert.deepStrictEqual(warnings, [])
    for (const module of ["client/src/BelfryClient.ts", "core/src/SessionsApi.ts", "factors/src/PasswordsApi.ts"]) {
      assert.isTrue(
        modules.some((path) => path.endsWith(`packages/${module}`)),
        module,
      )
    }
  })

  // Contracts and models beside Effect itself: those of the authorization server are 5.7 kB of it,
  // and those of billing the latest.
  it("has at most 91 kB, compressed", async () => {
    const { bytes } = await bundle("@belfry/client")
    assert.isBelow(gzipSync(bytes).length, 91_000)
  })

  it("would be seen to hold more: handlers and stores are found where they are", async () => {
    const handlers = await bundle("@belfry/core/SessionsHandlers")
    assert.include(serverModules(handlers.modules).join(" "), "SessionsHandlers.ts")
    const stores = await bundle("@belfry/core/SqlSessionStore")
    assert.include(serverModules(stores.modules).join(" "), "/sql/")
    const mailer = await bundle("@belfry/core/DevelopmentMailer")
    assert.isNotEmpty([...mailer.imports, ...serverModules(mailer.modules)])
  })
})
