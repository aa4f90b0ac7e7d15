/**
 * Who a person is, by claims of OpenID Connect, and how the JSON of a provider's own API is asked for.
 */
import type { OutboundFailed, OutboundResponse } from "@belfry/core/Outbound"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Claims, OAuthUserInfo, ProviderUnavailable } from "../OAuthTokens.ts"
import { type Endpoint, unavailable } from "./providerCalls.ts"
import type { ProfileSource, StrategyContext, StrategyError } from "../ProviderStrategy.ts"

/** The first of some claims that is a text and not empty. */
export const text = (claims: Claims | null, ...names: ReadonlyArray<string>): string | null => {
  for (const name of names) {
    const value = claims?.[name]
    if (typeof value === "string" && value !== "") return value
  }
  return null
}

/** The URL of a picture, if the claim is one that a page may load. */
export const imageOf = (claims: Claims, name: string): string | null => {
  const picture = text(claims, name)
  const protocol = picture === null ? undefined : URL.parse(picture)?.protocol
  return protocol === "https:" || protocol === "http:" ? picture : null
}

/** Tells whether a claim says yes: some providers write booleans as text. */
export const isTrue = (value: Schema.Json | undefined): boolean => value === true || value === "true"

/**
 * The claims of the ID token and, where one of `names` is missing from them, those of UserInfo.
 *
 * UserInfo that cannot be asked is no obstacle to somebody whom the ID token identifies with an address.
 */
export const claimsOf = (
  source: ProfileSource,
  names: ReadonlyArray<string>,
): Effect.Effect<ReadonlyArray<Claims>, StrategyError> => {
  const { claims } = source
  if (claims !== null && names.every((name) => text(claims, name) !== null)) return Effect.succeed([claims])
  const userinfo =
    text(claims, "email") === null
      ? source.userinfo
      : Effect.catchTag(source.userinfo, ["ProviderUnavailable", "ProviderRefused"], () => Effect.succeed(null))
  return Effect.map(userinfo, (more) => [claims, more].filter((one) => one !== null))
}

/**
 * A profile of standard claims, of which the earlier ones, which are signed, win. Null without a subject.
 *
 * `email_verified` is only believed beside the address that it speaks of.
 */
export const standardProfile = (sources: ReadonlyArray<Claims>): OAuthUserInfo | null => {
  const raw = merged(sources)
  const accountId = text(raw, "sub")
  if (accountId === null) return null
  const byEmail = sources.find((claims) => text(claims, "email") !== null) ?? null
  return {
    accountId,
    email: text(byEmail, "email"),
    emailVerified: isTrue(byEmail?.["email_verified"]),
    name: text(raw, "name"),
    image: imageOf(raw, "picture"),
    raw,
  }
}

/** All claims, of which the earlier ones win. */
export const merged = (sources: ReadonlyArray<Claims>): Claims =>
  sources.reduceRight<Claims>((all, claims) => ({ ...all, ...claims }), {})

/** Asks a provider's API in the name of the person. The answer may have any status. */
export const askApi = (
  context: StrategyContext,
  url: string,
  accessToken: Redacted.Redacted,
  headers: Readonly<Record<string, string>> = {},
): Effect.Effect<OutboundResponse, OutboundFailed> =>
  context.http.send({
    url,
    trust: "configured",
    headers: { accept: "application/json", ...headers, authorization: `Bearer ${Redacted.value(accessToken)}` },
  })

/** Reads an answer of status 200 as JSON of a shape. */
export const readJson = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  { provider }: StrategyContext,
  endpoint: Endpoint,
  response: OutboundResponse,
): Effect.Effect<S["Type"], ProviderUnavailable> =>
  response.status === 200
    ? Effect.mapError(
        Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(new TextDecoder().decode(response.body)),
        () => unavailable(provider, endpoint, "malformed"),
      )
    : Effect.fail(unavailable(provider, endpoint, "status"))
