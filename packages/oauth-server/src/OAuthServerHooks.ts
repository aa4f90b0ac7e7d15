/**
 * Where a host decides with: claims of its own, who owns clients, which steps a person takes.
 *
 * @since 0.1.0
 */
import type { Session } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { User } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Claims } from "./Claims.ts"
import type { Grant } from "./Grant.ts"
import type { ClientId, ClientMetadata, OAuthClient } from "./OAuthClient.ts"

/**
 * What claims are made of. `user` and `grant` are null for tokens that a client gets for itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClaimFacts {
  readonly client: OAuthClient
  readonly user: User | null
  readonly grant: Grant | null
  readonly scopes: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
}

/**
 * What somebody does to clients.
 *
 * @category models
 * @since 0.1.0
 */
export type ClientAction = "create" | "read" | "update" | "delete" | "list" | "rotate"

/**
 * Where a host decides with.
 *
 * **Details**
 *
 * Claims of hooks never take the place of those that the server sets itself: these names are reserved
 * (`ReservedClaims`), and left out of what a hook returns.
 *
 * @category models
 * @since 0.1.0
 */
export interface OAuthServerHooksService {
  /** Further claims of access tokens: in JWTs, and in the introspection of opaque ones. */
  readonly accessTokenClaims: (facts: ClaimFacts) => Effect.Effect<Claims, StoreError>
  /** Further claims of ID tokens. */
  readonly idTokenClaims: (facts: ClaimFacts) => Effect.Effect<Claims, StoreError>
  /** Further claims of the UserInfo endpoint. */
  readonly userInfoClaims: (facts: ClaimFacts) => Effect.Effect<Claims, StoreError>
  /** Further members of a token response. */
  readonly tokenResponseFields: (
    facts: ClaimFacts & { readonly grantType: string },
  ) => Effect.Effect<Claims, StoreError>
  /** Names of further claims, for discovery. */
  readonly claimsSupported: ReadonlyArray<string>
  /** Whether the person must choose an account, though the client did not ask for it. */
  readonly selectsAccount: (facts: AuthorizationFacts) => Effect.Effect<boolean, StoreError>
  /** Whether the person must take the host's own step after signing in: choose an organization, say. */
  readonly postLogin: (facts: AuthorizationFacts) => Effect.Effect<boolean, StoreError>
  /** What consent is kept under beside the user: an organization, say. Null: the user alone. Not asked for bound ones. */
  readonly consentReference: (facts: AuthorizationFacts) => Effect.Effect<string | null, StoreError>
  /**
   * Whether somebody may act for what a bound resource is bound to: nobody, unless a host says so. Asked before
   * consent, and again whenever tokens are issued: there is no session then, and who may not any more gets none.
   */
  readonly mayAct: (facts: ActingFacts) => Effect.Effect<boolean, StoreError>
  /** What a new client belongs to beside its maker, and what clients somebody may see by. */
  readonly clientReference: (facts: {
    readonly user: User
    readonly session: Session
  }) => Effect.Effect<string | null, StoreError>
  /** Whether somebody may do this to clients of a reference; their own they always may, except where it is false. */
  readonly clientPrivileges: (facts: {
    readonly action: ClientAction
    readonly user: User
    readonly session: Session
    readonly referenceId: string | null
  }) => Effect.Effect<boolean | "default", StoreError>
  /** Whether a client is trusted, beside those of `trustedClients`. */
  readonly isTrusted: (clientId: ClientId) => Effect.Effect<boolean, StoreError>
  /**
   * Verifies a software statement; null: it is refused. What it returns wins over what the client says. It is asked
   * again when the owner of a client changes it: the members that it returns then cannot be changed without a new
   * statement, and none can where it refuses the statement by then.
   */
  readonly softwareStatement: (statement: string) => Effect.Effect<Partial<ClientMetadata> | null, StoreError>
  /** Resolves a `request_uri` into the parameters of a request; null: refused. */
  readonly requestUri: (
    requestUri: string,
    clientId: ClientId,
  ) => Effect.Effect<Readonly<Record<string, string>> | null, StoreError>
  /** Whether `request_uri` is taken at all, for discovery. */
  readonly hasRequestUris: boolean
}

/**
 * A request of a person who is signed in.
 *
 * @category models
 * @since 0.1.0
 */
export interface AuthorizationFacts {
  readonly client: OAuthClient
  readonly user: User
  readonly session: Session
  readonly scopes: ReadonlyArray<string>
  /** What the resource of the request is bound to; null where it asks for none such. Consent is kept under it. */
  readonly referenceId: string | null
}

/**
 * Somebody who acts for what a resource is bound to, by a client. `session` is null where none is there to be looked
 * at.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActingFacts {
  readonly client: OAuthClient
  readonly user: User
  readonly session: Session | null
  readonly referenceId: string
}

/**
 * Hooks that decide nothing, with those of `options` in their place.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Partial<OAuthServerHooksService> = {}): OAuthServerHooksService => ({
  accessTokenClaims: () => Effect.succeed({}),
  idTokenClaims: () => Effect.succeed({}),
  userInfoClaims: () => Effect.succeed({}),
  tokenResponseFields: () => Effect.succeed({}),
  claimsSupported: [],
  selectsAccount: () => Effect.succeed(false),
  postLogin: () => Effect.succeed(false),
  consentReference: () => Effect.succeed(null),
  mayAct: () => Effect.succeed(false),
  clientReference: () => Effect.succeed(null),
  clientPrivileges: () => Effect.succeed("default"),
  isTrusted: () => Effect.succeed(false),
  softwareStatement: () => Effect.succeed(null),
  requestUri: () => Effect.succeed(null),
  hasRequestUris: false,
  ...options,
})

/**
 * Where a host decides with.
 *
 * @category services
 * @since 0.1.0
 */
export const OAuthServerHooks = Context.Reference<OAuthServerHooksService>("@belfry/oauth-server/OAuthServerHooks", {
  defaultValue: () => make(),
})
