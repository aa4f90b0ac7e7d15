/**
 * Organizations with permissions of your own: a member is invited by mail, into a team, and your routes know what
 * everybody may do.
 */
import { BelfryApi } from "@belfry/client"
import { CoreHandlers, ProblemApi, SessionsApi, User } from "@belfry/core"
import {
  AccessDefinition,
  AccessModel,
  MembershipApi,
  MembershipHandlers,
  Organization,
  Role,
  Team,
} from "@belfry/organization"
import { NodeServer, Server } from "@belfry/server"
import * as Example from "@belfry/testing/Example"
import { Console, Effect, Layer, Schema } from "effect"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { deepStrictEqual, strictEqual } from "node:assert"

// What there is to do, and which role gives it. The compiler knows the names: "project:crate" does not compile.
const access = AccessDefinition.define({
  resources: { project: ["read", "create", "delete"] },
  roles: { member: ["project:read"], editor: ["project:read", "project:create"] },
  teamRoles: { lead: ["project:delete"] },
  metadata: { public: AccessDefinition.anyMetadata, private: AccessDefinition.anyMetadata },
})

// Routes of your own, for an organization: outsiders get 404, and members without the permission 403.
const Project = Schema.Struct({ name: Schema.String })
const Api = HttpApi.make("app").add(
  HttpApiGroup.make("projects")
    .add(
      HttpApiEndpoint.get("list", "/:organization/projects", {
        params: { organization: Schema.String },
        success: Schema.Array(Project),
      }).annotate(MembershipApi.RequiredPermissions, [access.permission("project:read")]),
      HttpApiEndpoint.post("create", "/:organization/projects", {
        params: { organization: Schema.String },
        payload: Project,
        success: Project,
      }).annotate(MembershipApi.RequiredPermissions, [access.permission("project:create")]),
    )
    .middleware(MembershipApi.MembershipCheck)
    .middleware(SessionsApi.Authentication)
    .middleware(ProblemApi.RequestGuard),
)

const shelf: Array<typeof Project.Type & { readonly organizationId: string }> = []

const Projects = HttpApiBuilder.group(Api, "projects", (handlers) =>
  handlers
    .handle("list", () =>
      Effect.map(MembershipApi.CurrentMembership, ({ organizationId }) =>
        shelf.filter((project) => project.organizationId === organizationId),
      ),
    )
    .handle("create", ({ payload: { name } }) =>
      Effect.map(MembershipApi.CurrentMembership, ({ organizationId }) => {
        shelf.push({ name, organizationId })
        return { name }
      }),
    ),
)

const Routes = HttpApiBuilder.layer(Api).pipe(
  Layer.provide(Projects),
  Layer.provide(MembershipHandlers.layerMembershipCheck),
  Layer.provide(CoreHandlers.layerMiddleware),
)

const program = NodeServer.serve(Layer.mergeAll(Server.layerRoutes, Server.layerDeliveries, Routes)).pipe(
  Layer.provideMerge(Server.layerServices),
  Layer.provideMerge(Server.layerDatabase),
  Layer.provide(AccessModel.layer(access)),
)

const check = Effect.fnUntraced(function* () {
  const visitor = Effect.fnUntraced(function* (name: string, email: string) {
    const browser = yield* Example.browser
    yield* Example.signUp(browser, name, email)
    return { ...(yield* browser.client(BelfryApi.BelfryApi)), ...(yield* browser.client(Api)) }
  })
  const ada = yield* visitor("Ada", "ada@example.com")
  const grace = yield* visitor("Grace", "grace@example.com")
  const params = { organization: "acme" }

  const { organization, membership } = yield* ada.organizations.create({
    payload: { name: "Acme", slug: Organization.Slug.make("acme") },
  })
  yield* Console.log(`Ada is ${membership.roles.join(", ")} of ${organization.name}`)
  const team = yield* ada.teams.create({ params, payload: { name: "Engines" } })

  // To whoever is no member, the organization is not there.
  const outside = yield* Effect.flip(grace.projects.list({ params }))
  yield* Console.log(`Grace, before: ${outside._tag}`)

  yield* ada.invitations.create({
    params,
    payload: {
      email: User.Email.make("grace@example.com"),
      roles: [Role.RoleName.make("editor")],
      teams: [{ teamId: team.id, role: Team.TeamRoleName.make("lead") }],
    },
  })
  const token = yield* Example.mailedToken("grace@example.com", "/invitations/accept")
  const joined = yield* grace.invitations.accept({ payload: { token } })
  yield* Console.log(`Grace follows the link of her mail: ${joined.roles.join(", ")}`)

  yield* grace.projects.create({ params, payload: { name: "Compiler" } })
  yield* Console.log(`Grace made a project: ${(yield* ada.projects.list({ params })).map(({ name }) => name).join()}`)

  // A role of a team gives its permissions within the team.
  const permissions = [access.permission("project:delete")] as const
  const anywhere = yield* grace.organizations.check({ params, payload: { permissions } })
  const inTeam = yield* grace.teams.check({ params: { ...params, teamId: team.id }, payload: { permissions } })
  deepStrictEqual([anywhere.isAllowed, inTeam.isAllowed], [false, true])
  yield* Console.log("Grace may delete projects in Engines, which she leads, and nowhere else")

  // A role is taken back, and the next request knows.
  yield* ada.members.setRoles({
    params: { ...params, member: joined.memberId },
    payload: { roles: [Role.RoleName.make("member")] },
  })
  const refused = yield* Effect.flip(grace.projects.create({ params, payload: { name: "Another" } }))
  strictEqual(refused._tag, "PermissionMissing")
  yield* Console.log(`Grace, a member: ${refused.missing.join(", ")} is missing`)

  const left = yield* Effect.flip(ada.organizations.leave({ params }))
  yield* Console.log(`Ada cannot leave: ${left._tag}`)
})

Example.run({ program, standIn: Effect.void, settings: () => ({}), check, look: "/sign-up" })
