/**
 * Organizations as a host takes them that has no teams.
 */
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { Invitations } from "@belfry/organization/Invitations"
import { Email } from "@belfry/core/User"
import { OrganizationApi } from "@belfry/organization/OrganizationApi"
import * as OrganizationHandlers from "@belfry/organization/OrganizationHandlers"
import * as OrganizationServices from "@belfry/organization/OrganizationServices"
import * as OrganizationSettings from "@belfry/organization/OrganizationSettings"
import { RoleName } from "@belfry/organization/Role"
import { Teams } from "@belfry/organization/Teams"
import { TeamStore } from "@belfry/organization/TeamStore"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { begin } from "./support/Beginning.ts"
import { home, layer, sender, signIn } from "./support/HostServer.ts"

/** What there is without teams: the host's declaration and the package's services, over the stores. */
const layerWithoutTeams = OrganizationServices.layer.pipe(
  Layer.provideMerge(
    Layer.succeed(
      OrganizationSettings.OrganizationSettings,
      OrganizationSettings.make({ teams: { defaultTeam: "Everybody" } }),
    ),
  ),
  Layer.provideMerge(TestServices.layerMemory),
)

const serve = Effect.gen(function* () {
  const services = yield* Effect.context<Layer.Success<typeof layerWithoutTeams>>()
  const app = Layer.merge(HttpApiBuilder.layer(CoreApi), HttpApiBuilder.layer(OrganizationApi)).pipe(
    Layer.provide(OrganizationHandlers.layer),
    Layer.provide(CoreHandlers.layer),
    Layer.provide(Layer.succeedContext(services)),
  )
  return sender(yield* TestHttp.serve(app, home))
})

describe("Organizations without teams", () => {
  it.effect("have everything else, and no endpoint of teams", () =>
    Effect.gen(function* () {
      const { as } = yield* serve
      const { token } = yield* signIn("ada")
      const created = yield* as(token)("POST", "/auth/organizations", { name: "Engines", slug: "engines" })
      assert.strictEqual(created.status, 201, created.text)
      for (const path of ["", "/members", "/roles", "/invitations", "/audit-events", "/access"]) {
        const response = yield* as(token)("GET", `/auth/organizations/engines${path}`)
        assert.strictEqual(response.status, 200, response.text)
      }
      assert.strictEqual((yield* as(token)("GET", "/auth/organizations/engines/teams")).status, 404)
    }).pipe(Effect.provide(layerWithoutTeams)),
  )

  it.effect("begin with no team, and invite to none", () =>
    Effect.gen(function* () {
      const { ada, id } = yield* begin
      const viewer = { userId: ada.user.id, organization: id }
      const page = { after: null, limit: 10, search: null }
      const teams = yield* TeamStore.use((store) => store.list(viewer, page))
      assert.deepStrictEqual(Option.getOrThrow(teams).value, [])
      const team = yield* OrganizationBuilders.storedTeam({ organizationId: id })
      const invitations = yield* Invitations
      const invited = { email: Email.make("carol@example.com"), roles: [RoleName.make("member")] } as const
      const error = yield* Effect.flip(invitations.create(ada, id, { ...invited, teams: [{ teamId: team.id }] }))
      assert.isTrue(error._tag === "TeamNotFound" && error.what === "team")
      yield* invitations.create(ada, id, invited)
    }).pipe(Effect.provide(layerWithoutTeams)),
  )

  it.effect("have teams where the host takes them, too", () =>
    Effect.gen(function* () {
      const { ada, id } = yield* begin
      const teams = yield* Teams
      const made = yield* teams.create(ada, id, { name: "Compilers" })
      assert.deepStrictEqual((yield* teams.list(ada, id)).items, [made])
    }).pipe(Effect.provide(layer())),
  )
})
