/** The modules of the conformance plans of the OpenID Foundation: what each looks at is tested here too. */
import { leftOut, type Requirement, should } from "./requirement.ts"

const authorizing = "OpenID Connect Core §3.1.2.1"
const logout = "OpenID Connect RP-Initiated Logout §2"
const afterLogout = "OpenID Connect RP-Initiated Logout §3"
const basic = "OpenID conformance, basic"
const dynamic = "OpenID conformance, dynamic"
const ended = "OpenID conformance, logout"

export const conformance: ReadonlyArray<Requirement> = [
  should("RFC 6749 §2.3.1", "oidcc-server", /MUST take a secret in the Authorization header/),
  should("RFC 6749 §3.1.1", "oidcc-response-type-missing", /missing response_type/),
  should("OpenID Connect Core §3.1.3.6", "oidcc-idtoken-signature", /signs ID tokens with/),
  should(
    "OpenID Connect Core §5.3.1",
    "oidcc-userinfo-get, -post-header, -post-body",
    /GET and by POST, in the header or in a form/,
  ),
  should(basic, "oidcc-ensure-request-without-nonce-succeeds-for-code-flow", /without nonce/),
  should("OpenID Connect Core §5.4", "oidcc-scope-profile, -email, -all", /at UserInfo, and not in the ID token/),
  leftOut(
    "OpenID Connect Core §5.4",
    "oidcc-scope-address, -phone",
    "Users have neither here: the metadata names no such scope",
    "SHOULD",
  ),
  should(basic, "oidcc-display-page, -popup", /display/),
  should(
    basic,
    "oidcc-ui-locales, -claims-locales, -ensure-request-with-acr-values-succeeds",
    /locales and acr_values/,
  ),
  should(basic, "oidcc-login-hint", /login_hint/),
  should(basic, "oidcc-ensure-request-with-unknown-parameter-succeeds", /unknown parameter/),
  should(basic, "oidcc-prompt-login", /prompt=login/),
  should(basic, "oidcc-prompt-none-not-logged-in, -logged-in", /prompt=none/),
  should(basic, "oidcc-max-age-1, -10000", /max_age/),
  should(basic, "oidcc-id-token-hint", /id_token_hint/),
  should("RFC 6749 §4.1.2", "oidcc-codereuse", /code that was used/),
  should(basic, "oidcc-codereuse-30seconds", /30 seconds/),
  should("RFC 6749 §4.1.2.1", "oidcc-ensure-registered-redirect-uri", /NOT redirect to a URI/),
  should(authorizing, "oidcc-ensure-post-request-succeeds", /POST like GET/),
  should("RFC 6749 §2.3.1", "oidcc-server-client-secret-post", /secret in the form of a client/),
  should(
    "OpenID Connect Core §3.1.2.6",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    /refuse request objects as/,
  ),
  should(
    "OpenID Connect Core §3.1.2.6",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    /refuse request objects as/,
  ),
  should(basic, "oidcc-claims-essential", /essential claim/),
  should("OpenID Connect Core §12.2", "oidcc-refresh-token", /refreshed ID token/),
  should("RFC 7636 §4", "oidcc-ensure-request-with-valid-pkce-succeeds", /code and verifier/),

  should(
    "OpenID Connect Discovery §3",
    "oidcc-discovery-endpoint-verification",
    /every endpoint that the library needs/,
  ),
  should(dynamic, "oidcc-redirect-uri-query-OK, -mismatch, -added", /query of a redirect URI/),
  should(dynamic, "oidcc-redirect-uri-regfrag", /fragment/),
  should(dynamic, "oidcc-registration-logo-uri, -policy-uri, -tos-uri", /logo, policy and terms/),
  should("RFC 7523 §3", "oidcc-registration-jwks-uri", /keys of a client from its jwks_uri/),
  should(
    "OpenID Connect Core §8.1",
    "oidcc-registration-sector-uri, -sector-bad",
    /every redirect URI in the document/,
  ),
  should("OpenID Connect Core §10.1.1", "oidcc-server-rotate-keys", /at once on demand/),
  leftOut(
    "OpenID Connect Core §5.3.2",
    "oidcc-userinfo-rs256",
    "UserInfo is JSON: the metadata names no algorithm for it, and the member is ignored as the standard has it",
    "SHOULD",
  ),

  should(logout, "oidcc-rp-initiated-logout", /goes back with state/),
  should(logout, "oidcc-rp-initiated-logout-bad-id-token-hint, -modified-id-token-hint", /refuse a hint/),
  should(logout, "oidcc-rp-initiated-logout-no-id-token-hint", /ask the person where there is no hint/),
  should(
    afterLogout,
    "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri, -query-added-to-post-logout-redirect-uri",
    /NOT redirect to what is not registered/,
  ),
  should(ended, "oidcc-rp-initiated-logout-no-post-logout-redirect-uri, -only-state, -no-params", /by itself/),

  should("RFC 6749 §4.1.3", "fapi2: code bound to its client", /issued to another client/),
  should("RFC 7636 §4.6", "fapi2: incorrect code_verifier", /wrong verifier/),
  should("RFC 9700 §4.8.2", "fapi2: absent code_verifier", /a challenge and no verifier/),
  should("RFC 7636 §4.4.1", "fapi2: plain PKCE refused", /plain, other methods/),
  should("RFC 7523 §3", "fapi2: client assertion without sub, of wrong aud, expired", /check iss, sub, aud, exp/),
  should("RFC 6749 §3.1", "fapi2: long nonce and state", /nobody can keep/),
  should("RFC 6749 §4.1.2.1", "fapi2: user rejects", /user said no/),
]
