/** Demands on the registration of clients, and on what the server tells of itself. */
import { must, type Requirement, should } from "./requirement.ts"

export const clients: ReadonlyArray<Requirement> = [
  // Clients that are known by their metadata documents.
  must("Client ID Metadata Document §3", "A client_id is an https URL with a path", /https URL with a path/),
  must("Client ID Metadata Document §3", "No fragment, dot segments, user name or password", /segments of dots/),
  must("Client ID Metadata Document §4", "The document names itself, byte for byte", /names another client_id/),
  must("Client ID Metadata Document §4", "There is no shared secret", /with a secret/),
  must("Client ID Metadata Document §5", "Answers are 200: redirects are not followed", /answered with 200/),
  must("Client ID Metadata Document §5", "The document is a JSON object", /JSON object/),
  must("Client ID Metadata Document §5.2", "Errors are not kept", /NOT keep an error/),
  should("Client ID Metadata Document §5.2", "Answers are kept as they allow, within bounds", /as its answer allows/),
  should("Client ID Metadata Document §5.2", "What is over is not used", /NOT be used once it is over/),
  must("Client ID Metadata Document §6", "The metadata says that such clients are taken", /tell that such clients/),
  must("Client ID Metadata Document §8.6", "No document is fetched from a special address", /leads inside/),
  should("Client ID Metadata Document §8.7", "Documents are small", /5 kilobytes/),
  should(
    "Client ID Metadata Document §8.7",
    "Fetching is limited by origin and by address",
    /by origin and by address/,
  ),
  must(
    "Model Context Protocol Authorization: Client ID Metadata Documents",
    "client_id, client_name and redirect_uris are there",
    /client_id, client_name and redirect_uris/,
  ),

  // Registration.
  must(
    "RFC 7591 §2",
    "The defaults are client_secret_basic, authorization_code, code",
    /client_secret_basic, authorization_code/,
  ),
  must("RFC 7591 §2", "Redirect-based grants have a redirect URI", /without a redirect URI/),
  must("RFC 7591 §2", "jwks and jwks_uri exclude each other", /jwks and jwks_uri together/),
  must("RFC 7591 §2", "No private or symmetric key is taken", /private or symmetric/),
  must("RFC 7591 §2", "Names and URIs may have a language", /in other languages/),
  must("RFC 7591 §2", "Every member of the standard is kept and answered", /every member/),
  must("RFC 7591 §2.1", "Grant types and response types are consistent", /consistent/),
  should("RFC 7591 §2.3", "A verified software statement wins", /software statement/),
  must(
    "RFC 7591 §3",
    "Where registration is not open, it asks for an initial access token",
    /ask for an initial access token/,
  ),
  must("RFC 7591 §3.1", "A JSON object is asked for", /not a JSON object/),
  must("RFC 7591 §3.1", "Unknown members are ignored", /ignore members/),
  must("RFC 7591 §3.1", "Registration is off unless the host has it on", /registration is off/),
  must("RFC 7591 §3.2.1", "201 with the id, its instant and all metadata, kept by nobody", /201 with the id/),
  must("RFC 7591 §3.2.1", "client_secret_expires_at comes with a secret, 0 for never", /0 for never/),
  must("RFC 7591 §3.2.2", "400 with the code of what is wrong", /code of what is wrong/),
  should("RFC 7591 §3", "Registrations are limited by address (§5)", /counts registrations by address/),
  should("RFC 7591 §5", "People are warned of clients that registered themselves", /registered itself/),
  must(
    "OpenID Connect Dynamic Client Registration §2",
    "Web clients redirect by https, not to loopback",
    /by https alone/,
  ),
  should(
    "OpenID Connect Dynamic Client Registration §2",
    "Loopback without a type is a native client",
    /without application_type/,
  ),
  should(
    "OpenID Connect Dynamic Client Registration §2",
    "What a browser would rewrite is refused",
    /browser would rewrite/,
  ),

  // Metadata.
  must("RFC 8414 §2", "The members of the metadata", /endpoints and abilities/),
  must("RFC 8414 §2", "issuer is a URL without query and fragment", /issuer without query/),
  must("RFC 8414 §2", "registration_endpoint where there is one", /registration endpoint when there is one/),
  must("RFC 8414 §2", "Every endpoint that it names is there", /only endpoints that are mounted/),
  must("RFC 8414 §2", "Grant types, methods, keys are those that there are", /there really are/),
  must("RFC 8414 §3", "The document is at the path-inserted well-known path", /inserted before its path/),
  must("RFC 8414 §3.2", "Empty members are left out", /without a value/),
  must("RFC 8414 §3.2", "It is application/json, with 200", /application\/json/),
  must("RFC 8414 §3.3", "issuer is the one that was asked for, byte for byte", /byte for byte/),
  must("OpenID Connect Discovery §3", "RS256 is among the algorithms of ID tokens", /list RS256/),
  must(
    "OpenID Connect Discovery §3",
    "request_uri_parameter_supported is said, for true would be the default",
    /by reference/,
  ),
  must("OpenID Connect Discovery §3", "jwks_uri, subject types, claims are told", /where its keys are/),
  should(
    "OpenID Connect Discovery §3",
    "Clients find every endpoint that they need",
    /every endpoint that the library needs/,
  ),
  must("OpenID Connect Discovery §4", "The document is also below the issuer, the same", /where the issuer ends/),
  must("RFC 9207 §2.3", "iss in answers, prompts, S256 and the end of sessions are told", /tell iss, prompts/),
  must("RFC 7517 §5", "The keys that sign are published", /publish the keys/),
  must("RFC 7517 §5", "Never a private half", /members of public keys/),
]
