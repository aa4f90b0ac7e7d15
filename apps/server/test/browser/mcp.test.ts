/**
 * The MCP server of the command line's server, and a program on the official client: somebody says yes and no to it in
 * a browser, whichever way it is known.
 */
import { libraries } from "@belfry/testing/McpClients"
import { Program, type Way } from "@belfry/testing/McpProgram"
import { afterAll, assert, it } from "@effect/vitest"
import { signUp } from "./support/people.ts"
import * as ProgramSite from "./support/programSite.ts"
import { register } from "./support/RelyingParty.ts"
import { inBrowser, type Stage } from "./support/Stage.ts"
import type { Visitor } from "./support/Visitor.ts"

let site: ProgramSite.ProgramSite | undefined
afterAll(() => site?.stop())

const environment = async () => {
  site = await ProgramSite.start()
  return { BELFRY_MCP: "on", BELFRY_OAUTH_REGISTRATION: "open", BELFRY_OAUTH_RATE_LIMITS: "false", ...site.environment }
}

const running = (): ProgramSite.ProgramSite => site ?? assert.fail("the program has no site")

const ways: Readonly<Record<Way["kind"], (stage: Stage) => Promise<Way>>> = {
  document: async () => ({ kind: "document", url: running().documentUrl }),
  dynamic: async () => ({ kind: "dynamic" }),
  "pre-registered": async (stage) => {
    const { client_id, client_secret = "" } = await register(stage.site, {
      client_name: "Difference Engine",
      redirect_uris: [running().redirectUrl],
      token_endpoint_auth_method: "client_secret_basic",
      scope: "offline_access account:read organizations:read organizations:write",
    })
    return { kind: "pre-registered", id: client_id, secret: client_secret }
  },
}

/** What people are told a program is called: one with a document by where that is, too. */
const nameFor = (way: Way): string =>
  way.kind === "document" ? `Difference Engine (${new URL(way.url).host})` : "Difference Engine"

inBrowser(
  "an MCP client that somebody connects",
  (stage) => {
    for (const [kind, wayOf] of Object.entries(ways)) {
      it(`is allowed in a browser, asks for more, and is shown the door: ${kind}`, async () => {
        const email = `mcp-${kind}@example.com`
        const visitor = await stage.visitor()
        await visitor.mayVisit(new URL(running().redirectUrl).origin)
        await signUp(visitor, email)

        const [library] = libraries()
        if (library === undefined) throw new Error("no library")
        const way = await wayOf(stage)
        const program = new Program(way, running().redirectUrl)
        const attempt = library.attempt(`${stage.site.origin}/mcp`, "2026-07-28", program)

        /** Does what takes the person, who looks at what they are asked and allows it. */
        const allowing = async (act: () => Promise<unknown>): Promise<string> => {
          const asked = program.links.length
          const failed = await act().then(
            () => undefined,
            (error: unknown) => error,
          )
          assert.isTrue(library.needsPerson(failed), String(failed))
          await visitor.go(program.links[asked]?.href ?? assert.fail("nobody was asked"))
          assert.strictEqual(await visitor.heading(), `Allow ${nameFor(way)} to use your account?`)
          const said = await visitor.text()
          await visitor.press("Allow")
          assert.strictEqual(await visitor.heading(), "Back at the program")
          await attempt.finish(program.read(running().answer()))
          return said
        }

        const said = await allowing(attempt.connect)
        assert.include(said, "see your account")
        assert.include(said, "see your organizations")
        assert.include(said, "a program on this computer")

        const connection = await attempt.connect()
        assert.include(await connection.tools(), "list_organizations")
        assert.include(await connection.call("get_account"), email)

        const more = await allowing(() => connection.call("invite_member"))
        assert.include(more, "invite and remove people and change their roles")
        const scopes = ["account:read", "organizations:read", "organizations:write"]
        assert.includeMembers((program.tokens()?.scope ?? "").split(" "), scopes)

        await takeAway(visitor, way)
        await allowing(() => connection.call("get_account"))
        assert.include(await connection.call("get_account"), email)
        await connection.close()
      })
    }
  },
  environment,
)

/** The person takes the program's access away, in their account. */
const takeAway = async (visitor: Visitor, way: Way): Promise<void> => {
  await visitor.go("/account")
  await visitor.press(`Remove access of ${nameFor(way)}`)
}
