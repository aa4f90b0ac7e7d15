/**
 * Who may do what: every call by everybody, of the services and over HTTP, against one table written out by hand.
 */
import * as MemberActions from "@belfry/organization/OrganizationActions"
import type { OrganizationAction } from "@belfry/organization/OrganizationActions"
import { builtInResources, permissionsOf } from "@belfry/organization/Permission"
import type { RoleAssignment } from "@belfry/organization/Role"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { access } from "@belfry/testing/TestAccess"
import { at as valueAt } from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Call, calls, type Things, things } from "./support/Calls.ts"
import { layer, serve, signIn } from "./support/HostServer.ts"
import { permissions } from "./support/People.ts"

/** What a call needs, and which roles may do it; `owners`: of those who have the permission, owners alone. */
interface Row {
  readonly needs: string | null
  readonly allowed: string
  readonly owners?: true
}

const everybody = "owner admin member billing editor only without lead"

/**
 * By role: those that there are; `only` has the permission of the call and no other, `without` every one but that,
 * `lead` none at all, and leads the team that the call is about.
 */
const table: Readonly<Record<OrganizationAction, Row>> = {
  "organizations.get": { needs: "organization:read", allowed: "owner admin member billing only" },
  "organizations.update": { needs: "organization:update", allowed: "owner admin only" },
  "organizations.remove": { needs: "organization:delete", allowed: "owner only" },
  "organizations.restore": { needs: "organization:delete", allowed: "owner only" },
  "organizations.transfer": { needs: "organization:transfer", allowed: "owner", owners: true },
  "organizations.auditEvents": { needs: "audit:read", allowed: "owner admin only" },
  "organizations.access": { needs: null, allowed: everybody },
  "organizations.check": { needs: null, allowed: everybody },
  "organizations.leave": { needs: null, allowed: everybody },
  "members.list": { needs: "member:read", allowed: "owner admin member editor only" },
  "members.get": { needs: "member:read", allowed: "owner admin member editor only" },
  "members.add": { needs: "member:create", allowed: "owner admin only" },
  "members.setRoles": { needs: "member:update", allowed: "owner admin only" },
  "members.remove": { needs: "member:delete", allowed: "owner admin only" },
  "roles.list": { needs: "role:read", allowed: "owner admin member only" },
  "roles.get": { needs: "role:read", allowed: "owner admin member only" },
  "roles.create": { needs: "role:create", allowed: "owner admin only" },
  "roles.update": { needs: "role:update", allowed: "owner admin only" },
  "roles.remove": { needs: "role:delete", allowed: "owner admin only" },
  "invitations.list": { needs: "invitation:read", allowed: "owner admin only" },
  "invitations.get": { needs: "invitation:read", allowed: "owner admin only" },
  "invitations.create": { needs: "invitation:create", allowed: "owner admin only" },
  "invitations.resend": { needs: "invitation:create", allowed: "owner admin only" },
  "invitations.revoke": { needs: "invitation:revoke", allowed: "owner admin only" },
  "teams.list": { needs: "team:read", allowed: "owner admin member only" },
  "teams.get": { needs: "team:read", allowed: "owner admin member only" },
  "teams.check": { needs: null, allowed: everybody },
  "teams.create": { needs: "team:create", allowed: "owner admin only" },
  "teams.update": { needs: "team:update", allowed: "owner admin only lead" },
  "teams.remove": { needs: "team:delete", allowed: "owner admin only" },
  "teams.members": { needs: "teamMember:read", allowed: "owner admin member only lead" },
  "teams.ofMember": { needs: "teamMember:read", allowed: "owner admin member only" },
  "teams.addMember": { needs: "teamMember:create", allowed: "owner admin only lead" },
  "teams.setRoles": { needs: "teamMember:update", allowed: "owner admin only lead" },
  "teams.removeMember": { needs: "teamMember:delete", allowed: "owner admin only lead" },
}

/**
 * The calls that give something to somebody, or take it, and that the role of `payer` is about: it gives
 * `billing:manage`, which administrators lack. `only` has the permission of the call, `exactly` has both and no other.
 */
