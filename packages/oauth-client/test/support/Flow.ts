/**
 * Sign-ins through a provider from the browser's side, over the real services and a provider in memory.
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import type { Session } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { Email, type User } from "@belfry/core/User"
import { type NewUser, Users } from "@belfry/core/Users"
import type { OAuthProviderOptions } from "@belfry/oauth-client/OAuthProvider"
import * as OAuthProviders from "@belfry/oauth-client/OAuthProviders"
import type { OAuthRequest } from "@belfry/oauth-client/OAuthSignIn"
import * as OAuthSignIns from "@belfry/oauth-client/OAuthSignIns"
import * as OAuthStates from "@belfry/oauth-client/OAuthStates"
import type { SignInGate } from "@belfry/oauth-client/SignInGate"
import * as Builders from "@belfry/testing/Builders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted } from "effect"
import * as FakeTransport from "./FakeTransport.ts"
import * as TestGate from "./TestGate.ts"

/** All services over memory, the gate among them. */
export const layer = OAuthSignIns.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(OAuthProviders.layer, OAuthStates.layer, FakeTransport.layer, TestGate.layer)),
  Layer.provideMerge(TestServices.layerMemory),
)

/** The services of this package over others' services and stores, with the gate given. */
export const layerOver = <E, R>(gate: Layer.Layer<SignInGate, E, R>) =>
  OAuthSignIns.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(OAuthProviders.layer, OAuthStates.layer, FakeTransport.layer, gate)),
  )

let counter = 0

/** An id, an account or an address that nothing else has. */
export const unique = (): string => `n${++counter}`

/** A client of another address each time, so that no rate limit counts what a test is not about. */
export const newClient = (): ClientInfo => {
  counter++
  return { ipAddress: `10.${(counter >> 16) & 255}.${(counter >> 8) & 255}.${counter & 255}`, userAgent: null }
}

/** Adds a provider and answers its id. */
export const addProvider = Effect.fnUntraced(function* (options: Partial<OAuthProviderOptions> = {}) {
  const providers = yield* OAuthProviders.OAuthProviders
  const { id } = yield* providers.add({
    id: unique(),
    clientId: "belfry",
    authorizationEndpoint: `${FakeTransport.issuer}/authorize`,
    tokenEndpoint: `${FakeTransport.issuer}/token`,
    scopes: ["openid", "email"],
    ...options,
  })
  return id
})

/** Where a browser stands that was sent to the provider. */
export interface Begun {
  readonly providerId: string
  readonly location: URL
  readonly cookie: Redacted.Redacted | null
  readonly client: ClientInfo
}

/** Opens a start URL in the browser that asked for it. `link` is the session of who links. */
export const begin = Effect.fnUntraced(function* (options: {
  readonly providerId: string
  readonly request?: OAuthRequest
  readonly link?: Session
  readonly client?: ClientInfo
}) {
  const { providerId, request = {}, link, client = newClient() } = options
  const signIns = yield* OAuthSignIns.OAuthSignIns
  const { url, browser } = yield* link === undefined
    ? signIns.signInUrl(providerId, request, null, client)
    : signIns.linkUrl(providerId, link, request, null, client)
  const token = new URL(url).searchParams.get("token") ?? ""
  const { location, cookie } = yield* signIns.start(providerId, Redacted.make(token), browser, client)
  const begun: Begun = { providerId, location, cookie: cookie.value, client }
  return begun
})

type Callback = Parameters<OAuthSignIns.OAuthSignIns["Service"]["callback"]>[0]

/** Comes back from the provider with these parameters. */
export const comeBack = (
  begun: Begun,
  parameters: Partial<OAuthSignIns.CallbackParameters>,
  more: Partial<Callback> = {},
) =>
  OAuthSignIns.OAuthSignIns.use((signIns) =>
    signIns.callback({
      providerId: begun.providerId,
      parameters: { fields: {}, ...parameters },
      stateCookie: begun.cookie,
      session: null,
      attemptToken: null,
      replaces: null,
      client: begun.client,
      ...more,
    }),
  )

