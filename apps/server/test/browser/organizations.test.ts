/**
 * The story of an organization, as its people go through it in browsers of their own; and how its pages look.
 */
import { assert, describe, it } from "@effect/vitest"
import { examine, focused } from "./support/look.ts"
import { createOrganization, inviteMember, tellOrganizationStory } from "./support/organizationStory.ts"
import { signUp } from "./support/people.ts"
import { inBrowser, type Stage } from "./support/Stage.ts"
import type { Visitor } from "./support/Visitor.ts"

const name = "The Honourable Company of Difference and Analytical Engines"

/** Somebody with an organization, a team and a role in it, and a second member with a long address. */
const openCompany = async (stage: Stage, slug: string): Promise<{ readonly ada: Visitor; readonly bob: Visitor }> => {
  const ada = await stage.visitor()
  await signUp(ada, `ada-of-${slug}@example.com`)
  await createOrganization(ada, name, slug)
  const bob = await stage.visitor()
  const address = `somebody-with-a-rather-long-address-at-${slug}@example.com`
  await signUp(bob, address)
  await bob.go(await inviteMember(ada, slug, address))
  return { ada, bob }
}

inBrowser("organizations", (stage) => {
  describe("with script", () => tellOrganizationStory(stage))
  describe("without script", () => tellOrganizationStory(stage, { javaScriptEnabled: false }))

  describe("in both schemes, on narrow and wide screens, and enlarged, without fault:", () => {
    it("one's own, empty and not, and making one", async () => {
      const visitor = await stage.visitor()
      await signUp(visitor, "looks-at-own@example.com")
      await visitor.go("/organizations")
      await examine(visitor, "Your organizations")
      await visitor.follow("Create an organization")
      await examine(visitor, "Create an organization")
      await visitor.enter({ "Short name (optional)": "-" })
      assert.strictEqual(await visitor.press("Create organization"), 422)
      await examine(visitor, "Create an organization")
      await createOrganization(visitor, name, "own")
      await examine(visitor, name)
      await createOrganization(visitor, "Looms", "own-looms")
      await visitor.go("/organizations")
      await examine(visitor, "Your organizations")
      await visitor.go("/account")
      await examine(visitor, "Your account")
      await visitor.go("/organizations/nobody")
      await examine(visitor, "Page not found")
    })

    it("an invitation, for who is signed in, for who is not, and over", async () => {
      const { ada, bob } = await openCompany(stage, "invitations")
      await examine(bob, `Join ${name}`)
      await ada.go("/organizations/invitations/teams/new")
      await ada.enter({ Name: "Compilers of programs for engines of every kind" })
      await ada.press("Make team")
      await ada.go("/organizations/invitations/invitations")
      await examine(ada, "Invitations")
      await ada.follow("Invite somebody")
      assert.strictEqual(await ada.press("Send invitation"), 422)
      await examine(ada, "Invite somebody")
      const link = await inviteMember(ada, "invitations", "guest@example.com")
      const guest = await stage.visitor()
      await guest.go(link)
      await examine(guest, `Join ${name}`)
      assert.strictEqual(await guest.press("Create account and join"), 422)
      await examine(guest, `Join ${name}`)
      await bob.go(link)
      await examine(bob, `Join ${name}`)
      await guest.press("Decline")
      await examine(guest, "You declined")
      assert.strictEqual(await guest.go(link), 409)
      await examine(guest, "This invitation was declined")
      assert.strictEqual(await guest.go("/invitations/accept?token=none"), 404)
      await examine(guest, "This invitation does not work")
      await bob.go("/organizations")
      await examine(bob, "Your organizations")
    })

    it("members and teams", async () => {
      const { ada, bob } = await openCompany(stage, "members")
      await bob.press("Join as Ada")
      await ada.go("/organizations/members/members")
      await examine(ada, "Members")
      await ada.go("/organizations/members/members?search=somebody")
      await ada.follow("Ada")
      await examine(ada, "Ada")
      await ada.page.getByRole("checkbox", { name: /^Member/u }).uncheck()
      assert.strictEqual(await ada.press("Save roles"), 422)
      await examine(ada, "Ada")
      await ada.follow("Remove from the organization")
      await examine(ada, `Remove Ada from ${name}?`)
      await ada.go("/organizations/members/teams")
      await examine(ada, "Teams")
      await ada.follow("Make a team")
      await examine(ada, "Make a team")
      await ada.enter({ Name: "Compilers" })
      await ada.press("Make team")
      await ada.enter({ "E-mail address of the member": "somebody-with-a-rather-long-address-at-members@example.com" })
      await ada.press("Add to the team")
      await examine(ada, "Compilers")
      await ada.follow("Delete this team")
      await examine(ada, "Delete the team Compilers?")
      assert.strictEqual(await bob.go("/organizations/members/audit-log"), 403)
      await examine(bob, "You cannot do this")
      await bob.go("/organizations/members/leave")
      await examine(bob, `Leave ${name}?`)
    })

    it("roles, settings and the audit log", async () => {
      const { ada } = await openCompany(stage, "roles")
      await ada.go("/organizations/roles/roles")
      await examine(ada, "Roles")
      await ada.follow("Owner")
      await examine(ada, "Owner")
      await ada.go("/organizations/roles/roles/new")
      assert.strictEqual(await ada.press("Make role"), 422)
      await examine(ada, "Make a role")
      await ada.enter({ Name: "greeter" })
      await ada.page.getByRole("checkbox", { name: "Invite people" }).check()
      await ada.press("Make role")
      await ada.follow("greeter")
      await examine(ada, "greeter")
      await ada.follow("Delete this role")
      await examine(ada, "Delete the role greeter?")
      await ada.go("/organizations/roles/audit-log")
      await examine(ada, "Audit log")
      await ada.go("/organizations/roles/settings")
      await examine(ada, "Settings")
      assert.strictEqual(await ada.press("Hand over"), 422)
      await examine(ada, "Settings")
      await ada.enter({ "Name of the organization": name })
      await ada.press("Delete organization")
      await examine(ada, "Your organizations")
      await ada.follow(`Restore ${name}`)
      await examine(ada, `Restore ${name}?`)
    })
  })

  it("by keyboard alone: from the summary of problems to the choice that is missing, and on", async () => {
    const { ada, bob } = await openCompany(stage, "keyboard")
    const { keyboard } = ada.page
    await bob.press("Join as Ada")
    await ada.go("/organizations/keyboard/members?search=somebody")
    await ada.follow("Ada")
    await ada.page.getByRole("checkbox", { name: /^Member/u }).focus()
    await keyboard.press("Space")
    assert.strictEqual(await ada.arrive(() => keyboard.press("Enter")), 422)
    assert.match((await focused(ada.page)).name, /^There is a problem/u)
    await keyboard.press("Tab")
    assert.deepStrictEqual(await focused(ada.page), { name: "Choose at least one role", isVisible: true })
    await keyboard.press("Enter")
    await keyboard.press("Tab")
    assert.match((await focused(ada.page)).name, /^Owner/u)
    await keyboard.press("Space")
    assert.strictEqual(await ada.arrive(() => keyboard.press("Enter")), 200)
    assert.strictEqual(await ada.notice(), "The roles were saved.")
  })
})
