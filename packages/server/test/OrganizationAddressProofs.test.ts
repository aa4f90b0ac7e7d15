import { unknownClient } from "@belfry/core/AuditEvent"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as FactorsServices from "@belfry/factors/FactorsServices"
import { Passwords } from "@belfry/factors/Passwords"
import { Invitations } from "@belfry/organization/Invitations"
import { Memberships } from "@belfry/organization/Memberships"
import * as OrganizationSettings from "@belfry/organization/OrganizationSettings"
import { RoleName, type RoleNames } from "@belfry/organization/Role"
import * as OrganizationAddressProofs from "@belfry/server/OrganizationAddressProofs"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"

const layer = (settings: Parameters<typeof OrganizationSettings.make>[0] = {}) =>
  Layer.fresh(FactorsServices.layer).pipe(
    Layer.provideMerge(OrganizationAddressProofs.layer),
    Layer.provideMerge(TestServices.layerOrganization),
    Layer.provideMerge(Layer.succeed(OrganizationSettings.OrganizationSettings, OrganizationSettings.make(settings))),
    Layer.provideMerge(TestServices.layerMemory),
  )

const email = Email.make("grace@example.com")
const password = Redacted.make("correct horse battery staple")

/** An organization that invited Grace, and the token of the mail. */
const invite = Effect.gen(function* () {
  const { organization, owner } = yield* OrganizationBuilders.storedOrganization()
  const actor = yield* OrganizationBuilders.actor({ user: owner })
  const roles: RoleNames = [RoleName.make("admin")]
  yield* Invitations.use((invitations) => invitations.create(actor, organization.id, { email, roles }))
  const mailer = yield* CapturingMailer.CapturingMailer
  const link = CapturingMailer.linkIn(yield* mailer.takeLast(email, "organization-invitation"))
  return { organization, proof: Redacted.make(link.searchParams.get("token") ?? "") }
})

const signUp = (proof: Redacted.Redacted) =>
  Passwords.use((passwords) => passwords.signUpProved({ proof, password, name: "Grace", client: unknownClient }))

const grace = Users.use((users) => users.findByEmail(email))

describe("Signing up with an invitation", () => {
  it.effect("makes a user with the proven address, and a member, at once", () =>
    Effect.gen(function* () {
      const { organization, proof } = yield* invite
      yield* signUp(proof)
      const user = Option.getOrThrow(yield* grace)
      assert.isNotNull(user.emailVerifiedAt)
      const memberships = yield* Memberships
      const membership = yield* memberships.get({ userId: user.id, organization: organization.id })
      assert.deepStrictEqual(membership.roles.map(String), ["admin"])
      assert.strictEqual((yield* Effect.flip(signUp(proof)))._tag, "VerificationTokenInvalid")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("proves nothing by a token that is none, and by one whose time is over", () =>
    Effect.gen(function* () {
      const { proof } = yield* invite
      const wrong = Redacted.make(`${Redacted.value(proof).slice(0, -1)}x`)
      assert.strictEqual((yield* Effect.flip(signUp(wrong)))._tag, "VerificationTokenInvalid")
      yield* TestClock.adjust("7 days")
      assert.strictEqual((yield* Effect.flip(signUp(proof)))._tag, "VerificationTokenInvalid")
      assert.isTrue(Option.isNone(yield* grace))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("makes no user where the organization is full", () =>
    Effect.gen(function* () {
      const { proof } = yield* invite
      assert.strictEqual((yield* Effect.flip(signUp(proof)))._tag, "VerificationTokenInvalid")
      assert.isTrue(Option.isNone(yield* grace))
    }).pipe(Effect.provide(layer({ limits: { members: 1 } }))),
  )
})
