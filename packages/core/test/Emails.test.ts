import { Audit } from "@belfry/core/Audit"
import * as EmailMessages from "@belfry/core/EmailMessages"
import * as Emails from "@belfry/core/Emails"
import type { MailMessage } from "@belfry/core/Mail"
import { PagePaths } from "@belfry/core/PagePaths"
import { RateLimited } from "@belfry/core/RateLimit"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Email, EmailTaken } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { VerificationTokenInvalid } from "@belfry/core/VerificationToken"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { DateTime, Duration, Effect, Layer, Option, Redacted, Result } from "effect"
import { TestClock } from "effect/testing"
import * as HostProbe from "./support/HostProbe.ts"
import { StoreProbe } from "./support/StoreProbe.ts"
import * as TestCore from "./support/TestCore.ts"

const { client } = TestCore
const invalid = new VerificationTokenInvalid()

let people = 0
/** An address that nobody has yet. */
const newAddress = Effect.sync(() => Email.make(`person${++people}@example.com`))

/** A new user whose address is not proved. */
const newUser = Effect.gen(function* () {
  const email = yield* newAddress
  return yield* Users.use((users) => users.create({ email }))
})

const tokenIn = (message: MailMessage) =>
  Redacted.make(CapturingMailer.linkIn(message).searchParams.get("token") ?? "no token")

/** Takes the last mail to an address. Mail is sent at once here, so none may be on its way. */
const mailTo = (email: Email, category: string) =>
  CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(email, category))

const mails = Effect.flatMap(CapturingMailer.CapturingMailer, (mailer) => mailer.messages)

