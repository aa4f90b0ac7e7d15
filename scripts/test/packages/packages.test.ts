/** What is published works where this repository is not: for compilers, two releases of Node, and bundlers. */
import { serverModules } from "@belfry/testing/ServerModules"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { packageFolders } from "../../build.ts"
import { bundlers } from "./bundlers.ts"
import {
  copiesOf,
  copyStranger,
  fixture,
  install,
  pack,
  type Packed,
  publintOf,
  repository,
  run,
  wrongTypesOf,
} from "./support.ts"

// The oldest release that the packages are published for, and the repository's own.
const oldest = "22.19.0"

const root = mkdtempSync(join(tmpdir(), "belfry-packages-"))
const stranger = join(root, "stranger")
const nodes: Readonly<Record<string, string>> = {
  [`Node ${oldest}`]: join(root, "node/node_modules/node/bin/node"),
  [`Node ${process.versions.node}`]: process.execPath,
}

let packages: ReadonlyArray<Packed> = []

const { devDependencies: pinned }: { readonly devDependencies: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(repository, "package.json"), "utf8"),
)
const compiler = join(repository, "node_modules/typescript/bin/tsc")

const prepareStranger = async () => {
  packages = await pack(join(root, "tarballs"))
  const hosts = ["effect", "@effect/platform-node", "@effect/vitest", "vitest", "@types/node"]
  await install(
    stranger,
    {
      ...Object.fromEntries(packages.map(({ name, tarball }) => [name, `file:${tarball}`])),
      ...Object.fromEntries(hosts.map((name) => [name, pinned[name] ?? ""])),
    },
    // They are for PostgreSQL's binaries, which nothing here starts.
    "--ignore-scripts",
  )
  copyStranger(stranger)
}

beforeAll(() => Promise.all([prepareStranger(), install(join(root, "node"), { node: oldest })]), 600_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe("A package as it is published", () => {
  it("is there for every folder of packages, with nothing but modules, types, maps, data, licence and README", () => {
    assert.deepStrictEqual(
      packages.map(({ name }) => name).sort(),
      packageFolders(repository)
        .map((folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).name)
        .sort(),
    )
    for (const { name, files } of packages) {
      const others = files.filter(
        (path) => !/^(?:.+\.(?:js|js\.map|d\.ts)|package\.json|LICENSE|README\.md)$/.test(path),
      )
      assert.deepStrictEqual(others, [], name)
      assert.includeMembers([...files], ["index.js", "index.d.ts", "LICENSE", "README.md", "package.json"], name)
    }
  })

  it("shares the host's effect, and its vitest where it is about tests, and says on which Node it runs", () => {
    for (const { name, manifest } of packages) {
      const { dependencies = {}, peerDependencies = {}, engines, scripts, devDependencies } = manifest
      for (const shared of ["effect", "vitest", "@effect/vitest", "@effect/platform-node"]) {
        assert.notProperty(dependencies, shared, name)
      }
      assert.property(peerDependencies, "effect", name)
      assert.deepStrictEqual([engines, scripts, devDependencies], [{ node: ">=22.19" }, undefined, undefined], name)
    }
    for (const name of ["effect", "vitest", "@effect/vitest", "@effect/platform-node", "@belfry/core"]) {
      assert.deepStrictEqual(copiesOf(stranger, name), [`${name}/package.json`])
    }
  })

  it("has exports of which publint has nothing to say, not as much as a suggestion", async () => {
    assert.deepStrictEqual((await Promise.all(packages.map(publintOf))).flat(), [])
  })

  it("has types that agree with what runs, in every module", async () => {
    const wrong: Array<string> = []
    for (const one of packages) wrong.push(...(await wrongTypesOf(one)))
    assert.deepStrictEqual(wrong, [])
  })
})

describe("The stranger's program", () => {
  it("is at most 40 lines, which name packages alone", () => {
    const program = readFileSync(join(repository, fixture, "main.ts"), "utf8")
    assert.isAtMost(program.trimEnd().split("\n").length, 40)
    for (const [, from = ""] of program.matchAll(/from "(?<from>[^"]+)"/gu)) {
      assert.match(from, /^(?:@belfry\/[a-z-]+|effect(?:\/[a-z-]+)?|@effect\/platform-node)$/)
    }
  })

  it.for(["nodenext", "bundler"])(
    "compiles, the declarations of all libraries checked too, as %s resolves; a service that is forgotten is named",
    async (moduleResolution) => {
      const forgetful = readFileSync(join(stranger, "main.ts"), "utf8").replace("RateLimits.layerMemory", "Layer.empty")
      writeFileSync(join(stranger, "forgetful.ts"), forgetful)
      const project = join(stranger, `tsconfig.${moduleResolution}.json`)
      writeFileSync(project, JSON.stringify(compilation(moduleResolution)))
      const command = [process.execPath, compiler, "--pretty", "false", "-p", project] as const
      const complaints = await run(stranger, command).catch(String)
      const places = [...complaints.matchAll(/^(?<file>\S+)\(\d+,\d+\): error/gmu)].map(([, file]) => file)
      assert.deepStrictEqual([...new Set(places)], ["forgetful.ts"], complaints)
      assert.match(complaints, /'RateLimits' is not assignable to type 'never'/u)
    },
  )

  it.for(Object.keys(nodes))(
    "signs a person up and calls its own endpoint by the derived client, on %s",
    async (name) => {
      const said = await run(stranger, [nodes[name] ?? "", "main.ts"])
      assert.strictEqual(said.trim().split("\n").at(-1), "SessionInvalid Hello ada@example.com!")
    },
  )
})

