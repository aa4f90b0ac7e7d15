/**
 * An MCP server of one's own behind access tokens, and a program on an official client that knows nothing but its URL.
 */
import { BelfryApi } from "@belfry/client"
import { McpAccess, McpCalls, McpHttp, McpScopes } from "@belfry/mcp"
import { AccessTokenVerifier } from "@belfry/oauth-server"
import { NodeServer, Server } from "@belfry/server"
import * as Example from "@belfry/testing/Example"
import { libraries } from "@belfry/testing/McpClients"
import { Program } from "@belfry/testing/McpProgram"
import { Config, Console, Effect, Layer, Schema } from "effect"
import { McpServer, Tool, Toolkit } from "effect/ai"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { deepStrictEqual, ok } from "node:assert"

const Notes = Schema.Struct({ notes: Schema.Array(Schema.String) })
const NewNote = Schema.Struct({ text: Schema.String })
const dependencies = [McpAccess.CurrentAccess]

// To read is what programs ask for at first; to write, when somebody wants to.
const Tools = Toolkit.make(
  Tool.make("read_notes", { success: Notes, dependencies }).annotate(Tool.Readonly, true),
  Tool.make("write_note", { parameters: NewNote, success: Notes, dependencies }).annotate(McpScopes.RequiredScopes, [
    "notes:write",
  ]),
)

// Whose notes they are says the access token, which the tools never see.
const kept = new Map<string, ReadonlyArray<string>>()
const subject = Effect.map(McpAccess.CurrentAccess, ({ token }) => token.subject)
const notesOf = (who: string) => ({ notes: kept.get(who) ?? [] })
const Handlers = Tools.toLayer({
  read_notes: () => Effect.map(subject, notesOf),
  write_note: ({ text }) =>
    Effect.map(subject, (who) => {
      kept.set(who, [...notesOf(who).notes, text])
      return notesOf(who)
    }),
})

// Beside its authorization server, in the same process: what is revoked is refused at once.
const Mcp = Layer.unwrap(
  Effect.gen(function* () {
    const resource = yield* Config.String("NOTES_URL")
    const issuer = `${yield* Config.String("BELFRY_BASE_URL")}/auth`
    return McpHttp.layerHttp({
      name: "Notes",
      version: "1.0.0",
      resources: [{ resource, authorizationServers: [issuer], scopes: ["notes:read"] }],
      registrations: Layer.merge(McpServer.toolkit(Tools).pipe(Layer.provide(Handlers)), McpCalls.layerAudit),
    }).pipe(Layer.provide(AccessTokenVerifier.layerLocal({ audience: resource })))
  }),
)

// Where the program wants people to be sent back to. It shows what it got.
const callback = "/engine/callback"
const Callback = HttpRouter.add(
  "GET",
  callback,
  Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => HttpServerResponse.text(url)),
)

const program = NodeServer.serve(Layer.mergeAll(Server.layerRoutes, Server.layerDeliveries, Mcp, Callback)).pipe(
  Layer.provideMerge(Server.layerServices),
  Layer.provideMerge(Server.layerDatabase),
)

const check = Effect.fnUntraced(function* ({ endpoint, origin }: Effect.Success<typeof standIn>) {
  const browser = yield* Example.browser
  const { oauthRequests } = yield* browser.client(BelfryApi.BelfryApi)
  yield* Example.signUp(browser, "Ada", "ada@example.com")

  const [library] = libraries()
  ok(library !== undefined)
  const engine = new Program({ kind: "dynamic" }, `${origin}${callback}`)
  const { connect, finish } = library.attempt(endpoint, library.versions[0] ?? "", engine)

  /** Does what needs a person, who is sent to her browser, and agrees there. */
  const agreeing = Effect.fnUntraced(function* (act: () => Promise<unknown>) {
    const refused = yield* Effect.promise(() =>
      act().then(
        () => "nobody was asked",
        (error: unknown) => error,
      ),
    )
    ok(library.needsPerson(refused), String(refused))
    const link = engine.links.at(-1)
    ok(link !== undefined)
    const { request } = yield* browser.http.get(link)
    const waiting = new URL(request.url).searchParams.get("request") ?? ""
    const next = yield* oauthRequests.decide({ payload: { request: waiting, accept: true } })
    ok(next !== undefined && next.redirect)
    const answer = yield* (yield* browser.http.get(next.url)).text
    yield* Effect.promise(() => finish(engine.read(new URL(answer, origin))))
    return link.searchParams.get("scope")
  })

  const first = yield* agreeing(connect)
  yield* Console.log(
    `The engine found the way from ${new URL(endpoint).pathname}, registered, and asked Ada for: ${first}`,
  )
  const connection = yield* Effect.promise(connect)
  yield* Console.log(
    `Connected by MCP ${connection.version}; tools: ${(yield* Effect.promise(connection.tools)).join(", ")}`,
  )
  const call = (name: string, given?: Record<string, unknown>) => Effect.promise(() => connection.call(name, given))
  yield* Console.log(`It reads: ${yield* call("read_notes")}`)

  // The tool needs more than the token has: the client asks for all of it at once.
  const text = "The Engine weaves algebraic patterns"
  const more = yield* agreeing(() => connection.call("write_note", { text }))
  deepStrictEqual(new Set(more?.split(" ")), new Set([...(first ?? "").split(" "), "notes:write"]))
  yield* Console.log("It wants to write, and asks Ada for notes:write too")
  yield* Console.log(`It writes: ${yield* call("write_note", { text })}`)

  yield* Effect.promise(connection.close)
})

const standIn = Effect.map(Example.Place, ({ baseUrl }) => ({ origin: baseUrl, endpoint: `${baseUrl}/notes` }))

Example.run({
  program,
  standIn,
  settings: ({ endpoint }) => ({
    NOTES_URL: endpoint,
    BELFRY_OAUTH_SCOPES: "notes:read,notes:write",
    BELFRY_OAUTH_RESOURCES: JSON.stringify([
      { identifier: endpoint, name: "Notes", scopes: ["notes:read", "notes:write"] },
    ]),
    BELFRY_OAUTH_REGISTRATION: "open",
    BELFRY_OAUTH_REGISTRATION_STEP_UP: "notes:write",
  }),
  check,
  look: "/sign-up",
})
