/**
 * Changing how one signs in: backup codes, names of passkeys, taking a factor off.
 *
 * @since 0.1.0
 */
import { Sessions } from "@belfry/core/Sessions"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import { BackupCodes } from "@belfry/factors/BackupCodes"
import { Enrolments } from "@belfry/factors/Enrolments"
import { Hotps } from "@belfry/factors/Hotps"
import { type Passkey, PasskeyId, PasskeyName } from "@belfry/factors/Passkey"
import { Passkeys } from "@belfry/factors/Passkeys"
import { Passwords } from "@belfry/factors/Passwords"
import { Totps } from "@belfry/factors/Totps"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decode, FormUnreadable, problemsOf } from "./form.ts"
import { PageKit } from "./PageKit.ts"
import { withQuery } from "./query.ts"
import { get, makeVisitors, post, type Visit, type Visitor } from "./visit.ts"
import { backupCodesPage, makeBackupCodesPage } from "./views/enrolment.ts"
import { failurePage } from "./views/failures.ts"
import { editPasskeyPage, removableFactors, type RemovableFactor, removeFactorPage } from "./views/methods.ts"

const NameForm = Schema.Struct({ passkey: PasskeyId, name: PasskeyName })

/** What can be taken off: a factor, or one of the passkeys. */
type Removable =
  | { readonly factor: Exclude<RemovableFactor, "passkey">; readonly passkey?: undefined }
  | { readonly factor: "passkey"; readonly passkey: Passkey }

