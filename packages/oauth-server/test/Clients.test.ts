/**
 * Clients, managed by the people whose they are, and by code that is trusted.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { ClientAuthentications } from "@belfry/oauth-server/ClientAuthentications"
import { type Actor, Clients } from "@belfry/oauth-server/Clients"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { ClientId, type ClientMetadata, type OAuthClient } from "@belfry/oauth-server/OAuthClient"
import { TrustedClients } from "@belfry/oauth-server/TrustedClients"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { AuditAway, events, layer, layerAuditAway, metadata, signIn } from "./support/Management.ts"

const onFile = (id: ClientId) =>
  Effect.map(
    ClientStore.use((store) => store.find(id)),
    Option.getOrNull,
  )

const create = (actor: Actor, fields: Partial<ClientMetadata> = {}) =>
  Clients.use((clients) => clients.create(actor, { ...metadata, ...fields }))

/** Whether a secret opens the client that is on file. */
const opens = Effect.fnUntraced(function* (id: ClientId, secret: Redacted.Redacted | null) {
  if (secret === null) return assert.fail("no secret")
  const client = yield* onFile(id)
  const credentials = { method: "client_secret_basic", clientId: id, secret } as const
  return yield* Effect.matchEffect(
    ClientAuthentications.use((authentications) => authentications.verify(credentials, client)),
    {
      onSuccess: () => Effect.succeed(true),
      onFailure: (error) => (error._tag === "OAuthError" ? Effect.succeed(false) : Effect.die(error)),
    },
  )
})

