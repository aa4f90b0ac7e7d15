/**
 * Client ID metadata documents: clients whose id is the URL of what they say of themselves.
 *
 * @see [Client ID Metadata Document](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document)
 * @since 0.1.0
 */
import type { OutboundResponse } from "@belfry/core/Outbound"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Claims } from "./Claims.ts"
import { hasRepeatedMembers, readObject, textOf } from "./internal/jsonObjects.ts"
import { ClientId } from "./OAuthClient.ts"

/**
 * The largest document that is read, in bytes: Client ID Metadata Document §8.7 advises 5 kilobytes.
 *
 * @category rules
 * @since 0.1.0
 */
export const maxBytes = 5 * 1024

/**
 * A document that cannot be used, and so a client that is not known: `url` (the id cannot be that of a document), not
 * to be had (`address`, `connection`, `timeout`, `too-large`, `status`), not of its form (`content-type`, `malformed`,
 * `repeated`), not a client that may be known this way (`client_id`, `secret`, `method`, `name`, `redirect_uris`,
 * `metadata`), or not asked for again so soon (`rate_limited`, with the seconds until then).
 *
 * **Details**
 *
 * `detail` says what is wrong with the metadata.
 *
 * @category errors
 * @since 0.1.0
 */
export class ClientDocumentRefused extends Schema.TaggedError<ClientDocumentRefused>(
  "@belfry/oauth-server/ClientDocumentRefused",
)("ClientDocumentRefused", {
  reason: Schema.Literals([
    "url",
    "address",
    "connection",
    "timeout",
    "too-large",
    "status",
    "content-type",
    "malformed",
    "repeated",
    "client_id",
    "secret",
    "method",
    "name",
    "redirect_uris",
    "metadata",
    "rate_limited",
  ]),
  detail: Schema.optionalKey(Schema.String),
  retryAfter: Schema.optionalKey(Schema.Int),
}) {
  override get message(): string {
    return `The client's metadata document ${reasons[this.reason]}${this.detail === undefined ? "" : `: ${this.detail}`}`
  }
}

/**
 * Whether an id could be meant as the URL of a document.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isUrl = (id: string): boolean => /^https?:/iu.test(id)

/**
 * Whether an id is the URL of a document: https with a path; no user name, fragment, or segments of dots, and written
 * as every parser of URLs would write it, so that no two ids lead to one document by another spelling.
 *
 * **Details**
 *
 * A port and a query may stand in it. At most 255 characters, as every id of a client.
 *
 * @see [Client ID Metadata Document §3](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document#section-3)
 * @category predicates
 * @since 0.1.0
 */
export const isDocumentId = (id: string): id is ClientId => {
  const url = isClientId(id) ? URL.parse(id) : null
  return (
    url !== null &&
    url.protocol === "https:" &&
    // A parser lowers the case of hosts, drops the default port, and resolves dots, encoded ones too.
    url.href === id &&
    url.pathname !== "/" &&
    url.username === "" &&
    url.password === "" &&
    !id.includes("#") &&
    // `example.com.` is `example.com` to whoever resolves it.
    !url.hostname.endsWith(".")
  )
}

/**
 * Reads what was answered to a GET of the URL: the metadata as a registration request would have it. Whether the client
 * may be like that is for the rules of registration.
 *
 * @see [Client ID Metadata Document §4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document#section-4)
 * @see [Client ID Metadata Document §5](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document#section-5)
 * @category constructors
 * @since 0.1.0
 */
export const read = (id: ClientId, response: OutboundResponse): Result.Result<Claims, ClientDocumentRefused> => {
  for (const { check } of answerChecks) {
    const reason = check(response)
    if (reason !== null) return refuse(reason)
  }
  const text = textOf(response.body)
  const document = text === null ? null : readObject(text, maxDepth)
  if (text === null || document === null) return refuse("malformed")
  if (hasRepeatedMembers(text)) return refuse("repeated")
  for (const { check } of documentChecks) {
    const reason = check(document, id)
    if (reason !== null) return refuse(reason)
  }
  return Result.succeed(accepted(document, id))
}

