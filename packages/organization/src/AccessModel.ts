/**
 * What access is decided by: the permissions and roles that the host declared, or those of the package alone.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { type AccessRules, anyMetadata, define } from "./AccessDefinition.ts"

/**
 * What access is decided by; the package's own permissions and roles unless the host declared more.
 *
 * @category services
 * @since 0.1.0
 */
export const AccessModel = Context.Reference<AccessRules>("@belfry/organization/AccessModel", {
  defaultValue: () =>
    define({ resources: {}, roles: {}, teamRoles: {}, metadata: { public: anyMetadata, private: anyMetadata } }).rules,
})

/**
 * Layer of a host's declaration.
 *
 * **Example**
 *
 * ```ts
 * const AccessLive = AccessModel.layer(access)
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (definition: { readonly rules: AccessRules }) => Layer.succeed(AccessModel, definition.rules)
