/**
 * The story of an organization, which goes the same way with script and without.
 */
import { assert, it } from "@effect/vitest"
import type { BrowserContextOptions } from "playwright-core"
import { mailedLink, signIn, signUp } from "./people.ts"
import type { Stage } from "./Stage.ts"
import { password, type Visitor } from "./Visitor.ts"

/** Makes an organization from the account page; its page. */
export const createOrganization = async (visitor: Visitor, name: string, slug: string): Promise<void> => {
  await visitor.go("/organizations")
  await visitor.follow("Create an organization")
  await visitor.enter({ Name: name, "Short name (optional)": slug })
  await visitor.press("Create organization")
  assert.strictEqual(await visitor.heading(), name)
}

/** Invites an address as a member, from the page of the organization, with what is chosen there; the link of the mail. */
export const inviteMember = async (
  visitor: Visitor,
  slug: string,
  email: string,
  choices: Readonly<Record<string, string>> = {},
): Promise<string> => {
  await visitor.go(`/organizations/${slug}`)
  await visitor.follow("Invitations")
  await visitor.follow("Invite somebody")
  await visitor.enter({ "E-mail address": email })
  assert.isTrue(await visitor.page.getByRole("checkbox", { name: /^Member/u }).isChecked())
  for (const [label, option] of Object.entries(choices)) {
    await visitor.page.getByLabel(label, { exact: true }).selectOption({ label: option })
  }
  await visitor.press("Send invitation")
  assert.strictEqual(await visitor.notice(), "The invitation was sent.")
  return mailedLink(visitor, email)
}

