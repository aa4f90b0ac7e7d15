/**
 * From identifiers of protected resources to the resources.
 *
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 */
import type { ProtectedResource } from "../ProtectedResource.ts"

/**
 * The resources of `identifiers`, each once; null when one of them is neither configured nor on file, or disabled. What
 * is configured wins over what is on file.
 */
export const resolve = (
  configured: ReadonlyArray<ProtectedResource>,
  identifiers: ReadonlyArray<string>,
  onFile: ReadonlyArray<ProtectedResource>,
): ReadonlyArray<ProtectedResource> | null => {
  const found: Array<ProtectedResource> = []
  for (const identifier of new Set(identifiers)) {
    const isMeant = (resource: ProtectedResource) => resource.identifier === identifier
    const resource = configured.find(isMeant) ?? onFile.find(isMeant)
    if (resource === undefined || resource.isDisabled) return null
    found.push(resource)
  }
  return found
}
