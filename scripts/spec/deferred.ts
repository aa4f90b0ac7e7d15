/** Demands that are left out, each with its reason. */
import { leftOut, type Requirement } from "./requirement.ts"

const later = {
  par: "Pushed authorization requests come later; `request_uri` is refused, or resolved by the host's hook",
  jar: "Signed request objects come later; `request` is refused by its own error",
  dpop: "DPoP comes later; tokens are bearer tokens, and those bound to a key are refused",
  device: "The device grant comes later, as a grant type in the list",
  exchange: "Token exchange comes later, as a grant type in the list",
  assertions: "The jwt-bearer grant comes later, as a grant type in the list",
  management: "RFC 7592 comes later; clients are managed by their owners and by administrators",
  backChannel: "Back-channel logout comes later; grants of a session end with it",
  mtls: "TLS ends at the proxy in front, so client certificates come later",
  signedIntrospection: "Introspection is JSON; signed answers come later",
} as const

export const deferred: ReadonlyArray<Requirement> = [
  leftOut("RFC 9126 §2.1", "Pushed authorization requests are taken from clients that prove themselves", later.par),
  leftOut("RFC 9126 §2.1", "A pushed request contains no request_uri", later.par),
  leftOut("RFC 9126 §2.2", "201 with a request_uri of 5 to 600 seconds", later.par),
  leftOut("RFC 9126 §2.3", "405, 413 and 429", later.par),
  leftOut("RFC 9126 §4", "A request_uri is bound to its client, and used once", later.par),
  leftOut("RFC 9126 §5", "The endpoint of pushed requests is told", later.par),
  leftOut("RFC 9101 §6", "Signed request objects are verified", later.jar),
  leftOut("RFC 9449 §4.3", "DPoP proofs are checked", later.dpop),
  leftOut("RFC 9449 §5", "token_type DPoP, cnf.jkt, and bound refresh tokens of public clients", later.dpop),
  leftOut("RFC 9449 §5.1", "The algorithms of DPoP are told", later.dpop),
  leftOut("RFC 9449 §5.2", "dpop_bound_access_tokens forces proofs", later.dpop),
  leftOut("RFC 9449 §7", "A resource server takes bound tokens with their proofs alone", later.dpop),
  leftOut("RFC 9449 §10", "dpop_jkt binds a code", later.dpop),
  leftOut("RFC 8628 §3.1", "Device codes and user codes are issued", later.device),
  leftOut("RFC 8628 §3.5", "authorization_pending, slow_down, access_denied, expired_token", later.device),
  leftOut("RFC 8628 §4", "The device authorization endpoint is told", later.device),
  leftOut("RFC 8628 §5.1", "User codes cannot be guessed", later.device),
  leftOut("RFC 8693 §2.1", "subject_token, actor_token and their types are taken", later.exchange),
  leftOut("RFC 8693 §2.2", "issued_token_type, and no refresh token by default", later.exchange),
  leftOut("RFC 7523 §2.1", "The grant of assertions", later.assertions),
  leftOut("RFC 8705 §2", "Clients prove themselves by certificates, and tokens are bound to them", later.mtls),
  leftOut("RFC 9701 §5", "Introspection is answered with a signed JWT", later.signedIntrospection),
  leftOut("RFC 7592 §2.1", "A client reads, replaces and deletes its registration", later.management),
  leftOut(
    "OpenID Connect Back-Channel Logout §2.4",
    "Logout tokens: iss, aud, iat, exp, jti, events, no nonce",
    later.backChannel,
  ),
  leftOut(
    "OpenID Connect Back-Channel Logout §2.5",
    "They are posted to every client of the session, guarded",
    later.backChannel,
  ),
]
