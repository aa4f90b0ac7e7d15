/**
 * From identifiers of protected resources to the resources.
 *
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 */
import * as BoundResource from "../BoundResource.ts"
import type { OAuthServerSettingsService } from "../OAuthServerSettings.ts"
import type { ProtectedResource } from "../ProtectedResource.ts"

/**
 * The resources of `identifiers`, each once; null when one of them is neither configured, nor on file, nor of a family,
 * or disabled. What is configured wins over what is on file, and that over a family: so one of them can be disabled.
 * What it is bound to stays the same then.
 */
export const resolve = (
  { boundResources, resources }: Pick<OAuthServerSettingsService, "boundResources" | "resources">,
  identifiers: ReadonlyArray<string>,
  onFile: ReadonlyArray<ProtectedResource>,
): ReadonlyArray<ProtectedResource> | null => {
  const found: Array<ProtectedResource> = []
  for (const identifier of new Set(identifiers)) {
    const isMeant = (resource: ProtectedResource) => resource.identifier === identifier
    const resource =
      resources.find(isMeant) ?? onFile.find(isMeant) ?? BoundResource.match(boundResources, identifier)?.resource
    if (resource === undefined || resource.isDisabled) return null
    found.push(resource)
  }
  return found
}