describe("What is installed beside it", () => {
  it.for(Object.keys(nodes))("loads, module for module, on %s", async (name) => {
    const modules = packages
      .flatMap(({ files }) => files)
      .filter((path) => /^(?!internal\/).*(?<!Program)\.js$/.test(path))
    const said = await run(stranger, [nodes[name] ?? "", "everyModule.mjs"])
    assert.strictEqual(said.trim(), `${modules.length} modules of ${packages.length} packages`)
  })

  it.for(Object.keys(nodes))(
    "serves as the whole server, and says what it lacks where it cannot, on %s",
    async (name) => {
      const env = { BELFRY_PORT: "0", BELFRY_DATA_DIR: join(root, `data ${name}`), BELFRY_LOG_LEVEL: "None" }
      const said = await run(stranger, [nodes[name] ?? "", "server.ts"], env).catch(String)
      // Node 22 has no Argon2id, without which nobody could sign up by password.
      if (name === `Node ${oldest}`) assert.include(said, "this runtime has no Argon2id")
      else assert.strictEqual(said.trim(), "200 ready")
    },
  )

  it("tests an adapter with the host's vitest", async () => {
    const vitest = ["node_modules/vitest/vitest.mjs", "run", "--reporter=json", "--outputFile=report.json"]
    await run(stranger, [process.execPath, ...vitest, "store.test.ts"])
    const { success, numPassedTests } = JSON.parse(readFileSync(join(stranger, "report.json"), "utf8"))
    assert.isTrue(success)
    assert.isAbove(numPassedTests, 10)
  })

  it.for(["esbuild", "rolldown"] as const)(
    "gives a client to browsers without a server's module, by %s",
    async (name) => {
      const { modules, warnings } = await bundlers[name]("@belfry/client", stranger)
      const foreign = modules.filter((path) => !/node_modules\/(?:@belfry\/[a-z-]+|effect)\//u.test(path))
      assert.deepStrictEqual([serverModules(modules), foreign, warnings], [[], [], []])
      assert.isTrue(modules.some((path) => path.endsWith("node_modules/@belfry/client/BelfryClient.js")))
      const server = await bundlers[name]("@belfry/core/SessionsHandlers", stranger)
      assert.include(serverModules(server.modules).join(" "), "node_modules/@belfry/core/SessionsHandlers.js")
    },
  )
})

const compilation = (moduleResolution: string) => ({
  compilerOptions: {
    module: moduleResolution === "bundler" ? "esnext" : moduleResolution,
    moduleResolution,
    target: "es2024",
    lib: ["es2024", "dom"],
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  },
  include: ["*.ts"],
})
