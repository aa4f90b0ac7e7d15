import { Email } from "@belfry/core/User"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import { Invitations } from "@belfry/organization/Invitations"
import * as OrganizationSettings from "@belfry/organization/OrganizationSettings"
import { RoleName } from "@belfry/organization/Role"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { browser, mailedLink, password, problemOf, serve, signUp, valueOf } from "./support/PageBrowser.ts"
import { go, headingOf, send, textOf } from "./support/PageClients.ts"
import { appCode, secretOf } from "./support/PageFactors.ts"
import {
  chosenIn,
  engines,
  formOf,
  founder,
  invite,
  layer,
  linkOf,
  member,
  optionsOf,
} from "./support/PageOrganizations.ts"

const list = `${engines}/invitations`

const accept = "/invitations/accept"

const withSettings = (options: Parameters<typeof OrganizationSettings.make>[0]) =>
  layer.pipe(
    Layer.provideMerge(Layer.succeed(OrganizationSettings.OrganizationSettings, OrganizationSettings.make(options))),
  )

const makeEngines = Effect.gen(function* () {
  const site = yield* serve()
  return { site, ada: yield* founder(site) }
})

describe("inviting", () => {
  it.effect("sends a link to an address, with roles, and teams to join with a role there", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const team = yield* ada.submit(`${engines}/teams/new`, { name: "Compilers" })
      const id = /teams\/([0-9a-f-]{36})\?/u.exec(team.location ?? "")?.[1] ?? ""
      const form = yield* ada.open(linkOf(yield* ada.open(list), "Invite somebody"))
      assert.deepStrictEqual(chosenIn(form).checked, ["role_member"])
      assert.deepStrictEqual(optionsOf(form, `team_${id}`), {
        chosen: "Not in this team",
        all: { "Not in this team": "", Member: "member", Lead: "lead", reviewer: "reviewer" },
      })
      const { path } = yield* invite(ada, "bob@example.com", {
        role_member: "1",
        role_editor: "1",
        [`team_${id}`]: "lead",
      })
      const bob = browser(site)
      yield* signUp(bob, "bob@example.com", "Bob")
      assert.include(textOf(yield* bob.open(path)), "You would join with: editor and Member.")
      yield* bob.submit(accept, { ...formOf(yield* bob.open(path), "Join as Bob") })
      assert.include(textOf(yield* bob.open(`${engines}/teams/${id}`)), "Bob bob@example.com Lead, joined just now")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lets the link work for as long as is chosen, of what the host allows", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const all = { "24 hours": "86400", "7 days": "", "30 days": "2592000" }
      const lifetimes = optionsOf(yield* ada.open(`${list}/new`), "lifetime")
      assert.deepStrictEqual(lifetimes, { chosen: "7 days", all })
      const refused = yield* ada.submit(`${list}/new`, { email: "", role_member: "1", lifetime: "86400" })
      assert.strictEqual(optionsOf(refused, "lifetime").chosen, "24 hours")
      const { path } = yield* invite(ada, "bob@example.com", { role_member: "1", lifetime: "86400" })
      const bob = browser(site)
      yield* TestClock.adjust(Duration.millis(Duration.toMillis("1 day") - 1))
      assert.strictEqual((yield* bob.open(path)).status, 200)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(headingOf(yield* bob.open(path)), "This invitation is too old")
      yield* ada.submit("/sign-in", { email: "ada@example.com", password })
      for (const lifetime of ["1", "604800", "86400.0", "x"]) {
        const forged = yield* ada.submit(`${list}/new`, { email: "eve@example.com", role_member: "1", lifetime })
        assert.strictEqual(forged.status, 400, lifetime)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks for no time where the host leaves no choice, and for the host's where that is another", () =>
    Effect.gen(function* () {
      const form = Effect.fnUntraced(function* (options: Parameters<typeof withSettings>[0]) {
        return yield* Effect.provide(
          Effect.flatMap(makeEngines, ({ ada }) => ada.open(`${list}/new`)),
          withSettings(options),
        )
      })
      const [minimum, maximum] = [Duration.days(3), Duration.days(7)]
      const fixed = { invitationLifetimeBounds: { minimum: maximum, maximum } }
      assert.notInclude((yield* form(fixed)).text, 'name="lifetime"')
      const other = { invitationLifetime: minimum, invitationLifetimeBounds: { minimum, maximum } }
      assert.deepStrictEqual(optionsOf(yield* form(other), "lifetime"), {
        chosen: "3 days",
        all: { "3 days": "", "7 days": "604800" },
      })
    }),
  )

  it.effect("says what is wrong, and keeps what was typed and chosen", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeEngines
      const submit = (fields: Readonly<Record<string, string>>) => ada.submit(`${list}/new`, fields)
      const empty = yield* submit({ email: "bob" })
      assert.strictEqual(empty.status, 422)
      assert.strictEqual(problemOf(empty, "email"), "Enter an e-mail address like name@example.com")
      assert.strictEqual(problemOf(empty, "roles"), "Choose at least one role")
      assert.deepStrictEqual([valueOf(empty, "email"), chosenIn(empty).checked], ["bob", []])
      const email = "bob@example.com"
      const gone = yield* submit({ email, role_gone: "1" })
      assert.deepStrictEqual([gone.status, valueOf(gone, "email")], [422, email])
      assert.strictEqual(problemOf(gone, "roles"), "A role that you chose was deleted meanwhile. Choose again")
      const noTeam = yield* submit({ email, role_member: "1", "team_00000000-0000-7000-8000-000000000000": "lead" })
      assert.strictEqual(noTeam.status, 422)
      assert.include(textOf(noTeam), "A team that you chose was deleted meanwhile")
      assert.strictEqual((yield* submit({ email, role_member: "1", team_x: "lead" })).status, 422)
      const own = yield* submit({ email: "ada@example.com", role_member: "1" })
      assert.deepStrictEqual([own.status, problemOf(own, "email")], [409, "This address belongs to a member already"])
      yield* invite(ada, email)
      const twice = yield* submit({ email, role_admin: "1" })
      assert.strictEqual(twice.status, 409)
      assert.strictEqual(
        problemOf(twice, "email"),
        "This address is invited already. Send that invitation again instead",
      )
      assert.deepStrictEqual(chosenIn(twice).checked, ["role_admin"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives no more than whoever invites may do", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const grace = yield* member(site, ada, "grace@example.com", "Grace", { role_admin: "1" })
      assert.deepStrictEqual(chosenIn(yield* grace.open(`${list}/new`)).disabled, [
        "role_owner",
        "role_billing",
        "role_editor",
      ])
      const forged = yield* grace.submit(`${list}/new`, { email: "eve@example.com", role_owner: "1" })
      assert.strictEqual(forged.status, 403)
      assert.include(textOf(forged), "Only an owner can make somebody an owner")
      assert.notInclude(textOf(yield* ada.open(list)), "eve@example.com")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is limited", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeEngines
      yield* invite(ada, "bob@example.com")
      const second = yield* ada.submit(`${list}/new`, { email: "eve@example.com", role_member: "1" })
      assert.strictEqual(second.status, 409)
      assert.include(textOf(second), "There can be 1 open invitations at most. Take one back first")
    }).pipe(Effect.provide(withSettings({ limits: { invitations: 1 } }))),
  )
})

describe("the invitations of an organization", () => {
  it.effect("are listed by how they stand, and searched", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      yield* member(site, ada, "bob@example.com", "Bob")
      yield* invite(ada, "eve@example.com")
      const all = yield* ada.open(list)
      assert.match(textOf(all), /eve@example\.com Open Member .*bob@example\.com Accepted Member/u)
      const open = yield* ada.open(linkOf(all, "Open"))
      assert.notInclude(open.text, "bob@example.com")
      assert.include(open.text, 'aria-current="true">Open<')
      assert.include(open.text, '<input type="hidden" name="status" value="pending" />')
      assert.include(textOf(yield* ada.open(linkOf(all, "Declined"))), "There are none.")
      const found = yield* ada.open(`${list}?search=BOB&status=nonsense`)
      assert.include(found.text, "bob@example.com")
      assert.notInclude(found.text, "eve@example.com")
      yield* TestClock.adjust("7 days")
      yield* ada.submit("/sign-in", { email: "ada@example.com", password })
      const expired = yield* ada.open(`${list}?status=expired`)
      assert.include(textOf(expired), "eve@example.com Expired")
      assert.notInclude(expired.text, "Take back the invitation")
      assert.include(expired.text, "Send again to eve@example.com")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are sent again with another token, not at once and not too often", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const first = yield* invite(ada, "bob@example.com")
      const form = formOf(yield* ada.open(list), "Send again to bob@example.com")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* ada.submit(list, form)).location, `${list}?done=invitation-resent`)
      const second = yield* mailedLink("bob@example.com", "organization-invitation")
      assert.notStrictEqual(second.token, first.token)
      const bob = browser(site)
      assert.deepStrictEqual([(yield* bob.open(first.path)).status, (yield* bob.open(second.path)).status], [404, 200])
      const soon = yield* ada.submit(list, form)
      assert.deepStrictEqual([soon.status, soon.headers.get("retry-after") !== null], [429, true])
      assert.include(textOf(soon), "Too many attempts.")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are taken back once, by those who may", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const bob = yield* member(site, ada, "bob@example.com", "Bob")
      const { path, token } = yield* invite(ada, "eve@example.com")
      const form = formOf(yield* ada.open(list), "Take back the invitation to eve@example.com")
      assert.strictEqual((yield* bob.submit(list, form)).status, 403)
      assert.strictEqual((yield* ada.submit(list, form)).location, `${list}?done=invitation-revoked`)
      const again = yield* ada.submit(list, form)
      assert.strictEqual(again.status, 409)
      assert.include(textOf(again), "This invitation is not open any more")
      assert.strictEqual(headingOf(yield* bob.open(path)), "This invitation was taken back")
      const late = yield* bob.submit(accept, { action: "accept", token })
      assert.deepStrictEqual([late.status, headingOf(late)], [409, "This invitation was taken back"])
      for (const fields of [{}, { ...form, action: "keep" }, { action: "revoke", invitation: "x" }]) {
        assert.strictEqual((yield* ada.submit(list, fields)).status, 400)
      }
      const other = { action: "revoke", invitation: "00000000-0000-7000-8000-000000000000" }
      assert.strictEqual((yield* ada.submit(list, other)).status, 404)
    }).pipe(Effect.provide(layer)),
  )
})

