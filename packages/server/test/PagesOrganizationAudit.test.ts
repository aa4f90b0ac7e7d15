import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { browser, serve, signUp } from "./support/PageBrowser.ts"
import { textOf } from "./support/PageClients.ts"
import { engines, founder, invite, layer, linkOf, member } from "./support/PageOrganizations.ts"

const log = `${engines}/audit-log`

describe("the audit log of an organization", () => {
  it.effect("tells in words what happened, about whom, by whom and when, the newest first", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = yield* founder(site)
      const grace = yield* member(site, ada, "grace@example.com", "Grace", { role_admin: "1" })
      yield* member(site, ada, "bob@example.com", "Bob")
      const bobs = linkOf(yield* ada.open(`${engines}/members`), "Bob")
      yield* ada.submit(bobs, { role_billing: "1", role_member: "1" })
      yield* ada.submit(`${engines}/settings`, { action: "save", name: "Engines & Sons", slug: "engines", logo: "" })
      yield* TestClock.adjust("1 hour")
      const page = textOf(yield* grace.open(log))
      assert.match(page, /^Engines & Sons Audit log Organization changed /u)
      for (const line of [
        "Organization changed Name: Analytical Engines → Engines & Sons Ada, 1 hour ago",
        "Roles of a member changed About Bob Roles: Member → Billing and Member Ada, 1 hour ago",
        "Invitation sent About bob@example.com Roles: Member Ada, 1 hour ago",
        "Organization created About Ada Name: Analytical Engines Short name: engines Logo: nothing Ada, 1 hour ago",
      ]) {
        assert.include(page, line)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("tells what was refused, roles that were made and deleted, and what became of teams and people", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = yield* founder(site)
      const bob = yield* member(site, ada, "bob@example.com", "Bob")
      yield* ada.submit(`${engines}/roles/new`, { name: "greeter", "permission_role:read": "1" })
      yield* ada.submit(`${engines}/roles/greeter/delete`, {})
      const team = yield* ada.submit(`${engines}/teams/new`, { name: "Compilers" })
      yield* ada.submit(team.location?.replace(/\?.*/u, "") ?? "", { action: "add", email: "bob@example.com" })
      const adas = linkOf(yield* bob.open(`${engines}/members`), "Ada")
      yield* bob.submit(`${adas}/remove`, {})
      const page = textOf(yield* ada.open(log))
      for (const line of [
        "Refused: Member removed Bob, just now",
        "Member joined a team About Bob and Compilers Role: Member Ada, just now",
        "Team made About Compilers Name: Compilers Ada, just now",
        "Role deleted Name: greeter What it is for: nothing Permissions: See roles Ada, just now",
        "Role made Name: greeter What it is for: nothing Permissions: See roles Ada, just now",
      ]) {
        assert.include(page, line)
      }
      const nameless = yield* member(site, ada, "carl@example.com", "")
      assert.include(
        textOf(yield* ada.open(log)),
        "Invitation accepted About carl@example.com Roles: Member carl@example.com",
      )
      yield* nameless.submit(`${engines}/leave`, {})
      assert.include(textOf(yield* ada.open(log)), "Member removed Roles: Member Somebody who is gone, just now")
      yield* bob.submit(`${engines}/leave`, {})
      assert.include(textOf(yield* ada.open(log)), "Member removed About Bob Roles: Member Bob, just now")
      yield* bob.submit("/account/delete", {})
      const later = textOf(yield* ada.open(log))
      assert.include(later, "Member removed Roles: Member Somebody who is gone, just now")
      assert.notInclude(later, "Bob")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("names nobody to a reader who may see neither members nor invitations", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = yield* founder(site)
      yield* ada.submit(`${engines}/roles/new`, { name: "auditor", "permission_audit:read": "1" })
      const grace = yield* member(site, ada, "grace@example.com", "Grace", { role_auditor: "1" })
      const bob = yield* member(site, ada, "bob@example.com", "Bob")
      yield* bob.submit(`${engines}/leave`, {})
      const page = textOf(yield* grace.open(log))
      assert.include(page, "Member removed Roles: Member Somebody, just now")
      assert.include(page, "Invitation sent Roles: auditor Somebody, just now")
      assert.notMatch(page, /Ada|Bob|Grace|@example\.com/u)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("goes on to what is older", () =>
    Effect.gen(function* () {
      const ada = yield* founder(yield* serve())
      for (let number = 0; number < 25; number++) yield* invite(ada, `guest-${number}@example.com`)
      const first = yield* ada.open(log)
      assert.notInclude(textOf(first), "Organization created")
      assert.include(first.text, "guest-24@")
      const next = linkOf(first, "Next page")
      const second = yield* ada.open(next)
      assert.include(textOf(second), "Organization created")
      assert.notInclude(second.text, "guest-24@")
      assert.strictEqual(linkOf(second, "First page"), log)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is read by those alone who may", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = yield* founder(site)
      const bob = yield* member(site, ada, "bob@example.com", "Bob")
      assert.strictEqual((yield* bob.open(log)).status, 403)
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      assert.strictEqual((yield* eve.open(log)).status, 404)
    }).pipe(Effect.provide(layer)),
  )
})