/**
 * Adds the pages that change how one signs in.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const sessions = yield* Sessions
  const enrolments = yield* Enrolments
  const backupCodes = yield* BackupCodes
  const passkeys = yield* Passkeys
  const passwords = yield* Passwords
  const totps = yield* Totps
  const hotps = yield* Hotps
  const visitors = yield* makeVisitors

  const getFresh = Effect.fnUntraced(function* (visit: Visit) {
    const visitor = yield* visitors.get(visit)
    yield* sessions.requireFresh(visitor.session)
    return visitor
  })

  const notFound = ({ words }: Visit) => failurePage(words, { status: 404 })

  const findPasskey = ({ user }: Visitor, id: string | undefined) =>
    Effect.map(passkeys.list(user.id), (list) => list.find((passkey) => passkey.id === id))

  const section = `${paths.account}#sign-in-methods`

  /** Which set of backup codes there is: the time when it was made, or nothing. */
  const codeSet = (userId: UserId) =>
    Effect.map(enrolments.list(userId), (list) => {
      const made = list.find(({ factor }) => factor === "backup-code")?.createdAt
      return made === undefined ? "" : String(made.epochMilliseconds)
    })

  yield* get(
    paths.backupCodes,
    Effect.fnUntraced(function* (visit) {
      const { user } = yield* getFresh(visit)
      const left = yield* backupCodes.remaining(user.id)
      return makeBackupCodesPage(visit.words, paths, { left, set: yield* codeSet(user.id) })
    }),
  )

  yield* post(
    paths.backupCodes,
    Effect.fnUntraced(function* (visit, fields) {
      const visitor = yield* visitors.get(visit)
      // A form that was sent already, as by a reload of the page that shows the codes, makes no others.
      if (fields["set"] !== undefined && fields["set"] !== (yield* codeSet(visitor.user.id))) return section
      return yield* backupCodes.replace({ ...visitor, client: visit.client }).pipe(
        Effect.map((codes) =>
          backupCodesPage(visit.words, {
            siteName: site.name,
            email: visitor.user.email,
            codes: codes.map(Redacted.value),
            next: withQuery(paths.account, { done: "codes-saved" }),
          }),
        ),
        Effect.catchTag("NotEnrolled", () => Effect.succeed(section)),
      )
    }),
  )

  yield* get(
    paths.editPasskey,
    Effect.fnUntraced(function* (visit) {
      const passkey = yield* findPasskey(yield* visitors.get(visit), visit.query("passkey"))
      if (passkey === undefined) return notFound(visit)
      return editPasskeyPage(visit.words, paths, { passkey, state: { values: {}, problems: [] } })
    }),
  )

  yield* post(
    paths.editPasskey,
    Effect.fnUntraced(function* (visit, fields) {
      const visitor = yield* visitors.get(visit)
      if (fields["passkey"] === undefined) return yield* new FormUnreadable({ status: 400 })
      const passkey = yield* findPasskey(visitor, fields["passkey"])
      if (passkey === undefined) return notFound(visit)
      const name = (fields["name"] ?? "").trim()
      const form = decode(NameForm, { ...fields, name })
      if (Result.isFailure(form)) {
        const problems = problemsOf(form.failure, fields, { name: visit.words.fields.passkeyName })
        return editPasskeyPage(visit.words, paths, { passkey, state: { values: { name }, problems }, status: 422 })
      }
      return yield* passkeys
        .rename({ userId: visitor.user.id, passkeyId: form.success.passkey, name, client: visit.client })
        .pipe(
          Effect.as(withQuery(paths.account, { done: "passkey-renamed" })),
          Effect.catchTag("PasskeyNotFound", () => Effect.succeed(notFound(visit))),
        )
    }),
  )

  /** What is to be taken off: a factor of the visitor, and which passkey where it is one. None if there is no such. */
  const findRemovable = Effect.fnUntraced(function* (
    visitor: Visitor,
    factorName: string | undefined,
    passkeyId: string | undefined,
  ): Effect.fn.Return<Removable | undefined, StoreError> {
    const factor = removableFactors.find((name) => name === factorName)
    if (factor === undefined) return undefined
    if (factor === "passkey") {
      const passkey = yield* findPasskey(visitor, passkeyId)
      return passkey === undefined ? undefined : { factor, passkey }
    }
    const isSetUp = (yield* enrolments.list(visitor.user.id)).some((enrolment) => enrolment.factor === factor)
    return isSetUp ? { factor } : undefined
  })

  const remove = Effect.fnUntraced(function* (visit: Visit, visitor: Visitor, { factor, passkey }: Removable) {
    const options = { ...visitor, client: visit.client }
    switch (factor) {
      case "passkey":
        return yield* passkeys.remove({ ...options, passkeyId: passkey.id })
      case "password":
        return yield* passwords.remove(options)
      case "totp":
        return yield* totps.remove(options)
      case "hotp":
        return yield* hotps.remove(options)
    }
  })

  yield* get(
    paths.removeFactor,
    Effect.fnUntraced(function* (visit) {
      const visitor = yield* getFresh(visit)
      const found = yield* findRemovable(visitor, visit.query("factor"), visit.query("passkey"))
      return found === undefined ? section : removeFactorPage(visit.words, paths, found)
    }),
  )

  yield* post(
    paths.removeFactor,
    Effect.fnUntraced(function* (visit, fields) {
      const { words } = visit
      const visitor = yield* visitors.get(visit)
      if (!removableFactors.some((name) => name === fields["factor"])) return yield* new FormUnreadable({ status: 400 })
      const found = yield* findRemovable(visitor, fields["factor"], fields["passkey"])
      if (found === undefined) return section
      const { factor, passkey } = found
      return yield* remove(visit, visitor, found).pipe(
        Effect.as(withQuery(paths.account, { done: `${factor}-removed` })),
        Effect.catchTags({
          LastWayIn: () =>
            Effect.succeed(
              removeFactorPage(words, paths, {
                ...found,
                problems: [{ message: words.problems.lastWay }],
                status: 409,
              }),
            ),
          // It went elsewhere meanwhile, which is what was asked for.
          NotEnrolled: () => Effect.succeed(section),
          PasskeyNotFound: () => Effect.succeed(section),
          SessionNotFresh: () =>
            Effect.succeed(
              withQuery(paths.confirmAccess, {
                return_to: withQuery(paths.removeFactor, { factor, passkey: passkey?.id }),
              }),
            ),
        }),
      )
    }),
  )
})
