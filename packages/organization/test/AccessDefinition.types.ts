/**
 * What the compiler knows of a host's declaration: every misspelt permission, role or metadata is an error of its own.
 */
import * as AccessDefinition from "@belfry/organization/AccessDefinition"
import * as AccessModel from "@belfry/organization/AccessModel"
import type { Membership } from "@belfry/organization/Membership"
import type { Organization } from "@belfry/organization/Organization"
import type { Permission } from "@belfry/organization/Permission"
import type { RoleName } from "@belfry/organization/Role"
import { Effect, Schema } from "effect"

const metadata = { public: AccessDefinition.anyMetadata, private: AccessDefinition.anyMetadata }

export const access = AccessDefinition.define({
  resources: { project: ["read", "create", "delete"] },
  roles: { member: ["project:read"], editor: ["project:read", "project:create", "member:read"] },
  teamRoles: { lead: ["project:delete"] },
  metadata: { public: Schema.Struct({ plan: Schema.Literals(["free", "team"]) }), private: metadata.private },
})

export const layer = AccessModel.layer(access)

// Permissions of the host and of the package, and no others.
export const ofHost: Permission = access.permission("project:create")
export const ofPackage: Permission = access.permission("member:read")
// @ts-expect-error: the host declares no such action
access.permission("project:crate")
// @ts-expect-error: the host declares no such resource
access.permission("invoice:read")

// Roles of the host and of the package, and no others.
export const role: RoleName = access.role("editor")
export const owner: RoleName = access.role("owner")
// @ts-expect-error: the host declares no such role
access.role("edtor")

export const use = (membership: Membership, organization: Organization) =>
  Effect.gen(function* () {
    yield* access.require(membership, "project:create", "member:read")
    // @ts-expect-error: the host declares no such action
    yield* access.require(membership, "project:nope")
    // @ts-expect-error: the host declares no such action
    access.has(membership, "project:nope")
    const { plan } = yield* access.publicMetadata(organization)
    const known: "free" | "team" = plan
    return known
  })

AccessDefinition.define({
  resources: { project: ["read"] },
  // @ts-expect-error: a role cannot give what nobody declares
  roles: { editor: ["project:rad"] },
  teamRoles: {},
  metadata,
})

AccessDefinition.define({
  resources: { project: ["read"] },
  // @ts-expect-error: an owner has everything, and cannot be declared
  roles: { owner: ["project:read"] },
  teamRoles: {},
  metadata,
})

AccessDefinition.define({
  resources: { project: ["read"] },
  roles: {},
  // @ts-expect-error: a role in teams cannot give what nobody declares
  teamRoles: { lead: ["project:rad"] },
  metadata,
})

// @ts-expect-error: text is no permission
export const text: Permission = "project:read"
