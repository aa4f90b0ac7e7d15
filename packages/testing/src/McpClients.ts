/**
 * The official MCP clients, both generations, behind the same few calls.
 *
 * @since 0.1.0
 */
import * as V2 from "@modelcontextprotocol/client"
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import type { Program } from "./McpProgram.ts"

/**
 * A connection to an MCP server.
 *
 * @category models
 * @since 0.1.0
 */
export interface Connection {
  /** The version that was agreed on. */
  readonly version: string | undefined
  readonly tools: () => Promise<ReadonlyArray<string>>
  /** Calls a tool, and answers the text of its result. */
  readonly call: (name: string, given?: Record<string, unknown>) => Promise<string>
  readonly close: () => Promise<void>
}

/**
 * An attempt to connect, which may have to wait for a person.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attempt {
  readonly connect: () => Promise<Connection>
  /** Takes the answer of the authorization server. */
  readonly finish: (answer: URLSearchParams) => Promise<void>
}

/**
 * A client library.
 *
 * @category models
 * @since 0.1.0
 */
export interface Library {
  readonly name: string
  readonly versions: ReadonlyArray<string>
  readonly attempt: (endpoint: string, version: string, program: Program) => Attempt
  /** Whether an error says that a person has to be asked. */
  readonly needsPerson: (error: unknown) => boolean
  /**
   * Whether it asks for `offline_access` where it may have refresh tokens. The first generation asks for what a
   * challenge names and no more, which is never that.
   */
  readonly refreshes: boolean
}

/**
 * Both libraries.
 *
 * @category models
 * @since 0.1.0
 */
export const libraries = (): ReadonlyArray<Library> => [v2, v1]

// internal

const self = { name: "difference-engine", version: "1.0.0" }

const stateful = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]

/** Both libraries say the last version of theirs; older clients of theirs said an older one. */
const saying =
  (version: string) =>
  (url: string | URL, init?: RequestInit): Promise<Response> => {
    const { body } = init ?? {}
    if (typeof body !== "string") return fetch(url, init)
    const spoken = body.includes('"method":"initialize"')
      ? body.replace(/"protocolVersion":"[^"]*"/u, `"protocolVersion":"${version}"`)
      : body
    return fetch(url, { ...init, body: spoken })
  }

const textOf = (content: ReadonlyArray<{ readonly type: string; readonly text?: unknown }>, isError: boolean) => {
  const said = content.flatMap(({ text }) => (typeof text === "string" ? [text] : [])).join("\n")
  if (isError) throw new Error(said)
  return said
}

const v1: Library = {
  name: "@modelcontextprotocol/sdk",
  versions: stateful,
  refreshes: false,
  needsPerson: (error) => error instanceof UnauthorizedError,
  attempt: (endpoint, version, program) => {
    const make = () =>
      new StreamableHTTPClientTransport(new URL(endpoint), { authProvider: program, fetch: saying(version) })
    let transport = make()
    return {
      finish: (answer) => transport.finishAuth(answer.get("code") ?? ""),
      connect: async () => {
        transport = make()
        const client = new Client(self)
        await client.connect(transport)
        return {
          version: transport.protocolVersion,
          tools: async () => (await client.listTools()).tools.map(({ name }) => name),
          call: async (name, given = {}) => {
            const { content, isError } = await client.callTool({ name, arguments: given })
            return textOf(Array.isArray(content) ? content : [], isError === true)
          },
          close: () => client.close(),
        }
      },
    }
  },
}

const v2: Library = {
  name: "@modelcontextprotocol/client",
  versions: ["2026-07-28", ...stateful],
  refreshes: true,
  needsPerson: (error) => error instanceof V2.UnauthorizedError,
  attempt: (endpoint, version, program) => {
    const make = () =>
      new V2.StreamableHTTPClientTransport(new URL(endpoint), { authProvider: program, fetch: saying(version) })
    let transport = make()
    return {
      finish: (answer) => transport.finishAuth(answer),
      connect: async () => {
        transport = make()
        const isStateless = !stateful.includes(version)
        const client = new V2.Client(self, {
          versionNegotiation: { mode: isStateless ? { pin: version } : "legacy" },
        })
        await client.connect(transport)
        return {
          version: client.getNegotiatedProtocolVersion(),
          tools: async () => (await client.listTools()).tools.map(({ name }) => name),
          call: async (name, given = {}) => {
            const { content, isError } = await client.callTool({ name, arguments: given })
            return textOf(content, isError === true)
          },
          close: () => client.close(),
        }
      },
    }
  },
}
