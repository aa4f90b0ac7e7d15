import * as AccessDefinition from "@belfry/organization/AccessDefinition"
import * as AccessModel from "@belfry/organization/AccessModel"
import * as OrganizationSettings from "@belfry/organization/OrganizationSettings"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { browser, layerServices, password, problemOf, serve, signUp, valueOf } from "./support/PageBrowser.ts"
import { headingOf, textOf } from "./support/PageClients.ts"
import { engines, formOf, found, founder, invite, layer, linkOf, member } from "./support/PageOrganizations.ts"

const email = "ada@example.com"

const withSettings = (options: Parameters<typeof OrganizationSettings.make>[0]) =>
  layer.pipe(
    Layer.provideMerge(Layer.succeed(OrganizationSettings.OrganizationSettings, OrganizationSettings.make(options))),
  )

/** An organization, an administrator and a plain member of it. */
const makeEngines = Effect.gen(function* () {
  const site = yield* serve()
  const ada = yield* founder(site)
  const grace = yield* member(site, ada, "grace@example.com", "Grace", { role_admin: "1" })
  const bob = yield* member(site, ada, "bob@example.com", "Bob")
  return { site, ada, grace, bob }
})

describe("making an organization", () => {
  it.effect("leads to it, makes its maker the owner, and says so", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const none = yield* ada.open("/organizations")
      assert.include(textOf(none), "You are not in an organization yet.")
      const form = yield* ada.open(linkOf(none, "Create an organization"))
      assert.strictEqual(headingOf(form), "Create an organization")
      const made = yield* ada.submit("/organizations/new", { name: " Analytical Engines ", slug: " Engines " })
      assert.deepStrictEqual([made.status, made.location], [303, `${engines}?done=organization-created`])
      const page = yield* ada.open(made.location ?? "")
      assert.strictEqual(headingOf(page), "Analytical Engines")
      assert.include(textOf(page), "Your organization is ready. Your roles: Owner Members 1")
      assert.include(textOf(yield* ada.open("/organizations")), "Analytical Engines Owner In use")
      assert.include(textOf(yield* ada.open("/account")), "Organizations Analytical Engines Owner")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("needs no short name: its address has its id then", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const made = yield* ada.submit("/organizations/new", { name: "Engines" })
      const at =
        /^\/organizations\/[0-9a-f-]{36}(?=\?)/u.exec(made.location ?? "")?.[0] ?? assert.fail(`${made.location}`)
      assert.strictEqual(headingOf(yield* ada.open(at)), "Engines")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("says what is wrong with what was typed, and keeps it", () =>
    Effect.gen(function* () {
      const ada = yield* founder(yield* serve())
      const empty = yield* ada.submit("/organizations/new", { name: " ", slug: "" })
      assert.deepStrictEqual([empty.status, problemOf(empty, "name")], [422, "Enter a name"])
      const odd = yield* ada.submit("/organizations/new", { name: "Other", slug: "-x-" })
      assert.deepStrictEqual([odd.status, valueOf(odd, "name"), valueOf(odd, "slug")], [422, "Other", "-x-"])
      assert.include(problemOf(odd, "slug"), "2 to 48 small letters")
      for (const slug of ["new", "00000000-0000-4000-8000-000000000000"]) {
        assert.strictEqual((yield* ada.submit("/organizations/new", { name: "Other", slug })).status, 422, slug)
      }
      const taken = yield* ada.submit("/organizations/new", { name: "Other", slug: "engines" })
      assert.strictEqual(taken.status, 409)
      assert.strictEqual(problemOf(taken, "slug"), "Another organization has this short name. Choose another one")
      assert.strictEqual(valueOf(taken, "name"), "Other")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not offered, and refused, where the host lets nobody", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      assert.notInclude((yield* ada.open("/organizations")).text, "/organizations/new")
      for (const page of [
        yield* ada.open("/organizations/new"),
        yield* ada.submit("/organizations/new", { name: "Engines", slug: "engines" }),
      ]) {
        assert.deepStrictEqual([page.status, headingOf(page)], [403, "You cannot do this"])
      }
      assert.strictEqual((yield* ada.open(engines)).status, 404)
    }).pipe(Effect.provide(withSettings({ mayCreate: ({ email }) => Effect.succeed(email !== "ada@example.com") }))),
  )

  it.effect("ends at the limit of the host", () =>
    Effect.gen(function* () {
      const ada = yield* founder(yield* serve())
      const second = yield* ada.submit("/organizations/new", { name: "Other", slug: "other" })
      assert.strictEqual(second.status, 409)
      assert.include(textOf(second), "You can be in 1 organizations at most")
    }).pipe(Effect.provide(withSettings({ limits: { organizations: 1 } }))),
  )

  it.effect("says so where the host wants to know more than the page asks", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const page = yield* ada.submit("/organizations/new", { name: "Engines", slug: "engines" })
      assert.strictEqual(page.status, 422)
      assert.include(textOf(page), "This site needs to know more about an organization than this page can ask")
    }).pipe(
      Effect.provide(
        layerServices(
          {},
          AccessModel.layer(
            AccessDefinition.define({
              resources: {},
              roles: {},
              teamRoles: {},
              metadata: { public: Schema.Struct({ plan: Schema.String }), private: AccessDefinition.anyMetadata },
            }),
          ),
        ),
      ),
    ),
  )
})

