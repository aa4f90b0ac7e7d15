/**
 * Organizations for page tests: made, and joined, by the pages themselves.
 */
import * as AccessDefinition from "@belfry/organization/AccessDefinition"
import * as AccessModel from "@belfry/organization/AccessModel"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type Browser, browser, layerServices, mailedLink, type serve, signUp, type Visited } from "./PageBrowser.ts"

type Served = Effect.Success<ReturnType<typeof serve>>

/** What the host declares: administrators may do what members may, and less than editors. */
export const access = AccessModel.layer(
  AccessDefinition.define({
    resources: { project: ["read", "create", "delete"] },
    roles: {
      member: ["project:read"],
      admin: ["project:read", "project:create"],
      editor: ["project:read", "project:create", "project:delete"],
    },
    teamRoles: { reviewer: ["project:read"] },
    metadata: { public: AccessDefinition.anyMetadata, private: AccessDefinition.anyMetadata },
  }),
)

/** The services of a site whose host declares that. */
export const layer = layerServices({}, access)

/** The paths of the organization that {@link found} makes. */
export const engines = "/organizations/engines"

/** Makes an organization; gives the path of its page. */
export const found = Effect.fnUntraced(function* (visitor: Browser, name = "Analytical Engines", slug = "engines") {
  const made = yield* visitor.submit("/organizations/new", { name, slug })
  assert.strictEqual(made.location, `/organizations/${slug}?done=organization-created`)
  return `/organizations/${slug}`
})

/** Somebody with an account and an organization. */
export const founder = Effect.fnUntraced(function* (site: Served, email = "ada@example.com", name = "Ada") {
  const visitor = browser(site)
  yield* signUp(visitor, email, name)
  yield* found(visitor)
  return visitor
})

/** Invites an address; gives the link of the mail and its token. */
export const invite = Effect.fnUntraced(function* (
  visitor: Browser,
  email: string,
  fields: Readonly<Record<string, string>> = { role_member: "1" },
) {
  const sent = yield* visitor.submit(`${engines}/invitations/new`, { email, ...fields })
  assert.strictEqual(sent.location, `${engines}/invitations?done=invitation-sent`)
  return yield* mailedLink(email, "organization-invitation")
})

/** Somebody with an account who joins by an invitation with these roles. */
export const member = Effect.fnUntraced(function* (
  site: Served,
  owner: Browser,
  email: string,
  name: string,
  fields?: Readonly<Record<string, string>>,
) {
  const visitor = browser(site)
  yield* signUp(visitor, email, name)
  const { token } = yield* invite(owner, email, fields)
  const joined = yield* visitor.submit("/invitations/accept", { action: "accept", token })
  assert.strictEqual(joined.location, `${engines}?done=invitation-accepted`)
  return visitor
})

/** The link of a page with this text, as a path. */
export const linkOf = ({ text }: Visited, label: string): string => {
  const found = [...text.matchAll(/<a\b[^>]*\bhref="([^"]*)"[^>]*>\s*([^<]*?)\s*<\/a\s*>/gu)].find(
    ([, , said]) => said === label,
  )
  return found?.[1]?.replaceAll("&amp;", "&") ?? assert.fail(`no link "${label}"`)
}

/** The hidden fields of the form whose button has this name. */
export const formOf = ({ text }: Visited, button: string): Readonly<Record<string, string>> => {
  const form = text
    .split("<form")
    .find((part) => part.includes(`aria-label="${button}"`) || new RegExp(`>\\s*${button}\\s*</button`, "u").test(part))
  assert.isDefined(form, `a form with the button "${button}"`)
  return Object.fromEntries(
    [...(form ?? "").matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/gu)].map(
      ([, name = "", value = ""]) => [name, value],
    ),
  )
}

/** The checkboxes or radio buttons of a page: those that are chosen, and those that cannot be. */
export const chosenIn = ({ text }: Visited) => {
  const boxes = [...text.matchAll(/<input type="(?:checkbox|radio)" name="([^"]*)" value="([^"]*)"([^>]*)>/gu)].map(
    ([, name = "", value = "", rest = ""]) => ({
      name: value === "1" ? name : `${name}=${value}`,
      isChecked: rest.includes("checked"),
      isDisabled: rest.includes("disabled"),
    }),
  )
  return {
    all: boxes.map(({ name }) => name),
    checked: boxes.filter(({ isChecked }) => isChecked).map(({ name }) => name),
    disabled: boxes.filter(({ isDisabled }) => isDisabled).map(({ name }) => name),
  }
}

/** The values of a field to choose one in, by what is said of each; and the one that is chosen. */
export const optionsOf = ({ text }: Visited, name: string) => {
  const field = text.split("<select").find((part) => part.includes(`name="${name}"`))
  assert.isDefined(field, `a field "${name}"`)
  const [shown = ""] = (field ?? "").split("</select")
  const options = [...shown.matchAll(/<option value="([^"]*)"([^>]*)>([^<]*)</gu)]
  return {
    chosen: options.find(([, , rest]) => rest?.includes("selected"))?.[3],
    all: Object.fromEntries(options.map(([, value, , label = ""]) => [label, value])),
  }
}
