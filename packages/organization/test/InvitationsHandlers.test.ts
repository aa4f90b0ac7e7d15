/**
 * Invitations over HTTP: what each endpoint takes, and what it answers by which status.
 */
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { layer, serve, signIn } from "./support/HostServer.ts"
import { takeToken } from "./support/Inviting.ts"

const { at } = TestHttp
const bob = Email.make("bob@example.com")
const nowhere = "00000000-0000-7000-8000-000000000000"

/** Ada's organization, and Ada and Bob as they send requests. */
const begin = Effect.gen(function* () {
  const { as } = yield* serve
  const [ada, bobs] = [yield* signIn("ada"), yield* signIn("bob")]
  const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: ada.actor.user })
  const invitations = `/auth/organizations/${organization.id}/invitations`
  const asAda = as(ada.token)
  return {
    organization,
    invitations,
    asAda,
    asBob: as(bobs.token),
    asNobody: as(null),
    bobs,
    /** Invites Bob; the invitation as it was answered, and the token of the mail. */
    invite: Effect.gen(function* () {
      const response = yield* asAda("POST", invitations, { email: bob, roles: ["member"] })
      const id = String(at(response.json, "id"))
      return { response, id, token: Redacted.value(yield* takeToken(bob)) }
    }),
  }
})

/** Asserts that a response is this problem. */
const assertProblem = (response: TestHttp.TestResponse, status: number, tag: string, fields: object = {}) => {
  assert.deepStrictEqual([response.status, at(response.json, "_tag")], [status, tag])
  assert.deepInclude(response.json, fields)
  assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
}

