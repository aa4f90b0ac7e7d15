/**
 * Answering an invitation by the token of its mail: as who is signed in, or while signing up. Looking at it uses
 * nothing up.
 *
 * @since 0.1.0
 */
import { cookieToken } from "@belfry/core/RequestHandlers"
import { Passwords } from "@belfry/factors/Passwords"
import { type InvitationKey, Invitations } from "@belfry/organization/Invitations"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeAttempts } from "./attempts.ts"
import {
  actionOf,
  decode,
  decodeHidden,
  type FormFields,
  NameField,
  PasswordField,
  problemsOf,
  TokenField,
} from "./form.ts"
import { typedOf } from "./organizationForms.ts"
import { pathsOf } from "./organizationPaths.ts"
import { type Again, asShown, orAgain } from "./organizationRefusals.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post, type Visit } from "./visit.ts"
import { acceptInvitationPage, closedInvitationPage, declinedPage } from "./views/acceptInvitation.ts"
import type { Shown } from "./views/organizationParts.ts"

const TokenForm = Schema.Struct({ token: TokenField })

const SignUpForm = Schema.Struct({ name: Schema.optionalKey(NameField), password: PasswordField })

/**
 * Adds the page of an invitation.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const invitations = yield* Invitations
  const passwords = yield* Passwords
  const attempts = yield* makeAttempts
  const visitors = yield* makeVisitors

  const closed = Effect.fnUntraced(function* (
    visit: Visit,
    reason: Parameters<typeof closedInvitationPage>[2]["reason"],
    holdsToken: boolean,
  ) {
    const isSignedIn = Option.isSome(yield* visitors.find(visit))
    return closedInvitationPage(visit.words, paths, { reason, holdsToken, isSignedIn })
  })

  /** The page of an invitation as it stands. */
  const show = Effect.fnUntraced(function* (
    visit: Visit,
    token: Redacted.Redacted,
    { holdsToken, ...shown }: Shown & { readonly holdsToken: boolean },
  ) {
    const found = yield* invitations.preview(token, visit.client).pipe(
      Effect.map(Option.some),
      Effect.catchTag("InvitationNotFound", () => Effect.succeedNone),
    )
    if (Option.isNone(found)) return yield* closed(visit, "unknown", holdsToken)
    const preview = found.value
    if (preview.status !== "pending") return yield* closed(visit, preview.status, holdsToken)
    const visitor = Option.getOrUndefined(yield* visitors.find(visit))
    return acceptInvitationPage(visit.words, paths, {
      ...shown,
      preview,
      token: Redacted.value(token),
      user: visitor?.user ?? null,
      holdsToken,
    })
  })

  type Action = (visit: Visit, token: Redacted.Redacted, fields: FormFields) => ReturnType<Parameters<typeof post>[1]>

  const actions: Readonly<Record<string, Action>> = {
    accept: Effect.fnUntraced(function* (visit, token) {
      const visitor = yield* visitors.find(visit)
      // The session ended meanwhile: the page asks who they are.
      if (Option.isNone(visitor)) return withQuery(paths.acceptInvitation, { token: Redacted.value(token) })
      return yield* invitations.accept({ ...visitor.value, client: visit.client }, byToken(token)).pipe(
        Effect.map(({ organizationId, organizationSlug }) =>
          withQuery(pathsOf(paths, { id: organizationId, slug: organizationSlug }).overview, {
            done: "invitation-accepted",
          }),
        ),
        Effect.catchTags({
          InvitationClosed: ({ reason }) => closed(visit, reason, false),
          InvitationNotFound: () => closed(visit, "unknown", false),
        }),
        orAgain(visit.words, (refused) => show(visit, token, { ...asShown(refused), holdsToken: false })),
      )
    }),

    reject: Effect.fnUntraced(function* (visit, token) {
      const visitor = yield* visitors.find(visit)
      const actor = Option.getOrNull(Option.map(visitor, (visitor) => ({ ...visitor, client: visit.client })))
      return yield* invitations.reject(actor, byToken(token), visit.client).pipe(
        Effect.as(withQuery(paths.acceptInvitation, { done: "declined" })),
        Effect.catchTags({
          InvitationClosed: ({ reason }) => closed(visit, reason, false),
          InvitationNotFound: () => closed(visit, "unknown", false),
        }),
        orAgain(visit.words, (refused) => show(visit, token, { ...asShown(refused), holdsToken: false })),
      )
    }),

    "sign-up": Effect.fnUntraced(function* (visit, token, fields) {
      const { client, request, words } = visit
      const again = (refused: Again) =>
        show(visit, token, { ...asShown(refused, typedOf(fields, ["name"])), holdsToken: false })
      const form = decode(SignUpForm, fields)
      if (Result.isFailure(form)) {
        const { chosenPassword, name } = words.fields
        const problems = problemsOf(form.failure, fields, { name, password: chosenPassword })
        return yield* again({ status: 422, problems })
      }
      const { name = null, password } = form.success
      const joined = withQuery(paths.organizations, { done: "invitation-accepted" })
      const outcome = passwords.signUpProved({
        proof: token,
        name,
        password,
        context: { returnTo: joined },
        replaces: cookieToken(request, site),
        client,
      })
      return yield* outcome.pipe(
        attempts.settle(visit, { by: undefined, otherwise: joined }),
        Effect.catchTags({
          EmailTaken: () => again({ status: 409, problems: [{ message: words.problems.emailHasAccount }] }),
          PasswordRejected: ({ reason }) =>
            again({ status: 422, problems: [{ field: "password", message: words.problems[reason] }] }),
          // It is not open any more, which the page then says; or there is no place left.
          VerificationTokenInvalid: () =>
            again({ status: 409, problems: [{ message: words.problems.invitationUnusable }] }),
        }),
        orAgain(words, again),
      )
    }),
  }

  yield* get(
    paths.acceptInvitation,
    Effect.fnUntraced(function* (visit) {
      if (visit.query("done") === "declined") return declinedPage(visit.words)
      return yield* show(visit, Redacted.make(visit.query("token") ?? ""), { holdsToken: true })
    }),
  )

  yield* post(
    paths.acceptInvitation,
    Effect.fnUntraced(function* (visit, fields) {
      const action = yield* actionOf(actions, fields)
      const { token } = yield* decodeHidden(TokenForm, fields)
      return yield* action(visit, token, fields)
    }),
  )
})

// internal

const byToken = (token: Redacted.Redacted): InvitationKey => ({ _tag: "Token", token })
