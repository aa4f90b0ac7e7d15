import { configSettings, layerConfig } from "@belfry/organization/OrganizationConfig"
import * as OrganizationSettings from "@belfry/organization/OrganizationSettings"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect } from "effect"

const read = (env: Record<string, string>) =>
  Effect.gen(function* () {
    return yield* configSettings
  }).pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })))

describe("OrganizationConfig", () => {
  it.effect("is the defaults where nothing is set", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read({}), OrganizationSettings.make())
    }),
  )

  it.effect("reads every setting", () =>
    Effect.gen(function* () {
      const settings = yield* read({
        BELFRY_ORGANIZATION_CREATION: "nobody",
        BELFRY_ORGANIZATION_DELETION: "false",
        BELFRY_ORGANIZATION_DELETION_GRACE: "0 seconds",
        BELFRY_ORGANIZATION_ADD_MEMBERS_DIRECTLY: "true",
        BELFRY_ORGANIZATION_INVITATION_LIFETIME: "2 days",
        BELFRY_ORGANIZATION_ACCEPT_OTHER_ADDRESSES: "false",
        BELFRY_ORGANIZATION_LIMIT: "3",
        BELFRY_ORGANIZATION_MEMBER_LIMIT: "4",
        BELFRY_ORGANIZATION_INVITATION_LIMIT: "none",
        BELFRY_ORGANIZATION_ROLE_LIMIT: "5",
        BELFRY_ORGANIZATION_TEAM_LIMIT: "6",
        BELFRY_ORGANIZATION_TEAM_MEMBER_LIMIT: "7",
        BELFRY_ORGANIZATION_DEFAULT_TEAM: "Everybody",
        BELFRY_ORGANIZATION_TEAM_CREATOR_JOINS: "false",
        BELFRY_ORGANIZATION_KEEP_LAST_TEAM: "true",
        BELFRY_ORGANIZATION_RATE_LIMITS: "false",
      })
      assert.deepStrictEqual(
        settings,
        OrganizationSettings.make({
          mayCreate: false,
          allowsDeletion: false,
          deletionGrace: Duration.zero,
          addsMembersDirectly: true,
          invitationLifetime: Duration.days(2),
          acceptsOtherAddresses: false,
          limitsRates: false,
          limits: { organizations: 3, members: 4, invitations: null, roles: 5, teams: 6, teamMembers: 7 },
          teams: { defaultTeam: "Everybody", creatorJoins: false, keepsLast: true },
        }),
      )
      assert.isNull((yield* read({ BELFRY_ORGANIZATION_DEFAULT_TEAM: "none" })).teams.defaultTeam)
    }),
  )

  it.effect("provides what it read", () =>
    Effect.gen(function* () {
      const settings = yield* OrganizationSettings.OrganizationSettings
      assert.strictEqual(settings.limits.members, 4)
    }).pipe(
      Effect.provide(layerConfig),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { BELFRY_ORGANIZATION_MEMBER_LIMIT: "4" } }))),
    ),
  )

  for (const [name, value] of [
    ["CREATION", "admins"],
    ["DELETION_GRACE", "-1 seconds"],
    ["INVITATION_LIFETIME", "59 minutes"],
    ["INVITATION_LIFETIME", "31 days"],
    ["LIMIT", "0"],
    ["MEMBER_LIMIT", "-1"],
    ["ROLE_LIMIT", "2.5"],
    ["TEAM_LIMIT", "many"],
  ] as const) {
    it.effect(`refuses ${value} as BELFRY_ORGANIZATION_${name}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(read({ [`BELFRY_ORGANIZATION_${name}`]: value }))
        assert.include(String(error), name)
      }),
    )
  }
})