describe("POST /auth/organizations/:organization/invitations", () => {
  it.effect("answers 201 with the invitation, and tells nobody the token", () =>
    Effect.gen(function* () {
      const { invite, invitations, asAda, organization } = yield* begin
      const { response, token, id } = yield* invite
      assert.strictEqual(response.status, 201)
      assert.strictEqual(at(response.json, "organizationId"), organization.id)
      assert.strictEqual(at(response.json, "expiresAt"), "1970-01-08T00:00:00.000Z")
      const shown = yield* asAda("GET", `${invitations}/${id}`)
      assert.deepStrictEqual(shown.json, response.json)
      for (const text of [response.text, shown.text]) assert.notInclude(text, token)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes a lifetime in seconds, and sends again where that is asked for", () =>
    Effect.gen(function* () {
      const { invitations, asAda } = yield* begin
      const payload = { email: " Carol@Example.com ", roles: ["member"], lifetime: 7200 }
      const first = yield* asAda("POST", invitations, payload)
      assert.deepStrictEqual(
        [at(first.json, "expiresAt"), at(first.json, "email")],
        ["1970-01-01T02:00:00.000Z", "carol@example.com"],
      )
      assertProblem(yield* asAda("POST", invitations, payload), 409, "InvitationConflict", { reason: "invited" })
      const again = yield* asAda("POST", invitations, { ...payload, resend: true })
      assert.deepStrictEqual(
        [again.status, at(again.json, "id"), at(again.json, "sends")],
        [201, at(first.json, "id"), 2],
      )
      const limited = yield* asAda("POST", invitations, { ...payload, resend: true })
      assertProblem(limited, 429, "RateLimited")
      assert.strictEqual(limited.headers.get("retry-after"), "60")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("answers each refusal by its status", () =>
    Effect.gen(function* () {
      const { invitations, asAda, asBob, asNobody, invite } = yield* begin
      const payload = { email: "carol@example.com", roles: ["member"] }
      assert.strictEqual((yield* asNobody("POST", invitations, payload)).status, 401)
      assertProblem(yield* asBob("POST", invitations, payload), 404, "OrganizationNotFound")
      const boss = yield* asAda("POST", invitations, { ...payload, roles: ["boss"] })
      assertProblem(boss, 404, "RoleNotFound", { roles: ["boss"] })
      const team = yield* asAda("POST", invitations, { ...payload, teams: [{ teamId: nowhere }] })
      assertProblem(team, 404, "TeamNotFound", { what: "team" })
      for (const wrong of [{ email: "x" }, { roles: [] }, { roles: ["member", "member"] }, { lifetime: 1 }]) {
        assertProblem(yield* asAda("POST", invitations, { ...payload, ...wrong }), 422, "InvalidRequest")
      }
      yield* invite
      const full = yield* asAda("POST", invitations, payload)
      assertProblem(full, 409, "LimitReached", { limit: "invitations", maximum: 1 })
    }).pipe(Effect.provide(layer({ settings: { limits: { invitations: 1 } } }))),
  )
})

describe("/auth/organizations/:organization/invitations/:invitationId", () => {
  it.effect("lists by status, sends again and takes back", () =>
    Effect.gen(function* () {
      const { invitations, asAda, invite } = yield* begin
      const { id } = yield* invite
      const list = (query: string) =>
        Effect.map(asAda("GET", `${invitations}?${query}`), ({ json }) => {
          const rows = at(json, "invitations")
          return Array.isArray(rows) ? rows.length : rows
        })
      assert.deepStrictEqual([yield* list("status=pending&limit=1"), yield* list("status=revoked")], [1, 0])
      const sent = yield* asAda("POST", `${invitations}/${id}/resend`)
      assert.deepStrictEqual([sent.status, at(sent.json, "sends")], [200, 2])
      assertProblem(yield* asAda("POST", `${invitations}/${id}/resend`), 429, "RateLimited")
      const revoked = yield* asAda("DELETE", `${invitations}/${id}`)
      assert.deepStrictEqual([revoked.status, revoked.text], [204, ""])
      assertProblem(yield* asAda("DELETE", `${invitations}/${id}`), 409, "InvitationClosed", { reason: "revoked" })
      assert.deepStrictEqual([yield* list("status=pending"), yield* list("status=revoked")], [0, 1])
      assertProblem(yield* asAda("GET", `${invitations}?status=lost`), 422, "InvalidRequest")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is not found where it is none, of whatever form its id is", () =>
    Effect.gen(function* () {
      const { invitations, asAda } = yield* begin
      for (const id of [nowhere, "x", nowhere.toUpperCase().replaceAll("0", "A"), "%00"]) {
        assertProblem(yield* asAda("GET", `${invitations}/${id}`), 404, "InvitationNotFound")
        assertProblem(yield* asAda("DELETE", `${invitations}/${id}`), 404, "InvitationNotFound")
        assertProblem(yield* asAda("POST", `${invitations}/${id}/resend`), 404, "InvitationNotFound")
        assertProblem(yield* asAda("POST", `/auth/invitations/${id}/accept`), 404, "InvitationNotFound")
        assertProblem(yield* asAda("POST", `/auth/invitations/${id}/reject`), 404, "InvitationNotFound")
      }
      const elsewhere = invitations.replace(/organizations\/[^/]+/u, "organizations/%20")
      assertProblem(yield* asAda("GET", elsewhere), 404, "OrganizationNotFound")
    }).pipe(Effect.provide(layer())),
  )
})

describe("POST /auth/invitations/preview", () => {
  it.effect("shows an invitation to whoever has its token, without a session", () =>
    Effect.gen(function* () {
      const { asNobody, invite, organization } = yield* begin
      const { id, token } = yield* invite
      const preview = yield* asNobody("POST", "/auth/invitations/preview", { token })
      assert.deepStrictEqual(preview.json, {
        id,
        organizationName: organization.name,
        organizationLogo: null,
        email: bob,
        inviterName: "ada",
        roles: ["member"],
        status: "pending",
        expiresAt: "1970-01-08T00:00:00.000Z",
      })
      for (const other of ["", "x", "🦉"]) {
        assertProblem(yield* asNobody("POST", "/auth/invitations/preview", { token: other }), 404, "InvitationNotFound")
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("POST /auth/invitations/accept and reject", () => {
  it.effect("makes a member by the token, twice as once", () =>
    Effect.gen(function* () {
      const { asBob, asNobody, asAda, bobs, invite, organization } = yield* begin
      const { token } = yield* invite
      const accept = (as: typeof asBob) => as("POST", "/auth/invitations/accept", { token })
      assert.strictEqual((yield* accept(asNobody)).status, 401)
      const accepted = yield* accept(asBob)
      assert.strictEqual(accepted.status, 200)
      assert.deepStrictEqual(
        [at(accepted.json, "organizationId"), at(accepted.json, "userId"), at(accepted.json, "roles")],
        [organization.id, bobs.actor.user.id, ["member"]],
      )
      assert.notProperty(accepted.json, "permissionSet")
      assert.deepStrictEqual((yield* accept(asBob)).json, accepted.json)
      assertProblem(yield* accept(asAda), 409, "InvitationClosed", { reason: "accepted" })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("makes a member by the id, from the list of one's own", () =>
    Effect.gen(function* () {
      const { asBob, asAda, invite } = yield* begin
      const { id } = yield* invite
      const mine = yield* asBob("GET", "/auth/invitations")
      assert.deepStrictEqual(
        [at(mine.json, "invitations", "0", "id"), at(mine.json, "invitations", "0", "organizationName")],
        [id, "Analytical Engines"],
      )
      assertProblem(yield* asAda("POST", `/auth/invitations/${id}/accept`), 404, "InvitationNotFound")
      assert.strictEqual((yield* asBob("POST", `/auth/invitations/${id}/accept`)).status, 200)
      const none = yield* asBob("GET", "/auth/invitations")
      assert.deepStrictEqual(none.json, { invitations: [], cursor: null })
    }).pipe(Effect.provide(layer())),
  )

  it.effect.each(["by the token", "by the id"])("answers 401 to somebody who is deleted while they accept %s", (by) => {
    let meanwhile: Effect.Effect<void> = Effect.void
    const members = () =>
      Effect.as(
        Effect.suspend(() => meanwhile),
        null,
      )
    return Effect.gen(function* () {
      const { asBob, bobs, invite } = yield* begin
      const { id, token } = yield* invite
      const users = yield* Users
      // Limits are asked for again where an acceptance met somebody else's change.
      meanwhile = yield* Effect.cached(Effect.orDie(users.remove(bobs.actor.user.id)))
      const [path, json] = by === "by the token" ? ["accept", { token }] : [`${id}/accept`, undefined]
      const refused = yield* asBob("POST", `/auth/invitations/${path}`, json)
      assertProblem(refused, 401, "SessionInvalid")
      assert.strictEqual(refused.headers.get("www-authenticate"), 'Bearer error="invalid_token"')
    }).pipe(Effect.provide(layer({ settings: { limits: { members } } })))
  })

  it.effect("turns an invitation down by the token without a session, or by the id", () =>
    Effect.gen(function* () {
      const { asBob, asNobody, invite } = yield* begin
      const first = yield* invite
      const reject = asNobody("POST", "/auth/invitations/reject", { token: first.token })
      assert.strictEqual((yield* reject).status, 204)
      assertProblem(yield* reject, 409, "InvitationClosed", { reason: "rejected" })
      const second = yield* invite
      assert.strictEqual((yield* asNobody("POST", `/auth/invitations/${second.id}/reject`)).status, 401)
      assert.strictEqual((yield* asBob("POST", `/auth/invitations/${second.id}/reject`)).status, 204)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses another address where the host says so, and what is over or finds no room", () =>
    Effect.gen(function* () {
      const { asBob, asAda, invite } = yield* begin
      const { token, id } = yield* invite
      const other = yield* asAda("POST", "/auth/invitations/accept", { token })
      assertProblem(other, 403, "InvitationForAnother", { reason: "address" })
      const full = yield* asBob("POST", "/auth/invitations/accept", { token })
      assertProblem(full, 409, "LimitReached", { limit: "members", maximum: 1 })
      yield* TestClock.adjust("6 days")
      const kept = yield* asBob("GET", "/auth/invitations")
      assert.strictEqual(at(kept.json, "invitations", "0", "id"), id)
    }).pipe(Effect.provide(layer({ settings: { acceptsOtherAddresses: false, limits: { members: 1 } } }))),
  )
})