describe("one's organizations", () => {
  it.effect("are switched, and an unknown one is not", () =>
    Effect.gen(function* () {
      const { ada, bob } = yield* makeEngines
      yield* found(ada, "Looms", "looms")
      const list = yield* ada.open("/organizations")
      assert.match(textOf(list), /Looms Owner In use .*Analytical Engines Owner Switch/u)
      const form = formOf(list, "Switch to Analytical Engines")
      assert.strictEqual(
        (yield* ada.submit("/organizations", form)).location,
        "/organizations?done=organization-switched",
      )
      assert.match(
        textOf(yield* ada.open("/organizations?done=organization-switched")),
        /You use this organization now\. Looms Owner Switch Analytical Engines Owner In use/u,
      )
      const looms = formOf(yield* ada.open("/organizations"), "Switch to Looms")
      assert.strictEqual((yield* bob.submit("/organizations", looms)).status, 404)
      for (const fields of [
        {},
        { action: "switch" },
        { action: "toString" },
        { action: "switch", organization: "a b" },
      ]) {
        assert.strictEqual((yield* bob.submit("/organizations", fields)).status, 400)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("go on to another page where they are many", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      for (let number = 0; number < 51; number++) yield* found(ada, `Number ${number}`, `number-${number}`)
      const first = yield* ada.open("/organizations")
      assert.include(first.text, "Number 50<")
      assert.notInclude(first.text, "Number 0<")
      const second = yield* ada.open(linkOf(first, "Next page"))
      assert.include(second.text, "Number 0<")
      assert.strictEqual(linkOf(second, "First page"), "/organizations")
    }).pipe(Effect.provide(withSettings({ limitsRates: false }))),
  )

  it.effect("have the invitations to one's own address beside them, to be answered there", () =>
    Effect.gen(function* () {
      const { ada, site } = yield* makeEngines
      yield* found(ada, "Looms", "looms")
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com", "Eve")
      yield* invite(ada, "eve@example.com")
      yield* ada.submit("/organizations/looms/invitations/new", { email: "eve@example.com", role_member: "1" })
      const list = yield* eve.open("/organizations")
      assert.match(textOf(list), /Invitations Looms From Ada\. You would join with: Member\./u)
      const other = browser(site)
      yield* signUp(other, "other@example.com")
      for (const name of ["Join Looms", "Decline the invitation to Looms"]) {
        assert.strictEqual((yield* other.submit("/organizations", formOf(list, name))).status, 404, name)
      }
      const joined = yield* eve.submit("/organizations", formOf(list, "Join Looms"))
      assert.strictEqual(joined.location, "/organizations/looms?done=invitation-accepted")
      assert.include(textOf(yield* eve.open(joined.location ?? "")), "Welcome! You are a member now.")
      const declined = yield* eve.submit("/organizations", formOf(list, "Decline the invitation to Analytical Engines"))
      assert.strictEqual(declined.location, "/organizations?done=invitation-rejected")
      const again = yield* eve.submit("/organizations", formOf(list, "Join Analytical Engines"))
      assert.deepStrictEqual([again.status, headingOf(again)], [409, "Your organizations"])
      assert.include(textOf(again), "This invitation is not open any more")
      assert.strictEqual((yield* eve.open(engines)).status, 404)
      assert.strictEqual((yield* eve.submit("/organizations", { action: "accept", invitation: "x" })).status, 400)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("say nothing that the pages themselves do not say", () =>
    Effect.gen(function* () {
      const ada = yield* founder(yield* serve())
      for (const flag of ["toString", "__proto__", "<b>", "constructor"]) {
        const page = yield* ada.open(`/organizations?done=${encodeURIComponent(flag)}`)
        assert.strictEqual(page.status, 200, flag)
        assert.notInclude(page.text, 'class="notice"', flag)
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("the pages of an organization", () => {
  const paths = [
    "",
    "/leave",
    "/settings",
    "/members",
    "/roles",
    "/roles/new",
    "/roles/admin",
    "/invitations",
    "/invitations/new",
    "/teams",
    "/teams/new",
    "/audit-log",
  ]

  it.effect("are not there for whoever is no member, and lead others to sign in", () =>
    Effect.gen(function* () {
      const { site } = yield* makeEngines
      const eve = browser(site)
      yield* signUp(eve, "eve@example.com")
      for (const path of paths) {
        assert.strictEqual((yield* eve.open(engines + path)).status, 404, path)
        assert.strictEqual((yield* eve.open(`/organizations/nobody${path}`)).status, 404, path)
        assert.strictEqual((yield* eve.submit(engines + path, { action: "save", name: "Mine" })).status, 404, path)
        assert.strictEqual(
          (yield* browser(site).open(engines + path)).location,
          `/sign-in?return_to=${encodeURIComponent(engines + path)}`,
        )
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("show what the roles of their reader show, and refuse the rest", () =>
    Effect.gen(function* () {
      const { ada, bob, grace } = yield* makeEngines
      const linksOf = Effect.fnUntraced(function* (visitor: typeof ada) {
        const { text } = yield* visitor.open(engines)
        return paths.filter((path) => path !== "" && text.includes(`href="${engines}${path}"`))
      })
      const all = ["/leave", "/settings", "/members", "/roles", "/invitations", "/teams", "/audit-log"]
      assert.deepStrictEqual(yield* linksOf(ada), all)
      assert.deepStrictEqual(yield* linksOf(grace), all)
      assert.deepStrictEqual(yield* linksOf(bob), ["/leave", "/members", "/roles", "/teams"])
      for (const path of ["/settings", "/invitations", "/invitations/new", "/roles/new", "/teams/new", "/audit-log"]) {
        const page = yield* bob.open(engines + path)
        assert.deepStrictEqual([page.status, headingOf(page)], [403, "You cannot do this"], path)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("let somebody leave, and keep the last owner", () =>
    Effect.gen(function* () {
      const { ada, bob } = yield* makeEngines
      const ask = yield* bob.open(linkOf(yield* bob.open(engines), "Leave this organization"))
      assert.strictEqual(headingOf(ask), "Leave Analytical Engines?")
      assert.strictEqual((yield* bob.open(engines)).status, 200)
      assert.strictEqual((yield* bob.submit(`${engines}/leave`, {})).location, "/organizations?done=organization-left")
      assert.strictEqual((yield* bob.open(engines)).status, 404)
      const last = yield* ada.submit(`${engines}/leave`, {})
      assert.deepStrictEqual([last.status, headingOf(last)], [409, "Leave Analytical Engines?"])
      assert.include(textOf(last), "An organization keeps at least one owner")
      assert.strictEqual((yield* ada.open(engines)).status, 200)
    }).pipe(Effect.provide(layer)),
  )
})

describe("the settings of an organization", () => {
  it.effect("change its name, its short name and its logo, and lead to its new address", () =>
    Effect.gen(function* () {
      const { grace } = yield* makeEngines
      const saved = yield* grace.submit(`${engines}/settings`, {
        action: "save",
        name: "Engines & Sons",
        slug: "Sons",
        logo: "https://cdn.example.com/engine.svg",
      })
      assert.strictEqual(saved.location, "/organizations/sons/settings?done=organization-saved")
      const page = yield* grace.open(saved.location ?? "")
      assert.deepStrictEqual(
        ["name", "slug", "logo"].map((name) => valueOf(page, name)),
        ["Engines &amp; Sons", "sons", "https://cdn.example.com/engine.svg"],
      )
      assert.notInclude(page.text, "<img")
      assert.strictEqual((yield* grace.open(engines)).status, 404)
      const bare = yield* grace.submit("/organizations/sons/settings", { action: "save", name: "Sons" })
      assert.match(bare.location ?? "", /^\/organizations\/[0-9a-f-]{36}\/settings\?/u)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("say what is wrong, and keep what was typed", () =>
    Effect.gen(function* () {
      const { ada } = yield* makeEngines
      yield* found(ada, "Looms", "looms")
      const wrong = yield* ada.submit(`${engines}/settings`, { action: "save", name: "", slug: "a", logo: "ftp://x" })
      assert.strictEqual(wrong.status, 422)
      assert.strictEqual(problemOf(wrong, "name"), "Enter a name")
      assert.include(problemOf(wrong, "slug"), "2 to 48")
      assert.strictEqual(problemOf(wrong, "logo"), "Enter an address that begins with https://")
      assert.deepStrictEqual([valueOf(wrong, "slug"), valueOf(wrong, "logo")], ["a", "ftp://x"])
      const taken = yield* ada.submit(`${engines}/settings`, { action: "save", name: "Engines", slug: "looms" })
      assert.deepStrictEqual([taken.status, valueOf(taken, "slug")], [409, "looms"])
      for (const action of ["", "toString", "restore"]) {
        assert.strictEqual((yield* ada.submit(`${engines}/settings`, { action })).status, 400, action)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("hand the organization over to a member, after a fresh proof", () =>
    Effect.gen(function* () {
      const { ada, bob, grace } = yield* makeEngines
      const settings = `${engines}/settings`
      assert.notInclude((yield* grace.open(settings)).text, "Hand over")
      const forged = yield* grace.submit(settings, { action: "transfer", email: "grace@example.com" })
      assert.strictEqual(forged.status, 403)
      yield* TestClock.adjust("10 minutes")
      const confirm = `/account/confirm?return_to=${encodeURIComponent(settings)}`
      assert.strictEqual(
        linkOf(yield* ada.open(settings), "Hand over this organization"),
        `${confirm}${encodeURIComponent("#transfer")}`,
      )
      const transfer = { action: "transfer", email: "bob@example.com" }
      assert.strictEqual((yield* ada.submit(settings, transfer)).location, confirm)
      assert.strictEqual((yield* ada.submit(settings, { action: "transfer", email: "bob" })).location, confirm)
      yield* ada.submit("/account/confirm", { password, return_to: settings })
      const nobody = yield* ada.submit(settings, { action: "transfer", email: "eve@example.com" })
      assert.deepStrictEqual([nobody.status, valueOf(nobody, "email")], [422, "eve@example.com"])
      assert.strictEqual(problemOf(nobody, "email"), "Nobody with this address is a member")
      const odd = yield* ada.submit(settings, { action: "transfer", email: "bob" })
      assert.strictEqual(problemOf(odd, "email"), "Enter an e-mail address like name@example.com")
      assert.strictEqual((yield* ada.submit(settings, transfer)).location, `${engines}?done=organization-transferred`)
      assert.include(textOf(yield* ada.open(engines)), "Your roles: Administrator")
      assert.include(textOf(yield* bob.open(engines)), "Your roles: Member and Owner")
      const mailer = yield* CapturingMailer.CapturingMailer
      const mail = yield* mailer.takeLast("bob@example.com", "organization-ownership")
      assert.include(mail.subject, "You own Analytical Engines now")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("delete it after a fresh proof and its name, and restore it", () =>
    Effect.gen(function* () {
      const { ada, bob, grace } = yield* makeEngines
      const settings = `${engines}/settings`
      const remove = { action: "delete", confirm_name: "Analytical Engines" }
      assert.strictEqual((yield* grace.submit(settings, remove)).status, 403)
      assert.include(
        textOf(yield* ada.open(settings)),
        "An owner can restore it within 30 days; then it is gone for good.",
      )
      for (const [confirm_name, message] of [
        ["", "Type the name of the organization"],
        ["engines", "Type the name of the organization as it is above"],
      ] as const) {
        const page = yield* ada.submit(settings, { action: "delete", confirm_name })
        assert.deepStrictEqual([page.status, problemOf(page, "confirm_name")], [422, message])
      }
      yield* TestClock.adjust("10 minutes")
      assert.match((yield* ada.submit(settings, remove)).location ?? "", /^\/account\/confirm\?/u)
      const unsure = yield* ada.submit(settings, { action: "delete", confirm_name: "" })
      assert.match(unsure.location ?? "", /^\/account\/confirm\?/u)
      yield* ada.submit("/account/confirm", { password, return_to: settings })
      assert.strictEqual((yield* ada.submit(settings, remove)).location, "/organizations?done=organization-deleted")
      assert.strictEqual((yield* ada.open(engines)).status, 404)
      assert.strictEqual((yield* bob.open(engines)).status, 404)

      const list = yield* ada.open("/organizations")
      assert.match(textOf(list), /Deleted Analytical Engines Deleted just now Restore/u)
      assert.notInclude((yield* grace.open("/organizations")).text, "Restore Analytical Engines")
      const at = /href="(\/organizations\/[0-9a-f-]{36}\/settings)"/u.exec(list.text)?.[1] ?? assert.fail("a way back")
      for (const path of [at, settings]) {
        assert.strictEqual(headingOf(yield* ada.open(path)), "Restore Analytical Engines?", path)
        assert.notStrictEqual((yield* bob.open(path)).status, 200)
        assert.notStrictEqual((yield* bob.submit(path, { action: "restore" })).status, 303)
      }
      assert.strictEqual((yield* ada.submit(settings, { action: "save", name: "x" })).status, 400)
      yield* TestClock.adjust("10 minutes")
      assert.match(linkOf(yield* ada.open(settings), "Restore"), /^\/account\/confirm\?/u)
      assert.match((yield* ada.submit(settings, { action: "restore" })).location ?? "", /^\/account\/confirm\?/u)
      yield* ada.submit("/account/confirm", { password, return_to: settings })
      const restored = yield* ada.submit(settings, { action: "restore" })
      assert.strictEqual(restored.location, `${engines}?done=organization-restored`)
      assert.include(textOf(yield* bob.open(engines)), "Your roles: Member")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("do not offer deletion where the host does not allow it", () =>
    Effect.gen(function* () {
      const ada = yield* founder(yield* serve())
      assert.notInclude((yield* ada.open(`${engines}/settings`)).text, "Delete")
      const page = yield* ada.submit(`${engines}/settings`, { action: "delete", confirm_name: "Analytical Engines" })
      assert.strictEqual(page.status, 409)
      assert.include(textOf(page), "Organizations cannot be deleted here")
    }).pipe(Effect.provide(withSettings({ allowsDeletion: false }))),
  )

  it.effect("keep whoever owns it alone from deleting their account, and end the membership of others who do", () =>
    Effect.gen(function* () {
      const { ada, bob } = yield* makeEngines
      const refused = yield* ada.submit("/account/delete", {})
      assert.strictEqual(refused.status, 409)
      assert.include(textOf(refused), "You are the last owner of Analytical Engines: hand it over or delete it first")
      assert.strictEqual((yield* bob.submit("/account/delete", {})).location, "/sign-in?done=account-deleted")
      assert.include(textOf(yield* ada.open(engines)), "Members 2")
    }).pipe(Effect.provide(layer)),
  )
})