const aboutPayers: ReadonlyArray<OrganizationAction> = [
  "members.add",
  "members.setRoles",
  "members.remove",
  "roles.create",
  "roles.update",
  "roles.remove",
  "invitations.create",
  "invitations.resend",
]

/** The same of roles in teams: whoever leads one has `project:delete` there, which administrators lack. */
const aboutLeads: ReadonlyArray<OrganizationAction> = ["teams.addMember", "teams.setRoles", "teams.removeMember"]

const everything = [
  ...permissionsOf(builtInResources),
  ...permissions("project:read", "project:create", "project:delete"),
]
const ofLead = permissions(
  "team:update",
  "teamMember:read",
  "teamMember:create",
  "teamMember:update",
  "teamMember:delete",
  "project:delete",
)

const actions = Object.keys(calls).filter((name): name is OrganizationAction => name in table)

/** Permissions of somebody, or the name of the role of the host that they have. */
type Standing = string | ReadonlyArray<string> | null

interface Asked {
  readonly action: OrganizationAction
  /** Null: no member. */
  readonly standing: Standing
  readonly leads?: boolean
  readonly about?: { readonly given?: ReadonlyArray<string>; readonly teamRole?: string }
}

let people = 0

/** An organization and what the call is about, and who calls. */
const scene = Effect.fnUntraced(function* ({ action, standing, leads = false, about = {} }: Asked) {
  const { organization } = yield* OrganizationBuilders.storedOrganization()
  const at = organization.id
  const target = yield* things(at, about.given, about.teamRole)
  const caller = yield* signIn(`caller-${++people}`)
  if (standing !== null) {
    const role =
      typeof standing === "string"
        ? undefined
        : yield* OrganizationBuilders.storedRole(at, { permissions: permissions(...standing) })
    const roles: RoleAssignment =
      typeof standing === "string"
        ? OrganizationBuilders.builtIn(standing)
        : { builtIn: [], custom: role === undefined ? [] : [role.id] }
    const { id } = yield* OrganizationBuilders.storedMember(at, { user: caller.actor.user, roles })
    if (leads) yield* OrganizationBuilders.storedTeamMember({ id: target.teamId, organizationId: at }, id, "lead")
  }
  const { before } = calls[action]
  if (before !== undefined) yield* before(target)
  return { caller, target }
})

/** What comes of a call, in a word: done, none (of it is to be seen), or why it is refused and what is missing. */
const byService = (call: Call, actor: Parameters<Call["service"]>[0], target: Things) =>
  Effect.match(call.service(actor, target), {
    onSuccess: () => "done",
    onFailure: (error) => {
      const field = (name: string): unknown => Reflect.get(error, name)
      return error._tag === "PermissionMissing" ? inWords(field("reason"), field("missing")) : nameOf(error._tag)
    },
  })

const byHttp = Effect.fnUntraced(function* (
  call: Call,
  as: (
    method: string,
    path: string,
    json?: Parameters<ReturnType<Http["as"]>>[2],
  ) => ReturnType<ReturnType<Http["as"]>>,
  target: Things,
) {
  const [method, path, json] = call.http(target)
  const response = yield* as(method, `/auth/organizations/${target.at}${path}`, json)
  if (response.status < 300) return "done"
  const tag = String(valueAt(response.json, "_tag"))
  assert.strictEqual(response.status, statuses[tag], response.text)
  return tag === "PermissionMissing"
    ? inWords(valueAt(response.json, "reason"), valueAt(response.json, "missing"))
    : nameOf(tag)
})

type Http = Effect.Success<typeof serve>

const statuses: Readonly<Record<string, number>> = { PermissionMissing: 403, OrganizationNotFound: 404 }

const nameOf = (tag: string): string => (tag === "OrganizationNotFound" ? "none" : tag)

const inWords = (reason: unknown, missing: unknown): string =>
  `${String(reason)}: ${(Array.isArray(missing) ? missing : ["?"]).map(String).toSorted().join(" ")}`

