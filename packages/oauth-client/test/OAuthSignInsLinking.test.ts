/**
 * Who an account is here: every combination of what is known and what a provider may, against rules written as a table.
 */
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { assert, describe, it } from "@effect/vitest"
import { Array, Effect, pipe } from "effect"
import * as Flow from "./support/Flow.ts"
import { GateScript } from "./support/TestGate.ts"

const both = [true, false]

/** The outcome of the first rule that fits; a rule says nothing about keys that it lacks. */
const firstOf = <Row extends object, Outcome>(
  rules: ReadonlyArray<readonly [Partial<Row>, Outcome]>,
  row: Row,
): Outcome => {
  const rule = rules.find(([when]) =>
    Object.entries(when).every(([key, value]) => Object.entries(row).some(([k, v]) => k === key && v === value)),
  )
  return rule === undefined ? assert.fail(`no rule for ${JSON.stringify(row)}`) : rule[1]
}

interface SignIn {
  readonly person: "linked" | "known" | "new" | "nameless"
  /** Whether the provider, and whether we, verified the address. */
  readonly theirs: boolean
  readonly ours: boolean
  readonly trusted: boolean
  readonly implicitLink: boolean
  readonly signUp: boolean
  readonly implicitSignUp: boolean
  readonly requested: boolean
}

const signInRules: ReadonlyArray<readonly [Partial<SignIn>, string]> = [
  [{ person: "linked" }, "signed in"],
  [{ person: "nameless" }, "email_missing"],
  [{ person: "known", implicitLink: false }, "account_not_linked"],
  [{ person: "known", theirs: true, ours: true }, "linked"],
  [{ person: "known", trusted: true, ours: true }, "linked"],
  [{ person: "known", trusted: true, ours: false }, "taken over"],
  [{ person: "known" }, "account_not_linked"],
  [{ person: "new", signUp: false }, "signup_disabled"],
  [{ person: "new", implicitSignUp: true }, "signed up"],
  [{ person: "new", requested: true }, "signed up"],
  [{ person: "new" }, "signup_disabled"],
]

const trySignIn = Effect.fnUntraced(function* (row: SignIn) {
  const providerId = yield* Flow.addProvider({
    trustedForAccountLinking: row.trusted,
    allowImplicitAccountLinking: row.implicitLink,
    disableSignUp: !row.signUp,
    disableImplicitSignUp: !row.implicitSignUp,
  })
  const sub = Flow.unique()
  const email = `${sub}@example.com`
  const hasUser = row.person === "linked" || row.person === "known"
  const user = hasUser ? yield* Flow.addUser({ email: Email.make(email), verified: row.ours }) : undefined
  if (user !== undefined) yield* Flow.linkDirectly(user, "elsewhere", sub)
  if (user !== undefined && row.person === "linked") yield* Flow.linkDirectly(user, providerId, sub)
  // Without an address, what is said of it means nothing.
  const address = row.person === "nameless" ? {} : { email: email.toUpperCase() }
  const result = yield* Flow.signIn(
    providerId,
    { sub, ...address, email_verified: row.theirs },
    { requestSignUp: row.requested },
  )

  if (result._tag === "Refused") {
    const code = result.error.code
    const [event] = yield* Flow.refusals(providerId)
    assert.strictEqual(event?.reason, code)
    if (user !== undefined) {
      assert.deepStrictEqual(yield* Flow.getUser(user), user)
      assert.strictEqual((yield* Flow.accountsOf(user)).length, 1)
    }
    return code
  }
  const { outcome } = result
  assert.strictEqual(outcome.signIn?._tag, "Complete")
  const now = yield* Flow.getUser(outcome.user)
  const accounts = (yield* Flow.accountsOf(now)).map((account) => account.providerId)
  assert.include(accounts, providerId)
  if (user === undefined) {
    assert.strictEqual(now.email, email)
    assert.strictEqual(now.emailVerifiedAt !== null, row.theirs)
    return outcome.isNewUser ? "signed up" : "?"
  }
  assert.strictEqual(now.id, user.id)
  assert.strictEqual(now.emailVerifiedAt !== null, row.ours || row.theirs)
  assert.isFalse(outcome.isNewUser)
  const takeOvers = (yield* GateScript).takenOver.filter(({ userId }) => userId === user.id)
  if (takeOvers.length > 0) {
    // Before it is linked: what the gate takes away is all that there is.
    assert.deepStrictEqual(takeOvers, [{ userId: user.id, providerIds: ["elsewhere"] }])
    return "taken over"
  }
  return row.person === "linked" ? "signed in" : "linked"
})

