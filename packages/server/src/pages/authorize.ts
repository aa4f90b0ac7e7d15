/**
 * The pages of a request that waits for its person: choosing an account, consent, turning away; and what is told to
 * people where no client can be told.
 *
 * @since 0.1.0
 */
import { type AuthorizationOutcome, Authorizations } from "@belfry/oauth-server/Authorizations"
import { respond } from "@belfry/oauth-server/AuthorizationsHandlers"
import { Memberships } from "@belfry/organization/Memberships"
import { isOrganizationId } from "@belfry/organization/Organization"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Flow, getFlow } from "./flows.ts"
import { FormUnreadable } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { makeScopeWords } from "./scopes.ts"
import { type Answer, get, makeVisitors, post, type Visitor } from "./visit.ts"
import { authorizationErrorPage, consentPage, scopeField, selectAccountPage } from "./views/authorization.ts"

/**
 * Adds the pages of a request that waits.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const authorizations = yield* Authorizations
  const memberships = yield* Memberships
  const scopeWords = yield* makeScopeWords
  const visitors = yield* makeVisitors

  const goOn = (outcome: AuthorizationOutcome): Answer => (outcome._tag === "Interact" ? outcome.url : respond(outcome))

  const signIn = (returnTo: string) => withQuery(paths.signIn, { return_to: returnTo })

  /** As a member of which organization the client gets access, where it asks for one and the person is in it. */
  const organizationOf = Effect.fnUntraced(function* ({ referenceId }: Flow, { user }: Visitor) {
    if (!isOrganizationId(referenceId)) return null
    const found = yield* memberships.find({ userId: user.id, organization: referenceId })
    return Option.getOrNull(Option.map(found, (it) => ({ id: it.organizationId, name: it.organizationName })))
  })

  yield* get(
    paths.authorizeAccount,
    Effect.fnUntraced(function* (visit) {
      const flow = yield* getFlow(visit)
      const visitor = yield* visitors.find(visit)
      if (Option.isNone(visitor)) return signIn(flow.returnTo)
      if (flow.intent !== "select_account") return flow.returnTo
      return selectAccountPage(visit.words, paths, { flow, user: visitor.value.user })
    }),
  )

  yield* post(
    paths.authorizeAccount,
    Effect.fnUntraced(function* (visit) {
      const { browser, id } = yield* getFlow(visit)
      return goOn(yield* authorizations.advance(id, "select_account", browser))
    }),
  )

  yield* get(
    paths.authorizeConsent,
    Effect.fnUntraced(function* (visit) {
      const flow = yield* getFlow(visit)
      const visitor = yield* visitors.find(visit)
      if (Option.isNone(visitor)) return signIn(flow.returnTo)
      if (flow.intent !== "consent") return flow.returnTo
      const { session, user } = visitor.value
      return consentPage(visit.words, paths, {
        flow,
        user,
        sessionId: session.id,
        organization: yield* organizationOf(flow, visitor.value),
        scopeWords: scopeWords(visit.words),
      })
    }),
  )

  yield* post(
    paths.authorizeConsent,
    Effect.fnUntraced(function* (visit, fields) {
      const flow = yield* getFlow(visit)
      const { browser, id, returnTo, scopes } = flow
      const { decision } = fields
      if (decision !== "allow" && decision !== "deny") return yield* new FormUnreadable({ status: 400 })
      const { signedIn } = browser
      // Who was asked is not who is signed in by now, so the question is put to them again.
      if (signedIn === null || fields["session"] !== signedIn.session.id) return returnTo
      // Nor for the organization that they act for by now.
      const organization = yield* organizationOf(flow, signedIn)
      if (decision === "allow" && (fields["organization"] ?? "") !== (organization?.id ?? "")) return returnTo
      const chosen = scopes.filter((scope) => scope === "openid" || fields[scopeField(scope)] === "1")
      return goOn(yield* authorizations.decide(id, { accept: decision === "allow", scopes: chosen }, browser))
    }),
  )

  yield* post(
    paths.authorizeCancel,
    Effect.fnUntraced(function* (visit) {
      const { browser, id } = yield* getFlow(visit)
      return goOn(yield* authorizations.cancel(id, browser))
    }),
  )

  yield* get(
    paths.authorizeError,
    ({ query, words }) =>
      // Anybody can make this address: whatever it says happened, nothing failed here and now.
      Effect.succeed({
        ...authorizationErrorPage(words, {
          code: /^[a-z_]{1,64}$/u.exec(query("error") ?? "")?.[0] ?? "unknown",
          description: descriptionOf(query("error_description")),
        }),
        status: 400,
        headers: {},
      }),
    null,
  )
})

// internal

/** What RFC 6749 §4.1.2.1 lets a description consist of, and not too much of it: anybody can make this address. */
const descriptionOf = (text: string | undefined): string | undefined =>
  text === undefined || !/^[\x20\x21\x23-\x5B\x5D-\x7E]{1,200}$/u.test(text) ? undefined : text
