/**
 * The image and the composition of `apps/server`, as far as they can be judged without a container engine: what they
 * name is there, they agree with one another, and what the image copies runs.
 */
import { settings } from "@belfry/server/Settings"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Yaml from "effect/encoding/Yaml"
import * as Schema from "effect/Schema"
import { spawn, spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join, matchesGlob, resolve } from "node:path"
import { bundle } from "../build.ts"

const repository = resolve(import.meta.dirname, "../..")
const read = (path: string) => readFileSync(join(repository, path), "utf8")

const Environment = Schema.Record(Schema.String, Schema.NullOr(Schema.String))
const Service = Schema.Struct({
  image: Schema.String,
  build: Schema.optionalKey(Schema.Struct({ context: Schema.String, dockerfile: Schema.String })),
  depends_on: Schema.optionalKey(Schema.Record(Schema.String, Schema.Struct({ condition: Schema.String }))),
  ports: Schema.optionalKey(Schema.Array(Schema.String)),
  environment: Schema.optionalKey(Environment),
  volumes: Schema.optionalKey(Schema.Array(Schema.String)),
  healthcheck: Schema.optionalKey(Schema.Struct({ test: Schema.Array(Schema.String) })),
})
const Composition = Schema.Struct({
  services: Schema.Struct({ belfry: Service, postgres: Service, redis: Service }),
  volumes: Schema.Record(Schema.String, Schema.Null),
})

/** The instructions of a Dockerfile, without comments, each in one line. */
const instructions = read("apps/server/Dockerfile")
  .replaceAll(/^#.*\n/gmu, "")
  .replaceAll(/\\\n\s*/gu, "")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => {
    const [, name = "", rest = ""] = /^(?<name>[A-Z]+) (?<rest>.+)$/u.exec(line) ?? []
    return { name, rest }
  })
const last = instructions.findLastIndex(({ name }) => name === "FROM")
const runtime = instructions.slice(last)
const all = (wanted: string) => runtime.filter(({ name }) => name === wanted).map(({ rest }) => rest)
const one = (wanted: string) => {
  const found = all(wanted)
  assert.lengthOf(found, 1, wanted)
  return found[0] ?? ""
}
const imageEnvironment = Object.fromEntries(
  all("ENV").map((rest): [string, string] => [rest.slice(0, rest.indexOf("=")), rest.slice(rest.indexOf("=") + 1)]),
)
/** What the last stage takes from the one before: from where, below the root of the repository, to where. */
const copied = all("COPY").map((rest) => {
  const [, from = "", to = ""] = /^--from=build \/belfry\/(?<from>\S+) \.\/(?<to>\S*)$/u.exec(rest) ?? []
  return { from, to }
})

const composition = Schema.decodeUnknownSync(Composition)(Yaml.parse(read("apps/server/compose.yaml")))
const { belfry, postgres, redis } = composition.services

