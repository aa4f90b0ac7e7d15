/**
 * The whole server where it says that it is, with its MCP endpoint, for programs and for people with a browser.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import type { Consents } from "@belfry/oauth-server/Consents"
import * as FreePort from "@belfry/testing/FreePort"
import { nowhere } from "@belfry/testing/McpProgram"
import { make as makePerson, type Person, signIn } from "@belfry/testing/Person"
import { Context, Effect, Layer, Predicate } from "effect"
import type { HttpRouter } from "effect/http"
import { createHash, randomBytes } from "node:crypto"
import * as TestServer from "./TestServer.ts"

/** What came of a request for a token. */
export interface Issued {
  readonly pages: ReadonlyArray<string>
  /** The access token; the error where there is none. */
  readonly token: string
  readonly refreshToken: string | undefined
  readonly scope: string | undefined
}

/** The server, seen from outside. */
export class McpSite extends Context.Service<
  McpSite,
  {
    readonly origin: string
    readonly person: () => Promise<Person>
    /** A link of the client that is known already, and the verifier that belongs to it. */
    readonly link: (resource: string, scope: string) => { readonly link: URL; readonly verifier: string }
    /** A token of somebody who agrees to everything, for a resource, by a client that is known already. */
    readonly issue: (person: Person, resource: string, scope: string) => Promise<Issued>
    /** What the token endpoint answers. */
    readonly exchange: (fields: Readonly<Record<string, string>>) => Promise<unknown>
    /** Says hello to an endpoint: the status, and the headers. */
    readonly hello: (
      endpoint: string,
      token: string | undefined,
      headers?: Readonly<Record<string, string>>,
    ) => Promise<Response>
  }
>()("@belfry/server/test/McpSite") {}

/** The whole server with its MCP endpoint. */
export const layer = (
  environment: Readonly<Record<string, string>> = {},
  routes: (origin: string) => Layer.Layer<never, never, HttpRouter.HttpRouter> = () => Layer.empty,
) =>
  Layer.unwrap(
    Effect.map(Effect.promise(FreePort.find), (port) => {
      const origin = `http://127.0.0.1:${port}`
      return layerSite(origin).pipe(
        Layer.provideMerge(
          TestServer.layer({
            routes: routes(origin),
            environment: {
              BELFRY_PORT: String(port),
              BELFRY_BASE_URL: origin,
              BELFRY_MCP: "on",
              BELFRY_OAUTH_REGISTRATION: "open",
              BELFRY_OAUTH_RATE_LIMITS: "false",
              ...environment,
            },
          }),
        ),
      )
    }),
  )

/** Takes back, as the person, every access that they gave. */
export const revoke = (consents: Consents["Service"], person: Person) =>
  consents.revokeGrants(person.user().id, unknownClient)

// internal

const layerSite = (origin: string) =>
  Layer.effect(
    McpSite,
    Effect.gen(function* () {
      const run = Effect.runPromiseWith(yield* Effect.context<Effect.Services<ReturnType<typeof signIn>>>())
      const { client } = yield* AdminClients.use((clients) =>
        clients.create({
          metadata: {
            clientName: "Difference Engine",
            redirectUris: [nowhere],
            grantTypes: ["authorization_code", "refresh_token"],
            tokenEndpointAuthMethod: "none",
          },
          privileges: {},
          clientInfo: unknownClient,
        }),
      )
      const exchange: McpSite["Service"]["exchange"] = async (fields) => {
        const body = new URLSearchParams({ client_id: client.id, ...fields })
        const answer: unknown = await (await fetch(`${origin}/auth/oauth2/token`, { method: "POST", body })).json()
        return answer
      }
      const link: McpSite["Service"]["link"] = (resource, scope) => {
        const verifier = randomBytes(32).toString("base64url")
        const asked = new URL(`${origin}/auth/oauth2/authorize`)
        asked.search = new URLSearchParams({
          response_type: "code",
          client_id: client.id,
          redirect_uri: nowhere,
          state: "s",
          code_challenge: createHash("sha256").update(verifier).digest("base64url"),
          code_challenge_method: "S256",
          resource,
          scope,
        }).toString()
        return { link: asked, verifier }
      }
      return McpSite.of({
        origin,
        exchange,
        person: async () => {
          const person = makePerson({ origin, signIn: (user) => run(signIn(user)) })
          await person.signIn()
          return person
        },
        link,
        issue: async (person, resource, scope) => {
          const { link: asked, verifier } = link(resource, scope)
          const { answer, pages } = await person.authorize(asked)
          const parameters = answer instanceof URL ? answer.searchParams : new URLSearchParams()
          const code = parameters.get("code")
          const answered =
            code === null
              ? { error: parameters.get("error") }
              : await exchange({
                  grant_type: "authorization_code",
                  redirect_uri: nowhere,
                  code_verifier: verifier,
                  code,
                  resource,
                })
          const text = (name: string) => {
            const value = Predicate.hasProperty(answered, name) ? answered[name] : undefined
            return typeof value === "string" ? value : undefined
          }
          return {
            pages,
            token: text("access_token") ?? text("error") ?? "nothing",
            refreshToken: text("refresh_token"),
            scope: text("scope"),
          }
        },
        hello: (endpoint, token, headers = {}) =>
          fetch(endpoint, {
            method: "POST",
            headers: {
              "content-type": "application/json",
              accept: "application/json, text/event-stream",
              ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
              ...headers,
            },
            body: JSON.stringify({
              jsonrpc: "2.0",
              id: 1,
              method: "initialize",
              params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
            }),
          }),
      })
    }),
  )
