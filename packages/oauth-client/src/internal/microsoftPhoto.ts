/**
 * The photo of a person at Microsoft Graph, which no browser could load by itself: it asks for an access token.
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Option from "effect/Option"
import type { OAuthTokenSet } from "../OAuthTokens.ts"
import type { StrategyContext } from "../ProviderStrategy.ts"
import { askApi } from "./profiles.ts"

/**
 * The photo as a `data:` URI; null where there is none or it cannot be had within 3 seconds. A sign-in never waits
 * longer for it, and never fails for it.
 */
export const photoOf = (
  context: StrategyContext,
  url: string,
  { accessToken }: OAuthTokenSet,
): Effect.Effect<string | null> =>
  accessToken === null
    ? Effect.succeed(null)
    : askApi(context, url, accessToken, { accept: "image/*" }).pipe(
        Effect.timeoutOption("3 seconds"),
        Effect.map(
          Option.match({
            onNone: () => null,
            onSome: ({ status, headers, body }) => {
              const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? ""
              return status === 200 && imageTypes.has(type) && body.length > 0 && body.length <= maxBytes
                ? `data:${type};base64,${Base64.encode(body)}`
                : null
            },
          }),
        ),
        Effect.orElseSucceed(() => null),
      )

// Not SVG, which can carry scripts.
const imageTypes: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"])

// The photo becomes part of the user's row.
const maxBytes = 48 * 1024
