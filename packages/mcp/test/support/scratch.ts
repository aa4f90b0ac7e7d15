import { Effect, Layer } from "effect"
import { McpServer, McpProtocol } from "effect/ai"
import { HttpRouter } from "effect/http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { createServer } from "node:http"
import * as C from "./EverythingContents.ts"
import * as I from "./EverythingInputs.ts"
import * as T from "./EverythingTools.ts"
const P = McpProtocol
const reg = Layer.effectDiscard(Effect.all([T.register, I.register, C.register], { discard: true }))
const mcp = McpServer.layerHttp({
  name: "everything",
  version: "1.0.0",
  path: "/mcp",
  protocols: [P.v2026_07_28, P.v2025_11_25, P.v2025_06_18, P.v2025_03_26, P.v2024_11_05],
  allowedOrigins: ["http://127.0.0.1:4123"],
  allowSessionTermination: true,
  registrations: reg,
})
const server = HttpRouter.serve(mcp, { disableLogger: true }).pipe(
  Layer.provide(NodeHttpServer.layer(createServer, { port: 4123, host: "127.0.0.1" })),
)
NodeRuntime.runMain(Layer.launch(server as any) as any)
