/**
 * This server's own MCP endpoint: accounts and organizations as tools.
 *
 * @since 0.1.0
 */
import { withUser } from "@belfry/mcp/McpAccess"
import * as McpServer from "effect/ai/McpServer"
import * as Layer from "effect/Layer"
import { layerAdministration, layerReading, layerUnbound } from "./mcp/toolHandlers.ts"
import { AdministrationTools, ReadingTools, UnboundTools } from "./mcp/tools.ts"
import { permittedOnly, unboundOnly } from "./mcp/visibility.ts"

/**
 * The tools, for the `registrations` of an MCP server.
 *
 * **Details**
 *
 * Every tool needs a person behind the access token, looked up by `UserLookup`, and does what that person may do: the
 * services refuse what they refuse over HTTP. Where the endpoint is that of one organization, no tool reaches another,
 * and tools that change it are seen by those who may. Whatever asks for a fresh session is none of them: here there is
 * no session.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerTools = Layer.mergeAll(
  McpServer.toolkit(ReadingTools).pipe(Layer.provide(layerReading), Layer.provide(withUser.layer)),
  // Who may see a tool is asked before the person is looked up.
  McpServer.toolkit(UnboundTools).pipe(Layer.provide(layerUnbound), Layer.provide(withUser.combine(unboundOnly).layer)),
  McpServer.toolkit(AdministrationTools).pipe(
    Layer.provide(layerAdministration),
    Layer.provide(withUser.combine(permittedOnly).layer),
  ),
)