/** Tells the story in tests, for browsers with these options. */
export const tellOrganizationStory = (stage: Stage, options: BrowserContextOptions = {}): void => {
  const suffix = options.javaScriptEnabled === false ? "-without-script" : ""
  const slug = `engines${suffix}`
  const name = "Analytical Engines"

  it("is created, joined while signing up in another browser, and handed from one to the other", async () => {
    const [ada, bob] = [`ada${suffix}@example.com`, `bob${suffix}@example.com`]
    const laptop = await stage.visitor(options)
    await signUp(laptop, ada)
    await laptop.follow("Create an organization, or join one")
    assert.include(await laptop.text(), "You are not in an organization yet.")
    await createOrganization(laptop, name, slug)
    assert.strictEqual(await laptop.notice(), "Your organization is ready.")
    const link = await inviteMember(laptop, slug, bob)

    const phone = await stage.visitor(options)
    await phone.go(link)
    assert.strictEqual(await phone.heading(), `Join ${name}`)
    assert.include(await phone.text(), `Ada invited ${bob}.`)
    await phone.enter({ "Name (optional)": "Bob", Password: "short" })
    assert.strictEqual(await phone.press("Create account and join"), 422)
    assert.deepStrictEqual(await phone.problems(), ["Choose a password of at least 8 characters"])
    assert.strictEqual(await phone.valueOf("Name (optional)"), "Bob")
    await phone.enter({ Password: password })
    await phone.press("Create account and join")
    assert.strictEqual(await phone.notice(), "Welcome! You are a member now.")
    assert.strictEqual(stage.site.countMail(bob), 1)
    await phone.follow(name)
    assert.include(await phone.text(), "Your roles: Member")
    assert.strictEqual(await phone.page.getByRole("link", { name: "Settings" }).count(), 0)
    assert.strictEqual(await phone.go(`/organizations/${slug}/settings`), 403)

    // The link served once.
    const third = await stage.visitor(options)
    assert.strictEqual(await third.go(link), 409)
    assert.strictEqual(await third.heading(), "This invitation was accepted")

    await laptop.go(`/organizations/${slug}`)
    await laptop.follow("Members")
    await laptop.enter({ "Name or address (optional)": "bo" })
    await laptop.press("Search")
    await laptop.follow("Bob")
    await laptop.page.getByRole("checkbox", { name: /^Administrator/u }).check()
    await laptop.page.getByRole("checkbox", { name: /^Member/u }).uncheck()
    await laptop.press("Save roles")
    assert.strictEqual(await laptop.notice(), "The roles were saved.")
    await phone.go(`/organizations/${slug}`)
    assert.include(await phone.text(), "Your roles: Administrator")
    await phone.follow("Settings")
    assert.isFalse(await phone.hasField("E-mail address of the member"))

    await laptop.go(`/organizations/${slug}/settings`)
    await laptop.enter({ "E-mail address of the member": bob })
    await laptop.press("Hand over")
    assert.strictEqual(await laptop.notice(), "The organization has another owner now.")
    assert.include(await laptop.text(), "Your roles: Administrator")
    assert.strictEqual((await stage.site.readMail(bob)).subject, `You own ${name} now`)
    await laptop.follow("Leave this organization")
    await laptop.press("Leave")
    assert.strictEqual(await laptop.notice(), "You left the organization.")
    assert.strictEqual(await laptop.go(`/organizations/${slug}`), 404)

    await phone.go(`/organizations/${slug}/leave`)
    assert.strictEqual(await phone.press("Leave"), 409)
    assert.match((await phone.problems()).join(), /^An organization keeps at least one owner/u)
    await phone.go(`/organizations/${slug}/audit-log`)
    const log = await phone.text()
    for (const line of [
      "Member removed",
      "Organization handed over",
      "Roles of a member changed",
      "Invitation accepted",
    ]) {
      assert.include(log, line)
    }
  })

  it("is joined by somebody with an account, who is removed again, in all browsers at once", async () => {
    const [ada, carl] = [`ada-removes${suffix}@example.com`, `carl${suffix}@example.com`]
    const looms = `looms${suffix}`
    const laptop = await stage.visitor(options)
    await signUp(laptop, ada)
    await createOrganization(laptop, "Looms", looms)
    await signUp(await stage.visitor(options), carl)
    const link = await inviteMember(laptop, looms, carl)
    const phone = await stage.visitor(options)
    await phone.go(link)
    await phone.follow("Sign in to join")
    await phone.enter({ "E-mail address": carl, Password: password })
    await phone.press("Sign in")
    assert.strictEqual(await phone.heading(), "Join Looms")
    await phone.press("Join as Ada")
    assert.strictEqual(await phone.notice(), "Welcome! You are a member now.")
    const tablet = await stage.visitor(options)
    await signIn(tablet, carl)
    assert.strictEqual(await tablet.go(`/organizations/${looms}/members`), 200)

    await laptop.go(`/organizations/${looms}/teams`)
    await laptop.follow("Make a team")
    await laptop.enter({ Name: "Weavers" })
    await laptop.press("Make team")
    await laptop.enter({ "E-mail address of the member": carl })
    await laptop.press("Add to the team")
    assert.strictEqual(await laptop.notice(), "The member joined the team.")

    const dora = `dora${suffix}@example.com`
    const choices = { Weavers: "Lead", "The link works for": "24 hours" }
    const visitor = await stage.visitor(options)
    await visitor.go(await inviteMember(laptop, looms, dora, choices))
    await visitor.enter({ "Name (optional)": "Dora", Password: password })
    await visitor.press("Create account and join")
    await laptop.go(`/organizations/${looms}/teams`)
    await laptop.follow("Weavers")
    assert.match(await laptop.text(), /Dora\s+\S+\s+Lead, joined/u)

    await laptop.go(`/organizations/${looms}/members?search=${encodeURIComponent(carl)}`)
    await laptop.follow("Ada")
    assert.include(await laptop.text(), "Weavers")
    await laptop.follow("Remove from the organization")
    await laptop.press("Remove")
    assert.strictEqual(await laptop.notice(), "The member was removed.")
    for (const visitor of [phone, tablet]) {
      assert.strictEqual(await visitor.go(`/organizations/${looms}`), 404)
      await visitor.go("/organizations")
      assert.include(await visitor.text(), "You are not in an organization yet.")
    }
  })

  it("has roles of its own, and is deleted and restored", async () => {
    const ada = `ada-deletes${suffix}@example.com`
    const mills = `mills${suffix}`
    const visitor = await stage.visitor(options)
    await signUp(visitor, ada)
    await createOrganization(visitor, "Mills", mills)
    await visitor.follow("Roles")
    await visitor.follow("Make a role")
    await visitor.enter({ Name: "greeter" })
    assert.strictEqual(await visitor.press("Make role"), 422)
    assert.deepStrictEqual(await visitor.problems(), ["Choose at least one permission"])
    await visitor.page
      .getByRole("group", { name: "Invitations", exact: true })
      .getByRole("checkbox", { name: "Invite people" })
      .check()
    await visitor.press("Make role")
    assert.strictEqual(await visitor.notice(), "The role was made.")
    await visitor.follow("greeter")
    assert.isTrue(await visitor.page.getByRole("checkbox", { name: "Invite people" }).isChecked())
    await visitor.follow("Delete this role")
    await visitor.press("Delete role")
    assert.strictEqual(await visitor.notice(), "The role was deleted.")

    await visitor.go(`/organizations/${mills}/settings`)
    await visitor.enter({ "Name of the organization": "Mill" })
    assert.strictEqual(await visitor.press("Delete organization"), 422)
    await visitor.enter({ "Name of the organization": "Mills" })
    await visitor.press("Delete organization")
    assert.strictEqual(await visitor.notice(), "The organization was deleted.")
    await visitor.follow("Restore Mills")
    await visitor.press("Restore")
    assert.strictEqual(await visitor.notice(), "The organization is back, as it was.")
    assert.strictEqual((await stage.site.readMail(ada)).subject, "Mills was deleted")
  })
}
