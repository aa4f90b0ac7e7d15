/**
 * What the specifications demand of the authorization server and of resource servers, in own words.
 *
 * Each is either tested, by a test in the `describe` of its spec and section whose name is about it, and begins with
 * MUST where the demand is one; or left out, with the reason.
 */
import { authorization } from "./authorization.ts"
import { clients } from "./clients.ts"
import { conformance } from "./conformance.ts"
import { deferred } from "./deferred.ts"
import { openid } from "./openid.ts"
import type { Requirement } from "./requirement.ts"
import { tokens } from "./tokens.ts"

/** All of them. */
export const requirements: ReadonlyArray<Requirement> = [
  ...authorization,
  ...tokens,
  ...clients,
  ...openid,
  ...conformance,
  ...deferred,
]
