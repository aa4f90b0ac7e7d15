/** Demands on the authorization endpoint: who asks, where answers go, and what binds a code. */
import { leftOut, must, type Requirement, should } from "./requirement.ts"

export const authorization: ReadonlyArray<Requirement> = [
  // Requests.
  must("RFC 6749 §3.1", "The authorization endpoint takes GET", /take GET/),
  must("OpenID Connect Core §3.1.2.1", "The authorization endpoint takes POST", /POST like GET/),
  must("RFC 6749 §3.1", "An empty parameter counts as absent", /empty parameter for none/),
  must("RFC 6749 §3.1", "Unknown parameters are ignored", /ignore unknown/),
  must("RFC 6749 §3.1", "A repeated parameter is invalid_request", /stands twice/),
  must("RFC 6749 §3.1", "resource may stand more than once (RFC 8707 §2)", /but for resource/),
  must("RFC 6749 §3.1.1", "response_type is asked for, and no other than code is taken", /response_type/),

  // Where answers go.
  must("RFC 6749 §4.1.2.1", "A bad or missing client_id never redirects", /NOT redirect where client_id/),
  must("RFC 6749 §4.1.2.1", "A bad or missing redirect_uri never redirects", /NOT redirect where redirect_uri/),
  must("RFC 6749 §4.1.2.1", "Nor does one that looks like a registered one", /NOT redirect to a URI/),
  must("RFC 6749 §4.1.2.1", "The person sees an error page then", /error page/),
  must("RFC 6749 §4.1.2.1", "Every other error goes to the client, with state and iss", /every other error/),
  must("RFC 6749 §4.1.2.1", "A client without the code grant is unauthorized_client", /unauthorized_client/),
  must("RFC 6749 §4.1.2.1", "A person who refuses is access_denied", /user said no/),
  must("RFC 9700 §4.1.3", "Redirect URIs are compared as exact strings", /redirect URIs as exact strings/),
  must("RFC 9700 §4.1.3", "Web clients get no other port", /not native/),
  must("RFC 6749 §3.1.2", "A redirect URI has no fragment, at registration and at use", /fragment/),
  must("RFC 6749 §3.1.2", "The query of a redirect URI is kept", /keep the query/),
  should("RFC 6749 §3.1.2.3", "One registered redirect URI may be left out", /one registered redirect URI/),
  must("OpenID Connect Core §3.1.2.2", "In OpenID Connect redirect_uri is asked for", /without redirect_uri/),
  must("RFC 9207 §2", "iss comes with every code and every error", /every code and every error/),
  must("RFC 9207 §2", "It is the issuer of the metadata, byte for byte", /issuer of the metadata/),
  must("RFC 9207 §2", "The clients that insist on it are content", /the library insists/),
  should(
    "RFC 9700 §4.11.2",
    "An error leads nobody to a URI that is not trusted without a click",
    /ask before an error leads away/,
  ),

  // Native applications.
  must("RFC 8252 §7.3", "A loopback redirect of a native client may have any port", /any port of a loopback redirect/),
  must("RFC 8252 §7.3", "Nothing but the port may differ, and no other host is loopback", /NOT take one loopback host/),
  must("RFC 8252 §7.1", "A private-use scheme with a period is a native redirect", /private-use scheme/),
  must("RFC 8252 §7.2", "A claimed https URI is a native redirect", /claimed https/),
  should("RFC 8252 §8.4", "Private-use schemes without a period are refused", /without a period/),
  must("RFC 8252 §8.5", "A secret in a native application does not stand for PKCE", /NOT trust a secret/),
  must("RFC 6749 §2.1", "A public client cannot be a client for itself", /public clients have client_credentials/),

  // Scope.
  must("RFC 6749 §3.3", "scope is a list by single spaces, of distinct case", /malformed or not registered/),
  must("RFC 6749 §3.3", "The scope granted is told where it is not the one asked for", /scope that was granted/),
  must("RFC 6749 §3.3", "Without a scope there is the default, or invalid_scope", /default where no scope/),

  // Codes.
  must("RFC 6749 §4.1.2", "A code lasts ten minutes at most", /longer than ten minutes/),
  must("RFC 6749 §4.1.2", "A code that is over is refused", /code that is over/),
  must("RFC 6749 §4.1.2", "A code is used once", /take a code once/),
  must("RFC 6749 §4.1.2", "Of 100 at once, one gets tokens", /one of 100 tokens for a code/),
  must("RFC 6749 §4.1.3", "A code is bound to its client", /another client/),
  must("RFC 6749 §4.1.3", "A code is bound to its redirect URI", /compare the redirect URI/),
  must("RFC 6749 §4.1.3", "Nobody uses a code up without being its client", /NOT burn a code/),
  should("RFC 6749 §4.1.2", "A second use revokes what the first produced", /SHOULD revoke what it gave/),
  must("RFC 6749 §4.1.2", "Only after the client proved itself", /client proved itself/),

  // PKCE.
  must("RFC 9700 §2.1.1", "Public clients cannot go without PKCE", /public clients for PKCE/),
  must("OAuth 2.1 §4.1.1", "Confidential clients neither, unless exempted", /confidential clients for PKCE/),
  must("OAuth 2.1 §7.5.1", "Who is exempted uses the nonce of OpenID Connect", /nonce/),
  must("RFC 7636 §4.1", "A verifier has 43 to 128 unreserved characters", /43 to 128/),
  must("RFC 7636 §4.1", "A verifier of another form is refused, though it fits", /another form/),
  must("RFC 7636 §4.2", "S256 is the one method", /S256 alone/),
  must("RFC 7636 §4.2", "The form of a challenge is checked", /no SHA-256 in base64url/),
  must("RFC 7636 §4.4.1", "plain, unknown and missing methods are invalid_request", /plain, other methods/),
  must("RFC 7636 §4.6", "A wrong verifier is invalid_grant, and uses nothing up", /wrong verifier/),
  leftOut(
    "RFC 7636 §4.6",
    "It is compared in constant time",
    "No test can tell: `isEqualText` looks at every character, and what it compares is a hash",
  ),
  must("RFC 7636 appendix B", "The vector of the appendix", /published challenge/),
  must("RFC 9700 §4.8.2", "A verifier without a challenge is refused", /where there was no challenge/),
  must("RFC 9700 §4.8.2", "A code without a challenge gives a public client nothing", /without a challenge/),

  // What is not there.
  must("RFC 9700 §2.1.2", "No access token is issued in a redirect", /access token in a redirect/),
  must("OAuth 2.0 Multiple Response Type Encoding Practices §2.1", "No code in a fragment", /fragments/),
  must("RFC 9700 §2.4", "There is no password grant", /password of a user/),

  // Transport and browsers.
  must("RFC 6749 §3.2", "TLS, which a proxy in front ends: in production the origin is https", /without TLS/),
  must("RFC 9700 §4.12", "No 307 after credentials were posted: 303", /303/),
  must("RFC 9700 §2.6", "No other origin may call the authorization endpoint", /other origins call the authorization/),
  should("RFC 9700 §2.6", "Pages may call what takes no cookie", /pages of any origin call/),
  should("RFC 9700 §4.16", "The answers of the endpoint cannot be framed", /frame a page/),
  should("RFC 9700 §4.16", "Nor can the pages of sign-in and consent", /stand in no frame/),
  should("RFC 9700 §4.2.4", "Referrers tell nothing", /no other site/),
  should("RFC 9700 §4.2.4", "Pages load nothing of others (default-src 'none')", /security headers/),
  should("RFC 9700 §4.2.4", "Neither codes nor state are logged", /logs/),
  must("RFC 9700 §4.15", "A client's own subject is never taken for a user's", /taken for a user/),
  should("RFC 9700 §4.13", "Proxy headers are believed where configured", /no proxy is trusted/),
  should("RFC 9700 §4.13", "And only from proxies that are named", /not one of the trusted/),
]