/** What came of a call, in a word. */
const outcome = <A, E extends { readonly _tag: string; readonly reason?: string }, R>(
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<string, never, R> =>
  Effect.match(effect, { onSuccess: () => "done", onFailure: (error) => error.reason ?? error._tag })

const actions = {
  read: (actor: Actor, id: ClientId) => Clients.use((clients) => clients.get(actor, id)),
  update: (actor: Actor, id: ClientId) => Clients.use((clients) => clients.update(actor, id, { clientName: "Taken" })),
  rotate: (actor: Actor, id: ClientId) => Clients.use((clients) => clients.rotateSecret(actor, id)),
  delete: (actor: Actor, id: ClientId) => Clients.use((clients) => clients.remove(actor, id)),
}

const everyAction = ["read", "update", "rotate", "delete"] as const

describe("Whose a client is", () => {
  /** People belong to the organization that is their name; their address tells what the host lets them do. */
  const hooks = layer({
    hooks: {
      clientReference: ({ user }) => Effect.succeed(user.name),
      clientPrivileges: ({ action, user }) => {
        if (user.email.startsWith("banned")) return Effect.succeed(false)
        if (user.email.startsWith("barred")) return Effect.succeed(action === "read" ? "default" : false)
        if (user.email.startsWith("auditor")) return Effect.succeed(action === "read" ? true : "default")
        return Effect.succeed(user.email.startsWith("steward") ? true : "default")
      },
    },
  })

  const ofOrganization: ReadonlyArray<
    readonly [name: string, organization: string | null, expected: ReadonlyArray<string>]
  > = [
    ["colleague", "acme", ["done", "done", "done", "done"]],
    ["steward", "other", ["done", "done", "done", "done"]],
    ["auditor", "other", ["done", "forbidden", "forbidden", "forbidden"]],
    ["barred", "acme", ["done", "forbidden", "forbidden", "forbidden"]],
    ["banned", "acme", Array(4).fill("ClientNotFound")],
    ["outsider", "other", Array(4).fill("ClientNotFound")],
    ["loner", null, Array(4).fill("ClientNotFound")],
  ]

  for (const [name, organization, expected] of ofOrganization) {
    it.effect(`lets ${name} at the clients of an organization: ${expected.join(", ")}`, () =>
      Effect.gen(function* () {
        const maker = yield* signIn("maker", { organization: "acme" })
        const { actor } = yield* signIn(name, organization === null ? {} : { organization })
        for (const [index, action] of everyAction.entries()) {
          const { client } = yield* create(maker.actor)
          assert.strictEqual(client.referenceId, "acme")
          const before = yield* events
          assert.strictEqual(yield* outcome(actions[action](actor, client.id)), expected[index], action)
          const isUntouched = action === "read" || expected[index] !== "done"
          if (!isUntouched) assert.notDeepEqual(yield* onFile(client.id), client)
          else {
            assert.deepStrictEqual(yield* onFile(client.id), client)
            assert.deepStrictEqual(yield* events, before)
          }
        }
      }).pipe(Effect.provide(hooks)),
    )
  }

  it.effect("lets the maker at it, whatever it belongs to", () =>
    Effect.gen(function* () {
      for (const options of [{ organization: "acme" }, {}]) {
        const { actor } = yield* signIn(`maker-${options.organization ?? "alone"}`, options)
        for (const action of everyAction) {
          const { client } = yield* create(actor)
          assert.strictEqual(yield* outcome(actions[action](actor, client.id)), "done", action)
        }
      }
    }).pipe(Effect.provide(hooks)),
  )

  it.effect("gives a client that belongs to nothing to its maker alone, whatever the host lets others do", () =>
    Effect.gen(function* () {
      const maker = yield* signIn("maker")
      const { client } = yield* create(maker.actor)
      assert.strictEqual(client.referenceId, null)
      for (const name of ["loner", "steward", "auditor"]) {
        const { actor } = yield* signIn(name)
        for (const action of everyAction) {
          assert.strictEqual(yield* outcome(actions[action](actor, client.id)), "ClientNotFound", `${name} ${action}`)
        }
      }
      assert.deepStrictEqual(yield* onFile(client.id), client)
    }).pipe(Effect.provide(hooks)),
  )

  it.effect("makes and lists none for whom the host keeps away", () =>
    Effect.gen(function* () {
      const maker = yield* signIn("maker", { organization: "acme" })
      yield* create(maker.actor)
      const { actor } = yield* signIn("barred", { organization: "acme" })
      assert.strictEqual(yield* outcome(create(actor)), "forbidden")
      assert.strictEqual(yield* outcome(Clients.use((clients) => clients.list(actor))), "forbidden")
      const { clients } = yield* Clients.use((clients) => clients.list(maker.actor))
      assert.strictEqual(clients.length, 1)
    }).pipe(Effect.provide(hooks)),
  )

  it.effect("lists one's own and those of one's organization, and no others", () =>
    Effect.gen(function* () {
      const names = ["maker", "colleague", "outsider", "loner"]
      const organizations = ["acme", "acme", "other", undefined]
      const people = yield* Effect.forEach(names, (name, index) => {
        const organization = organizations[index]
        return signIn(name, organization === undefined ? {} : { organization })
      })
      for (const { actor } of people) yield* create(actor, { clientName: actor.user.email })
      const lists = yield* Effect.forEach(people, ({ actor }) =>
        Effect.map(
          Clients.use((clients) => clients.list(actor)),
          ({ clients }) => clients.map((client) => client.metadata.clientName?.split("@")[0]).toSorted(),
        ),
      )
      assert.deepStrictEqual(lists, [["colleague", "maker"], ["colleague", "maker"], ["outsider"], ["loner"]])
    }).pipe(Effect.provide(hooks)),
  )
})

describe("A new client", () => {
  it.effect("has an id of ours, what it says of itself, and a secret of which the hash is kept", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client, secret } = yield* create(actor)
      assert.isTrue(OpaqueToken.isWellFormed("belfry_client", client.id))
      assert.deepInclude(client.metadata, {
        clientName: "Analytical Engine",
        redirectUris: ["https://client.example.com/callback"],
        tokenEndpointAuthMethod: "client_secret_basic",
      })
      assert.deepInclude(client, { userId: actor.user.id, isDisabled: false, isDynamic: false })
      assert.deepStrictEqual(yield* onFile(client.id), client)
      const text = Redacted.value(secret ?? assert.fail("no secret"))
      assert.isTrue(OpaqueToken.isWellFormed("belfry_client_secret", text))
      const hasher = yield* KeyRing.use((ring) => ring.hasher("oauth-client-secret"))
      const now = (yield* DateTime.now).epochMilliseconds
      assert.deepStrictEqual(client.secrets, [
        { hash: yield* hasher.hash(Redacted.make(text)), sealed: null, createdAt: now, expiresAt: null },
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("has its secret sealed besides, where ID tokens are signed by it", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const made = [yield* create(actor)]
      made.push(yield* Clients.use((clients) => clients.rotateSecret(actor, made[0]?.client.id ?? ClientId.make("x"))))
      const sealer = yield* KeyRing.use((ring) => ring.sealer("oauth-client-secret"))
      for (const { client, secret } of made) {
        const sealed = client.secrets[0]?.sealed ?? assert.fail("not sealed")
        assert.deepStrictEqual(
          Redacted.value(yield* sealer.open(sealed, client.id)),
          Redacted.value(secret ?? assert.fail("no secret")),
        )
        yield* Effect.flip(sealer.open(sealed, "another client"))
      }
    }).pipe(Effect.provide(layer({ settings: { disableJwt: true } }))),
  )

  it.effect("has no secret when it is public, and cannot get one", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client, secret } = yield* create(actor, { tokenEndpointAuthMethod: "none" })
      assert.deepStrictEqual([secret, client.secrets], [null, []])
      assert.strictEqual(yield* outcome(actions.rotate(actor, client.id)), "public")
      assert.deepStrictEqual(yield* onFile(client.id), client)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets no privilege by what its maker says of it, then or later", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const smuggled = {
        clientName: "Other",
        skipConsent: true,
        enableEndSession: true,
        requirePkce: false,
        resources: ["https://api.example.com"],
        metadata: { note: 1 },
        privileges: { skipConsent: true },
        isDisabled: false,
        isDynamic: true,
        userId: "someone",
        referenceId: "acme",
        secrets: [],
        id: "belfry",
      }
      const { client } = yield* create(actor, { ...smuggled })
      const updated = yield* Clients.use((clients) => clients.update(actor, client.id, { ...smuggled }))
      for (const kept of [client, updated, (yield* onFile(client.id)) ?? assert.fail("gone")]) {
        assert.deepStrictEqual(kept.privileges, {
          skipConsent: false,
          enableEndSession: false,
          requirePkce: true,
          resources: null,
          metadata: {},
        })
        for (const name of Object.keys(smuggled).slice(1)) assert.notProperty(kept.metadata, name)
        assert.deepInclude(kept, { id: client.id, userId: actor.user.id, referenceId: null, isDynamic: false })
        assert.strictEqual(kept.secrets.length, 1)
      }
      // The audit log tells what was done, not what was tried.
      const event = (yield* events).find(({ type }) => type === "oauth-client.updated")
      assert.deepStrictEqual(event?.data["fields"], ["clientName"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is not made of what no client can be", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const error = yield* Effect.flip(create(actor, { redirectUris: ["http://client.example.com/"] }))
      assert.deepInclude(error, { _tag: "ClientMetadataInvalid", code: "invalid_redirect_uri" })
      const { clients } = yield* Clients.use((clients) => clients.list(actor))
      assert.deepStrictEqual([clients, yield* events], [[], []])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is refused a software statement that nobody verifies, also later", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const refused = yield* Effect.flip(create(actor, { softwareStatement: "e.e.e" }))
      assert.deepInclude(refused, { code: "unapproved_software_statement" })
      const { client } = yield* create(actor)
      const later = yield* Effect.flip(
        Clients.use((clients) => clients.update(actor, client.id, { softwareStatement: "e.e.e" })),
      )
      assert.deepInclude(later, { code: "unapproved_software_statement" })
      // Who does not own it learns nothing of it.
      const other = yield* signIn("other")
      const foreign = Clients.use((clients) => clients.update(other.actor, client.id, { softwareStatement: "e.e.e" }))
      assert.strictEqual(yield* outcome(foreign), "ClientNotFound")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is what its software statement says, where the host verifies it", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor, { softwareStatement: "e.e.e", clientName: "Mine" })
      assert.strictEqual(client.metadata.clientName, "Verified")
    }).pipe(Effect.provide(layer({ hooks: { softwareStatement: () => Effect.succeed({ clientName: "Verified" }) } }))),
  )
})

