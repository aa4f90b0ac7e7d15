import { OutboxSubscribers } from "@belfry/core"
import { unknownClient } from "@belfry/core/AuditEvent"
import { SignInPolicy } from "@belfry/factors"
import { OAuthProviders } from "@belfry/oauth-client"
import { NodeOutboundHttp, NodeServer, Server } from "@belfry/server"
import * as Builders from "@belfry/testing/Builders"
import * as TestCrypto from "@belfry/testing/TestCrypto"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Logger } from "effect"
import { type IncomingMessage, request } from "node:http"
import { inProgram, whoAmI } from "../docs/client.ts"
import { contract } from "../docs/contract.ts"
import * as Host from "../docs/host.ts"
import * as Mcp from "../docs/mcp.ts"
import * as Providers from "../docs/providers.ts"

const layerEnvironment = ConfigProvider.layer(
  ConfigProvider.fromEnvRecord({
    BELFRY_PORT: "0",
    BELFRY_SECRETS: "1:a-secret-of-thirty-two-characters-or-more",
    BELFRY_SMTP_URL: "smtp://127.0.0.1:1",
    BELFRY_MAIL_FROM: "Belfry <belfry@localhost>",
  }),
)

const layerHost = Host.layer.pipe(
  Layer.provideMerge(TestDatabase.layerPglite(Server.migrations)),
  Layer.provideMerge(TestCrypto.layer),
  Layer.provide(NodeHttpServer.layerHttpServices),
  Layer.provide(Logger.layer([])),
  Layer.provide(layerEnvironment),
)

const layerMcp = NodeServer.serve(Mcp.layer).pipe(
  Layer.provide(Server.layerServices),
  Layer.provide(TestDatabase.layerPglite(Server.migrations)),
  Layer.provide(TestCrypto.layer),
  Layer.provide(NodeHttpServer.layerHttpServices),
  Layer.provide(Logger.layer([])),
  Layer.provide(layerEnvironment),
)

const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
})

describe("the code of the documentation", () => {
  it.live("serves a host's endpoints beside Belfry's, and the derived client finds the latter", () =>
    Effect.gen(function* () {
      const baseUrl = `http://${yield* NodeServer.address}`
      const call = (path: string, init?: RequestInit) => Effect.promise(() => fetch(`${baseUrl}${path}`, init))

      const anonymous = yield* Effect.provide(whoAmI, inProgram(baseUrl))
      assert.strictEqual(anonymous, "nobody")

      assert.strictEqual((yield* call("/payments", post({ amount: 1 }))).status, 401)
      assert.strictEqual((yield* call("/projects", post({}))).status, 401)
      assert.strictEqual((yield* call("/health/ready")).status, 200)

      const refused = yield* call("/reports")
      assert.strictEqual(refused.status, 401)
      assert.strictEqual(
        refused.headers.get("www-authenticate"),
        'Bearer scope="reports:read", resource_metadata="https://api.example/.well-known/oauth-protected-resource"',
      )
    }).pipe(Effect.provide(layerHost), Effect.scoped),
  )

  it.live("serves an MCP server that tells whoever has no token where to get one", () =>
    Effect.gen(function* () {
      const [, port] = (yield* NodeServer.address).split(":")
      const call = (path: string, method: string) =>
        Effect.promise(
          () =>
            new Promise<IncomingMessage>((resolve, reject) =>
              request({ port, path, method, headers: { host: "notes.example.com" } }, resolve)
                .on("error", reject)
                .end(),
            ),
        )
      const metadata = "/.well-known/oauth-protected-resource/mcp"
      assert.strictEqual((yield* call(metadata, "GET")).statusCode, 200)
      const refused = yield* call("/mcp", "POST")
      assert.strictEqual(refused.statusCode, 401)
      assert.strictEqual(
        refused.headers["www-authenticate"],
        `Bearer scope="notes:read", resource_metadata="https://notes.example.com${metadata}"`,
      )
    }).pipe(Effect.provide(layerMcp), Effect.scoped),
  )

  it.effect("guards an MCP server of another make alike", () =>
    Effect.gen(function* () {
      const handler = yield* Mcp.webHandler
      const post = new Request("https://notes.example.com/mcp", {
        method: "POST",
        headers: { host: "notes.example.com" },
      })
      const response = yield* Effect.promise(() => handler(post))
      assert.strictEqual(response.status, 401)
      assert.include(response.headers.get("www-authenticate") ?? "", 'scope="notes:read"')
    }).pipe(Effect.provide(NodeOutboundHttp.layer())),
  )

  it.effect("asks who pays for a passkey, and everybody for what the policy says", () =>
    Effect.gen(function* () {
      const { stepUp } = yield* SignInPolicy.SignInPolicy
      const user = yield* Builders.user()
      const facts = { user, provable: ["password"], proofs: [], client: unknownClient } as const
      const { id: sessionId } = yield* Builders.session({ userId: user.id })
      const ask = (action: string | null) =>
        stepUp({ ...facts, stepUp: { sessionId, amr: ["pwd"], acr: "aal1", action } })
      assert.deepStrictEqual(yield* ask("pay"), [["passkey"]])
      const others = SignInPolicy.make({ secondFactor: "required" })
      const expected = others.stepUp({ ...facts, stepUp: { sessionId, amr: ["pwd"], acr: "aal1", action: null } })
      assert.deepStrictEqual(yield* ask(null), yield* expected)
      assert.notDeepEqual(yield* ask(null), [["passkey"]])
    }).pipe(Effect.provide([Host.layerPolicy, TestCrypto.layer])),
  )

  it.effect("registers its providers", () =>
    Effect.gen(function* () {
      const providers = yield* OAuthProviders.OAuthProviders
      const ids = (yield* providers.list).map(({ id }) => id)
      assert.deepStrictEqual([...ids].toSorted(), ["acme", "forge", "google"])
    }).pipe(Effect.provide(Providers.layer)),
  )

  it.effect("subscribes to the outbox", () =>
    Effect.gen(function* () {
      const subscribers = yield* OutboxSubscribers.OutboxSubscribers
      yield* Layer.build(
        Layer.provide(Host.subscriber, Layer.succeed(OutboxSubscribers.OutboxSubscribers, subscribers)),
      )
      assert.deepStrictEqual(
        (yield* subscribers.list).map(({ name }) => name),
        ["search"],
      )
    }).pipe(Effect.provide(OutboxSubscribers.layer), Effect.scoped),
  )
})

contract()
