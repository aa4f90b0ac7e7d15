/**
 * Unlinking an account at another provider.
 *
 * @since 0.1.0
 */
import { Sessions } from "@belfry/core/Sessions"
import { OAuthAccounts } from "@belfry/oauth-client/OAuthAccounts"
import { clearAccountCookie } from "@belfry/oauth-client/OAuthHandlers"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { FormUnreadable } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { makeProviders } from "./providers.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post, type Visitor } from "./visit.ts"
import { connectedAccountsPath, unlinkAccountPage } from "./views/connectedAccounts.ts"

/**
 * Adds the page that asks before an account is unlinked.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const sessions = yield* Sessions
  const accounts = yield* OAuthAccounts
  const providers = yield* makeProviders
  const visitors = yield* makeVisitors

  const section = connectedAccountsPath(paths)

  const findConnected = ({ user }: Visitor, id: string | undefined) =>
    Effect.map(providers.connected(user.id), (list) => list.find(({ account }) => account.id === id))

  yield* get(
    paths.unlinkAccount,
    Effect.fnUntraced(function* (visit) {
      const visitor = yield* visitors.get(visit)
      yield* sessions.requireFresh(visitor.session)
      const found = yield* findConnected(visitor, visit.query("account"))
      if (found === undefined) return section
      return unlinkAccountPage(visit.words, paths, { ...found, now: yield* Clock.currentTimeMillis })
    }),
  )

  yield* post(
    paths.unlinkAccount,
    Effect.fnUntraced(function* (visit, fields) {
      const { words, client } = visit
      const visitor = yield* visitors.get(visit)
      if (fields["account"] === undefined) return yield* new FormUnreadable({ status: 400 })
      const found = yield* findConnected(visitor, fields["account"])
      if (found === undefined) return section
      const { id, providerId, accountId, userId } = found.account
      const now = yield* Clock.currentTimeMillis
      return yield* accounts.unlink({ ...visitor, account: { providerId, accountId, userId }, client }).pipe(
        Effect.andThen(clearAccountCookie(providerId, visit.request, site)),
        Effect.as(withQuery(paths.account, { done: "account-unlinked" })),
        Effect.catchTags({
          UnlinkRefused: ({ reason }) =>
            Effect.succeed(
              reason === "last-way-in"
                ? unlinkAccountPage(words, paths, {
                    ...found,
                    now,
                    problems: [{ message: words.problems.lastWay }],
                    status: 409,
                  })
                : section,
            ),
          // It went elsewhere meanwhile, which is what was asked for.
          AccountUnusable: () => Effect.succeed(section),
          ProviderNotFound: () => Effect.succeed(section),
          SessionNotFresh: () =>
            Effect.succeed(
              withQuery(paths.confirmAccess, { return_to: withQuery(paths.unlinkAccount, { account: id }) }),
            ),
        }),
      )
    }),
  )
})
