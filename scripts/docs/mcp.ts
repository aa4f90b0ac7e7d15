/**
 * An MCP server of a host's own: the code of the README, compiled as it stands there. The tests call it.
 */
import { McpAccess, McpCalls, McpHttp, McpScopes, McpWebHandler } from "@belfry/mcp"
import { AccessTokenVerifier } from "@belfry/oauth-server"
import { Effect, Layer, Schema } from "effect"
import { McpServer, Tool, Toolkit } from "effect/ai"

// #region mcp
const issuer = "https://auth.example.com/auth"
const resource = "https://notes.example.com/mcp"
const Notes = Schema.Struct({ notes: Schema.Array(Schema.String) })
const NewNote = Schema.Struct({ text: Schema.String })
const dependencies = [McpAccess.CurrentAccess] // who calls, through which client, with which scopes
const writing = Tool.make("write_note", { parameters: NewNote, success: Notes, dependencies })
const Tools = Toolkit.make(
  Tool.make("read_notes", { success: Notes, dependencies }),
  writing.annotate(McpScopes.RequiredScopes, ["notes:write"]), // asked for when it is called, and not before
)
const kept = new Map<string, ReadonlyArray<string>>()
const subject = Effect.map(McpAccess.CurrentAccess, ({ token }) => token.subject)
const notesOf = (who: string, more: ReadonlyArray<string> = []) => {
  kept.set(who, [...(kept.get(who) ?? []), ...more])
  return { notes: kept.get(who) ?? [] }
}
const Handlers = Tools.toLayer({
  read_notes: () => Effect.map(subject, (who) => notesOf(who)),
  write_note: ({ text }) => Effect.map(subject, (who) => notesOf(who, [text])),
})
const resources = [{ resource, authorizationServers: [issuer], scopes: ["notes:read"] }] as const
const registrations = Layer.merge(McpServer.toolkit(Tools).pipe(Layer.provide(Handlers)), McpCalls.layerAudit)
const Verifier = AccessTokenVerifier.layerJwks({ issuer, audience: resource, jwksUri: `${issuer}/jwks` })
const Mcp = Layer.provide(McpHttp.layerHttp({ name: "Notes", version: "1.0.0", resources, registrations }), Verifier)
// #endregion

/** The routes of the server, for a router. */
export const layer = Mcp

/** What a server made with an official SDK is: it answers requests, and is told who calls. */
const handler = {
  fetch: (_request: Request, { authInfo }: { readonly authInfo: { readonly clientId: string } }) =>
    Promise.resolve(Response.json({ calledBy: authInfo.clientId })),
}

// #region web-handler
const guard = McpWebHandler.make({ resource: resources[0], scopes: { tools: { write_note: ["notes:write"] } } })

const fetchHandler = Effect.map(
  guard,
  (guarded) => (request: Request) => guarded(request, (bare, authInfo) => handler.fetch(bare, { authInfo })),
)
// #endregion

/** The guarded server of another make, over the verifier. */
export const webHandler = Effect.provide(fetchHandler, Verifier)
