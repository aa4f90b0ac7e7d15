/**
 * Reads one source file with a parser and keeps what the boundary rules ask about: its imports, and whether it
 * declares a service or exports a layer.
 */
import { parseSync, Visitor, type ESTree } from "rolldown/utils"

/**
 * One import of a file: an import or export declaration, `import()`, `import("...")` in a type, or `require`.
 *
 * `specifier` is none where the argument is not a literal, so that nobody can say what is loaded.
 */
export interface Import {
  readonly specifier: string | undefined
  readonly line: number
  readonly typeOnly: boolean
}

/** What the rules need to know of a file. */
export interface Source {
  readonly imports: ReadonlyArray<Import>
  readonly declaresService: boolean
  readonly exportsLayer: boolean
  readonly syntaxError: string | undefined
}

/** Parses `text`; `path` decides between TypeScript and JavaScript. */
export const parse = (path: string, text: string): Source => {
  const result = parseSync(path, text)
  const imports: Array<Import> = []
  const contexts = new Set<string>()
  const serviceNames = new Set<string>()
  let declaresService = false

  const add = (node: ESTree.Span, source: ESTree.Expression, typeOnly: boolean) => {
    imports.push({ specifier: literal(source), line: lineAt(text, node.start), typeOnly })
  }

  new Visitor({
    ImportDeclaration: (node) => {
      add(node, node.source, isTypeOnly(node.importKind, node.specifiers))
      for (const specifier of node.specifiers) {
        const imported = specifier.type === "ImportSpecifier" ? nameOf(specifier.imported) : "*"
        if (node.source.value === "effect/Context" && imported === "*") contexts.add(specifier.local.name)
        if (node.source.value === "effect" && imported === "Context") contexts.add(specifier.local.name)
        if (node.source.value === "effect/Context" && serviceKinds.has(imported)) serviceNames.add(specifier.local.name)
      }
    },
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) add(node, node.source, isTypeOnly(node.exportKind, node.specifiers))
    },
    ExportAllDeclaration: (node) => add(node, node.source, node.exportKind === "type"),
    ImportExpression: (node) => add(node, node.source, false),
    TSImportType: (node) => add(node, node.source, true),
    TSExternalModuleReference: (node) => add(node, node.expression, false),
    CallExpression: (node) => {
      const { callee } = node
      if (callee.type !== "Identifier") return
      const [argument] = node.arguments
      if (callee.name === "require" && argument !== undefined && argument.type !== "SpreadElement") {
        add(node, argument, false)
      }
      if (serviceNames.has(callee.name)) declaresService = true
    },
    MemberExpression: (node) => {
      if (node.object.type !== "Identifier" || node.property.type !== "Identifier" || node.computed) return
      if (contexts.has(node.object.name) && serviceKinds.has(node.property.name)) declaresService = true
    },
  }).visit(result.program)

  return {
    imports,
    declaresService,
    exportsLayer: result.module.staticExports.some((statement) =>
      statement.entries.some((entry) => !entry.isType && isLayerName(entry.exportName.name)),
    ),
    syntaxError: result.errors[0]?.message,
  }
}

// internal

const serviceKinds = new Set(["Service", "Reference"])

const isLayerName = (name: string | null) => name !== null && /^layer(?:[A-Z].*)?$/u.test(name)

const literal = (node: ESTree.Expression): string | undefined => {
  if (node.type === "Literal" && typeof node.value === "string") return node.value
  if (node.type === "TemplateLiteral" && node.expressions.length === 0) return node.quasis[0]?.value.raw
  return undefined
}

const nameOf = (name: ESTree.ModuleExportName) => (name.type === "Literal" ? name.value : name.name)

const isTypeOnly = (
  kind: "type" | "value" | undefined,
  specifiers: ReadonlyArray<ESTree.ImportDeclarationSpecifier | ESTree.ExportSpecifier>,
) =>
  kind === "type" ||
  (specifiers.length > 0 &&
    specifiers.every(
      (specifier) =>
        (specifier.type === "ImportSpecifier" && specifier.importKind === "type") ||
        (specifier.type === "ExportSpecifier" && specifier.exportKind === "type"),
    ))

const lineAt = (text: string, offset: number) => text.slice(0, offset).split("\n").length