describe("A change of a client", () => {
  /** Others come in between: what the host decides takes a while. */
  const yielding = layer({ hooks: { isTrusted: () => Effect.as(Effect.yieldNow, false) } })

  it.effect("leaves what it does not name, and takes an instant of its own", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor, { clientUri: "https://client.example.com" })
      const first = yield* Clients.use((clients) => clients.update(actor, client.id, { clientName: "Other" }))
      const second = yield* Clients.use((clients) => clients.update(actor, client.id, { clientUri: null }))
      assert.deepStrictEqual(first.metadata, { ...client.metadata, clientName: "Other" })
      assert.deepStrictEqual(second.metadata, { ...first.metadata, clientUri: null })
      assert.deepStrictEqual(yield* onFile(client.id), second)
      const instants = [client, first, second].map(({ updatedAt }) => updatedAt.epochMilliseconds)
      assert.strictEqual(new Set(instants).size, 3)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is refused where the whole would be no client any more", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const refused: ReadonlyArray<Partial<ClientMetadata>> = [
        { redirectUris: [] },
        { redirectUris: ["https://client.example.com/#fragment"] },
        { grantTypes: ["implicit"] },
        { scopes: ["unknown"] },
        { tokenEndpointAuthMethod: "none" },
        { tokenEndpointAuthMethod: "client_secret_post" },
      ]
      for (const patch of refused) {
        const error = yield* Effect.flip(Clients.use((clients) => clients.update(actor, client.id, patch)))
        assert.strictEqual(error._tag, "ClientMetadataInvalid", JSON.stringify(patch))
      }
      assert.deepStrictEqual(yield* onFile(client.id), client)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("loses nothing of others at the same time", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const patches: ReadonlyArray<Partial<ClientMetadata>> = [
        { clientName: "Other" },
        { clientUri: "https://client.example.com/" },
        { tosUri: "https://client.example.com/terms" },
        { contacts: ["ada@example.com"] },
        { defaultMaxAge: 60 },
      ]
      yield* Effect.forEach(patches, (patch) => Clients.use((clients) => clients.update(actor, client.id, patch)), {
        concurrency: "unbounded",
      })
      const kept = yield* onFile(client.id)
      assert.deepStrictEqual(kept?.metadata, Object.assign({}, client.metadata, ...patches))
    }).pipe(Effect.provide(yielding)),
  )

  it.effect("is either kept whole or refused as too much at once, by each of 100 fibers", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const answers = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, index) => String(index)),
        (clientName) => outcome(Clients.use((clients) => clients.update(actor, client.id, { clientName }))),
        { concurrency: "unbounded" },
      )
      const done = answers.filter((answer) => answer === "done")
      assert.isAtLeast(done.length, 1)
      assert.strictEqual(answers.filter((answer) => answer === "StoreError").length, 100 - done.length)
      const updates = (yield* events).filter(({ type }) => type === "oauth-client.updated")
      assert.strictEqual(updates.length, done.length)
      // In one instant each change takes a millisecond.
      const kept = (yield* onFile(client.id)) ?? assert.fail("gone")
      assert.strictEqual(kept.updatedAt.epochMilliseconds - client.updatedAt.epochMilliseconds, done.length)
    }).pipe(Effect.provide(yielding)),
  )

  it.effect("is told to the audit log, never with a secret", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client, secret } = yield* create(actor)
      yield* Clients.use((clients) => clients.update(actor, client.id, { clientName: "Other", contacts: [] }))
      const rotated = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      yield* Clients.use((clients) => clients.remove(actor, client.id))
      const written = yield* events
      assert.deepStrictEqual(
        written.map(({ type, userId, client: { ipAddress }, data }) => [type, userId, ipAddress, data["clientId"]]),
        ["created", "updated", "secret-rotated", "deleted"].map((what) => [
          `oauth-client.${what}`,
          actor.user.id,
          "192.0.2.7",
          client.id,
        ]),
      )
      assert.deepStrictEqual(written[1]?.data["fields"], ["clientName", "contacts"])
      const text = JSON.stringify(written)
      for (const each of [secret, rotated.secret]) assert.notInclude(text, Redacted.value(each ?? assert.fail("none")))
      for (const { hash } of rotated.client.secrets) assert.notInclude(text, hash)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("does not happen when the audit log cannot be written", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const away = yield* AuditAway
      yield* away.set(true)
      for (const action of ["update", "rotate", "delete"] as const) {
        assert.strictEqual(yield* outcome(actions[action](actor, client.id)), "StoreError")
        assert.deepStrictEqual(yield* onFile(client.id), client, action)
      }
      assert.strictEqual(yield* outcome(create(actor)), "StoreError")
      yield* away.set(false)
      const { clients } = yield* Clients.use((clients) => clients.list(actor))
      assert.deepStrictEqual(clients, [client])
    }).pipe(Effect.provide(layerAuditAway())),
  )

  it.effect("removes a client for one of 100 fibers", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const answers = yield* Effect.forEach(
        Array.from({ length: 100 }),
        () => outcome(actions.delete(actor, client.id)),
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(
        [answers.filter((answer) => answer === "done").length, new Set(answers)],
        [1, new Set(["done", "ClientNotFound"])],
      )
    }).pipe(Effect.provide(yielding)),
  )
})

