/**
 * The tools that the official conformance suite calls by name, each of which does one thing that a tool can do.
 */
import { Context, Effect, Schema } from "effect"
import { McpSchema, McpServer } from "effect/ai"

/** What a tool answers with, or what it needs to know first. */
type Answer = McpSchema.CallToolResult | McpSchema.InputRequired

/** What a tool is called with. The suite sends what the tool's input schema says. */
type Arguments = Readonly<Record<string, unknown>>

type Handle = (given: Arguments) => Effect.Effect<Answer, McpSchema.InvalidParams, McpSchema.McpRequestContext>

/** The smallest picture. */
export const png = Uint8Array.from(
  atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="),
  (letter) => letter.charCodeAt(0),
)

/** The shortest sound: a header of eight samples a millisecond, and no sample. */
const wav = Uint8Array.from(atob("UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="), (letter) =>
  letter.charCodeAt(0),
)

/** A picture as content. */
export const image = { type: "image", data: png, mimeType: "image/png" } as const

/** A result of text alone. */
export const text = (said: string) => new McpSchema.CallToolResult({ content: [{ type: "text", text: said }] })

/** Registers a tool that takes anything, unless it has a schema. */
export const tool = (name: string, handle: Handle, inputSchema: McpSchema.ToolJson = { type: "object" }) =>
  McpServer.McpServer.use((server) =>
    server.addTool({
      tool: new McpSchema.Tool({ name, description: `Does what the suite says of ${name}.`, inputSchema }),
      annotations: Context.empty(),
      handle,
    }),
  )

/** The schema of arguments that are all texts, and all needed. */
export const texts = (...names: ReadonlyArray<string>): McpSchema.ToolJson => ({
  type: "object",
  properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
  required: names,
})

/** A JSON Schema of many words, as the suite looks for it. As text, since `then` in an object is a promise's. */
const addressBook = Schema.decodeUnknownSync(Schema.fromJsonString(McpSchema.ToolJson))(`{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "$defs": {
    "address": {
      "$anchor": "addressDef",
      "type": "object",
      "properties": { "street": { "type": "string" }, "city": { "type": "string" } }
    }
  },
  "properties": {
    "name": { "type": "string" },
    "address": { "$ref": "#/$defs/address" },
    "contactMethod": { "type": "string", "enum": ["phone", "email"] },
    "phone": { "type": "string" },
    "email": { "type": "string" }
  },
  "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
  "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
  "then": { "required": ["phone"] },
  "else": { "required": ["email"] },
  "additionalProperties": false
}`)

/** Registers a tool that answers with the same each time. */
const constant = (name: string, ...content: ReadonlyArray<McpSchema.ContentBlock>) =>
  tool(name, () => Effect.succeed(new McpSchema.CallToolResult({ content })))

const contents = Effect.gen(function* () {
  yield* constant("test_simple_text", { type: "text", text: "This is a simple text response for testing." })
  yield* constant("test_image_content", image)
  yield* constant("test_audio_content", { type: "audio", data: wav, mimeType: "audio/wav" })
  yield* constant("test_embedded_resource", {
    type: "resource",
    resource: {
      uri: "test://embedded-resource",
      mimeType: "text/plain",
      text: "This is an embedded resource content.",
    },
  })
  yield* constant("test_multiple_content_types", { type: "text", text: "Multiple content types test:" }, image, {
    type: "resource",
    resource: {
      uri: "test://mixed-content-resource",
      mimeType: "application/json",
      text: JSON.stringify({ test: "data", value: 123 }),
    },
  })
  yield* tool("test_error_handling", () =>
    Effect.succeed(
      new McpSchema.CallToolResult({
        isError: true,
        content: [{ type: "text", text: "This tool intentionally returns an error for testing" }],
      }),
    ),
  )
  yield* tool("json_schema_2020_12_tool", () => Effect.succeed(text("taken")), addressBook)
  yield* tool("test_headers", () => Effect.succeed(text("taken")), {
    type: "object",
    properties: { region: { type: "string", "x-mcp-header": "Region" } },
    required: ["region"],
  })
})

const pause = Effect.sleep("50 millis")

const notifications = Effect.gen(function* () {
  const server = yield* McpServer.McpServer
  const log = (data: string) => server.notifications["notifications/message"]({ level: "info", data })
  const logged = Effect.gen(function* () {
    yield* log("Tool execution started")
    yield* pause
    yield* log("Tool processing data")
    yield* pause
    yield* log("Tool execution completed")
    return text("logged")
  })
  yield* tool("test_tool_with_logging", () => logged)
  yield* tool("test_logging_tool", () => logged)

  yield* tool("test_tool_with_progress", () =>
    Effect.gen(function* () {
      const { requestMetadata } = yield* McpSchema.McpRequestContext
      const progressToken = requestMetadata?.["progressToken"]
      for (const progress of [0, 50, 100]) {
        if (typeof progressToken === "string" || typeof progressToken === "number") {
          yield* server.notifications["notifications/progress"]({ progressToken, progress, total: 100 })
        }
        yield* pause
      }
      return text("done")
    }),
  )

  const change = yield* Effect.context<McpServer.McpServer>()
  let changes = 0
  yield* tool("test_trigger_tool_change", () =>
    Effect.as(
      Effect.provide(
        Effect.suspend(() => constant(`test_added_tool_${changes++}`, { type: "text", text: "added" })),
        change,
      ),
      text("changed"),
    ),
  )
  yield* tool("test_trigger_prompt_change", () =>
    Effect.as(
      Effect.provide(
        Effect.suspend(() =>
          McpServer.registerPrompt({
            name: `test_added_prompt_${changes++}`,
            description: "Was added.",
            content: () => Effect.succeed("added"),
          }),
        ),
        change,
      ),
      text("changed"),
    ),
  )
})

/** Registers the tools that need nothing of the client. */
export const register = Effect.andThen(contents, notifications)
