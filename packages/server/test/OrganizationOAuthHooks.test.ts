import { unknownClient } from "@belfry/core/AuditEvent"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { Clients } from "@belfry/oauth-server/Clients"
import { Discovery } from "@belfry/oauth-server/Discovery"
import type { Grant } from "@belfry/oauth-server/Grant"
import * as Hooks from "@belfry/oauth-server/OAuthServerHooks"
import { OAuthServerPages } from "@belfry/oauth-server/OAuthServerPages"
import * as Settings from "@belfry/oauth-server/OAuthServerSettings"
import type { SessionActor } from "@belfry/organization/Membership"
import { Memberships } from "@belfry/organization/Memberships"
import { type OrganizationId, Slug } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { Permission } from "@belfry/organization/Permission"
import { RoleName } from "@belfry/organization/Role"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as OrganizationOAuthHooks from "@belfry/server/OrganizationOAuthHooks"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, DateTime, Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"

const organization = { scopes: ["openid", "organization"] }

/** The hooks over those of a host, with the services that they and the tests ask. */
const layer = (
  host: Partial<Hooks.OAuthServerHooksService> = {},
  environment: Readonly<Record<string, string>> = {},
  more: Layer.Layer<never> = Layer.empty,
) =>
  TestServices.layerOAuthServer.pipe(
    Layer.provideMerge(Layer.orDie(OrganizationOAuthHooks.layer)),
    Layer.provideMerge(TestServices.layerOrganization),
    Layer.provideMerge(
      Layer.mergeAll(
        Layer.succeed(Hooks.OAuthServerHooks, Hooks.make(host)),
        ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment)),
        more,
      ),
    ),
    Layer.provideMerge(TestServices.layerMemory),
  )

const roles = (...names: ReadonlyArray<string>) => OrganizationBuilders.builtIn(...names)

/** Somebody signed in, a member of an organization, and the claims of tokens for it. */
const makeMember = Effect.fnUntraced(function* (...names: ReadonlyArray<string>) {
  const hooks = yield* Hooks.OAuthServerHooks
  const client = yield* OAuthBuilders.storedClient()
  const { organization } = yield* OrganizationBuilders.storedOrganization({ slug: Slug.make("acme"), name: "Acme" })
  const actor = yield* OrganizationBuilders.actor()
  const member = { user: actor.user, roles: roles(...names) }
  yield* OrganizationBuilders.storedMember(organization.id, member)
  const claims = (
    name: "accessTokenClaims" | "idTokenClaims" | "userInfoClaims",
    fields: Partial<Hooks.ClaimFacts> & { readonly referenceId?: string | null } = {},
  ) =>
    Effect.gen(function* () {
      const { referenceId = organization.id, ...facts } = fields
      const grant: Grant = yield* OAuthBuilders.grant({ clientId: client.id, userId: actor.user.id, referenceId })
      const { scopes } = { scopes: ["openid", "organization"] }
      return yield* hooks[name]({ client, user: actor.user, grant, scopes, resources: [], ...facts })
    })
  return { actor, claims, client, organization }
})

