/**
 * An MCP server of a host's own: the code of the README, compiled as it stands there. The tests call it.
 */
import { McpAccess, McpCalls, McpHttp, McpScopes } from "@belfry/mcp"
import { AccessTokenVerifier } from "@belfry/oauth-server"
import { Effect, Layer, Schema } from "effect"
import { McpServer, Tool, Toolkit } from "effect/ai"

// #region mcp
const issuer = "https://auth.example.com/auth"
const resource = "https://notes.example.com/mcp"
const Notes = Schema.Struct({ notes: Schema.Array(Schema.String) })
const NewNote = Schema.Struct({ text: Schema.String })

const Tools = Toolkit.make(
  Tool.make("read_notes", { success: Notes, dependencies: [McpAccess.CurrentAccess] }),
  Tool.make("write_note", { parameters: NewNote, success: Notes, dependencies: [McpAccess.CurrentAccess] }).annotate(
    McpScopes.RequiredScopes,
    ["notes:write"],
  ), // asked for when it is called, and not before
)
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
const Mcp = McpHttp.layerHttp({
  name: "Notes",
  version: "1.0.0",
  resources: [{ resource, authorizationServers: [issuer], scopes: ["notes:read"] }],
  registrations: Layer.merge(McpServer.toolkit(Tools).pipe(Layer.provide(Handlers)), McpCalls.layerAudit),
}).pipe(Layer.provide(AccessTokenVerifier.layerJwks({ issuer, audience: resource, jwksUri: `${issuer}/jwks` })))
// #endregion

/** The routes of the server, for a router. */
export const layer = Mcp