describe("an invitation", () => {
  it.effect("is looked at as often as one likes, before signing in, and its token goes nowhere else", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const { path, token } = yield* invite(ada, "bob@example.com")
      const bob = browser(site)
      for (let visit = 0; visit < 3; visit++) {
        const page = yield* bob.open(path)
        assert.deepStrictEqual([page.status, headingOf(page)], [200, "Join Analytical Engines"])
        assert.include(textOf(page), "Ada invited bob@example.com. You would join with: Member.")
        assert.strictEqual(page.headers.get("referrer-policy"), "strict-origin")
        assert.strictEqual(page.headers.get("cache-control"), "no-store")
      }
      assert.include(textOf(yield* ada.open(list)), "bob@example.com Open")
      const none = yield* bob.open(`${accept}?token=${token.slice(0, -1)}`)
      assert.deepStrictEqual([none.status, headingOf(none)], [404, "This invitation does not work"])
      assert.strictEqual((yield* bob.open(accept)).status, 404)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is accepted by who is signed in, once, and twice by the same person is as once", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const bob = browser(site)
      yield* signUp(bob, "bob@example.com", "Bob")
      const { path, token } = yield* invite(ada, "bob@example.com")
      const page = yield* bob.open(path)
      assert.notInclude(textOf(page), "another address")
      const form = formOf(page, "Join as Bob")
      assert.strictEqual(form["token"], token)
      for (let time = 0; time < 2; time++) {
        assert.strictEqual((yield* bob.submit(accept, form)).location, `${engines}?done=invitation-accepted`)
      }
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      for (const answer of [yield* eve.open(path), yield* eve.submit(accept, form)]) {
        assert.deepStrictEqual([answer.status, headingOf(answer)], [409, "This invitation was accepted"])
      }
      assert.strictEqual((yield* eve.open(engines)).status, 404)
      const unknown = yield* eve.submit(accept, { action: "accept", token: "nonsense" })
      assert.deepStrictEqual([unknown.status, headingOf(unknown)], [404, "This invitation does not work"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("says so to who is signed in with another address, and lets them in by the token", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com", "Eve")
      const { path } = yield* invite(ada, "bob@example.com")
      const page = yield* eve.open(path)
      assert.include(textOf(page), "You are signed in as eve@example.com, which is another address.")
      assert.strictEqual(linkOf(page, "Sign out to use another account"), "/sign-out")
      yield* eve.submit(accept, formOf(page, "Join as Eve"))
      assert.include(textOf(yield* eve.open(engines)), "Your roles: Member")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is for its own address alone where the host says so", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com", "Eve")
      const { path } = yield* invite(ada, "bob@example.com")
      const refused = yield* eve.submit(accept, formOf(yield* eve.open(path), "Join as Eve"))
      assert.deepStrictEqual([refused.status, headingOf(refused)], [403, "Join Analytical Engines"])
      assert.include(textOf(refused), "This invitation is for another address.")
      assert.strictEqual(refused.headers.get("referrer-policy"), "same-origin")
      assert.strictEqual((yield* eve.open(engines)).status, 404)
    }).pipe(Effect.provide(withSettings({ acceptsOtherAddresses: false }))),
  )

  it.effect("waits while somebody signs in", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      yield* signUp(browser(site), "bob@example.com", "Bob")
      const { path, token } = yield* invite(ada, "bob@example.com")
      const phone = browser(site)
      const lost = yield* phone.submit(accept, { action: "accept", token })
      assert.strictEqual(lost.location, path)
      const signIn = yield* go(phone, linkOf(yield* phone.open(path), "Sign in to join"))
      const back = yield* send(phone, signIn.page, "/sign-in", { email: "bob@example.com", password })
      assert.deepStrictEqual(
        [`${back.url.pathname}${back.url.search}`, headingOf(back.page)],
        [path, "Join Analytical Engines"],
      )
      yield* phone.submit(accept, formOf(back.page, "Join as Bob"))
      assert.strictEqual((yield* phone.open(engines)).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is accepted while signing up: its token proves the address, and no other mail is sent", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const { path, token } = yield* invite(ada, "bob@example.com")
      const bob = browser(site)
      const page = yield* bob.open(path)
      assert.include(page.text, 'name="username" autocomplete="username" value="bob@example.com"')
      const form = formOf(page, "Create account and join")
      const joined = yield* bob.submit(accept, { ...form, email: "eve@example.com", name: "Bob", password })
      assert.strictEqual(joined.location, "/organizations?done=invitation-accepted")
      const account = textOf(yield* bob.open("/account"))
      assert.include(account, "Signed in as bob@example.com")
      assert.include(account, "bob@example.com Confirmed")
      assert.include(textOf(yield* bob.open(engines)), "Your roles: Member")
      const mailer = yield* CapturingMailer.CapturingMailer
      assert.deepStrictEqual(
        (yield* mailer.messages).filter(({ to }) => to === "bob@example.com"),
        [],
      )
      const again = yield* browser(site).submit(accept, { action: "sign-up", token, password })
      assert.deepStrictEqual([again.status, headingOf(again)], [409, "This invitation was accepted"])
      assert.strictEqual((yield* browser(site).submit("/sign-in", { email: "bob@example.com", password })).status, 303)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("says what is wrong with the form of signing up, and makes nobody a member by it", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const { token } = yield* invite(ada, "bob@example.com")
      const bob = browser(site)
      const submit = (fields: Readonly<Record<string, string>>) =>
        bob.submit(accept, { action: "sign-up", token, ...fields })
      const empty = yield* submit({ name: "Bob" })
      assert.deepStrictEqual([empty.status, valueOf(empty, "name")], [422, "Bob"])
      assert.strictEqual(problemOf(empty, "password"), "Choose a password")
      assert.strictEqual(empty.headers.get("referrer-policy"), "same-origin")
      const short = yield* submit({ name: "Bob", password: "short" })
      assert.strictEqual(problemOf(short, "password"), "Choose a password of at least 8 characters")
      assert.notInclude(short.text, 'value="short"')
      yield* signUp(browser(site), "bob@example.com", "Bob")
      const known = yield* submit({ password })
      assert.strictEqual(known.status, 409)
      assert.include(textOf(known), "There is an account with this address already. Sign in to it, then join")
      assert.include(textOf(yield* ada.open(list)), "bob@example.com Open")
      for (const fields of [{}, { action: "sign-up" }, { action: "toString", token }, { action: "accept" }]) {
        assert.strictEqual((yield* bob.submit(accept, fields)).status, 400)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lets nobody in beyond the last place, signing up or signed in", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const { token } = yield* invite(ada, "bob@example.com")
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      const signedIn = yield* eve.submit(accept, { action: "accept", token })
      assert.strictEqual(signedIn.status, 409)
      assert.include(textOf(signedIn), "There can be 1 members at most, and there are.")
      const signedUp = yield* browser(site).submit(accept, { action: "sign-up", token, password })
      assert.strictEqual(signedUp.status, 409)
      assert.include(textOf(signedUp), "You could not join: perhaps there is no place left.")
      assert.strictEqual((yield* browser(site).submit("/sign-in", { email: "bob@example.com", password })).status, 401)
    }).pipe(Effect.provide(withSettings({ limits: { members: 1 } }))),
  )

  it.effect("is declined, signed in or not, and can be accepted no more", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      for (const email of ["bob@example.com", "eve@example.com"]) {
        const { path, token } = yield* invite(ada, email)
        const visitor = browser(site)
        if (email.startsWith("eve")) yield* signUp(visitor, email)
        const declined = yield* visitor.submit(accept, formOf(yield* visitor.open(path), "Decline"))
        assert.strictEqual(declined.location, `${accept}?done=declined`)
        assert.strictEqual(headingOf(yield* visitor.open(declined.location ?? "")), "You declined")
        for (const answer of [
          yield* visitor.open(path),
          yield* visitor.submit(accept, { action: "sign-up", token, password }),
          yield* visitor.submit(accept, { action: "reject", token }),
        ]) {
          assert.deepStrictEqual([answer.status, headingOf(answer)], [409, "This invitation was declined"])
        }
        assert.include(textOf(yield* ada.open(list)), `${email} Declined`)
      }
      const unknown = yield* browser(site).submit(accept, { action: "reject", token: "nonsense" })
      assert.strictEqual(unknown.status, 404)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is over after 7 days, to the millisecond, and lives on when it is sent again", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      const { path, token } = yield* invite(ada, "bob@example.com")
      const bob = browser(site)
      yield* TestClock.adjust(Duration.millis(Duration.toMillis("7 days") - 1))
      assert.strictEqual((yield* bob.open(path)).status, 200)
      yield* TestClock.adjust("1 millis")
      for (const answer of [
        yield* bob.open(path),
        yield* bob.submit(accept, { action: "sign-up", token, password }),
        yield* bob.submit(accept, { action: "reject", token }),
      ]) {
        assert.deepStrictEqual([answer.status, headingOf(answer)], [409, "This invitation is too old"])
      }
      yield* ada.submit("/sign-in", { email: "ada@example.com", password })
      const form = formOf(yield* ada.open(list), "Send again to bob@example.com")
      yield* ada.submit(list, form)
      const fresh = yield* mailedLink("bob@example.com", "organization-invitation")
      assert.strictEqual((yield* bob.open(fresh.path)).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leads on through a second step where the host asks everybody for one", () =>
    Effect.gen(function* () {
      const { organization, owner } = yield* OrganizationBuilders.storedOrganization()
      const actor = yield* OrganizationBuilders.actor({ user: owner })
      yield* Invitations.use((invitations) =>
        invitations.create(actor, organization.id, {
          email: Email.make("bob@example.com"),
          roles: [RoleName.make("member")],
        }),
      )
      const { token } = yield* mailedLink("bob@example.com", "organization-invitation")
      const bob = browser(yield* serve())
      const signedUp = yield* bob.submit(accept, { action: "sign-up", token, password })
      assert.strictEqual(signedUp.location, "/sign-in/continue")
      assert.strictEqual((yield* bob.open("/organizations")).status, 303)
      yield* bob.submit("/sign-in/enrol/totp", { action: "start" })
      const secret = secretOf(yield* bob.open("/sign-in/enrol/totp"))
      const codes = yield* bob.submit("/sign-in/enrol/totp", { action: "confirm", code: yield* appCode(secret) })
      assert.strictEqual(linkOf(codes, "I have saved them"), "/organizations?done=invitation-accepted")
      assert.include(
        textOf(yield* bob.open("/organizations?done=invitation-accepted")),
        "Welcome! You are a member now.",
      )
    }).pipe(
      Effect.provide(
        layer.pipe(
          Layer.provideMerge(Layer.succeed(SignInPolicy.SignInPolicy, SignInPolicy.make({ secondFactor: "required" }))),
        ),
      ),
    ),
  )
})
