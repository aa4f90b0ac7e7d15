/**
 * The tools of this server's own MCP endpoint, over the services that the HTTP API is over: the same authorization, and
 * the same audit log.
 */
import { CurrentMcpUser } from "@belfry/mcp/McpAccess"
import { Invitations } from "@belfry/organization/Invitations"
import { MemberNotFound, toMemberRef } from "@belfry/organization/Member"
import { Members } from "@belfry/organization/Members"
import type { Actor } from "@belfry/organization/Membership"
import { Organizations } from "@belfry/organization/Organizations"
import * as Effect from "effect/Effect"
import * as Struct from "effect/Struct"
import { actor, makeCalled, unavailable } from "./calls.ts"
import { AdministrationTools, ReadingTools, UnboundTools } from "./tools.ts"

/** The handlers of `ReadingTools`. */
export const layerReading = ReadingTools.toLayer(
  Effect.gen(function* () {
    const organizations = yield* Organizations
    const members = yield* Members
    const invitations = yield* Invitations
    const called = yield* makeCalled

    return ReadingTools.of({
      get_account: () => Effect.map(CurrentMcpUser, (account) => ({ account })),
      get_organization: ({ organization: named }) =>
        Effect.gen(function* () {
          const { actor, organization } = yield* called(named)
          return yield* organizations.get(actor, organization)
        }).pipe(Effect.catchTag("StoreError", unavailable)),
      list_members: ({ organization: named, ...options }) =>
        Effect.gen(function* () {
          const { actor, organization } = yield* called(named)
          const { items, cursor } = yield* members.list(actor, organization, options)
          return { members: items, cursor }
        }).pipe(Effect.catchTag("StoreError", unavailable)),
      list_invitations: ({ organization: named, ...options }) =>
        Effect.gen(function* () {
          const { actor, organization } = yield* called(named)
          const { items, cursor } = yield* invitations.list(actor, organization, options)
          return { invitations: items, cursor }
        }).pipe(Effect.catchTag("StoreError", unavailable)),
    })
  }),
)

/** The handlers of `UnboundTools`. */
export const layerUnbound = UnboundTools.toLayer(
  Effect.gen(function* () {
    const organizations = yield* Organizations

    return UnboundTools.of({
      list_organizations: (options) =>
        Effect.gen(function* () {
          const { items, cursor } = yield* organizations.list(yield* actor, options)
          return { organizations: items.map((own) => Struct.omit(own, ["lastUsedAt"])), cursor }
        }).pipe(Effect.catchTag("StoreError", unavailable)),
    })
  }),
)

/** The handlers of `AdministrationTools`. */
export const layerAdministration = AdministrationTools.toLayer(
  Effect.gen(function* () {
    const members = yield* Members
    const invitations = yield* Invitations
    const called = yield* makeCalled

    return AdministrationTools.of({
      invite_member: ({ organization: named, ...invited }) =>
        Effect.gen(function* () {
          const { actor, organization } = yield* called(named)
          return { invitation: yield* invitations.create(actor, organization, invited) }
        }).pipe(
          Effect.catchTags({
            StoreError: unavailable,
            // An invitation is to no team here.
            TeamNotFound: Effect.die,
          }),
        ),
      revoke_invitation: ({ organization: named, invitation }) =>
        Effect.gen(function* () {
          const { actor, organization } = yield* called(named)
          yield* invitations.revoke(actor, organization, invitation)
          return { revoked: invitation }
        }).pipe(Effect.catchTag("StoreError", unavailable)),
      set_member_roles: ({ organization: named, member, roles }) =>
        Effect.gen(function* () {
          const { actor, organization } = yield* called(named)
          return { member: yield* members.setRoles(actor, organization, yield* memberOf(member, actor), roles) }
        }).pipe(Effect.catchTag("StoreError", unavailable)),
      remove_member: ({ organization: named, member }) =>
        Effect.gen(function* () {
          const { actor, organization } = yield* called(named)
          yield* members.remove(actor, organization, yield* memberOf(member, actor))
          return { removed: member }
        }).pipe(Effect.catchTag("StoreError", unavailable)),
    })
  }),
)

// internal

/** The member that a call names; what has the form of no name is not found. */
const memberOf = Effect.fnUntraced(function* (text: string, { user }: Actor) {
  return toMemberRef(text, user.id) ?? (yield* new MemberNotFound())
})
