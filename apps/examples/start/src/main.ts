import { AuditEvent, CoreHandlers, CoreServices, KeyRing, Mailer, MailQueue, MemoryStores } from "@belfry/core"
import { RateLimits, Sessions, SessionsApi, Site, User, Users } from "@belfry/core"
import { NodeCrypto, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Redacted, Schema } from "effect"
import { HttpClient, HttpClientRequest, HttpRouter } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiClient, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { deepStrictEqual } from "node:assert"

// An API of your own. `Authentication` lets in whoever has a session, and its failures are part of the contract.
const Api = HttpApi.make("app").add(
  HttpApiGroup.make("greetings").add(
    HttpApiEndpoint.get("hello", "/hello", { success: Schema.String }).middleware(SessionsApi.Authentication),
  ),
)

const Greetings = HttpApiBuilder.group(Api, "greetings", (handlers) =>
  handlers.handle("hello", () => Effect.map(SessionsApi.CurrentUser, (user) => `Hello ${user.name}!`)),
)

// Belfry, over stores in memory. Leave out a line, and the compiler names the service that is missing.
const Belfry = CoreServices.layer().pipe(
  Layer.provideMerge(MemoryStores.layer),
  Layer.provideMerge(RateLimits.layerMemory),
  Layer.provideMerge(MailQueue.layer()),
  Layer.provideMerge(Layer.succeed(Mailer.Mailer)({ send: (message) => Console.log(`Mail to ${message.to}`) })),
  Layer.provideMerge(KeyRing.layer([{ id: "1", value: Redacted.make("32 characters or more, all random") }])),
  Layer.provideMerge(Site.layer({ baseUrl: "http://localhost:3000" })),
  Layer.provideMerge(NodeCrypto.layer),
)

// Your routes behind Belfry's middleware, on a free port.
const Routes = HttpApiBuilder.layer(Api).pipe(Layer.provide(Greetings), Layer.provide(CoreHandlers.layerMiddleware))
const Server = HttpRouter.serve(Routes, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provideMerge(Belfry),
  Layer.provideMerge(NodeHttpServer.layerTest),
)

const program = Effect.gen(function* () {
  const users = yield* Users.Users
  const sessions = yield* Sessions.Sessions

  // Ada signs in: by a password with `@belfry/factors`, or, as here, by whatever means the host has.
  const user = yield* users.create({ email: User.Email.make("ada@example.com"), name: "Ada" })
  const { token } = yield* sessions.start({ user, amr: ["pwd"], client: AuditEvent.unknownClient })

  // The client comes from the contract, errors and all: `refusal` is a `SessionInvalid`.
  const stranger = yield* HttpApiClient.make(Api)
  const refusal = yield* Effect.flip(stranger.greetings.hello())
  const ada = yield* HttpApiClient.make(Api, {
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(token)),
  })
  const greeting = yield* ada.greetings.hello()

  deepStrictEqual([refusal._tag, greeting], ["SessionInvalid", "Hello Ada!"])
  yield* Console.log(greeting)
})

NodeRuntime.runMain(Effect.provide(program, Server))
