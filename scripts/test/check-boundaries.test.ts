/**
 * Each fixture breaks one rule in a tiny tree, and the checker names that rule there and nothing else. Taking a rule
 * out of `scripts/boundaries/rules.ts` leaves its fixtures without their finding.
 */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { type RuleId, ruleIds } from "../boundaries/rules.ts"
import { checkImports, checkLayout, rootEntries } from "../check-boundaries.ts"

const fixtures = resolve(import.meta.dirname, "fixtures")
const repository = resolve(import.meta.dirname, "../..")

interface Expected {
  readonly rule: RuleId
  readonly path: string
  readonly specifier?: string
}

/** The fixture, and what the checker has to say about it. */
const expected: Readonly<Record<string, ReadonlyArray<Expected>>> = {
  clean: [],
  cycle: [],
  "root-layout": [],
  syntax: [{ rule: "syntax", path: "packages/core/src/User.ts" }],
  "unknown-package": [{ rule: "unknown-package", path: "packages/utils" }],
  "adapter-imports-driver": [
    {
      rule: "sql-outside-adapter",
      path: "packages/core/src/RedisRateLimitStore.ts",
      specifier: "@effect/sql-pg/PgClient",
    },
  ],
  "adapter-imports-handlers": [
    { rule: "adapter-imports", path: "packages/billing/src/StripeCustomers.ts", specifier: "./CustomersHandlers.ts" },
  ],
  "adapter-imports-service": [
    { rule: "adapter-imports", path: "packages/core/src/SqlSessionStore.ts", specifier: "./Users.ts" },
  ],
  "app-imports-testing": [
    { rule: "imports-testing", path: "apps/server/src/main.ts", specifier: "@belfry/testing/TestClock" },
  ],
  "barrel-import": [{ rule: "barrel-import", path: "packages/factors/src/Passwords.ts", specifier: "@belfry/core" }],
  "client-imports-node": [{ rule: "browser-unsafe", path: "packages/client/src/CookieJar.ts", specifier: "node:fs" }],
  "client-imports-service": [
    { rule: "client-imports", path: "packages/client/src/BelfryClient.ts", specifier: "@belfry/core/Sessions" },
  ],
  "client-imports-sql": [
    { rule: "package-arrow", path: "packages/client/src/BelfryClient.ts", specifier: "@belfry/sql/Database" },
    { rule: "browser-unsafe", path: "packages/client/src/BelfryClient.ts", specifier: "@belfry/sql/Database" },
  ],
  "contract-imports-driver": [
    {
      rule: "browser-unsafe",
      path: "packages/core/src/SessionsApi.ts",
      specifier: "@effect/platform-node/NodeHttpServer",
    },
  ],
  "contract-imports-node": [
    { rule: "browser-unsafe", path: "packages/core/src/SessionsApi.ts", specifier: "node:buffer" },
  ],
  "contract-imports-port": [
    { rule: "contract-imports", path: "packages/core/src/SessionsApi.ts", specifier: "./SessionStore.ts" },
  ],
  "contract-imports-service": [
    { rule: "contract-imports", path: "packages/core/src/SessionsApi.ts", specifier: "./Sessions.ts" },
  ],
  "contract-reaches-node": [
    { rule: "model-imports", path: "packages/core/src/Session.ts", specifier: "crypto" },
    { rule: "browser-unsafe", path: "packages/core/src/SessionsApi.ts", specifier: "crypto" },
  ],
  "core-imports-feature": [
    { rule: "package-arrow", path: "packages/core/src/Users.ts", specifier: "@belfry/factors/Passwords" },
  ],
  "domain-imports-client": [
    { rule: "package-arrow", path: "packages/factors/src/Passwords.ts", specifier: "@belfry/client/BelfryApi" },
  ],
  "domain-imports-server": [
    { rule: "package-arrow", path: "packages/core/src/Users.ts", specifier: "@belfry/server/Server" },
  ],
  "dynamic-import": [{ rule: "dynamic-import", path: "packages/core/src/Users.ts", specifier: "" }],
  "effect-barrel": [{ rule: "barrel-import", path: "packages/core/src/Users.ts", specifier: "effect" }],
  "foreign-internal": [
    { rule: "foreign-internal", path: "packages/factors/src/Passwords.ts", specifier: "@belfry/core/internal/hash" },
  ],
  "foreign-internal-in-test": [
    {
      rule: "foreign-internal",
      path: "packages/factors/test/PasswordsCase.ts",
      specifier: "@belfry/core/internal/hash",
    },
  ],
  "handlers-import-adapter": [
    { rule: "handlers-imports", path: "packages/core/src/SessionsHandlers.ts", specifier: "./MemorySessionStore.ts" },
  ],
  "handlers-import-sql": [
    { rule: "sql-outside-adapter", path: "packages/core/src/SessionsHandlers.ts", specifier: "effect/sql/SqlClient" },
  ],
  "handlers-import-store": [
    { rule: "handlers-imports", path: "packages/core/src/SessionsHandlers.ts", specifier: "./SessionStore.ts" },
  ],
  "imports-app": [{ rule: "imports-app", path: "packages/server/src/Server.ts", specifier: "@belfry/app-server/main" }],
  "imports-app-by-path": [{ rule: "imports-app", path: "scripts/bench.ts", specifier: "../apps/server/src/main.ts" }],
  "imports-example": [
    { rule: "imports-app", path: "apps/examples/other/src/main.ts", specifier: "@belfry/example-auth/main" },
  ],
  "imports-testing": [
    { rule: "imports-testing", path: "packages/server/src/Server.ts", specifier: "@belfry/testing/TestClock" },
  ],
  "internal-imports-sql": [
    { rule: "sql-outside-adapter", path: "packages/core/src/internal/rows.ts", specifier: "effect/sql/SqlClient" },
  ],
  "later-package-arrow": [
    { rule: "package-arrow", path: "packages/mcp/src/Tools.ts", specifier: "@belfry/organization/Organization" },
  ],
  "memory-imports-sql": [
    { rule: "sql-outside-adapter", path: "packages/core/src/MemorySessionStore.ts", specifier: "effect/sql/Statement" },
  ],
  "memory-imports-sql-adapter": [
    { rule: "adapter-imports", path: "packages/core/src/MemorySessionStore.ts", specifier: "./SqlSessionStore.ts" },
  ],
  "memory-imports-sql-package": [
    { rule: "sql-outside-adapter", path: "packages/core/src/MemorySessionStore.ts", specifier: "@belfry/sql/Database" },
  ],
  "missing-package": [
    { rule: "package-arrow", path: "packages/core/src/Users.ts", specifier: "@belfry/identity/Identity" },
  ],
  "model-imports-http": [
    { rule: "model-imports", path: "packages/core/src/User.ts", specifier: "effect/http/HttpServerRequest" },
  ],
  "model-imports-http-api": [
    { rule: "model-imports", path: "packages/core/src/User.ts", specifier: "effect/http-api/HttpApiSchema" },
  ],
  "model-imports-node": [{ rule: "model-imports", path: "packages/core/src/User.ts", specifier: "node:crypto" }],
  "model-imports-package": [{ rule: "model-imports", path: "packages/core/src/User.ts", specifier: "jose" }],
  "model-imports-runtime": [{ rule: "model-imports", path: "packages/core/src/User.ts", specifier: "effect/Layer" }],
  "model-imports-service": [{ rule: "model-imports", path: "packages/core/src/User.ts", specifier: "./Users.ts" }],
  "model-imports-sql": [
    { rule: "sql-outside-adapter", path: "packages/core/src/User.ts", specifier: "effect/sql/Statement" },
  ],
  "oauth-client-imports-oauth-server": [
    { rule: "package-arrow", path: "packages/oauth-client/src/Providers.ts", specifier: "@belfry/oauth-server/Grant" },
  ],
  "oauth-server-imports-oauth-client": [
    { rule: "package-arrow", path: "packages/oauth-server/src/Grants.ts", specifier: "@belfry/oauth-client/Provider" },
  ],
  "port-imports-port": [{ rule: "port-imports", path: "packages/core/src/Mailer.ts", specifier: "./UserStore.ts" }],
  "port-imports-process": [
    { rule: "port-imports", path: "packages/core/src/KeyStore.ts", specifier: "effect/process/ChildProcess" },
  ],
  "port-imports-service": [
    { rule: "port-imports", path: "packages/core/src/SessionStore.ts", specifier: "./Clock.ts" },
  ],
  "relative-escape": [
    { rule: "relative-escape", path: "packages/factors/src/Passwords.ts", specifier: "../../core/src/User.ts" },
  ],
  "relative-escape-in-test": [
    { rule: "relative-escape", path: "packages/factors/test/PasswordsCase.ts", specifier: "../../core/test/users.ts" },
  ],
  "self-reference": [{ rule: "self-reference", path: "packages/core/src/Users.ts", specifier: "@belfry/core/User" }],
  "server-contract": [{ rule: "contract-imports", path: "packages/server/src/HealthApi.ts", specifier: "./Health.ts" }],
  "service-hides-sql-in-internal": [
    { rule: "sql-outside-adapter", path: "packages/core/src/Sessions.ts", specifier: "effect/sql/SqlClient" },
  ],
  "service-imports-adapter": [
    { rule: "service-imports", path: "packages/factors/src/Passwords.ts", specifier: "@belfry/core/SqlUserStore" },
  ],
  "service-imports-contract": [
    { rule: "service-imports", path: "packages/core/src/Sessions.ts", specifier: "./SessionsApi.ts" },
  ],
  "service-imports-http": [
    { rule: "service-imports", path: "packages/core/src/Sessions.ts", specifier: "effect/http/HttpServerRequest" },
  ],
  "service-imports-http-api": [
    { rule: "service-imports", path: "packages/core/src/Sessions.ts", specifier: "effect/http-api/HttpApiError" },
  ],
  "service-imports-sql": [
    { rule: "sql-outside-adapter", path: "packages/core/src/Sessions.ts", specifier: "effect/sql/SqlClient" },
  ],
  "source-imports-test": [
    { rule: "relative-escape", path: "packages/core/src/Users.ts", specifier: "../test/users.ts" },
  ],
  "sql-imports-core": [{ rule: "package-arrow", path: "packages/sql/src/Database.ts", specifier: "@belfry/core/User" }],
  "undeclared-dependency": [{ rule: "undeclared-dependency", path: "packages/core/src/Tokens.ts", specifier: "jose" }],
}