/** A check of an answer. */
interface AnswerCheck {
  readonly name: string
  readonly spec: string
  readonly check: (response: OutboundResponse) => Reason | null
}

/** A check of a document. */
interface DocumentCheck {
  readonly name: string
  readonly spec: string
  readonly check: (document: Claims, id: ClientId) => Reason | null
}

/**
 * The checks of what was answered, in their order.
 *
 * @category rules
 * @since 0.1.0
 */
export const answerChecks: ReadonlyArray<AnswerCheck> = [
  {
    name: "the answer is 200: redirects are not followed",
    spec: "Client ID Metadata Document §5",
    check: ({ status }) => (status === 200 ? null : "status"),
  },
  {
    name: "the document is small",
    spec: "Client ID Metadata Document §8.7",
    check: ({ body }) => (body.length > maxBytes ? "too-large" : null),
  },
  {
    name: "the document is JSON",
    spec: "Client ID Metadata Document §5",
    check: ({ headers }) => (isJson.test(headers["content-type"] ?? "") ? null : "content-type"),
  },
]

/**
 * The checks of the document that was read, in their order.
 *
 * @category rules
 * @since 0.1.0
 */
export const documentChecks: ReadonlyArray<DocumentCheck> = [
  {
    name: "client_id is the URL of the document",
    spec: "Client ID Metadata Document §4",
    check: (document, id) => (document["client_id"] === id ? null : "client_id"),
  },
  {
    name: "there is no secret in what anybody can read",
    spec: "Client ID Metadata Document §4",
    check: (document) =>
      ["client_secret", "client_secret_expires_at"].some((member) => Object.hasOwn(document, member)) ? "secret" : null,
  },
  {
    name: "the client proves itself by a key, or not at all",
    spec: "Client ID Metadata Document §4",
    check: ({ token_endpoint_auth_method: method = "none" }) =>
      method === "none" || method === "private_key_jwt" ? null : "method",
  },
  {
    name: "the client has a name",
    spec: "Model Context Protocol Authorization: Client ID Metadata Documents",
    check: ({ client_name: name }) => (typeof name === "string" && name.trim() !== "" ? null : "name"),
  },
  {
    name: "the client has redirect URIs",
    spec: "Model Context Protocol Authorization: Client ID Metadata Documents",
    check: ({ redirect_uris: uris }) => (Array.isArray(uris) && uris.length > 0 ? null : "redirect_uris"),
  },
]

// internal

type Reason = ClientDocumentRefused["reason"]

const maxDepth = 8

const isClientId = Schema.is(ClientId)

const isJson = /^\s*application\/(?:json|[\w!#$&^.+-]+\+json)\s*(?:;|$)/iu

const refuse = (reason: Reason) => Result.fail(new ClientDocumentRefused({ reason }))

/** Members of a registration that count for nothing here: others would vouch, or be asked, for them. */
const unread = ["software_statement", "sector_identifier_uri", "subject_type"]

/** The members that count. A logo is shown only from where the client is: elsewhere it could be anybody's. */
const accepted = (document: Claims, id: ClientId): Claims => {
  const { origin } = new URL(id)
  const isForeignLogo = (member: string, value: unknown) =>
    /^logo_uri(?:#|$)/u.test(member) && (typeof value !== "string" || URL.parse(value)?.origin !== origin)
  const kept = Object.entries(document).filter(
    ([member, value]) => !unread.includes(member) && !isForeignLogo(member, value),
  )
  return { token_endpoint_auth_method: "none", ...Object.fromEntries(kept) }
}

const reasons: Readonly<Record<Reason, string>> = {
  url: "has a URL that is none of a document",
  address: "is at an address that is not public",
  connection: "cannot be reached",
  timeout: "does not answer in time",
  "too-large": "is too large",
  status: "is not answered with 200",
  "content-type": "is not answered as JSON",
  malformed: "is no JSON object",
  repeated: "has a member twice",
  client_id: "is that of another client",
  secret: "has a secret in it",
  method: "asks for a way to prove the client that it cannot have",
  name: "has no name",
  redirect_uris: "has no redirect URIs",
  metadata: "describes a client that cannot be taken",
  rate_limited: "was asked for too often",
}
