/**
 * The tools of the server's own MCP endpoint, called through the protocol by whoever a test says, and an organization
 * with people of every role.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import type { User } from "@belfry/core/User"
import { CurrentAccess, type McpAccess, UserLookup } from "@belfry/mcp/McpAccess"
import * as OrganizationServices from "@belfry/organization/OrganizationServices"
import * as BelfryMcp from "@belfry/server/BelfryMcp"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestServices from "@belfry/testing/TestServices"
import { DateTime, Effect, Layer, type Schema } from "effect"
import { McpProtocol, McpServer, McpTest } from "effect/ai"

/** The services over memory, with the roles that there are where a host declares none. */
export const layer = OrganizationServices.layerWithTeams.pipe(Layer.provideMerge(TestServices.layerMemory))

/** An access of a user, at the endpoint of all organizations unless one is given. */
export const accessOf = (user: Pick<User, "id">, organizationId: string | null = null): McpAccess => {
  const resource = `https://id.example.com/mcp${organizationId === null ? "" : `/organizations/${organizationId}`}`
  return {
    token: {
      clientId: "client",
      subject: user.id,
      isClientItself: false,
      scopes: [],
      audience: [resource],
      expiresAt: DateTime.makeUnsafe(0),
      claims: {},
    },
    resource,
    organizationId,
    caller: { ...unknownClient, ipAddress: "192.0.2.7" },
  }
}

/** A client of the tools, which are called with an access. */
export const connect = (access: McpAccess) =>
  McpTest.makeClient(
    BelfryMcp.layerTools.pipe(
      Layer.provide(
        McpServer.middleware<{ provides: CurrentAccess }>()(Effect.provideService(CurrentAccess, access)).layerGlobal,
      ),
      Layer.provide(UserLookup.layerBySubject),
    ),
    { protocols: [McpProtocol.v2025_11_25] },
  )

/** Calls a tool: what it answers, or in words why not. */
export const call = (access: McpAccess, name: string, given: Readonly<Record<string, Schema.Json>> = {}) =>
  Effect.gen(function* () {
    const client = yield* connect(access)
    const { content, isError, structuredContent } = yield* client.callTool({ name, arguments: given })
    const [first] = content
    return isError === true && first?.type === "text" ? first.text : structuredContent
  }).pipe(
    Effect.catch(({ message }) => Effect.succeed(message)),
    Effect.scoped,
  )

/** What the names of the tools are that somebody sees. */
export const seen = Effect.fnUntraced(function* (access: McpAccess) {
  const { tools } = yield* (yield* connect(access)).listTools()
  return tools.map(({ name }) => name)
}, Effect.scoped)

/** An organization with somebody of every role, somebody of none, and an open invitation; and one of somebody else. */
export const begin = Effect.gen(function* () {
  const { organization, owner, ownerId } = yield* OrganizationBuilders.storedOrganization({ name: "Engines" })
  const other = yield* OrganizationBuilders.storedOrganization({ name: "Looms" })
  const at = organization.id
  const join = (...names: ReadonlyArray<string>) =>
    OrganizationBuilders.storedMember(at, { roles: OrganizationBuilders.builtIn(...names) })
  const [admin, member, billing, target] = [
    yield* join("admin"),
    yield* join("member"),
    yield* join("billing"),
    yield* join("member"),
  ]
  const { invitation } = yield* OrganizationBuilders.storedInvitation({ organizationId: at })
  return {
    organization,
    other: other.organization,
    owner,
    ownerId,
    target,
    invitation,
    people: { owner, admin: admin.user, member: member.user, billing: billing.user, outsider: other.owner },
  }
})