describe("The image", () => {
  let root: string
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "belfry-image-"))
    await bundle(join(repository, "apps/server/src/main.ts"), join(root, "apps/server/dist"))
    for (const { from, to } of copied) {
      const path = [root, repository].map((folder) => join(folder, from)).find((path) => existsSync(path)) ?? from
      cpSync(path, join(root, "opt", to === "" ? basename(from) : to), { recursive: true })
    }
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  it("begins with the Node of the repository, in a version that stays what it is", () => {
    const { devDependencies } = JSON.parse(read("package.json"))
    const bases = instructions.filter(({ name }) => name === "FROM").map(({ rest }) => rest.replace(/ AS \w+$/u, ""))
    assert.deepStrictEqual(bases, Array(2).fill(`node:${devDependencies.node}-trixie-slim`))
  })

  it("takes nothing along to the build that is not in the repository, and no secret", () => {
    const patterns = read("apps/server/Dockerfile.dockerignore").split("\n")
    const left = (path: string) => patterns.some((pattern) => pattern !== "" && matchesGlob(path, pattern))
    for (const path of [
      ".git",
      "node_modules",
      "packages/core/dist",
      "apps/server/.env",
      ".belfry",
      "packages/a.log",
    ]) {
      assert.isTrue(left(path), path)
    }
    for (const path of ["package-lock.json", "scripts/build.ts", "packages/core/src", "LICENSE"]) {
      assert.isFalse(left(path), path)
      assert.isTrue(existsSync(join(repository, path)), path)
    }
  })

  it("is served by somebody who is not root, and keeps its data in a volume of theirs", () => {
    assert.match(one("USER"), /^[1-9]\d*:[1-9]\d*$/u)
    assert.strictEqual(one("VOLUME"), imageEnvironment["BELFRY_DATA_DIR"])
    assert.include(all("RUN")[0], `chown ${one("USER")} ${one("VOLUME")}`)
  })

  it("was served once while it was built: what was compiled then is there, and nothing else is left of it", () => {
    const [making = "", serving = "", ...others] = all("RUN")
    assert.deepStrictEqual(others, [])
    const order = runtime.map(({ name }) => name)
    assert.isAbove(order.lastIndexOf("RUN"), order.indexOf("USER"))
    assert.include(making, "compile-cache && chown")
    const [folder, temporary] = [join(root, "opt"), join(root, "tmp")]
    mkdirSync(temporary)
    const { status, stdout } = spawnSync("sh", ["-c", serving], {
      cwd: folder,
      env: {
        ...imageEnvironment,
        PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
        TMPDIR: temporary,
      },
      encoding: "utf8",
    })
    assert.strictEqual(status, 0)
    assert.include(stdout, "Belfry listens on")
    assert.isNotEmpty(readdirSync(join(folder, "compile-cache")))
    assert.deepStrictEqual(readdirSync(temporary), [])
  }, 60_000)

  it("sets what the server reads, in production, and no secret", () => {
    assert.strictEqual(imageEnvironment["NODE_ENV"], "production")
    for (const name of Object.keys(imageEnvironment)) {
      assert.include(
        settings.map((setting) => setting.name),
        name,
      )
      assert.notMatch(name, /SECRET|PASSWORD|TOKEN|KEY|URL/u)
    }
    assert.deepStrictEqual(
      instructions.filter(({ name }) => name === "ARG"),
      [],
    )
  })

  it("runs from what it copies alone, is healthy by its own check, refuses what is unsafe, and stops", async () => {
    const [node = "", ...entry]: ReadonlyArray<string> = JSON.parse(one("ENTRYPOINT"))
    const command: ReadonlyArray<string> = JSON.parse(one("CMD"))
    const check: ReadonlyArray<string> = JSON.parse(one("HEALTHCHECK").replace(/^.*? CMD /u, ""))
    assert.deepStrictEqual([node, check[0]], ["node", "node"])
    const place = { cwd: join(root, "opt"), encoding: "utf8", timeout: 60_000 } as const
    const environment = {
      PATH: process.env["PATH"],
      ...imageEnvironment,
      BELFRY_PORT: "0",
      BELFRY_DATA_DIR: join(root, "data"),
    }
    const refusal = spawnSync(process.execPath, [...entry, ...command], { ...place, env: environment })
    assert.strictEqual(refusal.status, 1)
    assert.match(refusal.stderr, /^belfry: BELFRY_\w+ is unsafe in production/u)

    const safe = {
      ...environment,
      BELFRY_SECRETS: `1:${randomBytes(32).toString("hex")}`,
      BELFRY_BASE_URL: "https://id.example.com",
      BELFRY_SMTP_URL: "smtps://mail.example.com:465",
      BELFRY_MAIL_FROM: "Belfry <belfry@example.com>",
    }
    // Node's HTTP client takes 17 MB, which a server that asks nobody needs not.
    const confess = `process.once("exit", () => console.log("HTTP clients:",
      process.moduleLoadList.filter((name) => name.endsWith("deps/undici/undici")).length))`
    const server = spawn(process.execPath, [...entry, ...command], {
      ...place,
      env: { ...safe, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(confess)}` },
      stdio: ["ignore", "pipe", "inherit"],
    })
    let said = ""
    const ended = once(server, "close")
    try {
      const port = await new Promise<string>((found, gone) => {
        server.stdout.on("data", (text: Buffer) => {
          said += text.toString()
          const [, port] = /listens on 0\.0\.0\.0:(?<port>\d+)/u.exec(said) ?? []
          if (port !== undefined) found(port)
        })
        server.once("exit", (code) => gone(new Error(`The server ended with ${code}: ${said}`)))
      })
      const healthy = (at: string) =>
        spawnSync(process.execPath, check.slice(1), { ...place, env: { ...safe, BELFRY_PORT: at } }).status
      // Port 9 is discard's, which nobody answers on.
      assert.deepStrictEqual([healthy(port), healthy("9")], [0, 1])
    } finally {
      server.kill("SIGTERM")
    }
    assert.deepStrictEqual(await ended, [0, null])
    assert.include(said, "HTTP clients: 0")
  }, 120_000)
})

describe("The composition", () => {
  it("builds the image from its file, in the root of the repository", () => {
    const context = resolve(repository, "apps/server", belfry.build?.context ?? "")
    assert.strictEqual(context, repository)
    assert.isTrue(existsSync(join(context, belfry.build?.dockerfile ?? "missing")))
  })

  it("names versions that stay what they are", () => {
    for (const { image } of [postgres, redis]) assert.match(image, /^[a-z]+:\d+\.\d+(?:\.\d+)?-[a-z]+$/u)
  })

  it("agrees with the image about port and data, and with itself about volumes", () => {
    const port = imageEnvironment["BELFRY_PORT"]
    assert.strictEqual(one("EXPOSE"), port)
    assert.deepStrictEqual(belfry.ports, [`127.0.0.1:${port}:${port}`])
    assert.include([...(belfry.volumes ?? [])], `belfry:${one("VOLUME")}`)
    const named = [belfry, postgres, redis].flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(":")[0]))
    assert.sameMembers(named, Object.keys(composition.volumes))
  })

  it("sets what the server reads, and every secret is asked for where it is started", () => {
    const known = new Set(settings.map((setting) => setting.name))
    assert.deepStrictEqual(
      Object.keys(belfry.environment ?? {}).filter((name) => !known.has(name)),
      [],
    )
    // What production refuses to start without.
    for (const name of ["BELFRY_SECRETS", "BELFRY_BASE_URL", "BELFRY_SMTP_URL", "BELFRY_MAIL_FROM"]) {
      assert.match(belfry.environment?.[name] ?? "", new RegExp(`^\\$\\{${name}:\\?[^}]+\\}$`, "u"))
    }
    const password = /\$\{POSTGRES_PASSWORD:\?[^}]+\}/u
    assert.match(postgres.environment?.["POSTGRES_PASSWORD"] ?? "", password)
    const url = new URL((belfry.environment?.["DATABASE_URL"] ?? "").replace(password, "x"))
    assert.deepStrictEqual(
      [url.hostname, url.username, url.pathname.slice(1)],
      ["postgres", postgres.environment?.["POSTGRES_USER"], postgres.environment?.["POSTGRES_DB"]],
    )
    assert.strictEqual(new URL(belfry.environment?.["BELFRY_REDIS_URL"] ?? "").hostname, "redis")
  })

  it("starts the server when database and Redis say that they are well", () => {
    for (const [name, { condition }] of Object.entries(belfry.depends_on ?? {})) {
      assert.strictEqual(condition, "service_healthy", name)
    }
    assert.sameMembers(Object.keys(belfry.depends_on ?? {}), ["postgres", "redis"])
    assert.isNotEmpty(postgres.healthcheck?.test)
    assert.isNotEmpty(redis.healthcheck?.test)
  })

  // Where they are installed, the tools have their say, too.
  if (spawnSync("docker", ["compose", "version"]).status === 0) {
    it("is valid for docker compose", () => {
      const names = [...read("apps/server/compose.yaml").matchAll(/\$\{(?<name>\w+):\?/gu)].map(([, name = ""]) => name)
      const env = { ...process.env, ...Object.fromEntries(names.map((name) => [name, "x"])) }
      const compose = ["compose", "-f", join(repository, "apps/server/compose.yaml"), "config", "--quiet"]
      const { status, stderr } = spawnSync("docker", compose, { env, encoding: "utf8" })
      assert.strictEqual(status, 0, stderr)
    })
  }
  if (spawnSync("hadolint", ["--version"]).status === 0) {
    it("is built by a file that hadolint accepts", () => {
      const { status, stdout } = spawnSync("hadolint", [join(repository, "apps/server/Dockerfile")], {
        encoding: "utf8",
      })
      assert.strictEqual(status, 0, stdout)
    })
  }
})