interface Link {
  readonly owner: "nobody" | "self" | "other"
  readonly address: "same" | "other" | "none"
  readonly theirs: boolean
  readonly ours: boolean
  readonly different: boolean
  readonly trusted: boolean
  readonly by: "callback" | "id-token"
}

const linkRules: ReadonlyArray<readonly [Partial<Link>, string]> = [
  // A missing address is never a verified one.
  [{ by: "id-token", trusted: false, theirs: false }, "account_not_linked"],
  [{ by: "id-token", trusted: false, address: "none" }, "account_not_linked"],
  [{ address: "other", different: false }, "email_does_not_match"],
  [{ address: "none", different: false }, "email_does_not_match"],
  [{ owner: "other" }, "account_already_linked_to_different_user"],
  [{}, "linked"],
]

const tryLink = Effect.fnUntraced(function* (row: Link) {
  const providerId = yield* Flow.addProvider({
    allowDifferentLinkEmails: row.different,
    trustedForAccountLinking: row.trusted,
    disableSignUp: true,
    allowImplicitAccountLinking: false,
  })
  const sub = Flow.unique()
  const user = yield* Flow.addUser({ verified: row.ours })
  const { session } = yield* Flow.sessionOf(user)
  if (row.owner !== "nobody")
    yield* Flow.linkDirectly(row.owner === "self" ? user : yield* Flow.addUser(), providerId, sub)
  const email = row.address === "same" ? ` ${user.email.toUpperCase()}` : "else@example.com"
  const person = { sub, email_verified: row.theirs, ...(row.address === "none" ? {} : { email }) }
  const code = yield* row.by === "callback"
    ? Effect.map(Flow.link(providerId, session, person), (result) => {
        if (result._tag === "Done") assert.isNull(result.outcome.signIn)
        return Flow.codeOf(result)
      })
    : Flow.linkByIdToken(providerId, session, person)
  const now = yield* Flow.getUser(user)
  const accounts = yield* Flow.accountsOf(user)
  const sessions = yield* Sessions.use((all) => all.list(user.id))
  assert.strictEqual(sessions.length, 1)
  const isLinked = accounts.some((account) => account.providerId === providerId && account.accountId === sub)
  assert.strictEqual(isLinked, code === "done" || row.owner === "self")
  const isProved = code === "done" && row.theirs && row.address === "same"
  assert.strictEqual(now.emailVerifiedAt !== null, row.ours || isProved)
  if (code === "done") return "linked"
  const [event] = yield* Flow.refusals(providerId)
  assert.strictEqual(event?.reason, code)
  return code
})

describe("Linking", () => {
  it.effect("decides every combination of a sign-in as the table says", () =>
    Effect.gen(function* () {
      const rows: ReadonlyArray<SignIn> = pipe(
        Array.Do,
        Array.bind("person", () => ["linked", "known", "new", "nameless"] as const),
        Array.bind("theirs", () => both),
        Array.bind("ours", () => both),
        Array.bind("trusted", () => both),
        Array.bind("implicitLink", () => both),
        Array.bind("signUp", () => both),
        Array.bind("implicitSignUp", () => both),
        Array.bind("requested", () => both),
      )
      assert.strictEqual(rows.length, 512)
      for (const row of rows) assert.strictEqual(yield* trySignIn(row), firstOf(signInRules, row), JSON.stringify(row))
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("decides every combination of a link as the table says", () =>
    Effect.gen(function* () {
      const rows: ReadonlyArray<Link> = pipe(
        Array.Do,
        Array.bind("owner", () => ["nobody", "self", "other"] as const),
        Array.bind("address", () => ["same", "other", "none"] as const),
        Array.bind("theirs", () => both),
        Array.bind("ours", () => both),
        Array.bind("different", () => both),
        Array.bind("trusted", () => both),
        Array.bind("by", () => ["callback", "id-token"] as const),
      )
      assert.strictEqual(rows.length, 288)
      for (const row of rows) assert.strictEqual(yield* tryLink(row), firstOf(linkRules, row), JSON.stringify(row))
    }).pipe(Effect.provide(Flow.layer)),
  )
})
