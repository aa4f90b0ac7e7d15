import { OrganizationId } from "@belfry/organization/Organization"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { browser, serve, signUp } from "./support/PageBrowser.ts"
import { headingOf, textOf } from "./support/PageClients.ts"
import { chosenIn, engines, found, founder, layer, linkOf, member } from "./support/PageOrganizations.ts"

/** An organization with an owner, an administrator and a plain member, and where the pages of members are. */
const makeEngines = Effect.gen(function* () {
  const site = yield* serve()
  const ada = yield* founder(site)
  const grace = yield* member(site, ada, "grace@example.com", "Grace", { role_admin: "1" })
  const bob = yield* member(site, ada, "bob@example.com", "Bob")
  const list = yield* ada.open(`${engines}/members`)
  return { site, ada, grace, bob, list, at: (name: string) => linkOf(list, name) }
})

describe("the members of an organization", () => {
  it.effect("are listed with their roles, and found by how name or address begins", () =>
    Effect.gen(function* () {
      const { bob, list } = yield* makeEngines
      assert.match(
        textOf(list),
        /Ada ada@example\.com Owner You Grace grace@example\.com Administrator Bob bob@example\.com Member/u,
      )
      for (const search of ["gra", "GRACE@"]) {
        const page = yield* bob.open(`${engines}/members?search=${search}`)
        assert.include(page.text, "Grace")
        assert.notInclude(page.text, "ada@example.com")
        assert.include(page.text, `value="${search}"`)
      }
      assert.include(textOf(yield* bob.open(`${engines}/members?search=zzz`)), "Nothing was found.")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("go on to another page where they are many, with the search kept", () =>
    Effect.gen(function* () {
      const { ada, at } = yield* makeEngines
      const settings = yield* ada.submit(`${engines}/settings`, { action: "save", name: "Analytical Engines" })
      const path = settings.location?.replace("/settings?done=organization-saved", "") ?? ""
      const id = OrganizationId.make(path.replace("/organizations/", ""))
      for (let number = 0; number < 51; number++) {
        const user = yield* Builders.storedUser({ name: `Carl ${String(number).padStart(2, "0")}` })
        yield* OrganizationBuilders.storedMember(id, { user })
      }
      const first = yield* ada.open(`${path}/members?search=Carl`)
      assert.include(first.text, "Carl 00")
      assert.notInclude(first.text, "Carl 50")
      const next = linkOf(first, "Next page")
      assert.include(next, "search=Carl")
      const second = yield* ada.open(next)
      assert.include(second.text, "Carl 50")
      assert.notInclude(second.text, "Carl 00")
      assert.strictEqual(linkOf(second, "First page"), `${path}/members?search=Carl`)
      assert.strictEqual((yield* ada.open(at("Bob"))).status, 404)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are looked at by everybody in it, and changed by those who may", () =>
    Effect.gen(function* () {
      const { ada, at, bob, grace } = yield* makeEngines
      const page = yield* bob.open(at("Grace"))
      assert.deepStrictEqual([headingOf(page), chosenIn(page).all], ["Grace", []])
      assert.include(textOf(page), "grace@example.com Joined just now Administrator Teams In no team.")
      assert.notInclude(page.text, "/remove")
      assert.strictEqual((yield* bob.submit(at("Grace"), { role_member: "1" })).status, 403)
      assert.strictEqual((yield* bob.open(`${at("Grace")}/remove`)).status, 403)
      assert.strictEqual((yield* bob.submit(`${at("Grace")}/remove`, {})).status, 403)

      assert.deepStrictEqual(chosenIn(yield* ada.open(at("Bob"))), {
        all: ["role_owner", "role_admin", "role_member", "role_billing", "role_editor"],
        checked: ["role_member"],
        disabled: [],
      })
      const saved = yield* ada.submit(at("Bob"), { role_member: "1", role_billing: "1" })
      assert.strictEqual(saved.location, `${at("Bob")}?done=roles-saved`)
      assert.include(textOf(yield* ada.open(saved.location ?? "")), "The roles were saved.")
      assert.include(textOf(yield* bob.open(engines)), "Your roles: Billing and Member")
      // A role with more than one's own is out of reach now.
      assert.deepStrictEqual(chosenIn(yield* grace.open(at("Bob"))).all, [])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("get no role that allows more than whoever gives it may do", () =>
    Effect.gen(function* () {
      const { at, bob, grace } = yield* makeEngines
      const page = yield* grace.open(at("Bob"))
      assert.deepStrictEqual(chosenIn(page).disabled, ["role_owner", "role_billing", "role_editor"])
      assert.include(textOf(page), "Owner Allows more than you may do yourself.")
      for (const [role, message] of [
        ["role_owner", "Only an owner can make somebody an owner, or change one"],
        ["role_billing", "You cannot give or take more than you may do yourself"],
      ] as const) {
        const forged = yield* grace.submit(at("Bob"), { role_member: "1", [role]: "1" })
        assert.strictEqual(forged.status, 403)
        assert.include(textOf(forged), message)
        assert.deepStrictEqual(chosenIn(forged).checked, ["role_member", role].sort(order))
      }
      const owner = yield* grace.open(at("Ada"))
      assert.include(textOf(owner), "You cannot change these roles: they allow more than yours do.")
      assert.notInclude(owner.text, "/remove")
      assert.strictEqual((yield* grace.submit(at("Ada"), { role_member: "1" })).status, 403)
      assert.strictEqual((yield* grace.submit(`${at("Ada")}/remove`, {})).status, 403)
      assert.include(textOf(yield* bob.open(engines)), "Your roles: Member")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lose no role that whoever saves may not see", () =>
    Effect.gen(function* () {
      const { ada, at, bob, grace } = yield* makeEngines
      const makeRole = (name: string, ...permissions: ReadonlyArray<string>) =>
        ada.submit(`${engines}/roles/new`, {
          name,
          ...Object.fromEntries(permissions.map((permission) => [`permission_${permission}`, "1"])),
        })
      yield* makeRole("greeter", "member:read")
      yield* makeRole("helper", "member:read", "member:update", "member:delete")
      yield* ada.submit(at("Bob"), { role_greeter: "1" })
      yield* ada.submit(at("Grace"), { role_helper: "1" })
      const page = yield* grace.open(at("Bob"))
      assert.deepStrictEqual(chosenIn(page).all, [])
      assert.include(textOf(page), "You cannot change these roles: you may not see all roles of the organization.")
      assert.strictEqual(linkOf(page, "Remove from the organization"), `${at("Bob")}/remove`)
      assert.include(textOf(yield* bob.open(engines)), "Your roles: greeter")
      yield* ada.submit(at("Bob"), { role_member: "1" })
      assert.notInclude(textOf(yield* grace.open(at("Bob"))), "you may not see all roles")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("have a role at least, at most 20, and one that there is", () =>
    Effect.gen(function* () {
      const { ada, at } = yield* makeEngines
      const none = yield* ada.submit(at("Bob"), {})
      assert.deepStrictEqual([none.status, chosenIn(none).checked], [422, []])
      assert.include(textOf(none), "Choose at least one role")
      const many = Object.fromEntries(Array.from({ length: 21 }, (_, number) => [`role_r${number}`, "1"]))
      assert.include(textOf(yield* ada.submit(at("Bob"), many)), "Choose 20 roles at most")
      for (const name of ["role_gone", "role_Not a role"]) {
        const gone = yield* ada.submit(at("Bob"), { [name]: "1" })
        assert.strictEqual(gone.status, 422)
        assert.include(textOf(gone), "A role that you chose was deleted meanwhile")
      }
      const last = yield* ada.submit(at("Ada"), { role_admin: "1" })
      assert.strictEqual(last.status, 409)
      assert.include(textOf(last), "An organization keeps at least one owner")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are removed after one more question, and have no access at once", () =>
    Effect.gen(function* () {
      const { ada, at, bob, grace } = yield* makeEngines
      const remove = linkOf(yield* grace.open(at("Bob")), "Remove from the organization")
      const ask = yield* grace.open(remove)
      assert.strictEqual(headingOf(ask), "Remove Bob from Analytical Engines?")
      assert.strictEqual((yield* bob.open(engines)).status, 200)
      assert.strictEqual((yield* grace.submit(remove, {})).location, `${engines}/members?done=member-removed`)
      assert.strictEqual((yield* bob.open(engines)).status, 404)
      assert.strictEqual((yield* grace.submit(remove, {})).status, 404)
      const own = yield* ada.open(at("Ada"))
      assert.strictEqual(linkOf(own, "Leave the organization"), `${engines}/leave`)
      assert.notInclude(own.text, "/remove")
      const last = yield* ada.submit(`${at("Ada")}/remove`, {})
      assert.strictEqual(last.status, 409)
      assert.include(textOf(last), "An organization keeps at least one owner")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("of another organization are not there", () =>
    Effect.gen(function* () {
      const { at, bob, site } = yield* makeEngines
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      yield* found(eve, "Looms", "looms")
      const id = at("Bob").replace(`${engines}/members/`, "")
      for (const member of [id, "x", "me", "bob@example.com"]) {
        const path = `/organizations/looms/members/${member}`
        assert.strictEqual((yield* eve.open(path)).status, 404, member)
        assert.strictEqual((yield* eve.submit(path, { role_owner: "1" })).status, 404, member)
        assert.strictEqual((yield* eve.submit(`${path}/remove`, {})).status, 404, member)
      }
      assert.include(textOf(yield* bob.open(engines)), "Your roles: Member")
    }).pipe(Effect.provide(layer)),
  )
})

/** The order in which roles stand on the page. */
const order = (a: string, b: string) => roles.indexOf(a) - roles.indexOf(b)

const roles = ["role_owner", "role_admin", "role_member", "role_billing", "role_editor"]
