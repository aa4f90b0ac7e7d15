/** Demands of OpenID Connect: ID tokens, prompts, UserInfo, subjects, keys, and logging out. */
import { must, type Requirement, should } from "./requirement.ts"

const authorizing = "OpenID Connect Core §3.1.2.1"
const logout = "OpenID Connect RP-Initiated Logout §2"
const afterLogout = "OpenID Connect RP-Initiated Logout §3"

export const openid: ReadonlyArray<Requirement> = [
  // ID tokens.
  must(
    "OpenID Connect Core §2",
    "iss, sub, aud, exp, iat, auth_time, acr, amr, nonce",
    /carry its claims in an ID token/,
  ),
  must("OpenID Connect Core §2", "nonce comes back, and auth_time is there", /nonce of the request/),
  must("OpenID Connect Core §8", "sub has at most 255 ASCII characters", /255 ASCII/),
  must("OpenID Connect Core §3.1.3.6", "at_hash fits the access token", /at_hash of the example/),
  must("OpenID Connect Core §15.1", "RS256 unless the client registered another algorithm", /RS256 for clients/),
  must("OpenID Connect Core §15.1", "An RS256 key is published", /publish an RS256 key/),
  must(
    "OpenID Connect Core §12.2",
    "A refreshed ID token keeps iss, sub, aud, auth_time, without nonce",
    /keep iss, sub, aud and auth_time/,
  ),
  must("RFC 8725 §3.1", "Nothing is taken unsigned (Core §16)", /unsigned/),
  must("RFC 9068 §4", "ID tokens and access tokens are not taken for each other (Core §16)", /nor the reverse/),

  // Requests.
  must(authorizing, "prompt=none shows no page", /page for prompt=none/),
  must(authorizing, "prompt=none stands alone", /none beside another/),
  must(authorizing, "prompt=login authenticates again", /again for prompt=login/),
  must(authorizing, "prompt=consent asks again", /consent with prompt=consent/),
  must(authorizing, "prompt=select_account lets choose", /prompt=select_account/),
  must("OpenID Connect Core §3.1.2.6", "Each page has its error in silence", /tell a silent request/),
  should("Initiating User Registration via OpenID Connect §4.1", "prompt=create shows the sign-up", /prompt=create/),
  must(authorizing, "max_age authenticates again", /more than max_age/),
  must(authorizing, "max_age=0 is prompt=login", /max_age=0/),
  must(authorizing, "default_max_age and require_auth_time are enforced", /default_max_age/),
  should(authorizing, "id_token_hint names who must be signed in", /SHOULD enforce id_token_hint/),
  must(authorizing, "id_token_hint that is none is refused", /hint that is no ID token/),
  must(
    "OpenID Connect Core §15.1",
    "display, ui_locales, claims_locales, acr_values, login_hint are no error",
    /display, ui_locales/,
  ),
  should(authorizing, "ui_locales is the language of the pages", /language that the client/),
  should(authorizing, "login_hint is shown at the sign-in", /whom the client expects/),
  must("OpenID Connect Core §3.1.2.6", "request, request_uri, registration have their own errors (§6)", /own codes/),
  must("OpenID Connect Core §3.1.2.4", "Consent is asked for where none stands", /consent where none stands/),
  must("OpenID Connect Core §3.1.2.3", "Consent is posted from here alone", /decision from other origins/),
  must("OpenID Connect Core Unmet Authentication Requirements §2", "acr_values step up, or it is said", /step up/),
  must("OpenID Connect Core §5.5.1.1", "An essential acr is enforced, others are wishes", /essential acr/),
  must("OpenID Connect Core §11", "offline_access needs a client that refreshes", /ignore offline_access/),
  must("OpenID Connect Core §11", "offline_access is asked of the person", /consent to offline_access/),

  // UserInfo.
  must("OpenID Connect Core §5.3", "sub is that of the ID token", /sub of the ID token/),
  should("OpenID Connect Core §5.3", "Pages of every origin may ask", /pages of any origin/),
  must("OpenID Connect Core §5.3.1", "GET and POST, by header or form", /GET and by POST/),
  must("OpenID Connect Core §5.3.2", "JSON, kept by nobody", /JSON/),
  must(
    "OpenID Connect Core §5.4",
    "The claims of scopes are at UserInfo, and none in the ID token",
    /at UserInfo, and not in the ID token/,
  ),
  must("OpenID Connect Core §5.5", "claims gives single claims at UserInfo and in the ID token", /single claims where/),
  must("OpenID Connect Core §5.5", "claims of another form is refused", /not of the form/),

  // Subjects and keys.
  must("OpenID Connect Core §8", "A pairwise sub is stable in a sector, of no use across", /one subject in a sector/),
  must("OpenID Connect Core §8.1", "Several hosts need a sector document", /ask for a sector identifier/),
  must("OpenID Connect Core §8.1", "It lists every redirect URI", /every redirect URI/),
  must("OpenID Connect Core §8.1", "It is read by https, guarded", /https alone/),
  should("OpenID Connect Core §10.1.1", "New keys come before they sign", /publish the next key/),
  should("OpenID Connect Core §10.1.1", "The JWK Set may be kept for less than that", /be kept for less/),

  // Logging out.
  must(logout, "GET ends the session that the hint names, and redirects with state", /MUST end the session/),
  must(logout, "POST is taken", /POST like GET/),
  should(logout, "An ID token that is over is a hint too", /that is over/),
  must(logout, "Without a hint, or for somebody else, the person is asked", /ask the person where there is no hint/),
  must(logout, "logout_hint and ui_locales are no error", /logout_hint and ui_locales/),
  must(logout, "A hint that is no ID token of the client ends nothing", /refuse a hint/),
  must(afterLogout, "Only registered URIs are redirected to", /NOT redirect to what is not registered/),
]