describe("A new secret", () => {
  it.effect("holds at once, and the former one up to the instant at which the overlap ends", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client, secret } = yield* create(actor)
      const rotated = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      assert.notStrictEqual(
        Redacted.value(rotated.secret ?? assert.fail("no secret")),
        Redacted.value(secret ?? assert.fail("no secret")),
      )
      assert.deepStrictEqual([yield* opens(client.id, secret), yield* opens(client.id, rotated.secret)], [true, true])
      yield* TestClock.adjust(Duration.subtract(Duration.hours(1), Duration.millis(1)))
      assert.deepStrictEqual([yield* opens(client.id, secret), yield* opens(client.id, rotated.secret)], [true, true])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([yield* opens(client.id, secret), yield* opens(client.id, rotated.secret)], [false, true])
    }).pipe(Effect.provide(layer({ settings: { secretOverlap: Duration.hours(1) } }))),
  )

  it.effect("leaves the one before it, and none before that", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client, secret } = yield* create(actor)
      const second = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      const third = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      const held = yield* Effect.forEach([secret, second.secret, third.secret], (each) => opens(client.id, each))
      assert.deepStrictEqual(held, [false, true, true])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is the only one where there is no overlap", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client, secret } = yield* create(actor)
      const rotated = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      assert.deepStrictEqual([yield* opens(client.id, secret), yield* opens(client.id, rotated.secret)], [false, true])
      assert.strictEqual(rotated.client.secrets.length, 1)
    }).pipe(Effect.provide(layer({ settings: { secretOverlap: Duration.zero } }))),
  )

  it.effect("lasts as long as the one whose place it takes, to the instant", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const now = yield* DateTime.now
      const { client, secret } = yield* TrustedClients.use((clients) =>
        clients.create({
          metadata,
          userId: actor.user.id,
          secretExpiresAt: DateTime.add(now, { minutes: 10 }),
          clientInfo: unknownClient,
        }),
      )
      yield* TestClock.adjust(Duration.minutes(9))
      const rotated = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      const hold = Effect.forEach([secret, rotated.secret], (each) => opens(client.id, each))
      // The overlap of seven days does not prolong the first.
      yield* TestClock.adjust(Duration.millis(59_999))
      assert.deepStrictEqual(yield* hold, [true, true])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* hold, [false, true])
      yield* TestClock.adjust(Duration.millis(9 * 60_000 - 1))
      assert.deepStrictEqual(yield* hold, [false, true])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* hold, [false, false])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves two when 100 fibers ask for one", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const rotated = yield* Effect.forEach(
        Array.from({ length: 100 }),
        () => Clients.use((clients) => clients.rotateSecret(actor, client.id)),
        { concurrency: "unbounded" },
      )
      const held = yield* Effect.forEach(rotated, ({ secret }) => opens(client.id, secret))
      assert.strictEqual(held.filter((isHeld) => isHeld).length, 2)
    }).pipe(Effect.provide(layer())),
  )
})