/** Asks in both ways, of organizations that are alike, and expects the same of both. */
const assertOutcome = Effect.fnUntraced(function* (http: Http, asked: Asked, expected: string, name: string) {
  const call = calls[asked.action]
  const first = yield* scene(asked)
  assert.strictEqual(yield* byService(call, first.caller.actor, first.target), expected, `${name}, service`)
  const second = yield* scene(asked)
  const answer = yield* byHttp(call, http.as(second.caller.token), second.target)
  assert.strictEqual(answer, expected, `${name}, HTTP`)
})

const open = layer({ settings: { addsMembersDirectly: true, limitsRates: false } })

/** Who somebody is of a role of the table. */
const standingOf = (role: string, needs: string | null): Standing => {
  if (role === "outsider") return null
  if (role === "lead") return []
  if (role === "only") return needs === null ? [] : [needs]
  if (role === "without") return everything.filter((permission) => permission !== needs)
  return role
}

describe("The table of actions", () => {
  it("has every call, here and in the services", () => {
    assert.deepStrictEqual(Object.keys(table).toSorted(), Object.keys(MemberActions.organizationActions).toSorted())
    assert.deepStrictEqual(actions.toSorted(), Object.keys(table).toSorted())
    assert.deepStrictEqual([...access.rules.roles.keys()].join(" "), "owner admin member billing editor")
  })

  for (const action of actions) {
    const { needs, allowed, owners } = table[action]
    it.effect(`lets those at ${action} who may: ${allowed === everybody ? "every member" : allowed}`, () =>
      Effect.gen(function* () {
        const http = yield* serve
        for (const role of [...everybody.split(" "), "outsider"]) {
          const expected = () => {
            if (role === "outsider") return "none"
            if (allowed.split(" ").includes(role)) return "done"
            return owners === true && role === "only" ? "owner: " : `permission: ${needs}`
          }
          const asked = { action, standing: standingOf(role, needs), leads: role === "lead" }
          yield* assertOutcome(http, asked, expected(), `${role} at ${action}`)
        }
      }).pipe(Effect.provide(open)),
    )
  }
})

describe("What somebody lacks", () => {
  for (const action of aboutPayers) {
    const { needs } = table[action]
    it.effect(`is not theirs to give or take by ${action}`, () =>
      Effect.gen(function* () {
        const http = yield* serve
        const about = { given: ["billing:manage"] }
        const expected: ReadonlyArray<readonly [name: string, standing: Standing, outcome: string]> = [
          ["owner", "owner", "done"],
          ["admin", "admin", "escalation: billing:manage"],
          ["member", "member", `permission: ${needs}`],
          ["only", [needs ?? ""], "escalation: billing:manage"],
          ["exactly", [needs ?? "", "billing:manage"], "done"],
          ["without", standingOf("without", needs), `permission: ${needs}`],
          ["outsider", null, "none"],
        ]
        for (const [name, standing, outcome] of expected) {
          yield* assertOutcome(http, { action, standing, about }, outcome, `${name} at ${action}`)
        }
      }).pipe(Effect.provide(open)),
    )
  }

  for (const action of aboutLeads) {
    const { needs } = table[action]
    it.effect(`is not theirs to give or take in a team by ${action}`, () =>
      Effect.gen(function* () {
        const http = yield* serve
        const about = { teamRole: "lead" }
        const lacking = ofLead.filter((permission) => permission !== needs).toSorted()
        const expected: ReadonlyArray<readonly [name: string, standing: Standing, outcome: string, leads?: boolean]> = [
          ["owner", "owner", "done"],
          ["admin", "admin", "escalation: project:delete"],
          ["only", [needs ?? ""], `escalation: ${lacking.join(" ")}`],
          ["exactly", ofLead, "done"],
          ["lead", [], "done", true],
          ["without", standingOf("without", needs), `permission: ${needs}`],
          ["outsider", null, "none"],
        ]
        for (const [name, standing, outcome, leads = false] of expected) {
          yield* assertOutcome(http, { action, standing, about, leads }, outcome, `${name} at ${action}`)
        }
      }).pipe(Effect.provide(open)),
    )
  }
})
