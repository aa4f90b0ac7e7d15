/**
 * The tools and the prompt of the official conformance suite that ask the client for something: by a request of their
 * own up to 2025-11-25, by a result that says what is needed since 2026-07-28.
 */
import { Context, Effect, Schema } from "effect"
import { McpSchema, McpServer } from "effect/ai"
import { createHmac, randomBytes } from "node:crypto"
import { text, texts, tool } from "./EverythingTools.ts"

const { InputRequired, McpRequestContext } = McpSchema

const sampling = (question: string, maxTokens = 100): McpSchema.McpInputRequest => ({
  method: "sampling/createMessage",
  params: { messages: [{ role: "user", content: { type: "text", text: question } }], maxTokens },
})

const elicitation = (message: string, name: string, type = "string"): McpSchema.McpInputRequest => ({
  method: "elicitation/create",
  params: {
    mode: "form",
    message,
    requestedSchema: { type: "object", properties: { [name]: { type } }, required: [name] },
  },
})

const roots: McpSchema.McpInputRequest = { method: "roots/list", params: {} }

/** State that a client carries and cannot change. */
const key = randomBytes(32)
const macOf = (state: string) => createHmac("sha256", key).update(state).digest("base64url")
const seal = (state: string) => `${state}.${macOf(state)}`
const isSealed = (sealed: string | undefined, state: string) => sealed === seal(state)

const refused = new McpSchema.InvalidParams({ message: "The state is not one of this server" })

/** Asks for what is named, until all of it is there. */
const asking = (
  requests: Readonly<Record<string, McpSchema.McpInputRequest>>,
  done: (responses: Readonly<Record<string, McpSchema.McpInputResponse>>) => string,
  state?: string,
) =>
  Effect.gen(function* () {
    const { inputResponses = {}, requestState } = yield* McpRequestContext
    const missing = Object.keys(requests).filter((name) => inputResponses[name] === undefined)
    if (missing.length > 0) {
      return new InputRequired({
        inputRequests: Object.fromEntries(Object.entries(requests).filter(([name]) => missing.includes(name))),
        ...(state === undefined ? {} : { requestState: seal(state) }),
      })
    }
    if (state !== undefined && !isSealed(requestState, state)) return yield* refused
    return text(done(inputResponses))
  })

const said = (response: McpSchema.McpInputResponse | undefined, name: string): string => {
  const content = response?.["content"]
  if (typeof content !== "object" || content === null || !(name in content)) return ""
  return String(Object.entries(content).find(([found]) => found === name)?.[1])
}

const name = elicitation("What is your name?", "name")

/** Since 2026-07-28. */
const byResult = Effect.gen(function* () {
  yield* tool("test_input_required_result_elicitation", () =>
    asking({ user_name: name }, ({ user_name }) => `Hello, ${said(user_name, "name")}!`),
  )
  yield* tool("test_input_required_result_sampling", () =>
    asking({ capital_question: sampling("What is the capital of France?") }, ({ capital_question }) =>
      JSON.stringify(capital_question),
    ),
  )
  yield* tool("test_input_required_result_list_roots", () =>
    asking({ client_roots: roots }, ({ client_roots }) => JSON.stringify(client_roots)),
  )
  yield* tool("test_input_required_result_request_state", () =>
    asking({ confirm: elicitation("Please confirm", "ok", "boolean") }, () => "state-ok", "confirming"),
  )
  yield* tool("test_input_required_result_tampered_state", () =>
    asking({ confirm: elicitation("Please confirm", "ok", "boolean") }, () => "state-ok", "untampered"),
  )
  yield* tool("test_input_required_result_multiple_inputs", () =>
    asking(
      { user_name: name, greeting: sampling("Generate a greeting", 50), client_roots: roots },
      (responses) => JSON.stringify(responses),
      "several",
    ),
  )
  yield* tool("test_input_required_result_multi_round", () =>
    Effect.gen(function* () {
      const { inputResponses = {}, requestState } = yield* McpRequestContext
      const first = elicitation("Step 1: What is your name?", "name")
      if (requestState === undefined) {
        return new InputRequired({ inputRequests: { step1: first }, requestState: seal("round-1") })
      }
      if (isSealed(requestState, "round-1")) {
        if (inputResponses["step1"] === undefined) {
          return new InputRequired({ inputRequests: { step1: first }, requestState })
        }
        return new InputRequired({
          inputRequests: { step2: elicitation("Step 2: What is your favorite color?", "color") },
          requestState: seal("round-2"),
        })
      }
      if (!isSealed(requestState, "round-2")) return yield* refused
      return text(`You like ${said(inputResponses["step2"], "color")}`)
    }),
  )
  yield* tool("test_input_required_result_capabilities", () =>
    Effect.gen(function* () {
      const { clientCapabilities } = yield* McpRequestContext
      return yield* asking(
        {
          ...(clientCapabilities.elicitation === undefined ? {} : { user_name: name }),
          ...(clientCapabilities.sampling === undefined ? {} : { greeting: sampling("Generate a greeting") }),
        },
        (responses) => JSON.stringify(responses),
      )
    }),
  )
  yield* tool("test_missing_capability", () => asking({ greeting: sampling("Generate a greeting") }, () => "sampled"))
  yield* tool("test_streaming_elicitation", () => asking({ user_name: name }, () => "elicited"))
  yield* McpServer.McpServer.use((server) =>
    server.addPrompt({
      prompt: new McpSchema.Prompt({ name: "test_input_required_result_prompt", description: "Asks for its context." }),
      annotations: Context.empty(),
      completions: {},
      handle: () =>
        Effect.map(McpRequestContext, ({ inputResponses = {} }) =>
          inputResponses["user_context"] === undefined
            ? new InputRequired({
                inputRequests: {
                  user_context: elicitation("What context should the prompt use?", "context"),
                },
              })
            : new McpSchema.GetPromptResult({
                messages: [
                  {
                    role: "user",
                    content: { type: "text", text: said(inputResponses["user_context"], "context") },
                  },
                ],
              }),
        ),
    }),
  )
})

