/**
 * What a host of the tests declares of access: projects, an editor, more for whoever leads a team.
 *
 * @since 0.1.0
 */
import * as AccessDefinition from "@belfry/organization/AccessDefinition"
import * as AccessModel from "@belfry/organization/AccessModel"
import * as Schema from "effect/Schema"

/**
 * The declaration.
 *
 * @category rules
 * @since 0.1.0
 */
export const access = AccessDefinition.define({
  resources: { project: ["read", "create", "delete"] },
  roles: { member: ["project:read"], editor: ["project:read", "project:create", "member:read"] },
  teamRoles: { lead: ["project:delete"], reviewer: ["project:read"] },
  metadata: {
    public: Schema.Struct({ plan: Schema.optionalKey(Schema.Literals(["free", "team"])) }),
    private: Schema.Struct({ customerId: Schema.optionalKey(Schema.String) }),
  },
})

/**
 * Layer of the declaration.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = AccessModel.layer(access)
