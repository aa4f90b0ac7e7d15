/**
 * The resources and prompts of the official conformance suite.
 */
import { Effect, Schema } from "effect"
import { McpSchema, McpServer } from "effect/ai"
import { image, png } from "./EverythingTools.ts"

const id = McpSchema.param("id", Schema.String)

/** One content, which says of which type it is. */
const contents = (...contents: McpSchema.ReadResourceResult["contents"]) =>
  McpSchema.ReadResourceResult.make({ contents })

const resources = Effect.gen(function* () {
  yield* McpServer.registerResource({
    uri: "test://static-text",
    name: "static-text",
    description: "Text that stays the same.",
    mimeType: "text/plain",
    content: Effect.succeed(
      contents({
        uri: "test://static-text",
        mimeType: "text/plain",
        text: "This is the content of the static text resource.",
      }),
    ),
  })
  yield* McpServer.registerResource({
    uri: "test://static-binary",
    name: "static-binary",
    description: "A picture that stays the same.",
    mimeType: "image/png",
    content: Effect.succeed(contents({ uri: "test://static-binary", mimeType: "image/png", blob: png })),
  })
  yield* McpServer.registerResource({
    uri: "test://watched-resource",
    name: "watched-resource",
    description: "Something to be told of.",
    mimeType: "text/plain",
    content: Effect.succeed("Watched."),
  })
  yield* McpServer.registerResource`test://template/${id}/data`({
    name: "template",
    description: "Data of an id.",
    mimeType: "application/json",
    content: (uri, found) =>
      Effect.succeed(
        contents({
          uri,
          mimeType: "application/json",
          text: JSON.stringify({ id: found, templateTest: true, data: `Data for ID: ${found}` }),
        }),
      ),
  })
})

const prompts = Effect.gen(function* () {
  yield* McpServer.registerPrompt({
    name: "test_simple_prompt",
    description: "Says one thing.",
    content: () => Effect.succeed("This is a simple prompt for testing."),
  })
  yield* McpServer.registerPrompt({
    name: "test_prompt_with_arguments",
    description: "Says what it is given.",
    parameters: { arg1: Schema.String, arg2: Schema.String },
    completion: { arg1: () => Effect.succeed(["paris", "park", "party"]) },
    content: ({ arg1, arg2 }) => Effect.succeed(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`),
  })
  yield* McpServer.registerPrompt({
    name: "test_prompt_with_embedded_resource",
    description: "Has a resource in it.",
    parameters: { resourceUri: Schema.String },
    content: ({ resourceUri }) =>
      Effect.succeed([
        {
          role: "user",
          content: {
            type: "resource",
            resource: { uri: resourceUri, mimeType: "text/plain", text: "Embedded resource content for testing." },
          },
        },
        { role: "user", content: { type: "text", text: "Please process the embedded resource above." } },
      ]),
  })
  yield* McpServer.registerPrompt({
    name: "test_prompt_with_image",
    description: "Has a picture in it.",
    content: () =>
      Effect.succeed([
        { role: "user", content: image },
        { role: "user", content: { type: "text", text: "Please analyze the image above." } },
      ]),
  })
})

/** Registers resources and prompts. */
export const register = Effect.andThen(resources, prompts)
