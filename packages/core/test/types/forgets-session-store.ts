/**
 * The host program of `complete.ts` without a layer for `SessionStore`: it does not compile.
 */
import * as CoreServices from "@belfry/core/CoreServices"
import * as KeyRing from "@belfry/core/KeyRing"
import * as MailQueue from "@belfry/core/MailQueue"
import * as MemoryAuditStore from "@belfry/core/MemoryAuditStore"
import * as MemoryLinkedAccountStore from "@belfry/core/MemoryLinkedAccountStore"
import * as MemoryOutboxStore from "@belfry/core/MemoryOutboxStore"
import * as MemoryTables from "@belfry/core/MemoryTables"
import * as MemoryTransactionStore from "@belfry/core/MemoryTransactionStore"
import * as MemoryUserStore from "@belfry/core/MemoryUserStore"
import * as MemoryVerificationTokenStore from "@belfry/core/MemoryVerificationTokenStore"
import * as RateLimits from "@belfry/core/RateLimits"
import { Sessions } from "@belfry/core/Sessions"
import * as Site from "@belfry/core/Site"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { Effect, Layer, Redacted } from "effect"

const layerStores = Layer.mergeAll(
  MemoryAuditStore.layer,
  MemoryLinkedAccountStore.layer,
  MemoryOutboxStore.layer,
  MemoryTransactionStore.layer,
  MemoryUserStore.layer,
  MemoryVerificationTokenStore.layer,
).pipe(Layer.provide(MemoryTables.layer))

const layerHost = Layer.mergeAll(
  layerStores,
  RateLimits.layerMemory,
  Layer.mock(MailQueue.MailQueue, {}),
  Site.layer({ baseUrl: "http://localhost:3000" }),
).pipe(
  Layer.provideMerge(KeyRing.layer([{ id: "a", value: Redacted.make("0123456789abcdefghijklmnopqrstuvwxyz") }])),
  Layer.provideMerge(NodeCrypto.layer),
)

const program = Sessions.use((sessions) => sessions.verify(Redacted.make("a token"))).pipe(
  Effect.provide(Layer.provide(CoreServices.layer(), layerHost)),
)

await Effect.runPromise(program)
