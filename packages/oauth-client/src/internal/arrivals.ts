/**
 * Who arrives from a provider, in the forms that this installation keeps: what does not fit them counts
 * as not given, since nobody here can correct it.
 */
import { toClear } from "@belfry/core/DisplayText"
import { DisplayName, Email, ImageUrl } from "@belfry/core/User"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { OAuthUserInfo } from "../OAuthTokens.ts"

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

// internal

const decodeEmail = Schema.decodeOption(Email)
const decodeName = Schema.decodeOption(DisplayName)

// Where a provider hands out pictures to those alone who have its token, the picture itself is kept.
const PictureData = Schema.String.check(
  Schema.isPattern(/^data:image\/(?:gif|jpeg|png|webp);base64,[A-Za-z0-9+/]+={0,2}$/u),
  Schema.isMaxLength(70_000),
)
const decodeImage = Schema.decodeOption(Schema.Union([ImageUrl, PictureData]))

const maxName = 200

/** A name of at most 200 characters in one line, cut between characters. */
const displayName = (name: string): string | null => {
  let text = ""
  for (const character of toClear(name).trim()) {
    if (text.length + character.length > maxName) break
    text += character
  }
  return Option.getOrNull(decodeName(text.trimEnd()))
}
