import * as OrganizationSettings from "@belfry/organization/OrganizationSettings"
import { Teams } from "@belfry/organization/Teams"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { browser, password, problemOf, serve, signUp, valueOf } from "./support/PageBrowser.ts"
import { headingOf, textOf } from "./support/PageClients.ts"
import { engines, formOf, found, founder, layer, linkOf, member } from "./support/PageOrganizations.ts"

const teams = `${engines}/teams`

const withSettings = (options: Parameters<typeof OrganizationSettings.make>[0]) =>
  layer.pipe(
    Layer.provideMerge(Layer.succeed(OrganizationSettings.OrganizationSettings, OrganizationSettings.make(options))),
  )

/** An organization with an owner and two plain members, and where its team is. */
const makeEngines = Effect.gen(function* () {
  const site = yield* serve()
  const ada = yield* founder(site)
  const bob = yield* member(site, ada, "bob@example.com", "Bob")
  const carl = yield* member(site, ada, "carl@example.com", "Carl")
  const made = yield* ada.submit(`${teams}/new`, { name: " Compilers " })
  const at = made.location?.replace("?done=team-created", "") ?? assert.fail("a team")
  return { site, ada, bob, carl, at }
})

describe("the teams of an organization", () => {
  it.effect("are made, listed, searched and renamed", () =>
    Effect.gen(function* () {
      const { ada, at, bob } = yield* makeEngines
      assert.include(textOf(yield* ada.open(`${at}?done=team-created`)), "The team was made. Ada ada@example.com Lead")
      const list = yield* bob.open(teams)
      assert.strictEqual(linkOf(list, "Compilers"), at)
      assert.notInclude(list.text, `${teams}/new`)
      assert.include((yield* bob.open(`${teams}?search=comp`)).text, "Compilers")
      assert.include(textOf(yield* bob.open(`${teams}?search=zzz`)), "Nothing was found.")
      for (const path of [`${teams}/new`, at]) {
        const empty = yield* ada.submit(path, { action: "rename", name: " " })
        assert.deepStrictEqual([empty.status, problemOf(empty, "name")], [422, "Enter a name"])
      }
      const long = yield* ada.submit(`${teams}/new`, { name: "x".repeat(201) })
      assert.deepStrictEqual([long.status, valueOf(long, "name")], [422, "x".repeat(201)])
      const renamed = yield* ada.submit(at, { action: "rename", name: "Linkers" })
      assert.strictEqual(renamed.location, `${at}?done=team-saved`)
      assert.strictEqual(headingOf(yield* bob.open(at)), "Linkers")
      assert.strictEqual((yield* bob.submit(at, { action: "rename", name: "Mine" })).status, 403)
      assert.strictEqual((yield* bob.submit(`${teams}/new`, { name: "Mine" })).status, 403)
      for (const action of ["", "toString", "take-out", "role"]) {
        assert.strictEqual((yield* ada.submit(at, { action })).status, 400, action)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("take in members of the organization by their address, and nobody else", () =>
    Effect.gen(function* () {
      const { ada, at, bob, site } = yield* makeEngines
      const added = yield* ada.submit(at, { action: "add", email: "Bob@example.com" })
      assert.strictEqual(added.location, `${at}?done=team-member-added`)
      assert.strictEqual((yield* ada.submit(at, { action: "add", email: "bob@example.com" })).status, 303)
      const page = yield* bob.open(at)
      assert.include(textOf(page), "Bob bob@example.com Member, joined just now Leave the team")
      assert.notInclude(page.text, "Add a member")
      assert.include(textOf(yield* bob.open(linkOf(yield* bob.open(`${engines}/members`), "Bob"))), "Compilers Member")
      yield* signUp(browser(site), "eve@example.com")
      for (const email of ["eve@example.com", "nobody@example.com"]) {
        const none = yield* ada.submit(at, { action: "add", email })
        assert.deepStrictEqual([none.status, valueOf(none, "email")], [422, email])
        assert.strictEqual(problemOf(none, "email"), "Nobody with this address is a member")
      }
      const odd = yield* ada.submit(at, { action: "add", email: "bob" })
      assert.strictEqual(problemOf(odd, "email"), "Enter an e-mail address like name@example.com")
      assert.strictEqual((yield* bob.submit(at, { action: "add", email: "carl@example.com" })).status, 403)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("have roles that let their holders lead, in this team alone", () =>
    Effect.gen(function* () {
      const { ada, at, bob } = yield* makeEngines
      const other = yield* ada.submit(`${teams}/new`, { name: "Linkers" })
      yield* ada.submit(at, { action: "add", email: "bob@example.com" })
      const lead = formOf(yield* ada.open(at), "Make Lead: Bob")
      assert.strictEqual((yield* bob.submit(at, lead)).status, 403)
      assert.strictEqual((yield* ada.submit(at, lead)).location, `${at}?done=team-role-saved`)
      const page = yield* bob.open(at)
      assert.include(textOf(page), "Bob bob@example.com Lead, joined just now Make Member Make reviewer Leave the team")
      const added = yield* bob.submit(at, { action: "add", email: "carl@example.com" })
      assert.strictEqual(added.location, `${at}?done=team-member-added`)
      const elsewhere = yield* bob.submit(other.location?.replace(/\?.*/u, "") ?? "", {
        action: "add",
        email: "carl@example.com",
      })
      assert.strictEqual(elsewhere.status, 403)
      const unknown = yield* ada.submit(at, { ...lead, role: "emperor" })
      assert.strictEqual(unknown.status, 404)
      assert.strictEqual((yield* ada.submit(at, { ...lead, role: "Not a role" })).status, 400)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are left by oneself, and members are taken out by those who may", () =>
    Effect.gen(function* () {
      const { ada, at, bob, carl } = yield* makeEngines
      for (const email of ["bob@example.com", "carl@example.com"]) yield* ada.submit(at, { action: "add", email })
      const carls = formOf(yield* ada.open(at), "Take out Carl")
      assert.strictEqual((yield* bob.submit(at, carls)).status, 403)
      const out = yield* ada.submit(at, carls)
      assert.strictEqual(out.location, `${at}?done=team-member-removed`)
      // Who is out already is out: it is what was asked for.
      assert.strictEqual((yield* ada.submit(at, carls)).status, 303)
      assert.notInclude((yield* carl.open(at)).text, "Leave the team")
      const left = yield* bob.submit(at, formOf(yield* bob.open(at), "Leave the team"))
      assert.strictEqual(left.location, `${engines}?done=team-member-removed`)
      assert.notInclude((yield* ada.open(at)).text, "bob@example.com")
      assert.strictEqual((yield* bob.open(engines)).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are deleted after one more question", () =>
    Effect.gen(function* () {
      const { ada, at, bob } = yield* makeEngines
      assert.notInclude((yield* bob.open(at)).text, "/delete")
      assert.strictEqual((yield* bob.open(`${at}/delete`)).status, 403)
      assert.strictEqual((yield* bob.submit(`${at}/delete`, {})).status, 403)
      const ask = yield* ada.open(linkOf(yield* ada.open(at), "Delete this team"))
      assert.strictEqual(headingOf(ask), "Delete the team Compilers?")
      assert.strictEqual((yield* ada.submit(`${at}/delete`, {})).location, `${teams}?done=team-deleted`)
      assert.strictEqual((yield* ada.open(at)).status, 404)
      assert.include(textOf(yield* ada.open(teams)), "There are no teams yet.")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("keep to the limits of the host, and to the last one", () =>
    Effect.gen(function* () {
      const { ada, at } = yield* makeEngines
      const second = yield* ada.submit(`${teams}/new`, { name: "Linkers" })
      assert.deepStrictEqual([second.status, valueOf(second, "name")], [409, "Linkers"])
      assert.include(textOf(second), "There can be 1 teams at most. Delete one first")
      const full = yield* ada.submit(at, { action: "add", email: "bob@example.com" })
      assert.strictEqual(full.status, 409)
      assert.include(textOf(full), "A team can have 1 members at most, and it has")
      const last = yield* ada.submit(`${at}/delete`, {})
      assert.strictEqual(last.status, 409)
      assert.include(textOf(last), "An organization keeps at least one team")
    }).pipe(Effect.provide(withSettings({ limits: { teams: 1, teamMembers: 1 }, teams: { keepsLast: true } }))),
  )

  it.effect("of another organization are not there", () =>
    Effect.gen(function* () {
      const { at, site } = yield* makeEngines
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      yield* found(eve, "Looms", "looms")
      for (const team of [at.replace(`${teams}/`, ""), "x"]) {
        const path = `/organizations/looms/teams/${team}`
        for (const page of [
          yield* eve.open(path),
          yield* eve.open(`${path}/delete`),
          yield* eve.submit(path, { action: "rename", name: "Mine" }),
          yield* eve.submit(path, { action: "add", email: "eve@example.com" }),
          yield* eve.submit(`${path}/delete`, {}),
        ]) {
          assert.strictEqual(page.status, 404)
        }
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are on no page where the host has none", () =>
    Effect.gen(function* () {
      const { at } = yield* makeEngines
      const site = yield* Effect.updateContext(serve(), withoutTeams)
      const ada = browser(site)
      yield* ada.submit("/sign-in", { email: "ada@example.com", password })
      assert.notInclude(textOf(yield* ada.open(engines)), "Teams")
      assert.notInclude(textOf(yield* ada.open(`${engines}/invitations/new`)), "Compilers")
      const bob = linkOf(yield* ada.open(`${engines}/members`), "Bob")
      assert.notInclude(textOf(yield* ada.open(bob)), "Teams")
      for (const path of [teams, `${teams}/new`, at, `${at}/delete`]) {
        assert.strictEqual((yield* ada.open(path)).status, 404, path)
      }
      assert.strictEqual((yield* ada.submit(`${teams}/new`, { name: "Mine" })).status, 404)
      assert.include(textOf(yield* ada.open(`${engines}/audit-log`)), "Team made Name: Compilers")
    }).pipe(Effect.provide(layer)),
  )
})

/** The services of a host that has no teams. */
const withoutTeams = (context: Context.Context<Effect.Services<ReturnType<typeof serve>>>) =>
  Context.omit(Teams)(context)