describe("Claims of organizations", () => {
  it.effect("say which it is, and the member's roles; access tokens the permissions, the others its name", () =>
    Effect.gen(function* () {
      const { claims, organization } = yield* makeMember("billing")
      const which = { org_id: organization.id, org_slug: "acme", roles: ["billing"] }
      assert.deepStrictEqual(yield* claims("accessTokenClaims"), {
        ...which,
        permissions: ["billing:manage", "billing:read", "organization:read"],
      })
      for (const name of ["idTokenClaims", "userInfoClaims"] as const) {
        assert.deepStrictEqual(yield* claims(name), { ...which, org_name: "Acme" })
      }
      yield* TrustedOrganizations.use((organizations) => organizations.update(organization.id, { slug: null }))
      assert.notProperty(yield* claims("accessTokenClaims"), "org_slug")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("are read anew each time: a lost role is lost, and of who is no member any more there are none", () =>
    Effect.gen(function* () {
      const organizations = yield* TrustedOrganizations
      const { actor, claims, organization } = yield* makeMember("admin", "billing")
      const member = { _tag: "User", userId: actor.user.id } as const
      yield* organizations.setRoles(organization.id, member, [RoleName.make("billing")])
      assert.deepInclude(yield* claims("idTokenClaims"), { roles: ["billing"] })
      yield* organizations.removeMember(organization.id, member)
      for (const name of ["accessTokenClaims", "idTokenClaims", "userInfoClaims"] as const) {
        assert.deepStrictEqual(yield* claims(name), {})
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("are none without the scope, without an organization, and of one that is deleted", () =>
    Effect.gen(function* () {
      const { claims, organization } = yield* makeMember("owner")
      const other = yield* OrganizationBuilders.storedOrganization()
      for (const fields of [
        { scopes: ["openid"] },
        { referenceId: null },
        { referenceId: "a reference of the host's own" },
        { referenceId: other.organization.id },
        { user: null },
      ]) {
        assert.deepStrictEqual(yield* claims("accessTokenClaims", fields), {})
      }
      yield* TrustedOrganizations.use((organizations) => organizations.remove(organization.id))
      assert.deepStrictEqual(yield* claims("accessTokenClaims"), {})
    }).pipe(Effect.provide(layer())),
  )

  it.effect("say whose a client is that gets tokens for itself, as long as its organization is there", () =>
    Effect.gen(function* () {
      const organizations = yield* TrustedOrganizations
      const { claims, organization } = yield* makeMember("owner")
      const own = yield* OAuthBuilders.storedClient({ referenceId: organization.id })
      const alone = { user: null, grant: null, scopes: [] }
      assert.deepStrictEqual(yield* claims("accessTokenClaims", { ...alone, client: own }), {
        org_id: organization.id,
      })
      assert.deepStrictEqual(yield* claims("accessTokenClaims", alone), {})
      yield* organizations.remove(organization.id)
      assert.deepStrictEqual(yield* claims("accessTokenClaims", { ...alone, client: own }), {})
    }).pipe(Effect.provide(layer())),
  )

  it.effect("give way to those of the host", () =>
    Effect.gen(function* () {
      const { claims, organization } = yield* makeMember("member")
      for (const name of ["accessTokenClaims", "idTokenClaims", "userInfoClaims"] as const) {
        assert.deepInclude(yield* claims(name), { roles: "the host's", tenant: 1, org_id: organization.id })
      }
    }).pipe(Effect.provide(layer({ ...ofHost, claimsSupported: ["tenant", "roles"] }))),
  )
})

const hostClaims = () => Effect.succeed({ roles: "the host's", tenant: 1 })
const ofHost = { accessTokenClaims: hostClaims, idTokenClaims: hostClaims, userInfoClaims: hostClaims }

describe("A resource that is bound to an organization", () => {
  const prefix = "https://mcp.example.com/organizations/"
  const { identifier: _identifier, ...fields } = OAuthBuilders.resource(prefix)
  const boundResources = [{ prefix, ...fields }]
  const settings = Layer.succeed(Settings.OAuthServerSettings, Settings.make({ boundResources }))

  it.effect("is for its members, as long as they and it are there, and for whomever the host says", () =>
    Effect.gen(function* () {
      const organizations = yield* TrustedOrganizations
      const { actor, ask } = yield* makePerson
      const id = yield* join(actor)
      const { user: other } = yield* OrganizationBuilders.actor()
      assert.isTrue(yield* ask.mayAct(id))
      assert.isFalse(yield* ask.mayAct(id, other))
      for (const nothing of ["0197a5c0-0000-7000-8000-000000000000", id.toUpperCase(), "acme", "", `${id}/x`]) {
        assert.isFalse(yield* ask.mayAct(nothing), nothing)
      }
      assert.isTrue(yield* ask.mayAct("the host's", other))
      yield* organizations.removeMember(id, { _tag: "User", userId: actor.user.id })
      assert.isFalse(yield* ask.mayAct(id))
    }).pipe(
      Effect.provide(
        layer({ mayAct: ({ referenceId }) => Effect.succeed(referenceId === "the host's") }, {}, settings),
      ),
    ),
  )

  it.effect("is for nobody once its organization is deleted", () =>
    Effect.gen(function* () {
      const { actor, ask } = yield* makePerson
      const id = yield* join(actor, "owner")
      yield* TrustedOrganizations.use((organizations) => organizations.remove(id))
      assert.isFalse(yield* ask.mayAct(id))
    }).pipe(Effect.provide(layer({}, {}, settings))),
  )

  it.effect("has its claims in tokens without the scope, and asks nobody to choose", () =>
    Effect.gen(function* () {
      const { actor, ask } = yield* makePerson
      const { claims, organization: own } = yield* makeMember("billing")
      const resources = [`${prefix}${own.id}`]
      const scopes = ["openid"]
      const told = yield* claims("accessTokenClaims", { scopes, resources })
      assert.deepInclude(told, { org_id: own.id, roles: ["billing"] })
      assert.deepStrictEqual(yield* claims("accessTokenClaims", { scopes, resources: ["https://other.example/"] }), {})
      yield* join(actor)
      const second = yield* join(actor)
      assert.isTrue(yield* ask.postLogin(organization))
      assert.isFalse(yield* ask.postLogin({ ...organization, referenceId: second }))
    }).pipe(Effect.provide(layer({}, {}, settings))),
  )
})

describe("Consent by organization", () => {
  it.effect("is kept under the organization that the session acts for, where the client asks for the scope", () =>
    Effect.gen(function* () {
      const { actor, ask } = yield* makePerson
      assert.isNull(yield* ask.consentReference(organization))
      const first = yield* join(actor)
      assert.strictEqual(yield* ask.consentReference(organization), first)
      const second = yield* join(actor)
      assert.isNull(yield* ask.consentReference(organization))
      yield* activate(actor, second)
      assert.strictEqual(yield* ask.consentReference(organization), second)
      assert.strictEqual(yield* ask.consentReference({ scopes: ["openid"] }), "the host's")
    }).pipe(Effect.provide(layer({ consentReference: () => Effect.succeed("the host's") }))),
  )

  it.effect("asks to choose who is in several and chose none in this session, and nobody else", () =>
    Effect.gen(function* () {
      const { actor, ask } = yield* makePerson
      assert.isFalse(yield* ask.postLogin(organization))
      const first = yield* join(actor)
      assert.isFalse(yield* ask.postLogin(organization))
      yield* join(actor)
      assert.isTrue(yield* ask.postLogin(organization))
      assert.isFalse(yield* ask.postLogin({ scopes: ["openid"] }))
      // What was used last is a guess in another session.
      yield* activate(yield* OrganizationBuilders.actor({ user: actor.user }), first)
      assert.isTrue(yield* ask.postLogin(organization))
      yield* activate(actor, first)
      assert.isFalse(yield* ask.postLogin(organization))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves a step that the host asks for", () =>
    Effect.gen(function* () {
      const { ask } = yield* makePerson
      assert.isTrue(yield* ask.postLogin({ scopes: ["openid"] }))
    }).pipe(Effect.provide(layer({ postLogin: () => Effect.succeed(true) }))),
  )

  it.effect("has a page to choose on, unless the host has one", () =>
    Effect.gen(function* () {
      const pages = yield* OAuthServerPages
      assert.strictEqual(pages.postLogin, "/authorize/organization")
      const postLogin = "https://app.example.com/choose"
      const own = layer({}, {}, Layer.succeed(OAuthServerPages, { ...pages, postLogin }))
      const { postLogin: kept } = yield* Effect.provide(OAuthServerPages, Layer.fresh(own))
      assert.strictEqual(kept, postLogin)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is asked for by a scope that discovery tells of, as it does of the claims", () =>
    Effect.gen(function* () {
      const { metadata } = yield* Discovery
      assert.sameMembers(listOf(metadata["scopes_supported"]), [
        "openid",
        "profile",
        "email",
        "offline_access",
        "tenants",
      ])
      assert.includeMembers(listOf(metadata["claims_supported"]), [
        "sub",
        "tenant",
        "org_id",
        "org_slug",
        "org_name",
        "roles",
        "permissions",
      ])
      const { ask, actor } = yield* makePerson
      const id = yield* join(actor)
      assert.strictEqual(yield* ask.consentReference({ scopes: ["tenants"] }), id)
      const { scopes } = yield* Settings.OAuthServerSettings
      assert.deepStrictEqual(scopes, ["tenants"])
    }).pipe(Effect.provide(layer({ claimsSupported: ["tenant", "roles"] }, { BELFRY_ORGANIZATION_SCOPE: "tenants" }))),
  )
})

describe("Clients of organizations", () => {
  it.effect("are those of the organization that the session acts for, of who may see them", () =>
    Effect.gen(function* () {
      const { actor, ask } = yield* makePerson
      assert.isNull(yield* ask.clientReference())
      const admin = yield* join(actor, "admin")
      assert.strictEqual(yield* ask.clientReference(), admin)
      const plain = yield* join(actor, "member")
      assert.isNull(yield* ask.clientReference())
      yield* activate(yield* OrganizationBuilders.actor({ user: actor.user }), admin)
      assert.isNull(yield* ask.clientReference(), "the one used last is a guess")
      yield* activate(actor, plain)
      assert.isNull(yield* ask.clientReference())
      yield* activate(actor, admin)
      assert.strictEqual(yield* ask.clientReference(), admin)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("may be managed as far as the permissions of the member go", () =>
    Effect.gen(function* () {
      const { actor, ask } = yield* makePerson
      const { organization } = yield* OrganizationBuilders.storedOrganization()
      const may = (referenceId: string | null) =>
        Effect.map(
          Effect.forEach(actions, (action) => ask.clientPrivileges(action, referenceId)),
          (decisions) => actions.filter((_, index) => decisions[index] !== false),
        )
      assert.deepStrictEqual(yield* may(organization.id), [])
      assert.deepStrictEqual(yield* may(null), actions)
      assert.deepStrictEqual(yield* may("a reference of the host's own"), actions)
      const permitted = {
        "oauthClient:create": ["create"],
        "oauthClient:read": ["read", "list"],
        "oauthClient:update": ["update", "rotate"],
        "oauthClient:delete": ["delete"],
      } as const
      for (const [permission, expected] of Object.entries(permitted)) {
        const organization = yield* OrganizationBuilders.storedOrganization()
        const { id } = organization.organization
        const role = yield* OrganizationBuilders.storedRole(id, { permissions: [permissionOf(permission)] })
        const assigned = { builtIn: [], custom: [role.id] }
        yield* OrganizationBuilders.storedMember(id, { user: actor.user, roles: assigned })
        assert.sameMembers(yield* may(id), [...expected])
      }
      yield* OrganizationStore.use((store) =>
        Effect.flatMap(DateTime.now, (now) => store.markDeleted(organization.id, now)),
      )
      assert.deepStrictEqual(yield* may(organization.id), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("follow what the host decides", () =>
    Effect.gen(function* () {
      const { actor, ask } = yield* makePerson
      const id = yield* join(actor, "owner")
      assert.isFalse(yield* ask.clientPrivileges("read", id))
      assert.isTrue(yield* ask.clientPrivileges("create", id))
      assert.strictEqual(yield* ask.clientReference(), "the host's")
    }).pipe(
      Effect.provide(
        layer({
          clientPrivileges: ({ action }) => Effect.succeed(action === "create"),
          clientReference: () => Effect.succeed("the host's"),
        }),
      ),
    ),
  )

  it.effect(
    "are seen and changed by members who may, through the service, and get no tokens for themselves by that",
    () =>
      Effect.gen(function* () {
        const clients = yield* Clients
        const [maker, colleague] = [yield* OrganizationBuilders.actor(), yield* OrganizationBuilders.actor()]
        const id = yield* join(maker, "owner")
        const asActor = ({ session, user }: SessionActor) => ({ user, session, clientInfo: unknownClient })
        const redirectUris = ["https://app.example.com/callback"]
        const { client } = yield* clients.create(asActor(maker), { clientName: "App", redirectUris })
        assert.strictEqual(client.referenceId, id)
        const unseen = yield* Effect.flip(clients.get(asActor(colleague), client.id))
        assert.strictEqual(unseen._tag, "ClientNotFound")
        yield* OrganizationBuilders.storedMember(id, { user: colleague.user, roles: roles("admin") })
        assert.deepStrictEqual(yield* clients.get(asActor(colleague), client.id), client)
        yield* TestClock.adjust("1 second")
        const renamed = yield* clients.update(asActor(colleague), client.id, { clientName: "The app" })
        assert.strictEqual(renamed.metadata.clientName, "The app")
        const machine = clients.create(asActor(maker), { clientName: "Nightly", grantTypes: ["client_credentials"] })
        assert.deepInclude(yield* Effect.flip(machine), { _tag: "ClientMetadataInvalid" })
      }).pipe(Effect.provide(layer())),
  )
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const actions: Array<Hooks.ClientAction> = ["create", "read", "update", "delete", "list", "rotate"]

const listOf = Schema.decodeUnknownSync(Schema.mutable(Schema.Array(Schema.String)))

const permissionOf = (permission: string) => Permission.make(permission)

/** Somebody who is signed in, and what the hooks decide about them. */
const makePerson = Effect.gen(function* () {
  const hooks = yield* Hooks.OAuthServerHooks
  const client = yield* OAuthBuilders.storedClient({ id: ClientId.make("client") })
  const actor = yield* OrganizationBuilders.actor()
  const { session, user } = actor
  type Asked = Pick<Hooks.AuthorizationFacts, "scopes"> & Partial<Pick<Hooks.AuthorizationFacts, "referenceId">>
  const unbound = { client, user, session, referenceId: null }
  return {
    actor,
    ask: {
      consentReference: (asked: Asked) => hooks.consentReference({ ...unbound, ...asked }),
      postLogin: (asked: Asked) => hooks.postLogin({ ...unbound, ...asked }),
      mayAct: (referenceId: string, of: typeof user = user) =>
        hooks.mayAct({ client, user: of, session: null, referenceId }),
      clientReference: () => hooks.clientReference({ user, session }),
      clientPrivileges: (action: Hooks.ClientAction, referenceId: string | null) =>
        hooks.clientPrivileges({ action, user, session, referenceId }),
    },
  }
})

/** Makes somebody a member of a new organization. */
const join = Effect.fnUntraced(function* ({ user }: SessionActor, ...names: ReadonlyArray<string>) {
  const { organization } = yield* OrganizationBuilders.storedOrganization()
  const assigned = roles(...(names.length === 0 ? ["member"] : names))
  yield* OrganizationBuilders.storedMember(organization.id, { user, roles: assigned })
  return organization.id
})

const activate = (actor: SessionActor, id: OrganizationId) =>
  Memberships.use((memberships) => memberships.activate(actor, id))
