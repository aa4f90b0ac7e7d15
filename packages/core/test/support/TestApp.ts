/**
 * The HTTP API of the package over memory, and people who use it.
 */
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { Authentication } from "@belfry/core/SessionsApi"
import * as Site from "@belfry/core/Site"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { Effect, Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as TestCore from "./TestCore.ts"
import * as TestHttp from "./TestHttp.ts"

/** The API, served at `http://localhost:3000`. */
export const open = TestHttp.open(
  HttpApiBuilder.layer(CoreApi).pipe(Layer.provide(CoreHandlers.layer)),
  "http://localhost:3000",
)

/** The API, served at `https://app.example` behind whatever ends TLS. */
export const openSecure = TestHttp.open(
  HttpApiBuilder.layer(CoreApi).pipe(
    Layer.provide(CoreHandlers.layer),
    Layer.provide(
      Layer.orDie(Site.layer({ baseUrl: "https://app.example", allowedOrigins: ["https://partner.example"] })),
    ),
  ),
  "https://app.example",
)

/** Every endpoint of the contract, its path with an id that nothing has. */
export const endpoints = Object.values(CoreApi.groups)
  .flatMap((group) => Object.values(group.endpoints))
  .map((endpoint) => ({
    to: `${endpoint.method} ${endpoint.path.replace(/:\w+/g, "019a0000-0000-7000-8000-000000000000")}`,
    isUnsafe: endpoint.method !== "GET",
    needsSession: [...endpoint.middlewares].some((middleware) => middleware.key === Authentication.key),
  }))

let people = 0

/** A new user who has just signed in. */
export const signIn = Effect.gen(function* () {
  const users = yield* Users
  const sessions = yield* Sessions
  const user = yield* users.create({ email: Email.make(`person${++people}@example.com`), name: "Ada" })
  return { user, ...(yield* sessions.start({ user, amr: ["pwd"], client: TestCore.client })) }
})

const titles: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  503: "Service Unavailable",
}

/** What an answer says of a failure: status, content type and body, as a problem of this tag has them. */
export const problem = (status: number, tag: string, fields: Readonly<Record<string, unknown>> = {}) => ({
  status,
  contentType: "application/problem+json",
  json: { type: "about:blank", title: titles[status], status, _tag: tag, ...fields },
})

/** The same of an answer. */
export const problemOf = ({ status, headers, json }: TestHttp.Answer) => ({
  status,
  contentType: headers.get("content-type"),
  json,
})