/** Asks the client itself, which is there up to 2025-11-25. */
const reverse = <E>(ask: (client: McpSchema.McpReverseClient) => Effect.Effect<string, E>) =>
  Effect.gen(function* () {
    const client = yield* Effect.serviceOption(McpSchema.McpServerClient)
    if (client._tag === "None") return text("There is nobody to ask")
    return text(yield* Effect.scoped(Effect.flatMap(client.value.getClient, ask)))
  }).pipe(
    Effect.catch((error) =>
      Effect.succeed(new McpSchema.CallToolResult({ isError: true, content: [{ type: "text", text: String(error) }] })),
    ),
  )

const elicited = (
  message: string,
  requestedSchema: (typeof McpSchema.ElicitRequestFormParams.Encoded)["requestedSchema"],
) =>
  reverse((client) =>
    Effect.gen(function* () {
      const form = yield* Schema.decodeEffect(McpSchema.ElicitRequestFormParams)({
        mode: "form",
        message,
        requestedSchema,
      })
      const result = yield* client.elicit(form)
      const content = result.action === "accept" ? result.content : {}
      return `User response: action=${result.action}, content=${JSON.stringify(content)}`
    }),
  )

const options = [
  { const: "value1", title: "First Option" },
  { const: "value2", title: "Second Option" },
  { const: "value3", title: "Third Option" },
]

/** Up to 2025-11-25. */
const byRequest = Effect.gen(function* () {
  yield* tool(
    "test_sampling",
    ({ prompt }) =>
      reverse((client) =>
        Effect.map(
          client.createMessage({
            messages: [{ role: "user", content: { type: "text", text: String(prompt) } }],
            maxTokens: 100,
          }),
          ({ content }) => `LLM response: ${JSON.stringify(content)}`,
        ),
      ),
    texts("prompt"),
  )
  yield* tool(
    "test_elicitation",
    ({ message }) =>
      elicited(String(message), {
        type: "object",
        properties: {
          username: { type: "string", description: "User's response" },
          email: { type: "string", description: "User's email address" },
        },
        required: ["username", "email"],
      }),
    texts("message"),
  )
  yield* tool("test_elicitation_sep1034_defaults", () =>
    elicited("Please review", {
      type: "object",
      properties: {
        name: { type: "string", default: "John Doe" },
        age: { type: "integer", default: 30 },
        score: { type: "number", default: 95.5 },
        status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
        verified: { type: "boolean", default: true },
      },
      required: [],
    }),
  )
  yield* tool("test_elicitation_sep1330_enums", () =>
    elicited("Please choose", {
      type: "object",
      properties: {
        untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
        titledSingle: { type: "string", oneOf: options },
        legacyEnum: {
          type: "string",
          enum: ["opt1", "opt2", "opt3"],
          enumNames: ["Option One", "Option Two", "Option Three"],
        },
        untitledMulti: { type: "array", items: { type: "string", enum: ["option1", "option2", "option3"] } },
        titledMulti: { type: "array", items: { anyOf: options } },
      },
      required: [],
    }),
  )
})

/** Registers what asks the client. */
export const register = Effect.andThen(byResult, byRequest)