/** Consents at the provider and comes back. */
export const consent = Effect.fnUntraced(function* (
  begun: Begun,
  person: FakeTransport.Person,
  more: Partial<Callback> = {},
) {
  const provider = yield* FakeTransport.FakeProvider
  return yield* comeBack(begun, provider.authorize(begun.location, person), more)
})

/** A whole sign-in of a person. */
export const signIn = Effect.fnUntraced(function* (
  providerId: string,
  person: FakeTransport.Person,
  request: OAuthRequest = {},
  more: Partial<Callback> = {},
) {
  return yield* consent(yield* begin({ providerId, request }), person, more)
})

/** A whole link of a person's account to the user of a session. */
export const link = Effect.fnUntraced(function* (
  providerId: string,
  session: Session,
  person: FakeTransport.Person,
  request: OAuthRequest = {},
) {
  return yield* consent(yield* begin({ providerId, request, link: session }), person, { session })
})

/** What a callback achieved; the test ends where it was refused. */
export const done = (result: OAuthSignIns.CallbackResult) => {
  if (result._tag === "Refused") return assert.fail(`refused: ${result.error.code}`)
  return result
}

/** The code by which a callback was refused, `done` where it was not. */
export const codeOf = (result: OAuthSignIns.CallbackResult): string =>
  result._tag === "Refused" ? result.error.code : "done"

/** Somebody who has an account here, made by the host. */
export const addUser = Effect.fnUntraced(function* (options: { readonly verified?: boolean } & Partial<NewUser> = {}) {
  const { verified = false, ...user } = options
  return yield* Users.use((users) =>
    Effect.flatMap(DateTime.now, (now) =>
      users.create({ email: Email.make(`${unique()}@example.com`), emailVerifiedAt: verified ? now : null, ...user }),
    ),
  )
})

/** A session of a user. */
export const sessionOf = (user: User) =>
  Sessions.use((sessions) => sessions.start({ user, amr: ["pwd"], client: newClient() }))

export const getUser = (user: Pick<User, "id">) => Users.use((users) => users.get(user.id))

export const accountsOf = (user: Pick<User, "id">) => LinkedAccounts.use((accounts) => accounts.list(user.id))

/** The refusals at a provider, newest first: their reasons and what else is known. */
export const refusals = Effect.fnUntraced(function* (providerId: string) {
  const events = yield* Audit.use((audit) => audit.list({ limit: 1000 }))
  return events.filter(({ type, data }) => type === "oauth.refused" && data["providerId"] === providerId)
})

/** Links an account to a user without asking anybody. */
export const linkDirectly = (user: User, providerId: string, accountId: string) =>
  LinkedAccounts.use((accounts) =>
    accounts.link({ userId: user.id, providerId, accountId, tokens: Builders.noTokens, client: newClient() }),
  )

/** An ID token that a client got itself, without a nonce. */
export const directToken = Effect.fnUntraced(function* (
  person: FakeTransport.Person,
  more: Partial<OAuthSignIns.DirectIdToken> = {},
) {
  const provider = yield* FakeTransport.FakeProvider
  const token: OAuthSignIns.DirectIdToken = {
    ...Builders.noTokens,
    idToken: provider.idToken({ ...person }),
    nonce: null,
    requestSignUp: false,
    ...more,
  }
  return token
})

/** Links by an ID token: `done`, or the code by which it was refused. */
export const linkByIdToken = Effect.fnUntraced(function* (
  providerId: string,
  session: Session,
  person: FakeTransport.Person,
) {
  const signIns = yield* OAuthSignIns.OAuthSignIns
  const token = yield* directToken(person)
  return yield* signIns.linkByIdToken({ providerId, token, session, client: newClient() }).pipe(
    Effect.as("done"),
    Effect.catchTag("OAuthRefused", ({ code }) => Effect.succeed(code)),
  )
})
