/**
 * What commands print: lines for people, or with `--json` one document for programs.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The flag of every command that prints data. */
export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one JSON document; members are named as in the HTTP API, times are ISO 8601 in UTC"),
  Flag.withDefault(false),
)

/** Says in the help of a command what it is for, and how it is called. */
export const explained =
  (description: string, ...examples: readonly [Example, ...ReadonlyArray<Example>]) =>
  <Name extends string, Input, ContextInput, E, R>(self: Command.Command<Name, Input, ContextInput, E, R>) =>
    self.pipe(
      Command.withDescription(description),
      Command.withExamples(examples.map(([command, description]) => ({ command: `belfry ${command}`, description }))),
    )

/** A call without `belfry`, and what it does. */
type Example = readonly [command: string, description: string]

/**
 * Has a command print one JSON document, if that is asked for: standard output has nothing else then. What is printed
 * besides, such as mail in development, goes to standard error.
 */
export const inFormat =
  (isJson: boolean) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    isJson
      ? Effect.flatMap(Console.Console, (given) => {
          const aside = given.error.bind(given)
          return effect.pipe(
            Effect.provideService(Format, { isJson: true, write: (text) => Effect.sync(() => given.log(text)) }),
            Effect.provideService(Console.Console, { ...given, log: aside, info: aside, debug: aside }),
          )
        })
      : effect

/** Prints lines, or a value in the form of a schema. */
export const print = Effect.fnUntraced(function* <A, I>(
  schema: Schema.Codec<A, I>,
  value: A,
  lines: ReadonlyArray<string>,
) {
  const { isJson, write } = yield* Format
  if (isJson) return yield* write(yield* encoded(schema, value))
  for (const line of lines) yield* write(line)
})

/** A page of a list. `cursor` goes on; null at the end. */
interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly cursor: string | null
}

/** Prints a list page after page, as it comes: a line for each item, or an array. */
export const printEach = Effect.fnUntraced(function* <A, B, I, E, R>(
  schema: Schema.Codec<B, I>,
  list: {
    readonly pageAt: (cursor: string | undefined) => Effect.Effect<Page<A>, E, R>
    readonly line: (item: A) => string
    readonly value: (item: A) => B
  },
) {
  const { isJson, write } = yield* Format
  let cursor: string | undefined
  // A bracket or a comma before each item: the document is whole when the list is.
  let before = "["
  do {
    const page: Page<A> = yield* list.pageAt(cursor)
    for (const item of page.items) {
      yield* write(isJson ? `${before}${yield* encoded(schema, list.value(item))}` : list.line(item))
      before = ","
    }
    cursor = page.cursor ?? undefined
  } while (cursor !== undefined)
  if (isJson) yield* write(before === "[" ? "[]" : "]")
})

// internal

/** How a command prints. `write` reaches standard output, whatever else is kept from it. */
class Format extends Context.Reference<{
  readonly isJson: boolean
  readonly write: (text: string) => Effect.Effect<void>
}>("@belfry/app-server/Format", { defaultValue: () => ({ isJson: false, write: Console.log }) }) {}

/** What does not fit its schema is a bug. */
const encoded = <A, I>(schema: Schema.Codec<A, I>, value: A) =>
  Effect.orDie(
    Effect.map(Schema.encodeEffect(Schema.toCodecJson(schema))(value), (document) => JSON.stringify(document)),
  )
