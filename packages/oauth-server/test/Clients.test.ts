/**
 * Clients, managed by the people whose they are: whose they are, how they begin, and how they are listed.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import { type Actor, Clients } from "@belfry/oauth-server/Clients"
import { ClientId, type ClientMetadata } from "@belfry/oauth-server/OAuthClient"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { actions, create, events, everyAction, layer, onFile, outcome, signIn } from "./support/Management.ts"

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

  it.effect("lets its maker read it, and no more, once the host trusts it without asking people", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      for (const action of everyAction) {
        const made = yield* create(actor)
        const client = yield* AdminClients.use((clients) =>
          clients.update(made.client.id, { privileges: { skipConsent: true } }, unknownClient),
        )
        const expected = action === "read" ? "done" : "trusted"
        assert.strictEqual(yield* outcome(actions[action](actor, client.id)), expected, action)
        assert.deepStrictEqual(yield* onFile(client.id), client)
      }
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

describe("RFC 7591 §2.3", () => {
  const vouched = {
    clientName: "Verified",
    contacts: ["publisher@example.com"],
    jwks: { keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] },
  }
  const kept = "kept.by.publisher"
  const next = "next.by.publisher"
  const claimsOf: Readonly<Record<string, Partial<ClientMetadata>>> = {
    [kept]: vouched,
    [next]: { clientName: "Verified, too" },
  }
  const publishers = (statements = claimsOf) =>
    layer({ hooks: { softwareStatement: (statement) => Effect.succeed(statements[statement] ?? null) } })
  const update = (actor: Actor, id: ClientId, patch: Partial<ClientMetadata>) =>
    Clients.use((clients) => clients.update(actor, id, patch))

  it.effect("MUST let the values of the statement on file take precedence over a later change", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor, { softwareStatement: kept })
      for (const [patch, members] of [
        [{ clientName: "Your bank" }, ["client_name"]],
        [{ jwks: { keys: [] }, clientName: null, clientUri: "https://client.example.com/" }, ["client_name", "jwks"]],
        [{ contacts: [...vouched.contacts, "maker@example.com"] }, ["contacts"]],
        // Without it everything could be changed.
        [{ softwareStatement: null }, ["software_statement"]],
      ] as const) {
        const error = yield* Effect.flip(update(actor, client.id, patch))
        assert.deepInclude(error, { _tag: "ClientChangeRefused", reason: "vouched", members })
        assert.deepStrictEqual(yield* onFile(client.id), client)
      }
      const clientUri = "https://client.example.com/about"
      const same = { ...vouched, jwks: { keys: vouched.jwks.keys.map((key) => ({ ...key })) }, clientUri }
      const changed = yield* update(actor, client.id, same)
      assert.deepStrictEqual(changed.metadata, { ...client.metadata, clientUri })
    }).pipe(Effect.provide(publishers())),
  )

  it.effect("takes a new statement to change what was vouched for, and says again what it says", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor, { softwareStatement: kept })
      const again = yield* update(actor, client.id, { softwareStatement: kept, clientName: "Your bank" })
      assert.strictEqual(again.metadata.clientName, "Verified")
      const forged = yield* Effect.flip(update(actor, client.id, { softwareStatement: "forged", clientName: "X" }))
      assert.deepInclude(forged, { code: "unapproved_software_statement" })
      const renewed = yield* update(actor, client.id, { softwareStatement: next, contacts: [], clientName: "X" })
      assert.deepInclude(renewed.metadata, { clientName: "Verified, too", contacts: [], softwareStatement: next })
      // What the new one does not vouch for is the owner's.
      const own = yield* update(actor, client.id, { contacts: ["maker@example.com"] })
      assert.deepStrictEqual(own.metadata.contacts, ["maker@example.com"])
    }).pipe(Effect.provide(publishers())),
  )

  it.effect("changes nothing where the host does not verify the statement on file any more", () => {
    const statements: Record<string, Partial<ClientMetadata>> = { ...claimsOf }
    return Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor, { softwareStatement: kept })
      delete statements[kept]
      const error = yield* Effect.flip(update(actor, client.id, { clientUri: "https://client.example.com/" }))
      assert.deepInclude(error, { reason: "vouched", members: ["client_uri"] })
      const same = yield* update(actor, client.id, { clientName: client.metadata.clientName })
      assert.deepStrictEqual(same.metadata, client.metadata)
    }).pipe(Effect.provide(publishers(statements)))
  })

  it.effect("leaves the last word to administrators, whose word owners cannot change either", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor, { softwareStatement: kept })
      const correct = (metadata: Partial<ClientMetadata>) =>
        AdminClients.use((clients) => clients.update(client.id, { metadata }, unknownClient))
      const corrected = yield* correct({ clientName: "Corrected" })
      assert.deepInclude(corrected.metadata, { clientName: "Corrected", softwareStatement: kept })
      assert.strictEqual(yield* outcome(update(actor, client.id, { clientName: "Verified" })), "vouched")
      assert.strictEqual((yield* correct({ softwareStatement: null })).metadata.clientName, "Corrected")
      assert.strictEqual((yield* update(actor, client.id, { clientName: "Mine" })).metadata.clientName, "Mine")
    }).pipe(Effect.provide(publishers())),
  )
})

describe("A client that gets tokens for itself", () => {
  const grantTypes = ["authorization_code", "client_credentials"]
  const machines = layer({
    hooks: { clientPrivileges: ({ user }) => Effect.succeed(user.name === "trusted" ? true : "default") },
  })
  const change = (actor: Actor, id: ClientId, patch: Partial<ClientMetadata>) =>
    outcome(Clients.use((clients) => clients.update(actor, id, patch)))

  it.effect("is made, or becomes one, by the host's leave alone", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      assert.strictEqual(yield* outcome(create(actor, { grantTypes })), "ClientMetadataInvalid")
      const { client } = yield* create(actor)
      assert.strictEqual(yield* change(actor, client.id, { grantTypes }), "ClientMetadataInvalid")
      assert.deepStrictEqual(yield* onFile(client.id), client)

      const trusted = (yield* signIn("trusted", { organization: "trusted" })).actor
      assert.strictEqual(yield* outcome(create(trusted, { grantTypes })), "done")
      const own = yield* create(trusted)
      assert.strictEqual(yield* change(trusted, own.client.id, { grantTypes }), "done")
      assert.deepStrictEqual((yield* onFile(own.client.id))?.metadata.grantTypes, grantTypes)
    }).pipe(Effect.provide(machines)),
  )

  it.effect("stays one, whatever else its owner changes", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      yield* AdminClients.use((clients) => clients.update(client.id, { metadata: { grantTypes } }, unknownClient))
      assert.strictEqual(yield* change(actor, client.id, { grantTypes, clientName: "Other" }), "done")
      assert.deepInclude((yield* onFile(client.id))?.metadata, { grantTypes, clientName: "Other" })
    }).pipe(Effect.provide(machines)),
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
      yield* AdminClients.use((trusted) => trusted.update(client.id, { isDisabled: true }, unknownClient))
      assert.strictEqual(yield* outcome(clients.getPublic(client.id)), "ClientNotFound")
      assert.strictEqual(yield* outcome(clients.getPublic(ClientId.make("unknown"))), "ClientNotFound")
    }).pipe(Effect.provide(layer())),
  )
})