describe("check-boundaries", () => {
  for (const [name, findings] of Object.entries(expected)) {
    it(findings.length === 0 ? `finds nothing in ${name}` : `finds ${findings[0]?.rule ?? ""} in ${name}`, () => {
      const { violations } = checkImports(join(fixtures, name))
      assert.deepStrictEqual(
        violations.map(({ rule, path, specifier }) => ({ rule, path, specifier })),
        findings.map((finding) => ({ specifier: "", ...finding })),
      )
      for (const { message, path, rule, specifier } of violations) {
        assert.include(message, path)
        assert.include(message, specifier)
        assert.include(message, `[${rule}]`)
        assert.notInclude(message, "\n")
      }
    })
  }

  it("knows every fixture, and every rule has one", () => {
    // The stranger's program is for the packed packages, and no tree of this check.
    const trees = readdirSync(fixtures).filter((name) => name !== "stranger")
    assert.deepStrictEqual(Object.keys(expected).toSorted(), trees.toSorted())
    const shown = new Set<string>([
      ...Object.values(expected).flatMap((all) => all.map(({ rule }) => rule)),
      "root-layout",
    ])
    assert.deepStrictEqual([...shown].toSorted(), [...ruleIds].toSorted())
  })

  it("reads what it passes: the clean fixture has imports of every role", () => {
    const report = checkImports(join(fixtures, "clean"))
    assert.isAbove(report.files, 20)
    assert.isAbove(report.imports, 40)
  })

  it("allows in the root what the list names, dotfiles and what git ignores", () => {
    assert.deepStrictEqual(checkLayout([...rootEntries, ".github", "node_modules", "npm-debug.log"]), [])
  })

  it("finds an entry that does not belong in the root, and one that is missing", () => {
    const findings = checkLayout(readdirSync(join(fixtures, "root-layout")))
    assert.deepStrictEqual(
      findings.map(({ message }) => message),
      [
        "docs does not belong in the root of the repository [root-layout]",
        "LICENSE is missing from the root of the repository [root-layout]",
      ],
    )
  })
})

describe("the command", () => {
  const run = (fixture: string) =>
    spawnSync(process.execPath, [join(repository, "scripts/check-boundaries.ts"), join(fixtures, fixture)], {
      encoding: "utf8",
    })

  it("prints one line and ends with 0 on a clean tree", () => {
    const { status, stdout, stderr } = run("clean")
    assert.strictEqual(status, 0, stderr)
    assert.match(stdout, /^belfry: \d+ files, \d+ imports, boundaries hold\n$/u)
  })

  it("names each broken rule and ends with 1", () => {
    const { status, stdout, stderr } = run("core-imports-feature")
    assert.strictEqual(status, 1)
    assert.strictEqual(stdout, "")
    assert.include(stderr, 'packages/core/src/Users.ts:1 imports "@belfry/factors/Passwords"')
    assert.include(stderr, "[package-arrow]")
  })
})
