/**
 * Organizations in the authorization server: consent and clients by organization, and claims that say which.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { Session } from "@belfry/core/Session"
import { Scope, type User, type UserId } from "@belfry/core/User"
import * as BoundResource from "@belfry/oauth-server/BoundResource"
import type { Claims } from "@belfry/oauth-server/Claims"
import {
  type ActingFacts,
  type AuthorizationFacts,
  type ClaimFacts,
  type ClientAction,
  OAuthServerHooks,
} from "@belfry/oauth-server/OAuthServerHooks"
import { OAuthServerPages } from "@belfry/oauth-server/OAuthServerPages"
import { OAuthServerSettings } from "@belfry/oauth-server/OAuthServerSettings"
import type { Membership } from "@belfry/organization/Membership"
import { type ActiveMembership, Memberships } from "@belfry/organization/Memberships"
import { isOrganizationId, type OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

/**
 * The scope with which a client asks to act for an organization: `BELFRY_ORGANIZATION_SCOPE`, `organization`.
 *
 * @category config
 * @since 0.1.0
 */
export const configScope: Config.Config<string> = Config.schema(Scope, "BELFRY_ORGANIZATION_SCOPE").pipe(
  Config.withDefault("organization"),
)

/**
 * Layer that lets the authorization server know organizations, over the settings, hooks and pages that are provided.
 *
 * **Details**
 *
 * Who is asked for the scope of organizations consents for the one that the session acts for, and is sent to choose one
 * first who is in several and chose none in this session. Access tokens have `org_id`, `org_slug`, `roles` and
 * `permissions` of it, ID tokens and UserInfo `org_name` in place of `permissions`; a token that a client of an
 * organization gets for itself has `org_id`. They are read anew at issue, refresh and introspection: who is no member
 * any more has none of them.
 *
 * Who asks for a resource that is bound to an organization (`boundResources`) must be a member of it, at consent and
 * whenever tokens are issued; consent is for that organization, and its claims are in the tokens without the scope.
 *
 * Clients made in a session belong to its organization beside their maker. Members manage them as far as they have the
 * permissions of `oauthClient`. That is no leave to get tokens for themselves: a client of people never has it, and
 * anybody may make an organization.
 *
 * A host's own hooks are asked first, and win: on the name of a claim, on what a client belongs to, on what somebody
 * may do to it.
 *
 * @see [RFC 9068 §2.2.3.1](https://www.rfc-editor.org/rfc/rfc9068.html#section-2.2.3.1)
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const scope = yield* configScope
    const host = yield* OAuthServerHooks
    const pages = yield* OAuthServerPages
    const settings = yield* OAuthServerSettings
    const memberships = yield* Memberships
    const organizations = yield* OrganizationStore

    /** The organization that a session acts for, unless the session says so by nothing but what was used last. */
    const active = ({ session, user }: Caller): Effect.Effect<Option.Option<ActiveMembership>, StoreError> =>
      memberships.active({ userId: user.id, sessionId: session.id, requested: null }).pipe(
        // Only an organization that a request names can fail to be there.
        Effect.catchTag("OrganizationNotFound", () => Effect.succeedNone),
      )

    const chooses = Effect.fnUntraced(function* (facts: AuthorizationFacts) {
      const found = yield* active(facts)
      if (Option.isSome(found)) return found.value.source === "last-used"
      const page = { after: null, limit: 1, search: null, deleted: false }
      return (yield* organizations.listByUser(facts.user.id, page)).length > 0
    })

    const membershipOf = (user: { readonly id: UserId }, id: OrganizationId) =>
      memberships.find({ userId: user.id, organization: id })

    /** What a grant says of its organization, with `claims` of the membership; null when it is about none. */
    const ofGrant = ({ grant, resources, scopes, user }: ClaimFacts, claims: (of: Membership) => Claims): OwnClaims => {
      const referenceId = grant?.referenceId ?? null
      const isAbout = scopes.includes(scope) || BoundResource.referencesOf(settings, resources).length > 0
      if (user === null || !isAbout || !isOrganizationId(referenceId)) return null
      return Effect.map(
        membershipOf(user, referenceId),
        Option.match({
          onNone: () => ({}),
          onSome: (membership) => ({ ...whichOrganization(membership), ...claims(membership) }),
        }),
      )
    }

    const ofClient = ({ client: { referenceId } }: ClaimFacts): OwnClaims =>
      referenceId !== null && isOrganizationId(referenceId)
        ? Effect.map(organizations.find(referenceId), (found): Claims =>
            Option.exists(found, ({ deletedAt }) => deletedAt === null) ? { org_id: referenceId } : {},
          )
        : null

    const personal = (facts: ClaimFacts) =>
      ofGrant(facts, ({ organizationName, roles }) => ({ org_name: organizationName, roles }))

    const hooks = {
      ...host,
      accessTokenClaims: (facts: ClaimFacts) =>
        under(
          facts.grant === null ? ofClient(facts) : ofGrant(facts, ({ permissions, roles }) => ({ roles, permissions })),
          host.accessTokenClaims(facts),
        ),
      idTokenClaims: (facts: ClaimFacts) => under(personal(facts), host.idTokenClaims(facts)),
      userInfoClaims: (facts: ClaimFacts) => under(personal(facts), host.userInfoClaims(facts)),
      claimsSupported: [...new Set([...host.claimsSupported, ...claimNames])],
      postLogin: Effect.fnUntraced(function* (facts: AuthorizationFacts) {
        // A resource that is bound to one names it.
        const isAsked = facts.referenceId === null && facts.scopes.includes(scope)
        return (yield* host.postLogin(facts)) || (isAsked && (yield* chooses(facts)))
      }),
      consentReference: Effect.fnUntraced(function* (facts: AuthorizationFacts) {
        if (!facts.scopes.includes(scope)) return yield* host.consentReference(facts)
        return Option.match(yield* active(facts), {
          onNone: () => null,
          onSome: ({ membership }) => membership.organizationId,
        })
      }),
      mayAct: Effect.fnUntraced(function* (facts: ActingFacts) {
        if (yield* host.mayAct(facts)) return true
        const { referenceId, user } = facts
        return isOrganizationId(referenceId) && Option.isSome(yield* membershipOf(user, referenceId))
      }),
      clientReference: Effect.fnUntraced(function* (facts: Caller) {
        const own = yield* host.clientReference(facts)
        if (own !== null) return own
        const found = yield* active(facts)
        if (Option.isNone(found) || found.value.source === "last-used") return null
        const { organizationId, permissionSet } = found.value.membership
        return permissionSet.has("oauthClient:read") ? organizationId : null
      }),
      clientPrivileges: Effect.fnUntraced(function* (
        facts: Caller & { readonly action: ClientAction; readonly referenceId: string | null },
      ) {
        const decision = yield* host.clientPrivileges(facts)
        if (decision !== "default" || !isOrganizationId(facts.referenceId)) return decision
        const membership = yield* membershipOf(facts.user, facts.referenceId)
        const isPermitted = Option.exists(membership, ({ permissionSet }) =>
          permissionSet.has(permissionFor[facts.action]),
        )
        return isPermitted ? ("default" as const) : false
      }),
    }

    return Layer.mergeAll(
      Layer.succeed(OAuthServerHooks, hooks),
      Layer.succeed(OAuthServerPages, { ...pages, postLogin: pages.postLogin ?? "/authorize/organization" }),
      Layer.succeed(OAuthServerSettings, { ...settings, scopes: [...new Set([...settings.scopes, scope])] }),
    )
  }),
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Caller {
  readonly user: User
  readonly session: Session
}

const claimNames = ["org_id", "org_slug", "org_name", "roles", "permissions"]

const permissionFor: Readonly<Record<ClientAction, string>> = {
  create: "oauthClient:create",
  read: "oauthClient:read",
  list: "oauthClient:read",
  update: "oauthClient:update",
  rotate: "oauthClient:update",
  delete: "oauthClient:delete",
}

const whichOrganization = ({ organizationId, organizationSlug }: Membership): Claims => ({
  org_id: organizationId,
  ...(organizationSlug === null ? {} : { org_slug: organizationSlug }),
})

/** Claims of an organization; null where nothing is to be told, which is so for most tokens. */
type OwnClaims = Effect.Effect<Claims, StoreError> | null

/** Claims with those of the host over them. */
const under = (claims: OwnClaims, ofHost: Effect.Effect<Claims, StoreError>): Effect.Effect<Claims, StoreError> =>
  claims === null ? ofHost : Effect.zipWith(ofHost, claims, (host, own) => ({ ...own, ...host }))
