/**
 * Who may call an MCP endpoint, for every transport alike: facts of a request go in, an access or an answer comes out.
 *
 * @see [MCP Authorization](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization)
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { BodyUnreadable } from "@belfry/core/RequestBodyHandlers"
import { AccessTokenVerifier } from "@belfry/oauth-server/AccessTokenVerifier"
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { McpAccess } from "../McpAccess.ts"
import { McpRateLimits } from "../McpRateLimits.ts"
import { type McpResource, type McpTarget, resolve } from "../McpResource.ts"
import * as McpScopes from "../McpScopes.ts"
import { type Call, type Messages, read } from "./calls.ts"
import { type Answer, challenge, methodNotAllowed, refuse, unavailable } from "./refusals.ts"
import * as SessionBindings from "./sessionBindings.ts"

/** How an endpoint is guarded. */
export interface GuardOptions {
  readonly resource: McpResource
  /** Hosts beside that of the resource's URL, with their port where it is not the scheme's: of a proxy that changes them. */
  readonly allowedHosts?: ReadonlyArray<string> | undefined
  /** Origins of pages beside the resource's own. */
  readonly allowedOrigins?: ReadonlyArray<string> | undefined
  /** The largest body: 1 MiB. */
  readonly maxBodySize?: ByteSize.ByteSize | undefined
}

/** A request, in no transport's words. Names of headers are in lower case. */
export interface Presented {
  readonly method: string
  /** The target of the request as it came: path and query, or a whole URL. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** How many `Authorization` headers came. */
  readonly authorizations: number
  readonly caller: ClientInfo
  /** The whole body, up to a size. */
  readonly body: (maxSize: ByteSize.ByteSize) => Effect.Effect<string, BodyUnreadable>
}

/** A request that is let in, and what is to be told when it was answered. */
export interface Admitted {
  readonly access: McpAccess
  /** Whether the answer is a stream of changes, which has no end of its own. */
  readonly listens: boolean
  /** Sees the answer: a new session becomes its opener's, one that ended nobody's. */
  readonly answered: (status: number, sessionId: string | undefined) => Effect.Effect<void>
}

/** The scopes that a call needs: the initial ones where it is unknown or says nothing. */
export type ScopesOf = (call: Call, initialScopes: ReadonlyArray<string>) => ReadonlyArray<string>

/** The most messages in a batch. */
export const maxMessages = 100

