/**
 * The scopes that the registrations of an Effect MCP server say they need.
 */
import type { McpServer } from "effect/ai/McpServer"
import * as McpScopes from "../McpScopes.ts"
import type { Call } from "./calls.ts"
import type { ScopesOf } from "./guard.ts"

/** Reads the scopes of calls from the annotations of what is registered at the moment. */
export const annotatedScopes =
  (server: McpServer["Service"]): ScopesOf =>
  ({ kind, name }, initialScopes) => {
    const registered = registrations(server, kind, name)
    // What says nothing, and what nobody knows.
    if (registered.length === 0) return initialScopes
    return registered.flatMap(({ annotations }) => McpScopes.annotated(annotations) ?? initialScopes)
  }

// internal

const registrations = (
  { prompts, resourceTemplates, resources, tools }: McpServer["Service"],
  kind: Call["kind"],
  name: string,
): ReadonlyArray<{ readonly annotations: Parameters<typeof McpScopes.annotated>[0] }> => {
  switch (kind) {
    case "tool":
      return tools.filter(({ tool }) => tool.name === name)
    case "prompt":
      return prompts.filter(({ prompt }) => prompt.name === name)
    case "template":
      return resourceTemplates.filter(({ template }) => template.uriTemplate === name)
    case "resource": {
      const named = resources.filter(({ resource }) => resource.uri === name)
      return named.length > 0 ? named : resourceTemplates.filter(({ template }) => mayMatch(template.uriTemplate, name))
    }
  }
}

/**
 * Whether a URI may be one of a template. Which template answers is the matcher's business, which forgives slashes and
 * percent-encoding: to ask for the scopes of one more is better than to forget the one that it takes.
 */
const mayMatch = (uriTemplate: string, uri: string) =>
  loosely(uri).startsWith(loosely(uriTemplate.split("{", 1)[0] ?? "").replace(/\/$/u, ""))

const loosely = (uri: string) => decoded(uri).toLowerCase().replaceAll(/\/+/gu, "/")

const decoded = (uri: string) => {
  try {
    return decodeURIComponent(uri)
  } catch {
    return uri
  }
}
