import { defineConfig } from "vitest/config"

/**
 * One project a package, plus the scripts, the browser, and the packages as they are published. Vitest reads this file
 * by `--config vitest.workspace.ts`, which every npm script passes.
 */
const unit = (name: string, root: string) => ({
  extends: true as const,
  test: {
    name,
    root,
    include: ["test/**/*.test.ts"],
    exclude: ["test/browser/**", "test/packages/**"],
  },
})

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 120_000,
    globalSetup: ["./packages/testing/src/globalSetup.ts"],
    projects: [
      unit("sql", "packages/sql"),
      unit("core", "packages/core"),
      unit("factors", "packages/factors"),
      unit("oauth-client", "packages/oauth-client"),
      unit("oauth-server", "packages/oauth-server"),
      unit("organization", "packages/organization"),
      unit("billing", "packages/billing"),
      unit("client", "packages/client"),
      unit("server", "packages/server"),
      unit("app-server", "apps/server"),
      {
        extends: true as const,
        test: { name: "examples", root: "apps/examples", include: ["test/**/*.test.ts", "*/test/**/*.test.ts"] },
      },
      unit("scripts", "scripts"),
      {
        extends: true as const,
        test: { name: "browser", root: "apps/server", include: ["test/browser/**/*.test.ts"], testTimeout: 120_000 },
      },
      {
        extends: true as const,
        test: { name: "packages", root: "scripts", include: ["test/packages/**/*.test.ts"], testTimeout: 120_000 },
      },
    ],
  },
})