/** Makes the guard of an endpoint. */
export const make = Effect.fnUntraced(function* (options: GuardOptions, scopesOf: ScopesOf) {
  const resource = yield* Effect.fromResult(resolve(options.resource))
  const verifier = yield* AccessTokenVerifier
  const limits = yield* McpRateLimits
  const sessions = SessionBindings.make()
  const { initialScopes } = resource
  const scheme = resource.origin.slice(0, resource.origin.indexOf(":"))
  const hosts = new Set([resource.host, ...(options.allowedHosts ?? [])].map((host) => canonicalHost(scheme, host)))
  const origins = new Set([resource.origin, ...(options.allowedOrigins ?? [])])
  const maxBodySize = options.maxBodySize ?? ByteSize.mebibytes(1)

  const neededBy = ({ calls }: Messages): ReadonlyArray<string> => [
    ...new Set(calls.flatMap((call) => scopesOf(call, initialScopes))),
  ]

  /** The access token's access, or why there is none. */
  const authenticate = Effect.fnUntraced(function* (presented: Presented, target: McpTarget) {
    const resourceMetadata = resource.metadataUrl(target)
    const invalid = challenge(
      401,
      {
        error: "invalid_token",
        description: "The access token is not good here",
        scopes: initialScopes,
        resourceMetadata,
      },
      "The access token is not good here",
    )
    // RFC 6750 §2: one way to send it, and once. In a URL it is in logs and histories.
    if (presented.authorizations > 1 || hasQueryToken(presented.url)) {
      const description = "An access token stands in one Authorization header"
      return yield* Effect.fail(
        challenge(400, { error: "invalid_request", description, resourceMetadata }, description),
      )
    }
    const bearer = /^bearer +(\S+)$/iu.exec(presented.headers["authorization"] ?? "")?.[1]
    // RFC 6750 §3.1: who brings no token is told no error.
    if (bearer === undefined) {
      return yield* Effect.fail(
        challenge(401, { scopes: initialScopes, resourceMetadata }, "An access token for this MCP server is needed"),
      )
    }
    const token = yield* verifier.verifyFor(Redacted.make(bearer), target.resource).pipe(
      Effect.catchTags({
        AccessTokenRefused: () => Effect.fail(invalid),
        AccessTokenUnverifiable: ({ reason }) =>
          Effect.andThen(
            Effect.annotateLogs(Effect.logError("Access tokens cannot be verified"), { reason }),
            Effect.fail(unavailable),
          ),
      }),
    )
    // Whatever the verifier looks at: a token of another resource is good nowhere else, and one of another organization
    // in none.
    if (!token.audience.includes(target.resource)) return yield* Effect.fail(invalid)
    const ofOrganization = token.claims["org_id"]
    if (target.organizationId !== null && ofOrganization !== undefined && ofOrganization !== target.organizationId) {
      return yield* Effect.fail(invalid)
    }
    const access: McpAccess = { token, ...target, caller: presented.caller }
    return access
  })

  const takeUse = (access: McpAccess) =>
    limits.take(access.token).pipe(
      Effect.catchTags({
        RateLimited: ({ retryAfter }) =>
          Effect.fail(refuse(429, "Too many requests", { headers: { "retry-after": String(retryAfter) } })),
        StoreError: ({ store }) =>
          Effect.andThen(
            Effect.annotateLogs(Effect.logError("MCP requests cannot be counted"), { store }),
            Effect.fail(unavailable),
          ),
      }),
    )

  const readBody = (presented: Presented) =>
    presented
      .body(maxBodySize)
      .pipe(
        Effect.mapError(({ reason }) =>
          reason === "too-large" ? refuse(413, "The body is too large") : refuse(400, "The body cannot be read"),
        ),
      )

  return {
    resource,
    /** Tells whether a page of this origin may call. */
    isAllowedOrigin: (origin: string) => origins.has(origin),
    admit: Effect.fnUntraced(function* (presented: Presented) {
      const { headers, method } = presented
      const target = resource.at(pathOf(presented.url))
      // The router sends other paths elsewhere, but not what is no name of an organization.
      if (target === null) return yield* Effect.fail(refuse(404, "There is no such MCP server"))
      // DNS rebinding: a name of an attacker that leads here is not a name of ours.
      const host = canonicalHost(scheme, headers["host"] ?? URL.parse(presented.url)?.host ?? "")
      if (host === "" || !hosts.has(host)) {
        return yield* Effect.fail(refuse(403, "The host is not allowed"))
      }
      const { origin } = headers
      if (origin !== undefined && !origins.has(origin)) {
        return yield* Effect.fail(refuse(403, "The origin is not allowed"))
      }
      if (method !== "POST" && method !== "GET" && method !== "DELETE") return yield* Effect.fail(methodNotAllowed)
      const access = yield* authenticate(presented, target)
      const owner = JSON.stringify([access.token.subject, access.token.clientId, access.resource])
      const sessionId = headers["mcp-session-id"]
      if (sessionId !== undefined && !sessions.isOwned(sessionId, owner, yield* Clock.currentTimeMillis)) {
        return yield* Effect.fail(refuse(404, "There is no such session"))
      }
      yield* takeUse(access)
      const messages = method === "POST" ? read(yield* readBody(presented)) : null
      if (messages !== null) {
        if (messages.count > maxMessages) {
          return yield* Effect.fail(refuse(400, "The batch has too many messages", { code: -32600 }))
        }
        const needed = neededBy(messages)
        if (McpScopes.missing(needed, access.token.scopes).length > 0) {
          const told = {
            error: "insufficient_scope",
            description: "The access token lacks a scope",
            scopes: McpScopes.stepUp(needed, access.token.scopes),
            resourceMetadata: resource.metadataUrl(target),
          } as const
          return yield* Effect.fail(challenge(403, told, "The access token lacks a scope", messages.id))
        }
      }
      const admitted: Admitted = {
        access,
        listens: method === "GET" || messages?.listens === true,
        answered: (status, opened) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            if (opened !== undefined && opened !== sessionId) sessions.bind(opened, owner, now)
            if (method === "DELETE" && sessionId !== undefined && status < 300) sessions.release(sessionId)
          }),
      }
      return admitted
    }),
    /** What pages of allowed origins are told before they call, and with every answer. */
    crossOrigin: (origin: string | undefined): Readonly<Record<string, string>> =>
      origin === undefined || !origins.has(origin)
        ? { vary: "origin" }
        : {
            vary: "origin",
            "access-control-allow-origin": origin,
            "access-control-expose-headers": "mcp-session-id, mcp-protocol-version, www-authenticate, retry-after",
          },
  }
})

/** The path of a request's target, which is a path with a query or a whole URL. */
export const pathOf = (url: string): string =>
  (url.startsWith("/") ? url : (URL.parse(url)?.pathname ?? "")).split(/[?#]/u, 1)[0] ?? ""

/** What {@link make} makes. */
export type Guard = Effect.Success<ReturnType<typeof make>>

/** The answer to a preflight of a page whose origin is allowed. */
export const preflight = (crossOrigin: Readonly<Record<string, string>>): Answer => ({
  status: 204,
  headers: {
    ...crossOrigin,
    "access-control-allow-methods": "DELETE, GET, POST",
    "access-control-allow-headers":
      "accept, authorization, content-type, last-event-id, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id",
    "access-control-max-age": "600",
  },
  body: null,
})

// internal

const hasQueryToken = (url: string) => {
  const query = url.indexOf("?")
  return query >= 0 && new URLSearchParams(url.slice(query + 1)).has("access_token")
}

/** A host in one form: in lower case, without the port of its scheme. What is no host is the empty one, which nobody has. */
const canonicalHost = (scheme: string, host: string) =>
  /^[^\s/?#@\\]+$/u.test(host) ? (URL.parse(`${scheme}://${host}`)?.host ?? "") : ""
