/**
 * Who arrives from a provider, and with what, in the forms that this installation keeps: what does not fit them counts
 * as not given, since nobody here can correct it.
 */
import type { ProviderTokens } from "@belfry/core/LinkedAccount"
import { DisplayName, Email, ImageUrl, Scope } from "@belfry/core/User"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type OAuthTokenSet, type OAuthUserInfo, toProviderTokens } from "../OAuthTokens.ts"

/** Who arrives. `emailVerified` speaks of `email`, and so is false without one. */
export interface Arrival {
  readonly accountId: string
  readonly email: Email | null
  readonly emailVerified: boolean
  readonly name: string | null
  readonly image: string | null
}

/** Reads a profile; null where it does not tell whose account it is. */
export const fromProfile = (profile: OAuthUserInfo | null): Arrival | null => {
  if (profile === null || !/^[^\p{Cc}\p{Cs}]{1,512}$/u.test(profile.accountId)) return null
  const email = profile.email === null ? null : Option.getOrNull(decodeEmail(profile.email))
  return {
    accountId: profile.accountId,
    email,
    emailVerified: email !== null && profile.emailVerified,
    name: profile.name === null ? null : displayName(profile.name),
    image: profile.image === null ? null : Option.getOrNull(decodeImage(profile.image)),
  }
}

/** The tokens as linked accounts keep them. */
export const storedTokens = (tokens: OAuthTokenSet): ProviderTokens<Redacted.Redacted> => {
  const stored = toProviderTokens(tokens)
  return {
    ...stored,
    tokenType: stored.tokenType !== null && /^[\x21-\x7E]{1,64}$/u.test(stored.tokenType) ? stored.tokenType : null,
    scopes: stored.scopes.filter((scope) => isScope(scope)),
  }
}

// internal

const decodeEmail = Schema.decodeOption(Email)
const decodeName = Schema.decodeOption(DisplayName)

// Where a provider hands out pictures to those alone who have its token, the picture itself is kept.
const PictureData = Schema.String.check(
  Schema.isPattern(/^data:image\/(?:gif|jpeg|png|webp);base64,[A-Za-z0-9+/]+={0,2}$/u),
  Schema.isMaxLength(70_000),
)
const decodeImage = Schema.decodeOption(Schema.Union([ImageUrl, PictureData]))
const isScope = Schema.is(Scope)

const maxName = 200

/** A name of at most 200 characters in one line, cut between characters. */
const displayName = (name: string): string | null => {
  let text = ""
  for (const character of name.replaceAll(/[\p{Cc}\p{Cs}]+/gu, " ").trim()) {
    if (text.length + character.length > maxName) break
    text += character
  }
  return Option.getOrNull(decodeName(text.trimEnd()))
}
