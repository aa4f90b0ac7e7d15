/**
 * An organization whose people invite others, over memory.
 */
import type { Email } from "@belfry/core/User"
import * as Invitations from "@belfry/organization/Invitations"
import * as OrganizationHooks from "@belfry/organization/OrganizationHooks"
import * as OrganizationSettings from "@belfry/organization/OrganizationSettings"
import { Permission } from "@belfry/organization/Permission"
import { type RoleAssignment, RoleName, type RoleNames } from "@belfry/organization/Role"
import * as Teams from "@belfry/organization/Teams"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestAccess from "@belfry/testing/TestAccess"
import * as TestServices from "@belfry/testing/TestServices"
import { Effect, Layer, Redacted } from "effect"

export const builtIn = OrganizationBuilders.builtIn

export const named = (name: string) => RoleName.make(name)

/** Roles as people ask for them. */
export const roles = (first: string, ...rest: ReadonlyArray<string>): RoleNames => [named(first), ...rest.map(named)]

/** Invitations with settings and hooks, over memory. */
export const layer = (
  settings: Parameters<typeof OrganizationSettings.make>[0] = {},
  hooks: Partial<OrganizationHooks.OrganizationHooksService> = {},
) =>
  Invitations.layer.pipe(
    Layer.provideMerge(Teams.layerAssignments),
    Layer.provideMerge(
      Layer.mergeAll(
        TestAccess.layer,
        Layer.succeed(OrganizationSettings.OrganizationSettings, OrganizationSettings.make(settings)),
        Layer.succeed(OrganizationHooks.OrganizationHooks, { ...OrganizationHooks.none, ...hooks }),
      ),
    ),
    Layer.provideMerge(TestServices.layerMemory),
  )

/** An organization with its owner Ada, and ways for others to come. */
export const begin = Effect.gen(function* () {
  const invitations = yield* Invitations.Invitations
  const { organization, owner, ownerId } = yield* OrganizationBuilders.storedOrganization()
  const at = organization.id
  const ada = { actor: yield* OrganizationBuilders.actor({ user: owner }), id: ownerId }
  const join = Effect.fnUntraced(function* (assignment: RoleAssignment = builtIn("member")) {
    const actor = yield* OrganizationBuilders.actor()
    return { actor, ...(yield* OrganizationBuilders.storedMember(at, { user: actor.user, roles: assignment })) }
  })
  return {
    invitations,
    organization,
    at,
    ada,
    join,
    /** Somebody with these permissions and no more. */
    joinWith: Effect.fnUntraced(function* (...permissions: ReadonlyArray<string>) {
      const role = yield* OrganizationBuilders.storedRole(at, {
        permissions: permissions.map((permission) => Permission.make(permission)),
      })
      return yield* join({ builtIn: [], custom: [role.id] })
    }),
    role: (name: string, ...permissions: ReadonlyArray<string>) =>
      OrganizationBuilders.storedRole(at, {
        name: named(name),
        permissions: permissions.map((permission) => Permission.make(permission)),
      }),
    team: OrganizationBuilders.storedTeam({ organizationId: at }),
    /** Ada invites an address, as a member. */
    invite: (email: Email, options: Partial<Parameters<typeof invitations.create>[2]> = {}) =>
      invitations.create(ada.actor, at, { email, roles: roles("member"), ...options }),
    /** Ada invites an address; the token is the one that was mailed. */
    inviteByMail: Effect.fnUntraced(function* (
      email: Email,
      options: Partial<Parameters<typeof invitations.create>[2]> = {},
    ) {
      const invitation = yield* invitations.create(ada.actor, at, { email, roles: roles("member"), ...options })
      const token = yield* takeToken(email)
      return { invitation, token, key: { _tag: "Token", token } as const }
    }),
  }
})

/** The newest mail that invites an address. */
export const takeMail = (email: Email) =>
  CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(email, "organization-invitation"))

/** The token of the newest mail to an address. */
export const takeToken = (email: Email) =>
  Effect.map(takeMail(email), (mail) => Redacted.make(CapturingMailer.linkIn(mail).searchParams.get("token") ?? ""))

/** How many mails wait that nobody took. */
export const waitingMails = Effect.flatMap(CapturingMailer.CapturingMailer, ({ messages }) =>
  Effect.map(messages, (all) => all.length),
)

/** What a call fails with: its tag, and the fields that tell why. */
export const refusal = <A, E extends { readonly _tag: string }, R>(call: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(call), (error): ReadonlyArray<unknown> => {
    const fields = ["reason", "missing", "roles", "what", "limit", "maximum"]
    return [error._tag, ...fields.flatMap((name) => (Reflect.has(error, name) ? [Reflect.get(error, name)] : []))]
  })

export const missing = (...permissions: ReadonlyArray<string>) => ["PermissionMissing", "permission", permissions]

export const escalation = (...permissions: ReadonlyArray<string>) => ["PermissionMissing", "escalation", permissions]
