import { MemberId } from "@belfry/organization/Member"
import { MemberStore } from "@belfry/organization/MemberStore"
import { Slug } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { RoleName } from "@belfry/organization/Role"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { problemOf, serve, valueOf } from "./support/PageBrowser.ts"
import { headingOf, textOf } from "./support/PageClients.ts"
import { chosenIn, engines, founder, invite, layer, linkOf, member } from "./support/PageOrganizations.ts"

const roles = `${engines}/roles`

/** An organization with an owner, an administrator and a plain member, and a role of its own. */
const makeEngines = Effect.gen(function* () {
  const site = yield* serve()
  const ada = yield* founder(site)
  const grace = yield* member(site, ada, "grace@example.com", "Grace", { role_admin: "1" })
  const bob = yield* member(site, ada, "bob@example.com", "Bob")
  const made = yield* ada.submit(`${roles}/new`, {
    name: " Greeter ",
    description: "Meets newcomers",
    "permission_member:read": "1",
    "permission_invitation:create": "1",
  })
  assert.strictEqual(made.location, `${roles}?done=role-created`)
  const bobs = linkOf(yield* ada.open(`${engines}/members`), "Bob")
  return { site, ada, grace, bob, bobs }
})

describe("the roles of an organization", () => {
  it.effect("are those of every organization and its own, with what they are for", () =>
    Effect.gen(function* () {
      const { bob } = yield* makeEngines
      const page = yield* bob.open(roles)
      assert.match(
        textOf(page),
        /Of this organization greeter Meets newcomers Of every organization here Owner May do everything\./u,
      )
      assert.notInclude(page.text, `${roles}/new`)
      const greeter = yield* bob.open(linkOf(page, "greeter"))
      assert.include(textOf(greeter), "Meets newcomers")
      assert.match(textOf(greeter), /Permissions Members See members Invitations Invite people/u)
      assert.deepStrictEqual(chosenIn(greeter).all, [])
      assert.notInclude(textOf(greeter), "You cannot change this role")
      const owner = yield* bob.open(linkOf(page, "Owner"))
      assert.include(textOf(owner), "Every organization here has this role. It cannot be changed.")
      assert.strictEqual((yield* bob.open(`${roles}/nobody`)).status, 404)
      assert.strictEqual((yield* bob.open(`${roles}/Not%20a%20role`)).status, 404)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are made of permissions, and say what is wrong with them", () =>
    Effect.gen(function* () {
      const { ada, bob } = yield* makeEngines
      const form = yield* ada.open(`${roles}/new`)
      assert.include(chosenIn(form).all, "permission_project:create")
      assert.deepStrictEqual([chosenIn(form).checked, chosenIn(form).disabled], [[], []])
      const none = yield* ada.submit(`${roles}/new`, { name: "clerk" })
      assert.deepStrictEqual([none.status, valueOf(none, "name")], [422, "clerk"])
      assert.include(textOf(none), "Choose at least one permission")
      assert.include(none.text, 'href="#permissions"')
      const odd = yield* ada.submit(`${roles}/new`, { name: "the clerk", "permission_role:read": "1" })
      assert.deepStrictEqual([odd.status, chosenIn(odd).checked], [422, ["permission_role:read"]])
      assert.include(problemOf(odd, "name"), "small letters, digits and hyphens, a letter first")
      for (const name of ["greeter", "admin", "owner", "editor"]) {
        const taken = yield* ada.submit(`${roles}/new`, { name, "permission_role:read": "1" })
        assert.strictEqual(taken.status, 409, name)
        assert.strictEqual(problemOf(taken, "name"), "There is a role of this name already. Choose another one", name)
      }
      const unknown = yield* ada.submit(`${roles}/new`, { name: "clerk", "permission_moon:walk": "1" })
      assert.strictEqual(unknown.status, 409)
      assert.include(textOf(unknown), "One of the permissions is not known here any more")
      assert.strictEqual((yield* bob.submit(`${roles}/new`, { name: "x", "permission_role:read": "1" })).status, 403)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("allow no more than whoever makes or changes them may do", () =>
    Effect.gen(function* () {
      const { ada, grace } = yield* makeEngines
      const form = yield* grace.open(`${roles}/new`)
      const lacking = [
        "permission_organization:delete",
        "permission_organization:transfer",
        "permission_billing:manage",
        "permission_project:delete",
      ]
      assert.sameMembers([...chosenIn(form).disabled], lacking)
      assert.include(textOf(form), "What you may not do yourself you cannot give.")
      assert.notInclude(textOf(yield* ada.open(`${roles}/new`)), "What you may not do yourself")
      const forged = yield* grace.submit(`${roles}/new`, { name: "x", "permission_billing:manage": "1" })
      assert.strictEqual(forged.status, 403)
      assert.include(textOf(forged), "You cannot give or take more than you may do yourself")
      yield* ada.submit(`${roles}/new`, { name: "treasurer", "permission_billing:manage": "1" })
      const treasurer = yield* grace.open(`${roles}/treasurer`)
      assert.include(textOf(treasurer), "You cannot change this role: it allows more than your roles do.")
      assert.deepStrictEqual(chosenIn(treasurer).all, [])
      assert.notInclude(treasurer.text, "/delete")
      const changed = yield* grace.submit(`${roles}/treasurer`, { name: "treasurer", "permission_role:read": "1" })
      assert.strictEqual(changed.status, 403)
      assert.strictEqual((yield* grace.submit(`${roles}/treasurer/delete`, {})).status, 403)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("act at once for their holders when they are changed, and keep them when they are renamed", () =>
    Effect.gen(function* () {
      const { ada, bob, bobs } = yield* makeEngines
      yield* ada.submit(bobs, { role_greeter: "1" })
      assert.strictEqual((yield* bob.open(`${engines}/invitations/new`)).status, 200)
      const page = yield* ada.open(`${roles}/greeter`)
      assert.deepStrictEqual(chosenIn(page).checked, ["permission_member:read", "permission_invitation:create"])
      assert.deepStrictEqual([valueOf(page, "name"), valueOf(page, "description")], ["greeter", "Meets newcomers"])
      const saved = yield* ada.submit(`${roles}/greeter`, {
        name: "guest",
        description: "",
        "permission_organization:read": "1",
      })
      assert.strictEqual(saved.location, `${roles}/guest?done=role-saved`)
      assert.strictEqual((yield* bob.open(`${engines}/invitations/new`)).status, 403)
      assert.include(textOf(yield* bob.open(engines)), "Your roles: guest")
      assert.strictEqual(
        (yield* ada.submit(`${roles}/greeter`, { name: "x", "permission_role:read": "1" })).status,
        404,
      )
      const builtIn = yield* ada.submit(`${roles}/admin`, { name: "admin", "permission_role:read": "1" })
      assert.strictEqual(builtIn.status, 409)
      assert.include(textOf(builtIn), "Every organization here has this role. It cannot be changed")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are deleted where nobody has them, or with what their holders get instead", () =>
    Effect.gen(function* () {
      const { ada, bob, bobs } = yield* makeEngines
      yield* ada.submit(bobs, { role_greeter: "1" })
      yield* invite(ada, "eve@example.com", { role_greeter: "1" })
      const remove = linkOf(yield* ada.open(`${roles}/greeter`), "Delete this role")
      const ask = yield* ada.open(remove)
      assert.strictEqual(headingOf(ask), "Delete the role greeter?")
      assert.deepStrictEqual(chosenIn(ask), {
        all: ["replacement=", "replacement=admin", "replacement=member", "replacement=billing", "replacement=editor"],
        checked: ["replacement="],
        disabled: [],
      })
      const used = yield* ada.submit(remove, { replacement: "" })
      assert.strictEqual(used.status, 409)
      assert.include(textOf(used), "Members or open invitations have this role. Choose what they get instead")
      assert.include(used.text, 'href="#replacement"')
      for (const replacement of ["gone", "Not a role"]) {
        assert.strictEqual((yield* ada.submit(remove, { replacement })).status, 422, replacement)
      }
      assert.strictEqual((yield* ada.submit(remove, { replacement: "billing" })).location, `${roles}?done=role-deleted`)
      assert.include(textOf(yield* bob.open(engines)), "Your roles: Billing")
      assert.include(textOf(yield* ada.open(`${engines}/invitations`)), "eve@example.com Open Billing")
      assert.strictEqual((yield* ada.open(`${roles}/greeter`)).status, 404)
      assert.strictEqual((yield* ada.submit(remove, {})).status, 404)
      assert.strictEqual((yield* bob.open(`${roles}/admin/delete`)).status, 403)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are deleted where every organization has one of the name by now, which their holders get", () =>
    Effect.gen(function* () {
      const { ada, bobs } = yield* makeEngines
      const organization = yield* OrganizationStore.use((store) => store.find(Slug.make("engines")))
      const { id } = Option.getOrThrow(organization)
      const { id: roleId } = yield* OrganizationBuilders.storedRole(id, { name: RoleName.make("editor") })
      const memberId = MemberId.make(/[0-9a-f-]{36}/u.exec(bobs)?.[0] ?? "")
      const given = { builtIn: [RoleName.make("member")], custom: [roleId] }
      const now = yield* DateTime.now
      yield* MemberStore.use((store) => store.setRoles({ organizationId: id, memberId, roles: given, now }))
      // A form has one choice of each name.
      assert.deepStrictEqual(
        chosenIn(yield* ada.open(bobs)).all.filter((name) => name === "role_editor"),
        ["role_editor"],
      )
      const page = yield* ada.open(`${roles}/editor/delete`)
      assert.include(page.text, 'value="editor"')
      assert.strictEqual((yield* ada.submit(`${roles}/editor/delete`, { replacement: "" })).status, 409)
      const deleted = yield* ada.submit(`${roles}/editor/delete`, { replacement: "editor" })
      assert.strictEqual(deleted.location, `${roles}?done=role-deleted`)
      assert.strictEqual((yield* ada.submit(`${roles}/editor/delete`, { replacement: "" })).status, 409)
      assert.include(chosenIn(yield* ada.open(bobs)).checked, "role_editor")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("may be called as the page that makes them", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeEngines
      yield* ada.submit(`${roles}/new`, { name: "new", "permission_role:read": "1" })
      const at = linkOf(yield* ada.open(roles), "new")
      assert.strictEqual(headingOf(yield* ada.open(at)), "new")
      const saved = yield* ada.submit(at, { name: "new", "permission_role:read": "1", "permission_team:read": "1" })
      assert.strictEqual(saved.location, `${at}?done=role-saved`)
      assert.strictEqual((yield* ada.submit(`${at}/delete`, {})).location, `${roles}?done=role-deleted`)
    }).pipe(Effect.provide(layer)),
  )
})
