/**
 * Searches in large lists of members: what they find in PostgreSQL, and how much of the list they go through for it.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { UserId } from "@belfry/core/User"
import { MemberStore } from "@belfry/organization/MemberStore"
import type { Guarded } from "@belfry/organization/Membership"
import { OrganizationId } from "@belfry/organization/Organization"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import { RoleName } from "@belfry/organization/Role"
import { TeamId } from "@belfry/organization/Team"
import { TeamStore } from "@belfry/organization/TeamStore"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import { fillTables } from "./support/Filling.ts"

const database = TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations])

const size = 5000

/** The id of what `fillTables` made as number `n`. */
const idOf = (n: number): string =>
  String(n)
    .padStart(32, "0")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/u, "$1-$2-$3-$4-")

const viewer = { userId: UserId.make(idOf(1)), organization: OrganizationId.make(idOf(1)) }

const numbers = Array.from({ length: size }, (_, index) => index + 1)

/** The numbers of the members, in order of their ids: all but the first joined when all users were there. */
const beginning = (digits: string): ReadonlyArray<number> => numbers.filter((n) => String(n).startsWith(digits))

const memberIdOf = (n: number): string => idOf(n === 1 ? 1 : n + 1_000_000)

/** How many rows this connection has read. */
const read = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly rows: number }>`SELECT sum(seq_tup_read + idx_tup_fetch)::int4 AS rows
    FROM pg_stat_xact_user_tables`
  return row?.rows ?? 0
})

/** What a search found, and how many rows it read for it. */
const costOf = <A, E, R>(search: Effect.Effect<Option.Option<Guarded<A>>, E, R>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return yield* sql.withTransaction(
      Effect.gen(function* () {
        const before = yield* read
        const { value } = Option.getOrThrow(yield* search)
        return { value, rows: (yield* read) - before }
      }),
    )
  })

const lists = Effect.gen(function* () {
  const members = yield* MemberStore
  const teams = yield* TeamStore
  return {
    organization: (search: string, after: string | null = null) =>
      Effect.map(costOf(members.list(viewer, { search, after, limit: 51, role: null })), ({ value, rows }) => ({
        ids: value.map(({ id }): string => id),
        rows,
      })),
    team: (search: string, after: string | null = null) =>
      Effect.map(
        costOf(teams.listMembers(viewer, TeamId.make(idOf(1)), { search, after, limit: 51 })),
        ({ value, rows }) => ({ ids: Option.getOrThrow(value).members.map(({ member }): string => member.id), rows }),
      ),
  }
})

withLayer(Layer.provideMerge(TestServices.layerSqlStores, database))("Searches in large lists", (it) => {
  it.effect("find who is called so, by id and page by page, without going through the list", () =>
    Effect.gen(function* () {
      yield* fillTables(size)
      for (const list of Object.values(yield* lists)) {
        for (const search of ["49", "User 49", "uSER 49"]) {
          const wanted = beginning("49").map(memberIdOf)
          const first = yield* list(search)
          assert.deepStrictEqual(first.ids, wanted.slice(0, 51))
          const second = yield* list(search, first.ids.at(-1))
          assert.deepStrictEqual(second.ids, wanted.slice(51, 102))
          // Those who are called so, where they are in the list, and what is shown of those on the page.
          assert.isBelow(first.rows, size / 2)
          assert.isBelow(second.rows, size / 2)
        }
        assert.deepStrictEqual((yield* list("4999")).ids, [memberIdOf(4999)])
        const nobody = yield* list("nobody")
        assert.deepStrictEqual(nobody.ids, [])
        assert.isBelow(nobody.rows, size / 2)
      }
      // All are called so: the first of the list are those that are looked for.
      for (const list of Object.values(yield* lists)) {
        const first = yield* list("user")
        assert.deepStrictEqual(first.ids, numbers.slice(0, 51).map(memberIdOf))
      }
    }),
  )

  it.effect("find who has a role, by id and page by page, without going through the list", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const members = yield* MemberStore
      // All have a role of the host, one a rare one beside it, some one of the organization, of whom one has it twice.
      yield* sql`UPDATE belfry_organization_members SET built_in_roles = '{member}'
        WHERE organization_id = ${viewer.organization} AND NOT is_owner`
      yield* sql`UPDATE belfry_organization_members SET built_in_roles = '{billing,member}'
        WHERE id IN (${memberIdOf(2500)}, ${memberIdOf(4999)})`
      yield* sql`UPDATE belfry_organization_members SET built_in_roles = '{role-1}' WHERE id = ${memberIdOf(4000)}`
      yield* sql`INSERT INTO belfry_organization_member_roles (member_id, role_id, organization_id)
        SELECT m.id, ${idOf(1)}, m.organization_id FROM belfry_organization_members AS m
        WHERE m.organization_id = ${viewer.organization} AND m.id >= ${memberIdOf(4000)} AND m.id < ${memberIdOf(4100)}`
      yield* sql`ANALYZE`
      const list = (role: string, after: string | null = null) =>
        Effect.map(
          costOf(members.list(viewer, { search: null, after, limit: 51, role: RoleName.make(role) })),
          ({ value, rows }) => {
            // What is shown of those on the page, and no more of the list.
            assert.isBelow(rows, 600)
            return value.map(({ id }): string => id)
          },
        )
      const wanted = {
        owner: [1],
        billing: [2500, 4999],
        member: numbers.filter((n) => n !== 1 && n !== 4000),
        "role-1": [1, ...numbers.slice(3999, 4099)],
        nobody: [],
      }
      for (const [role, all] of Object.entries(wanted)) {
        const first = yield* list(role)
        assert.deepStrictEqual(first, all.slice(0, 51).map(memberIdOf), role)
        const second = yield* list(role, first.at(-1) ?? null)
        assert.deepStrictEqual(second, all.slice(51, 102).map(memberIdOf), role)
      }
      const late = yield* list("member", memberIdOf(4990))
      assert.deepStrictEqual(late, numbers.slice(4990).map(memberIdOf))
    }),
  )

  it.effect("find who has a role and is called so, too", () =>
    Effect.gen(function* () {
      const members = yield* MemberStore
      const page = { search: "1", after: null, limit: 51 }
      for (const role of ["owner", "role-1"].map((name) => RoleName.make(name))) {
        const found = Option.getOrThrow(yield* members.list(viewer, { ...page, role }))
        assert.deepStrictEqual<unknown>(
          found.value.map(({ id }) => id),
          [idOf(1)],
        )
        const { value } = Option.getOrThrow(yield* members.list(viewer, { ...page, search: "2", role }))
        assert.deepStrictEqual(value, [])
      }
      assert.deepStrictEqual<unknown>(
        (yield* members.listAll(viewer.organization, { ...page, search: "user 12" })).map(({ id }) => id),
        beginning("12").slice(0, 51).map(memberIdOf),
      )
    }),
  )
})
