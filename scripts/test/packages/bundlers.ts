/** Bundlers for browsers. Each bundles all that a module exports, as it is resolved from a folder. */
import { build } from "esbuild"
import { rolldown } from "rolldown"

/** The paths of the modules in a bundle, and what the bundler complained of. */
export interface Bundle {
  readonly modules: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
}

export type Bundler = (specifier: string, folder: string) => Promise<Bundle>

const esbuild: Bundler = async (specifier, folder) => {
  const stdin = { contents: `export * from "${specifier}"`, resolveDir: folder }
  // A module that browsers do not have, such as `node:fs`, is an error.
  const options = { bundle: true, format: "esm", platform: "browser", write: false, logLevel: "silent" } as const
  const { metafile, warnings } = await build({ ...options, stdin, metafile: true })
  const modules = Object.keys(metafile.inputs).filter((path) => path !== "<stdin>")
  return { modules, warnings: warnings.map(({ text }) => text) }
}

const byRolldown: Bundler = async (specifier, folder) => {
  const warnings: Array<string> = []
  const entry = `${folder}/entry.js`
  const bundle = await rolldown({
    input: entry,
    cwd: folder,
    platform: "browser",
    onLog: (_level, { message }) => warnings.push(message),
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? `export * from "${specifier}"` : null),
      },
    ],
  })
  const { output } = await bundle.generate({ format: "esm" })
  await bundle.close()
  const chunks = output.flatMap((part) => (part.type === "chunk" ? [part] : []))
  // What is left to import is a module, too, that the page would ask for. The bundler's own are no files.
  const modules = chunks.flatMap(({ moduleIds, imports }) => [...moduleIds, ...imports])
  return { modules: modules.filter((id) => id !== entry && !id.startsWith("\0")), warnings }
}

/** The bundlers that are tried. */
export const bundlers = { esbuild, rolldown: byRolldown } as const