for (const { name, stores } of TestCore.backends) {
  withLayer(TestCore.layerOver(stores))(`Emails (${name})`, (it) => {
    it.effect("proves an address by the link in the mail, once", () =>
      Effect.gen(function* () {
        const emails = yield* Emails.Emails
        const user = yield* newUser
        yield* emails.sendVerification(user, client)
        const mail = yield* mailTo(user.email, "verify-email")
        const link = CapturingMailer.linkIn(mail)
        assert.strictEqual(`${link.origin}${link.pathname}`, "http://localhost:3000/verify-email")
        yield* TestClock.adjust("1 hour")
        const now = yield* DateTime.now
        const { result, tags } = yield* HostProbe.withEvents(emails.confirmVerification(tokenIn(mail), client))
        assert.deepStrictEqual(result, { ...user, emailVerifiedAt: now, updatedAt: now })
        assert.deepStrictEqual(tags, ["UserUpdated", "EmailVerified"])
        assert.deepStrictEqual(yield* Effect.flip(emails.confirmVerification(tokenIn(mail), client)), invalid)
        const events = yield* Audit.use((audit) => audit.list({ userId: user.id }))
        assert.deepStrictEqual(
          events.toReversed().map(({ type }) => type),
          ["user.created", "email.verify-requested", "user.updated", "email.verified"],
        )
      }),
    )

    it.effect("changes an address when the new one is confirmed and not before, and tells the old one", () =>
      Effect.gen(function* () {
        const emails = yield* Emails.Emails
        const users = yield* Users
        const user = yield* newUser
        const email = yield* newAddress
        yield* emails.requestChange(user, email, client)
        assert.deepStrictEqual(yield* users.get(user.id), user)
        const mail = yield* mailTo(email, "confirm-email-change")
        const link = CapturingMailer.linkIn(mail)
        assert.strictEqual(`${link.origin}${link.pathname}`, "http://localhost:3000/confirm-email-change")
        const { result, tags } = yield* HostProbe.withEvents(emails.confirmChange(tokenIn(mail), client))
        const now = yield* DateTime.now
        assert.deepStrictEqual(result, { ...user, email, emailVerifiedAt: now, updatedAt: now })
        assert.deepStrictEqual(yield* users.get(user.id), result)
        assert.deepStrictEqual(tags, ["UserUpdated", "EmailChanged"])
        assert.include((yield* mailTo(user.email, "email-changed")).text, email)
        assert.deepStrictEqual(yield* Effect.flip(emails.confirmChange(tokenIn(mail), client)), invalid)
        const events = yield* Audit.use((audit) => audit.list({ userId: user.id }))
        assert.deepStrictEqual(
          events.toReversed().map(({ type }) => type),
          ["user.created", "email.change-requested", "user.updated", "email.changed"],
        )
      }),
    )

    it.effect("gives an address to one of two who confirm it at once, and the other keeps the own and the link", () =>
      Effect.gen(function* () {
        const emails = yield* Emails.Emails
        const users = yield* Users
        const email = yield* newAddress
        const links = yield* Effect.forEach([yield* newUser, yield* newUser], (user) =>
          Effect.gen(function* () {
            yield* emails.requestChange(user, email, client)
            return { user, token: tokenIn(yield* mailTo(email, "confirm-email-change")) }
          }),
        )
        const results = yield* Effect.forEach(
          links,
          ({ token }) => Effect.result(emails.confirmChange(token, client)),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(results.filter(Result.isSuccess).length, 1)
        const loser = results.findIndex(Result.isFailure)
        const lost = results[loser]
        const link = links[loser]
        if (lost === undefined || Result.isSuccess(lost) || link === undefined) return assert.fail("nobody lost")
        assert.deepStrictEqual(lost.failure, new EmailTaken())
        assert.deepStrictEqual(yield* users.get(link.user.id), link.user)
        yield* VerificationTokens.use((tokens) => tokens.peek(Emails.changePurpose, link.token))

        // The winner goes; the link of the other one still serves.
        const winner = Option.getOrThrow(yield* users.findByEmail(email))
        yield* users.remove(winner.id)
        assert.strictEqual((yield* emails.confirmChange(link.token, client)).email, email)
      }),
    )

    it.effect("takes one of 50 confirmations of one link", () =>
      Effect.gen(function* () {
        const emails = yield* Emails.Emails
        const user = yield* newUser
        yield* emails.sendVerification(user, client)
        const token = tokenIn(yield* mailTo(user.email, "verify-email"))
        const results = yield* Effect.all(
          Array.from({ length: 50 }, () => Effect.result(emails.confirmVerification(token, client))),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(results.filter(Result.isSuccess).length, 1)
      }),
    )
  })
}

describe("Emails.sendVerification", () => {
  it.effect("sends nothing and counts nothing when the address is proved already", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const probe = yield* StoreProbe
      const user = { ...(yield* newUser), emailVerifiedAt: yield* DateTime.now }
      yield* probe.clear
      yield* Effect.repeat(emails.sendVerification(user, client), { times: 10 })
      assert.deepStrictEqual(yield* mails, [])
      assert.deepStrictEqual(yield* probe.calls, [])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("makes the link of an earlier mail worthless", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const user = yield* newUser
      yield* emails.sendVerification(user, client)
      const first = tokenIn(yield* mailTo(user.email, "verify-email"))
      yield* emails.sendVerification(user, client)
      const second = tokenIn(yield* mailTo(user.email, "verify-email"))
      assert.deepStrictEqual(yield* Effect.flip(emails.confirmVerification(first, client)), invalid)
      yield* emails.confirmVerification(second, client)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("sends 5 mails an hour for one user, changes of address among them, and says when to come again", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const [user, other] = [yield* newUser, yield* newUser]
      yield* Effect.repeat(emails.sendVerification(user, client), { times: 2 })
      yield* emails.requestChange(user, yield* newAddress, client)
      yield* emails.requestChange(user, other.email, client)
      const refused = new RateLimited({ retryAfter: 3600 })
      assert.deepStrictEqual(yield* Effect.flip(emails.sendVerification(user, client)), refused)
      assert.deepStrictEqual(yield* Effect.flip(emails.requestChange(user, yield* newAddress, client)), refused)
      assert.strictEqual((yield* mails).length, 4)
      yield* emails.sendVerification(other, client)
      yield* TestClock.adjust("1 hour")
      yield* emails.sendVerification(user, client)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("sends no mail when its token is not in the store in the end", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const probe = yield* StoreProbe
      const transactions = yield* TransactionStore
      const user = yield* newUser
      const failing = probe.failing(["AuditStore.insert"], emails.sendVerification(user, client))
      assert.strictEqual((yield* Effect.flip(failing))._tag, "StoreError")
      const undone = Effect.gen(function* () {
        yield* emails.sendVerification(user, client)
        yield* emails.requestChange(user, yield* newAddress, client)
        return yield* Effect.fail("undone" as const)
      })
      assert.strictEqual(yield* Effect.flip(transactions.run(undone)), "undone")
      assert.deepStrictEqual(yield* mails, [])
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("Emails.confirmVerification", () => {
  it.effect("proves only the address that the mail was sent to", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const users = yield* Users
      const user = yield* newUser
      yield* emails.sendVerification(user, client)
      const token = tokenIn(yield* mailTo(user.email, "verify-email"))
      const changed = yield* users.update(user.id, { email: yield* newAddress })
      assert.deepStrictEqual(yield* Effect.flip(emails.confirmVerification(token, client)), invalid)
      assert.deepStrictEqual(yield* users.get(user.id), changed)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("takes no link of a change of address, nor the other way round", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const user = yield* newUser
      const email = yield* newAddress
      yield* emails.sendVerification(user, client)
      yield* emails.requestChange(user, email, client)
      const verification = tokenIn(yield* mailTo(user.email, "verify-email"))
      const change = tokenIn(yield* mailTo(email, "confirm-email-change"))
      assert.deepStrictEqual(yield* Effect.flip(emails.confirmVerification(change, client)), invalid)
      assert.deepStrictEqual(yield* Effect.flip(emails.confirmChange(verification, client)), invalid)
      yield* emails.confirmChange(change, client)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("takes a link for 24 hours, and one of a change for 1 hour, less an instant", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      for (const [lifetime, isInTime] of [
        [Emails.verifyPurpose.lifetime, false],
        [Emails.changePurpose.lifetime, false],
        [Duration.subtract(Duration.hours(24), Duration.millis(1)), true],
        [Duration.subtract(Duration.hours(1), Duration.millis(1)), true],
      ] as const) {
        const isChange = Duration.isLessThanOrEqualTo(lifetime, Duration.hours(1))
        const user = yield* newUser
        const email = yield* newAddress
        yield* isChange ? emails.requestChange(user, email, client) : emails.sendVerification(user, client)
        const token = tokenIn(
          yield* isChange ? mailTo(email, "confirm-email-change") : mailTo(user.email, "verify-email"),
        )
        yield* TestClock.adjust(lifetime)
        const confirm = isChange ? emails.confirmChange(token, client) : emails.confirmVerification(token, client)
        assert.strictEqual(Result.isSuccess(yield* Effect.result(confirm)), isInTime)
      }
      assert.deepStrictEqual(
        [Emails.verifyPurpose.lifetime, Emails.changePurpose.lifetime],
        [Duration.hours(24), Duration.hours(1)],
      )
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("fails alike for a user who was deleted meanwhile", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const user = yield* newUser
      yield* emails.sendVerification(user, client)
      const token = tokenIn(yield* mailTo(user.email, "verify-email"))
      yield* Users.use((users) => users.remove(user.id))
      assert.deepStrictEqual(yield* Effect.flip(emails.confirmVerification(token, client)), invalid)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("leaves the link good when the store could not answer", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const probe = yield* StoreProbe
      const user = yield* newUser
      yield* emails.sendVerification(user, client)
      const token = tokenIn(yield* mailTo(user.email, "verify-email"))
      const failing = probe.failing(["AuditStore.insert"], emails.confirmVerification(token, client))
      assert.strictEqual((yield* Effect.flip(failing))._tag, "StoreError")
      yield* emails.confirmVerification(token, client)
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("Emails.requestChange", () => {
  it.effect("answers for an address that somebody has as for any other, and sends nothing there", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const probe = yield* StoreProbe
      const [user, other] = [yield* newUser, yield* newUser]
      const trail: Array<unknown> = []
      for (const email of [other.email, user.email, yield* newAddress]) {
        yield* probe.clear
        const answer = yield* emails.requestChange(user, email, client)
        const [event] = yield* Audit.use((audit) => audit.list({ userId: user.id, limit: 1 }))
        const statements = (yield* probe.calls).filter((call) => call !== "TransactionStore.afterCommit")
        trail.push([answer, statements, event?.type, event?.outcome, event?.data])
      }
      assert.deepStrictEqual(trail[0], trail[2])
      assert.deepStrictEqual(trail[1], trail[2])
      assert.strictEqual((yield* mails).length, 1)
      assert.deepStrictEqual(yield* Users.use((users) => users.get(user.id)), user)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("makes the link to another new address worthless", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const user = yield* newUser
      const [first, second] = [yield* newAddress, yield* newAddress]
      yield* emails.requestChange(user, first, client)
      yield* emails.requestChange(user, second, client)
      const earlier = tokenIn(yield* mailTo(first, "confirm-email-change"))
      assert.deepStrictEqual(yield* Effect.flip(emails.confirmChange(earlier, client)), invalid)
      yield* emails.confirmChange(tokenIn(yield* mailTo(second, "confirm-email-change")), client)
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("Emails.confirmChange", () => {
  it.effect("makes a link that would prove the old address worthless", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const user = yield* newUser
      const email = yield* newAddress
      yield* emails.sendVerification(user, client)
      yield* emails.requestChange(user, email, client)
      const verification = tokenIn(yield* mailTo(user.email, "verify-email"))
      yield* emails.confirmChange(tokenIn(yield* mailTo(email, "confirm-email-change")), client)
      const peek = VerificationTokens.use((tokens) => tokens.peek(Emails.verifyPurpose, verification))
      assert.deepStrictEqual(yield* Effect.flip(peek), invalid)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("tells the old address nothing when the change came to nothing", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const [user, other] = [yield* newUser, yield* newUser]
      const email = yield* newAddress
      yield* emails.requestChange(user, email, client)
      const token = tokenIn(yield* mailTo(email, "confirm-email-change"))
      yield* Users.use((users) => users.update(other.id, { email }))
      const { result, tags } = yield* HostProbe.withEvents(Effect.flip(emails.confirmChange(token, client)))
      assert.deepStrictEqual([result, tags], [new EmailTaken(), []])
      assert.deepStrictEqual(yield* mails, [])
    }).pipe(Effect.provide(TestCore.layer)),
  )
})

describe("Emails", () => {
  it.effect("writes mails in the words of the host, with links to its own pages", () =>
    Effect.gen(function* () {
      const emails = yield* Emails.Emails
      const user = yield* newUser
      yield* emails.sendVerification(user, client)
      const mail = yield* mailTo(user.email, "verify-email")
      assert.strictEqual(mail.subject, "Bitte bestätigen")
      assert.strictEqual(CapturingMailer.linkIn(mail).pathname, "/adresse")
    }).pipe(
      Effect.provide(
        Layer.fresh(Emails.layer).pipe(
          Layer.provide(
            Layer.succeed(EmailMessages.EmailMessages)({
              ...EmailMessages.english,
              verifyEmail: ({ url }) => ({ subject: "Bitte bestätigen", text: url, html: url }),
            }),
          ),
          Layer.provide(
            Layer.effect(
              PagePaths,
              Effect.map(PagePaths, (paths) => ({ ...paths, verifyEmail: "/adresse" as const })),
            ),
          ),
        ),
      ),
      Effect.provide(TestCore.layer),
    ),
  )
})
