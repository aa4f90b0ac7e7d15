/** Demands on the token endpoint and its neighbours, on tokens, and on who takes them. */
import { leftOut, must, type Requirement, should } from "./requirement.ts"

export const tokens: ReadonlyArray<Requirement> = [
  // The token endpoint.
  must("RFC 6749 §3.2", "Token, introspection and revocation take POST alone, and no query", /NOT answer GET/),
  must("RFC 6749 §3.2", "They take forms alone", /forms alone/),
  must("RFC 6749 §3.2", "Repeated parameters are refused, empty and unknown ones are none", /stand twice/),
  must("RFC 6749 §2.3.1", "HTTP Basic is taken, id and secret decoded as a form", /id and secret in the header/),
  must("RFC 6749 §2.3.1", "As libraries encode them", /decode id and secret/),
  must("RFC 6749 §2.3", "One method of client authentication in one request", /two methods in one request/),
  must("RFC 6749 §2.3", "The registered method is enforced (OpenID Connect Core §9)", /enforce the method/),
  must(
    "RFC 6749 §4.1.3",
    "access_token, token_type, expires_in and scope are answered (§5.1)",
    /give tokens for a code/,
  ),
  must("RFC 6749 §5.1", "Answers with tokens are kept by nobody", /nobody on the way keep/),
  must(
    "RFC 6749 §5.2",
    "invalid_client is 401, with a challenge where the header was used",
    /401, and with a challenge/,
  ),
  must(
    "RFC 6749 §5.2",
    "Grant types that are unknown, off or not the client's are told apart",
    /grant type that is unknown/,
  ),
  must("RFC 6749 §5.2", "Errors are JSON in their characters, whatever is sent", /characters/),
  must("RFC 6749 §4.4", "client_credentials is for confidential clients", /confidential clients alone/),
  should("RFC 6749 §4.4.3", "client_credentials issues no refresh token", /neither a refresh token/),

  // Refresh tokens.
  must("RFC 6749 §6", "A refresh token is bound to its client", /issued to another client/),
  must("RFC 6749 §6", "The scope never widens, and narrowing one token leaves the grant", /NOT widen the scope/),
  must("RFC 6749 §6", "The successor has the same scope", /successor of the same scope/),
  must("RFC 9700 §4.14.2", "An old refresh token revokes its grant, and no other", /old token comes again/),
  must("OAuth 2.1 §4.3.1", "Refresh tokens of public clients rotate", /rotate refresh tokens of public clients/),
  must("RFC 9700 §4.14.2", "Of 100 at once one gets a successor", /one of 100 a successor/),
  should("RFC 6749 §6", "A refresh token ends when it is not used", /token that is over/),
  should("OAuth 2.1 §4.3.1", "Signing out ends what stands on the session", /end the grants/),
  leftOut(
    "OAuth 2.1 §4.3.1",
    "A change of the password ends refresh tokens",
    "It ends sessions, and grants with them; offline access outlives sessions until the person takes it away",
    "SHOULD",
  ),
  should("RFC 9700 §4.14.2", "A repeat within the grace gets the same successor", /same successor/),

  // What tokens are.
  must("RFC 6749 §10.10", "Tokens have at least 128 bits of chance, and rest as hashes", /cannot be guessed/),
  must("RFC 9068 §2", "typ at+jwt, signed, iss, exp, aud, sub, client_id, iat", /type at\+jwt/),
  must("RFC 9068 §2", "Each token has a jti of its own", /jti of its own/),
  must("RFC 9068 §2.2", "The claims, on the way from a person's consent to the API", /every claim/),
  must("RFC 9068 §2.1", "RS256 for who asks for it, and none never", /RS256/),
  must("RFC 9068 §3", "Without a resource the token is for the server itself, and no JWT", /no resource/),
  must("RFC 8707 §2", "resource is an absolute URI without fragment, known and allowed", /invalid_target/),
  must(
    "RFC 8707 §2.1",
    "resource is taken at the authorization endpoint, and bound into the grant",
    /bind the resource/,
  ),
  must("RFC 8707 §2.2", "A token request cannot name a resource that was not granted", /was not granted/),
  must("RFC 8707 §2.2", "A token is for the one that it names, the refresh token keeps all", /refresh token keeps all/),
  leftOut(
    "RFC 8707 §3",
    "One audience for a token",
    "A token request that names no resource gets all of its grant; who wants one names it, as MCP clients do",
    "SHOULD",
  ),
  should("RFC 8707 §2.2", "A token has only scopes that its resource takes (§3)", /scopes that it takes/),
  must("RFC 7523 §3", "iss and sub are the client, aud the server, exp there and not over", /check iss, sub, aud, exp/),
  must("RFC 7523 §3", "A jti is used once", /jti once/),
  must("RFC 7523 §3", "No other key, algorithm, or none", /NOT take a signature/),
  must("RFC 7523 §3", "Each algorithm that the metadata names is taken", /each algorithm that is allowed/),
  leftOut(
    "OpenID Connect Core §9",
    "client_secret_jwt",
    "Not offered, nor told: secrets rest as hashes, and private_key_jwt is there",
  ),

  // Bearer tokens.
  must("RFC 6750 §2.1", "UserInfo takes the header", /by no other scheme/),
  must("RFC 6750 §2.1", "A resource server takes the header", /scopes of group and endpoint/),
  must("RFC 6750 §2.3", "A resource server takes no token from the query", /from the query/),
  must("RFC 6750 §3.1", "A token by two ways, or in the query, is 400 invalid_request (§2)", /two ways at once/),
  must(
    "RFC 6750 §3.1",
    "401 carries a challenge, and no error where no token came (§3)",
    /challenge who brings no token/,
  ),
  should("RFC 6750 §3.1", "UserInfo names no error either where no token came", /no credentials no error/),
  must("RFC 6750 §3.1", "A resource server answers invalid_token with 401", /token that is not good/),
  must("RFC 6750 §3.1", "UserInfo answers invalid_token with 401", /no access token in force/),
  must("RFC 6750 §3.1", "insufficient_scope is 403, and names all scopes", /all scopes that are needed/),
  must(
    "RFC 6750 §3.1",
    "UserInfo answers insufficient_scope with 403 and the scope",
    /without openid, and name the scope/,
  ),
  leftOut(
    "RFC 6750 §3.1",
    "Hierarchies of scopes are honoured (MCP)",
    "Scopes have none here: each stands for itself, in grants as in what endpoints need",
  ),
  must("RFC 6750 §3", "A challenge begins with the scheme, and nothing leaves its quotes", /begin with the scheme/),
  must(
    "RFC 9068 §4",
    "A resource server checks audience, issuer, expiry (RFC 6750 §5)",
    /another audience, of another issuer/,
  ),
  must("RFC 9068 §4", "An ID token or an unsigned one is refused", /NOT take an ID token, an unsigned one/),
  must("RFC 9068 §4", "The server's own endpoints refuse them too", /JWT of another type or issuer/),
  must("RFC 9068 §4", "Types are compared as media types", /media type in either form/),
  must("RFC 8725 §3.1", "An algorithm is used with its own key alone", /its own algorithm alone/),
  must("RFC 8707 §2", "A token for another API opens nothing (MCP)", /another resource/),

  // Revocation and introspection.
  must("RFC 7009 §2.1", "The hint is no more than a hint", /whatever the hint says/),
  must("RFC 7009 §2.1", "A client proves itself, a public one by its own tokens", /open to public clients/),
  must("RFC 7009 §2.1", "A token of another client stays", /NOT revoke a token of another client/),
  should(
    "RFC 7009 §2.1",
    "A refresh token takes its access tokens along",
    /everything of a grant with its refresh token/,
  ),
  must("RFC 7009 §2.2", "An unknown token is answered with 200, empty", /200 for what is unknown/),
  must("RFC 7009 §2.2.1", "503 with Retry-After where the server cannot", /503 with Retry-After/),
  must("RFC 7662 §2.1", "Who introspects proves themselves", /authenticate the caller/),
  must("RFC 7662 §4", "Who guesses tokens is slowed down", /guesses tokens/),
  must("RFC 7662 §2.2", "What is not in force, or not the caller's, is exactly inactive", /nothing but active: false/),
  must("RFC 7662 §2.2", "What is in force has its members, opaque or JWT", /tell the client of its access token/),
  should(
    "RFC 7662 §2.2",
    "A resource server learns of tokens that are meant for it alone",
    /resource server of tokens meant/,
  ),
  must("RFC 7662 §4", "A resource server that asks checks what it is told", /inactive, over, not for it/),

  // Metadata of resources.
  must(
    "RFC 9728 §2",
    "resource as the host wrote it, and an authorization server (MCP)",
    /MUST name an authorization server/,
  ),
  must("RFC 9728 §2", "https, but for this machine", /not https/),
  should("RFC 9728 §2", "No offline_access, no empty lists (MCP)", /never offline_access/),
  must("RFC 9728 §3.1", "The well-known path is inserted before the path", /insert the well-known path/),
  must("RFC 9728 §3", "It is served there, as JSON, to every origin", /serve the metadata/),
  must("RFC 6750 §3.1", "401 leads to the metadata (RFC 9728 §5.1, MCP)", /challenge who brings no token/),
  should("RFC 6750 §3", "401 names scopes, never offline_access (MCP)", /without offline_access/),
]
