/**
 * Scopes that tools, resources and prompts need.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * The scopes that a tool, a resource or a prompt needs: an annotation of it.
 *
 * **Details**
 *
 * What has no such annotation needs the initial scopes of the MCP endpoint; what says that it needs none, none.
 *
 * **Example** (A tool for those who may read organizations)
 *
 * ```ts
 * const ListOrganizations = Tool.make("list_organizations", { success: Organizations })
 *   .annotate(McpScopes.RequiredScopes, ["organizations:read"])
 * ```
 *
 * @category annotations
 * @since 0.1.0
 */
export const RequiredScopes = Context.Reference<ReadonlyArray<string>>("@belfry/mcp/RequiredScopes", {
  defaultValue: () => [],
})

/**
 * The scopes that annotations name, or undefined where they say nothing.
 *
 * @category accessors
 * @since 0.1.0
 */
export const annotated = (annotations: Context.Context<never>): ReadonlyArray<string> | undefined =>
  annotations.mapUnsafe.has(RequiredScopes.key) ? Context.get(annotations, RequiredScopes) : undefined

/**
 * The needed scopes that were not granted.
 *
 * @category predicates
 * @since 0.1.0
 */
export const missing = (needed: ReadonlyArray<string>, granted: ReadonlyArray<string>): ReadonlyArray<string> =>
  needed.filter((scope) => !granted.includes(scope))

/**
 * What a client is told to ask for, so that one consent is enough and none is lost: what is needed and what it has.
 *
 * **Details**
 *
 * `offline_access` is left out: whether there are refresh tokens is between client and authorization server.
 *
 * @see [MCP Authorization, Scope Challenge Handling](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization#scope-challenge-handling)
 * @category combinators
 * @since 0.1.0
 */
export const stepUp = (needed: ReadonlyArray<string>, granted: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set([...needed, ...granted])].filter((scope) => scope !== "offline_access")
