/**
 * How long access tokens last, and by which algorithm they are signed.
 */
import * as Duration from "effect/Duration"
import type { OAuthClient } from "../OAuthClient.ts"
import type { OAuthServerSettingsService } from "../OAuthServerSettings.ts"
import type { ProtectedResource } from "../ProtectedResource.ts"
import type { SigningAlgorithm } from "../SigningKey.ts"

/** The lifetime of an access token: the shortest of the server's, those of its scopes and those of its resources. */
export const accessTokenLifetime = (
  settings: OAuthServerSettingsService,
  options: {
    readonly isOfGrant: boolean
    readonly scopes: ReadonlyArray<string>
    readonly resources: ReadonlyArray<ProtectedResource>
  },
): Duration.Duration => {
  const general = options.isOfGrant ? settings.accessTokenLifetime : settings.clientCredentialsLifetime
  const ofScopes = options.scopes.map((scope) => lifetimeOfScope(settings, scope, general))
  const ofResources = options.resources.flatMap(({ accessTokenLifetime: seconds }) =>
    seconds === null ? [] : [Duration.seconds(seconds)],
  )
  return [...ofScopes, ...ofResources].reduce(Duration.min, general)
}

/** The longest that an access token of some of these scopes can last: a refresh may leave short-lived scopes out. */
export const longestLifetime = (
  settings: OAuthServerSettingsService,
  scopes: ReadonlyArray<string>,
): Duration.Duration => {
  const general = settings.accessTokenLifetime
  const [first, ...others] = scopes.map((scope) => lifetimeOfScope(settings, scope, general))
  return first === undefined ? general : others.reduce(Duration.max, first)
}

/** The algorithm that a client registered, else the one that a resource asks for, else the server's. */
export const accessTokenAlgorithm = (
  settings: OAuthServerSettingsService,
  { metadata }: OAuthClient,
  resources: ReadonlyArray<ProtectedResource>,
): SigningAlgorithm =>
  metadata.accessTokenSigningAlg ??
  resources.find(({ signingAlgorithm }) => signingAlgorithm !== null)?.signingAlgorithm ??
  settings.accessTokenAlgorithm

// internal

const lifetimeOfScope = (
  { scopeLifetimes }: OAuthServerSettingsService,
  scope: string,
  general: Duration.Duration,
): Duration.Duration => {
  const own = Object.hasOwn(scopeLifetimes, scope) ? scopeLifetimes[scope] : undefined
  return own === undefined ? general : Duration.min(own, general)
}
