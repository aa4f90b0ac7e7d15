/**
 * What the commands for signing keys do.
 */
import { OAuthServerSettings } from "@belfry/oauth-server/OAuthServerSettings"
import { type SigningAlgorithm, SigningKeyView } from "@belfry/oauth-server/SigningKey"
import { SigningKeys } from "@belfry/oauth-server/SigningKeys"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { JwtsDisabled } from "./CommandError.ts"
import { printEach } from "./output.ts"
import { withServices } from "./services.ts"

/** Lists all signing keys with where they stand. */
export const list = () => Effect.andThen(requireJwts, show).pipe(withServices)

/** Makes a new key of each of these algorithms, or of each that signs, and shows all keys. */
export const rotate = (options: {
  readonly algorithms: ReadonlyArray<SigningAlgorithm>
  readonly isCompromised: boolean
}) =>
  Effect.gen(function* () {
    yield* requireJwts
    const keys = yield* SigningKeys
    const known = (yield* keys.list).filter(({ state }) => state !== "over").map(({ algorithm }) => algorithm)
    // The first ones are as new as can be.
    if (known.length === 0 && options.algorithms.length === 0) yield* keys.rotate
    for (const algorithm of new Set(options.algorithms.length === 0 ? known : options.algorithms)) {
      yield* keys.rotateNow(algorithm, { compromised: options.isCompromised })
    }
    yield* show
  }).pipe(withServices)

// internal

const requireJwts = Effect.gen(function* () {
  if ((yield* OAuthServerSettings).disableJwt) return yield* new JwtsDisabled()
})

const show = Effect.gen(function* () {
  const items = yield* SigningKeys.use((keys) => keys.list)
  yield* printEach(SigningKeyView, {
    pageAt: () => Effect.succeed({ items, cursor: null }),
    line,
    value: (key) => key,
  })
})

const line = ({ activeAt, algorithm, expiresAt, kid, state }: SigningKeyView): string =>
  [
    kid,
    algorithm,
    state,
    `since ${DateTime.formatIso(activeAt)}`,
    ...(expiresAt === null ? [] : [`until ${DateTime.formatIso(expiresAt)}`]),
  ].join("  ")
