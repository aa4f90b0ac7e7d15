/**
 * What a package offers, read from its sources: its layers and its options, each with what their comments say.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseSync } from "rolldown/utils"

/** A layer that a package exports: `Sessions.layer`, and the first sentence about it. */
export interface LayerDoc {
  readonly name: string
  readonly summary: string
}

/** One of the options of an interface. */
export interface OptionDoc {
  readonly name: string
  readonly type: string
  readonly summary: string
}

/** An interface of options: what its comment says of all of them, and each. */
export interface OptionsDoc {
  readonly name: string
  readonly about: string
  readonly members: ReadonlyArray<OptionDoc>
}

/** The layers of the package whose sources are in `source`, by module. */
export const layers = (source: string): ReadonlyArray<LayerDoc> =>
  modules(source).flatMap(({ module, text }) =>
    exportsOf(text).flatMap(({ declaration, doc }) =>
      declaration.type !== "VariableDeclaration"
        ? []
        : declaration.declarations.flatMap(({ id }) =>
            id.type === "Identifier" && /^layer(?:[A-Z]|$)/u.test(id.name)
              ? [{ name: `${module}.${id.name}`, summary: summaryOf(doc) }]
              : [],
          ),
    ),
  )

/** The options of the package whose sources are in `source`: its interfaces of settings and options. */
export const options = (source: string): ReadonlyArray<OptionsDoc> =>
  modules(source).flatMap(({ module, text }) =>
    exportsOf(text).flatMap(({ comments, declaration, doc }) => {
      if (declaration.type !== "TSInterfaceDeclaration" || !isOptions.test(declaration.id.name)) return []
      const found = members(declaration.body.body, text, comments)
      if (found.length === 0) return []
      return [{ name: `${module}.${declaration.id.name}`, about: textOf(doc), members: found }]
    }),
  )

/** The whole text of a comment, without its examples and tags. */
export const textOf = (comment: string): string =>
  paragraphs(comment)
    .filter((paragraph) => paragraph !== "**Details**")
    .join("\n\n")

/** The first sentences of a comment: up to its first empty line or tag, as one line. */
export const summaryOf = (comment: string): string => paragraphs(comment)[0] ?? ""

// internal

/** The paragraphs of a comment, each on one line, up to its first example or tag. */
const paragraphs = (comment: string): ReadonlyArray<string> => {
  const lines = comment.split("\n").map((line) => line.replace(/^\s*\*? ?/u, "").trimEnd())
  const end = lines.findIndex((line) => /^(?:@|\*\*Example|```)/u.test(line))
  return lines
    .slice(0, end < 0 ? undefined : end)
    .join("\n")
    .split(/\n{2,}/u)
    .map((paragraph) =>
      paragraph
        .replaceAll(/\s*\n\s*/gu, " ")
        .replaceAll(/\{@link (?<name>\S+)\}/gu, "`$<name>`")
        .trim(),
    )
    .filter((paragraph) => paragraph !== "")
}

const isOptions = /(?:Settings|SettingsService|Options|Limits|ConfigService)$/u

interface Comment {
  readonly type: string
  readonly value: string
  readonly start: number
  readonly end: number
}

/** The modules that a package's barrel exports: those with a capital. */
const modules = (source: string) =>
  readdirSync(source, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^[A-Z]\w*\.ts$/u.test(entry.name))
    .map(({ name }) => ({ module: name.slice(0, -".ts".length), text: readFileSync(join(source, name), "utf8") }))
    .toSorted((a, b) => (a.module < b.module ? -1 : 1))

const exportsOf = (text: string) => {
  const { comments, program } = parseSync("module.ts", text)
  return program.body.flatMap((node) => {
    if (node.type !== "ExportNamedDeclaration" || node.declaration === null) return []
    return [{ declaration: node.declaration, doc: commentBefore(node.start, text, comments), comments }]
  })
}

/** The comment that ends right before `at`, with nothing but white space between. */
const commentBefore = (at: number, text: string, comments: ReadonlyArray<Comment>): string =>
  comments.findLast(
    ({ end, type, value }) =>
      type === "Block" && value.startsWith("*") && end <= at && text.slice(end, at).trim() === "",
  )?.value ?? ""

type Members = Extract<
  ReturnType<typeof exportsOf>[number]["declaration"],
  { readonly type: "TSInterfaceDeclaration" }
>["body"]["body"]

/** The members of an interface; those of a group within it by their path: `limits.members`. */
const members = (
  body: Members,
  text: string,
  comments: ReadonlyArray<Comment>,
  prefix = "",
): ReadonlyArray<OptionDoc> =>
  body.flatMap((member) => {
    if (member.type !== "TSPropertySignature" || member.key.type !== "Identifier") return []
    const name = `${prefix}${member.key.name}`
    const summary = summaryOf(commentBefore(member.start, text, comments))
    const type = member.typeAnnotation?.typeAnnotation
    if (type?.type === "TSTypeLiteral" && type.members.length > 2) {
      return [
        ...(summary === "" ? [] : [{ name, type: "", summary }]),
        ...members(type.members, text, comments, `${name}.`),
      ]
    }
    const written = type === undefined ? "" : text.slice(type.start, type.end).replaceAll(/\s+/gu, " ")
    return [{ name, type: written.replace(/ \| undefined$/u, ""), summary }]
  })
