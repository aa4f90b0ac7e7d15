/**
 * Renewing the tokens of accounts: once for all who ask at the same time, on this node and on others.
 *
 * A provider that rotates refresh tokens takes each of them once. So a refresh that was begun is carried through, even
 * where nobody waits any more, and of nodes that refresh at once those that come too late use what the first one got.
 */
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import type { LinkedAccount, LinkedAccountId } from "@belfry/core/LinkedAccount"
import type { StoreError } from "@belfry/core/StoreError"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { AccountUnusable } from "../OAuthAccount.ts"
import type { OAuthProvider } from "../OAuthProvider.ts"
import { toProviderTokens } from "../OAuthTokens.ts"
import { OAuthTransport } from "../OAuthTransport.ts"
import { isDue, toTokenSet } from "./providerTokens.ts"

/** Refreshes in the scope: what is under way when it closes is interrupted, unless the provider has answered. */
export const make = Effect.gen(function* () {
  const accounts = yield* LinkedAccounts
  const transport = yield* OAuthTransport
  const underWay = yield* FiberMap.make<LinkedAccountId, LinkedAccount, AccountUnusable | StoreError>()
  // In the context of the layer: a caller's transaction, or its span, may be over before the refresh is.
  const fork = yield* FiberMap.runtime(underWay)()

  /** The account as it is now. */
  const read = ({ providerId, accountId, id }: LinkedAccount) =>
    accounts.find(providerId, accountId).pipe(
      Effect.map(Option.filter((row) => row.id === id)),
      Effect.flatMap(linked(providerId)),
      Effect.catchTag("SealBroken", () => new AccountUnusable({ providerId, reason: "unreadable" })),
    )

  /** What another node wrote since `seen` was read; none when it wrote nothing, for a second. */
  const readSuccessor = (seen: LinkedAccount, reads = successorReads): ReturnType<typeof readOnce> =>
    Effect.flatMap(readOnce(seen), (found) =>
      Option.isSome(found) || reads <= 1
        ? Effect.succeed(found)
        : Effect.delay(readSuccessor(seen, reads - 1), successorDelay),
    )
  const readOnce = (seen: LinkedAccount) =>
    Effect.map(
      read(seen),
      Option.liftPredicate((row) => isChanged(row, seen)),
    )

  const refresh = (
    provider: OAuthProvider,
    seen: LinkedAccount,
    complete: (row: LinkedAccount) => LinkedAccount,
  ): Effect.Effect<LinkedAccount, AccountUnusable | StoreError> =>
    Effect.uninterruptibleMask(
      Effect.fnUntraced(function* (restore) {
        const fail = (reason: AccountUnusable["reason"]) => new AccountUnusable({ providerId: provider.id, reason })
        const row = complete(yield* restore(read(seen)))
        // Somebody was faster: the tokens are as new as one could ask for.
        if (isChanged(row, seen) && !isDue(row, yield* DateTime.now)) return row
        if (row.tokens.refreshToken === null) return yield* fail("no-token")
        const answer = yield* restore(transport.refresh(provider, toTokenSet(row.tokens))).pipe(
          Effect.map(Option.some),
          // Another node may have used this refresh token up a moment ago, and not have written down yet what it got.
          Effect.catchTag("ProviderRefused", () => Effect.succeedNone),
          Effect.catchTag(["ProviderUnavailable", "IdTokenInvalid"], () => fail("refresh-failed")),
        )
        if (Option.isNone(answer)) {
          const successor = yield* restore(readSuccessor(row))
          return Option.isSome(successor) ? complete(successor.value) : yield* fail("refresh-failed")
        }
        // The old refresh token may be worth nothing by now: the new one must not get lost.
        return yield* accounts.replaceTokens(row, toProviderTokens(answer.value)).pipe(
          Effect.retry({ schedule: writeAgain, while: (error) => error._tag === "StoreError" && error.isRetryable }),
          Effect.flatMap(linked(provider.id)),
          Effect.catchTag("SealBroken", () => fail("unreadable")),
        )
      }),
    )

  return {
    /**
     * Renews the tokens of an account that was read as `seen`, or joins the refresh that is under way. `complete` fills
     * in tokens that the database does not keep.
     */
    refresh: (provider: OAuthProvider, seen: LinkedAccount, complete: (row: LinkedAccount) => LinkedAccount) =>
      Effect.suspend(() =>
        Fiber.join(
          Option.getOrElse(FiberMap.getUnsafe(underWay, seen.id), () =>
            fork(seen.id, refresh(provider, seen, complete)),
          ),
        ),
      ),
  }
})

const linked = (providerId: string) =>
  Option.match({
    onNone: () => Effect.fail(new AccountUnusable({ providerId, reason: "not-linked" })),
    onSome: (account: LinkedAccount) => Effect.succeed(account),
  })

const isChanged = (row: LinkedAccount, seen: LinkedAccount): boolean =>
  !DateTime.Equivalence(row.updatedAt, seen.updatedAt)

const successorReads = 6
const successorDelay = Duration.millis(200)

const writeAgain = Schedule.exponential("100 millis").pipe(Schedule.upTo({ times: 4 }))
