import { Audit } from "@belfry/core/Audit"
import * as McpHttp from "@belfry/mcp/McpHttp"
import { AccessTokenVerifier } from "@belfry/oauth-server/AccessTokenVerifier"
import { Consents } from "@belfry/oauth-server/Consents"
import { AccessTokenRefused } from "@belfry/oauth-server/VerifiedAccessToken"
import { rateLimits } from "@belfry/server/BelfryMcp"
import { english } from "@belfry/server/PageCatalogues"
import { libraries } from "@belfry/testing/McpClients"
import { Program } from "@belfry/testing/McpProgram"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import type { Person } from "@belfry/testing/Person"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { McpServer, Tool, Toolkit } from "effect/ai"
import { request } from "node:http"
import { layer, McpSite, revoke } from "./support/McpSite.ts"

type Site = McpSite["Service"]

const reading = "account:read organizations:read"
const endpointOf = ({ origin }: Site, organization?: string) =>
  organization === undefined ? `${origin}/mcp` : `${origin}/mcp/organizations/${organization}`

const json = async (url: string): Promise<unknown> => (await fetch(url)).json()

describe("The MCP endpoint", () => {
  it.live("is not there unless it is on", () =>
    Effect.gen(function* () {
      const { origin, hello } = yield* McpSite
      yield* Effect.promise(async () => {
        assert.strictEqual((await hello(`${origin}/mcp`, undefined)).status, 404)
        assert.strictEqual((await fetch(`${origin}/.well-known/oauth-protected-resource`)).status, 404)
        assert.strictEqual((await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`)).status, 404)
        const discovered = await json(`${origin}/.well-known/oauth-authorization-server/auth`)
        assert.notInclude(JSON.stringify(discovered), "account:read")
        assert.notNestedPropertyVal(discovered, "client_id_metadata_document_supported", true)
      })
    }).pipe(Effect.provide(layer({ BELFRY_MCP: "off" }))),
  )

  it.live("leads clients to the authorization server, which knows its scopes and documents of clients", () =>
    Effect.gen(function* () {
      const site = yield* McpSite
      const { origin, hello } = site
      yield* Effect.promise(async () => {
        const of = (resource: string) => ({
          resource,
          authorization_servers: [`${origin}/auth`],
          scopes_supported: ["account:read", "organizations:read"],
          bearer_methods_supported: ["header"],
          resource_name: "Belfry",
        })
        const wellKnown = `${origin}/.well-known/oauth-protected-resource`
        const bound = "/mcp/organizations/01890000-0000-7000-8000-000000000000"
        assert.deepStrictEqual(await json(wellKnown), of(`${origin}/mcp`))
        assert.deepStrictEqual(await json(`${wellKnown}/mcp`), of(`${origin}/mcp`))
        assert.deepStrictEqual(await json(`${wellKnown}${bound}`), of(`${origin}${bound}`))
        for (const path of ["/mcp", bound]) {
          const refused = await hello(`${origin}${path}`, undefined)
          assert.strictEqual(refused.status, 401)
          assert.strictEqual(
            refused.headers.get("www-authenticate"),
            `Bearer scope="${reading}", resource_metadata="${wellKnown}${path}"`,
          )
        }
        const discovered = await json(`${origin}/.well-known/oauth-authorization-server/auth`)
        assert.nestedProperty(discovered, "registration_endpoint")
        assert.nestedPropertyVal(discovered, "client_id_metadata_document_supported", true)
        assert.include(JSON.stringify(discovered), "organizations:write")
      })
    }).pipe(Effect.provide(layer())),
  )

  it.live("keeps documents of clients off where they are set so", () =>
    Effect.gen(function* () {
      const { origin } = yield* McpSite
      const discovered = yield* Effect.promise(() => json(`${origin}/.well-known/oauth-authorization-server/auth`))
      assert.notNestedPropertyVal(discovered, "client_id_metadata_document_supported", true)
    }).pipe(Effect.provide(layer({ BELFRY_OAUTH_CLIENT_METADATA_DOCUMENTS: "off" }))),
  )

  it.live("is served to an official client from nothing, which asks for more when it comes to it", () =>
    Effect.gen(function* () {
      const site = yield* McpSite
      const person = yield* Effect.promise(() => site.person())
      const { organization } = yield* OrganizationBuilders.storedOrganization({ name: "Engines", owner: person.user() })
      yield* Effect.promise(async () => {
        const { agree, attempt, program } = open(site, person)
        await agree(attempt.connect)
        assert.strictEqual(program.links.at(-1)?.searchParams.get("scope"), `${reading} offline_access`)
        const connection = await attempt.connect()
        assert.include(await connection.tools(), "invite_member")
        assert.include(await connection.call("get_account"), person.user().email)
        const invite = () =>
          connection.call("invite_member", {
            organization: organization.id,
            email: "new@example.com",
            roles: ["member"],
          })
        await agree(invite)
        assert.includeMembers(program.links.at(-1)?.searchParams.get("scope")?.split(" ") ?? [], [
          "account:read",
          "organizations:read",
          "organizations:write",
        ])
        assert.include(await invite(), "new@example.com")
        assert.include(await invite().catch(String), "Already invited")
        await connection.close()
      })
      const events = yield* Audit.use((audit) => audit.list({ userId: person.user().id, limit: 100 }))
      const called = events.filter(({ type }) => type === "mcp.tool-called")
      assert.deepStrictEqual(
        called.map(({ data, outcome, reason }) => ({ tool: data["tool"], outcome, reason })).toReversed(),
        [
          { tool: "get_account", outcome: "success", reason: null },
          { tool: "invite_member", outcome: "success", reason: null },
          { tool: "invite_member", outcome: "failure", reason: "tool-error" },
        ],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.live("says in words what is asked of a person", () =>
    Effect.gen(function* () {
      const site = yield* McpSite
      yield* Effect.promise(async () => {
        const person = await site.person()
        const asked = await person.go(site.link(endpointOf(site), `${reading} organizations:write`).link)
        const { text } = await person.go(asked.location ?? assert.fail("nothing was asked"))
        for (const scope of ["account:read", "organizations:read", "organizations:write"] as const) {
          assert.include(text, english.scopes[scope])
          assert.notInclude(text, `>${scope}<`)
        }
      })
    }).pipe(Effect.provide(layer())),
  )

  it.live("takes a token for itself alone", () =>
    Effect.gen(function* () {
      const site = yield* McpSite
      yield* Effect.promise(async () => {
        const person = await site.person()
        const { token } = await site.issue(person, endpointOf(site), reading)
        const other = await site.issue(person, "https://reports.example.com", reading)
        assert.strictEqual((await site.hello(endpointOf(site), token)).status, 200)
        assert.strictEqual((await site.hello(endpointOf(site), other.token)).status, 401)
        const bound = endpointOf(site, "01890000-0000-7000-8000-000000000000")
        const refused = await site.hello(bound, token)
        assert.strictEqual(refused.status, 401)
        assert.include(refused.headers.get("www-authenticate"), 'error="invalid_token"')
      })
    }).pipe(Effect.provide(layer({ BELFRY_OAUTH_RESOURCES: "https://reports.example.com" }))),
  )

  it.live("is refused at once when the person takes their access back", () =>
    Effect.gen(function* () {
      const site = yield* McpSite
      const person = yield* Effect.promise(() => site.person())
      const { token } = yield* Effect.promise(() => site.issue(person, endpointOf(site), reading))
      assert.strictEqual((yield* Effect.promise(() => site.hello(endpointOf(site), token))).status, 200)
      yield* Consents.use((consents) => revoke(consents, person))
      assert.strictEqual((yield* Effect.promise(() => site.hello(endpointOf(site), token))).status, 401)
    }).pipe(Effect.provide(layer())),
  )

  it.live("serves what was taken back until it is over, where it is set so", () =>
    Effect.gen(function* () {
      const site = yield* McpSite
      const person = yield* Effect.promise(() => site.person())
      const { token } = yield* Effect.promise(() => site.issue(person, endpointOf(site), reading))
      yield* Consents.use((consents) => revoke(consents, person))
      assert.strictEqual((yield* Effect.promise(() => site.hello(endpointOf(site), token))).status, 200)
      yield* Effect.sleep("2 seconds")
      assert.strictEqual((yield* Effect.promise(() => site.hello(endpointOf(site), token))).status, 401)
    }).pipe(
      Effect.provide(layer({ BELFRY_MCP_REVOCATION: "at-expiry", BELFRY_OAUTH_ACCESS_TOKEN_LIFETIME: "2 seconds" })),
    ),
  )

  it.live("lets in pages of its own origin and of those that are set, and requests to its own host", () =>
    Effect.gen(function* () {
      const site = yield* McpSite
      yield* Effect.promise(async () => {
        const { token } = await site.issue(await site.person(), endpointOf(site), reading)
        const status = async (origin: string) => (await site.hello(endpointOf(site), token, { origin })).status
        assert.strictEqual(await status(site.origin), 200)
        assert.strictEqual(await status("https://app.example.com"), 200)
        assert.strictEqual(await status("https://evil.example.com"), 403)
        assert.strictEqual(await status("https://site.example.com"), 403)
        assert.strictEqual(await statusAt(site, "rebound.example.com", token), 403)
      })
    }).pipe(
      Effect.provide(
        layer({
          BELFRY_MCP_ALLOWED_ORIGINS: "https://app.example.com",
          BELFRY_ALLOWED_ORIGINS: "https://site.example.com",
        }),
      ),
    ),
  )

  it.live("stands beside an MCP server of the host, each with its own tools", () =>
    Effect.gen(function* () {
      const site = yield* McpSite
      yield* Effect.promise(async () => {
        assert.strictEqual((await site.hello(`${site.origin}/own`, undefined)).status, 401)
        const { agree, attempt } = open(site, await site.person())
        await agree(attempt.connect)
        const connection = await attempt.connect()
        const tools = await connection.tools()
        assert.notInclude(tools, "ping")
        assert.lengthOf(tools, 9)
        await connection.close()
      })
    }).pipe(Effect.provide(layer({}, own))),
  )

  for (const isLimited of [true, false]) {
    it.live(`${isLimited ? "counts what a user asks" : "counts nothing"}, where it is set so`, () =>
      Effect.gen(function* () {
        const site = yield* McpSite
        yield* Effect.promise(async () => {
          const { token } = await site.issue(await site.person(), endpointOf(site), reading)
          const { limit } = rateLimits.perUser
          for (let count = 0; count < limit; count++) await site.hello(endpointOf(site), token)
          const last = await site.hello(endpointOf(site), token)
          assert.strictEqual(last.status, isLimited ? 429 : 200)
          assert.strictEqual(last.headers.has("retry-after"), isLimited)
        })
      }).pipe(Effect.provide(layer({ BELFRY_MCP_RATE_LIMITS: String(isLimited) }))),
    )
  }
})

describe("The MCP endpoint of an organization", () => {
  it.live("takes a token that a member got for it, and one for no other organization", () =>
    Effect.gen(function* () {
      const site = yield* McpSite
      const [member, stranger] = yield* Effect.promise(() => Promise.all([site.person(), site.person()]))
      const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: member.user() })
      const { organization: other } = yield* OrganizationBuilders.storedOrganization({ owner: member.user() })
      yield* Effect.promise(async () => {
        const at = endpointOf(site, organization.id)
        const { token } = await site.issue(member, at, reading)
        assert.strictEqual((await site.hello(at, token)).status, 200)
        assert.strictEqual((await site.hello(endpointOf(site, other.id), token)).status, 401)
        assert.strictEqual((await site.hello(endpointOf(site), token)).status, 401)
        assert.strictEqual((await site.issue(stranger, at, reading)).token, "access_denied")
        assert.strictEqual((await site.issue(member, endpointOf(site, "engines"), reading)).token, "access_denied")
      })
    }).pipe(Effect.provide(layer())),
  )
})

/** A program on an official client, which registers itself, of somebody who agrees to everything. */
const open = (site: Site, person: Person) => {
  const library = libraries()[0] ?? assert.fail("no library")
  const program = new Program({ kind: "dynamic" })
  const attempt = library.attempt(endpointOf(site), "2025-11-25", program)
  const agree = async (act: () => Promise<unknown>) => {
    const failed = await act().then(
      () => "nothing was asked",
      (error: unknown) => error,
    )
    assert.isTrue(library.needsPerson(failed), String(failed))
    const { answer } = await person.authorize(program.links.at(-1) ?? assert.fail("no link"))
    await attempt.finish(program.read(answer))
  }
  return { agree, attempt, program }
}

/** An MCP server of a host, which lets nobody in. */
const own = (origin: string) => {
  const Ping = Toolkit.make(Tool.make("ping"))
  const refuse = () => Effect.fail(new AccessTokenRefused({ reason: "malformed" }))
  return McpHttp.layerHttp({
    name: "Own",
    version: "1.0.0",
    resources: [{ resource: `${origin}/own`, authorizationServers: [`${origin}/auth`] }],
    registrations: McpServer.toolkit(Ping).pipe(Layer.provide(Ping.toLayer({ ping: () => Effect.void }))),
    metadataAtRoot: false,
  }).pipe(
    Layer.provide(Layer.succeed(AccessTokenVerifier, AccessTokenVerifier.of({ verify: refuse, verifyFor: refuse }))),
    Layer.orDie,
  )
}

/** The status of a request that names another host than the server's. */
const statusAt = ({ origin }: Site, host: string, token: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(`${origin}/mcp`, { method: "POST", headers: { host, authorization: `Bearer ${token}` } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on("error", reject)
      .end("{}")
  })