describe("A client of the host's own", () => {
  const id = ClientId.make("host-app")
  const trusted = [
    ["configuration", layer({ settings: { trustedClients: new Set([id]) } })],
    ["hook", layer({ hooks: { isTrusted: (clientId) => Effect.succeed(clientId === id) } })],
  ] as const

  for (const [way, services] of trusted) {
    it.effect(`that is trusted by ${way} can be read by its owner, and changed by trusted code alone`, () =>
      Effect.gen(function* () {
        const { actor } = yield* signIn("maker")
        const clients = yield* TrustedClients
        const { client } = yield* clients.create({ metadata, id, userId: actor.user.id, clientInfo: unknownClient })
        assert.deepStrictEqual(yield* actions.read(actor, id), client)
        for (const action of ["update", "rotate", "delete"] as const) {
          assert.strictEqual(yield* outcome(actions[action](actor, id)), "trusted", action)
        }
        assert.deepStrictEqual(yield* onFile(id), client)
        const stranger = yield* signIn("stranger")
        for (const action of everyAction) {
          assert.strictEqual(yield* outcome(actions[action](stranger.actor, id)), "ClientNotFound", action)
        }
        yield* clients.update(id, { metadata: { clientName: "Ours" } }, unknownClient)
        yield* clients.rotateSecret(id, unknownClient)
        yield* clients.remove(id, unknownClient)
        assert.isNull(yield* onFile(id))
      }).pipe(Effect.provide(services)),
    )
  }

  it.effect("keeps the id and the secret that it has elsewhere, and takes nobody else's id", () =>
    Effect.gen(function* () {
      const clients = yield* TrustedClients
      const secret = Redacted.make("s3cret-from-another-server")
      const made = yield* clients.create({
        metadata,
        privileges: { skipConsent: true },
        id,
        secret,
        referenceId: "acme",
        clientInfo: unknownClient,
      })
      assert.strictEqual(made.client.id, id)
      assert.deepInclude(made.client.privileges, { skipConsent: true, requirePkce: true })
      assert.isTrue(yield* opens(id, secret))
      const second = yield* Effect.flip(clients.create({ metadata, id, clientInfo: unknownClient }))
      assert.deepInclude(second, { _tag: "ClientMetadataInvalid", member: "client_id" })
      assert.deepStrictEqual(yield* onFile(id), made.client)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is changed in what only the host decides, and in nothing else by that", () =>
    Effect.gen(function* () {
      const clients = yield* TrustedClients
      const { client } = yield* clients.create({ metadata, clientInfo: unknownClient })
      const updated = yield* clients.update(
        client.id,
        { privileges: { requirePkce: false, metadata: { tier: "gold" } }, isDisabled: true },
        unknownClient,
      )
      const expected: OAuthClient = {
        ...client,
        privileges: { ...client.privileges, requirePkce: false, metadata: { tier: "gold" } },
        isDisabled: true,
        updatedAt: updated.updatedAt,
      }
      assert.deepStrictEqual(yield* onFile(client.id), expected)
      const [, event] = yield* events
      assert.deepStrictEqual(event?.data, {
        clientId: client.id,
        fields: ["requirePkce", "metadata", "isDisabled"],
      })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is not found where there is none", () =>
    Effect.gen(function* () {
      const clients = yield* TrustedClients
      assert.deepStrictEqual(
        [
          yield* outcome(clients.get(id)),
          yield* outcome(clients.update(id, {}, unknownClient)),
          yield* outcome(clients.rotateSecret(id, unknownClient)),
          yield* outcome(clients.remove(id, unknownClient)),
        ],
        Array(4).fill("ClientNotFound"),
      )
    }).pipe(Effect.provide(layer())),
  )
})

describe("A list of clients", () => {
  const make = Effect.gen(function* () {
    const { actor } = yield* signIn("maker")
    const made: Array<ClientId> = []
    for (let index = 0; index < 7; index++) {
      made.unshift((yield* create(actor)).client.id)
      if (index % 2 === 0) yield* TestClock.adjust(1)
    }
    return { actor, made }
  })

  it.effect("goes on where the page before ended, to the end, each client once", () =>
    Effect.gen(function* () {
      const { actor, made } = yield* make
      for (const limit of [1, 2, 3, 7, 8]) {
        const found: Array<ClientId> = []
        let cursor: string | null | undefined
        let pages = 0
        do {
          const page = yield* Clients.use((clients) => clients.list(actor, { cursor: cursor ?? undefined, limit }))
          assert.isAtMost(page.clients.length, limit)
          found.push(...page.clients.map(({ id }) => id))
          cursor = page.cursor
          pages++
        } while (cursor !== null && pages < 20)
        assert.strictEqual(pages, Math.ceil(7 / limit))
        assert.deepStrictEqual(found.toSorted(), made.toSorted())
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("has at least one of them on a page and a hundred at most, whatever is asked for", () =>
    Effect.gen(function* () {
      const { actor } = yield* make
      for (const [limit, expected] of [
        [0, 1],
        [-1, 1],
        [Number.NaN, 1],
        [1.9, 1],
        [1000, 7],
      ] as const) {
        const page = yield* Clients.use((clients) => clients.list(actor, { limit }))
        assert.strictEqual(page.clients.length, expected, String(limit))
      }
      for (let index = 0; index < 100; index++) yield* create(actor)
      const page = yield* Clients.use((clients) => clients.list(actor, { limit: 1000 }))
      assert.strictEqual(page.clients.length, 100)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds nothing by a cursor that is none, and nothing of others by theirs", () =>
    Effect.gen(function* () {
      const { actor } = yield* make
      for (const cursor of ["", "x", "MTIz", "é", "0".repeat(5000)]) {
        const page = yield* Clients.use((clients) => clients.list(actor, { cursor }))
        assert.deepStrictEqual(page, { clients: [], cursor: null })
      }
      const { cursor } = yield* Clients.use((clients) => clients.list(actor, { limit: 2 }))
      const other = yield* signIn("other")
      const page = yield* Clients.use((clients) => clients.list(other.actor, { cursor: cursor ?? assert.fail("none") }))
      assert.deepStrictEqual(page, { clients: [], cursor: null })
    }).pipe(Effect.provide(layer())),
  )
})

describe("The public part of a client", () => {
  it.effect("is what people see who are asked for consent, and nothing of a client that is disabled or not there", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const clients = yield* Clients
      const { client } = yield* create(actor, { clientUri: "https://client.example.com", contacts: ["a@example.com"] })
      assert.deepStrictEqual(yield* clients.getPublic(client.id), {
        clientId: client.id,
        clientName: "Analytical Engine",
        clientUri: "https://client.example.com",
        logoUri: null,
        contacts: ["a@example.com"],
        tosUri: null,
        policyUri: null,
      })
      yield* TrustedClients.use((trusted) => trusted.update(client.id, { isDisabled: true }, unknownClient))
      assert.strictEqual(yield* outcome(clients.getPublic(client.id)), "ClientNotFound")
      assert.strictEqual(yield* outcome(clients.getPublic(ClientId.make("unknown"))), "ClientNotFound")
    }).pipe(Effect.provide(layer())),
  )
})
