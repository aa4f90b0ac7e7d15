/**
 * What clients may be: the rules of their metadata, for those that are made and those that register themselves.
 */
import { isClear } from "@belfry/core/DisplayText"
import type { OutboundCalls } from "@belfry/core/Outbound"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { type ClientAuthenticationMethod, ClientMetadata, ClientMetadataInvalid } from "../OAuthClient.ts"
import { isCovered } from "../OAuthScope.ts"
import { type OAuthServerSettingsService, supportedScopes } from "../OAuthServerSettings.ts"
import { keySetProblem } from "./clientKeySets.ts"
import { toWireName, type UncheckedMetadata } from "./clientMetadataNames.ts"
import { hostsOf, inferApplicationType, redirectUriProblem, webUriProblem } from "./clientUris.ts"

/** What the rules depend on. `outbound` reads the document of `sectorIdentifierUri`. */
export interface ClientRules {
  readonly settings: OAuthServerSettingsService
  readonly methods: ReadonlyArray<ClientAuthenticationMethod>
  readonly outbound: OutboundCalls
  /** Clients that register themselves get what can be had of what they ask for; others are told what cannot. */
  readonly isDynamic: boolean
  /** Whether one that registers itself may get tokens for itself. */
  readonly isMachineAllowed?: boolean
}

/** The metadata as it is kept, with the defaults of RFC 7591 §2 for what is left out. */
export const validate = Effect.fnUntraced(function* (given: UncheckedMetadata, rules: ClientRules) {
  const metadata = withDefaults(given, rules)
  const decoded = yield* Effect.mapError(decodeMetadata(metadata), ({ issue }) => {
    const member = formatIssues(issue).issues[0]?.path?.[0]
    return badMember(
      typeof member === "string" ? toWireName(member) : null,
      "A member of the metadata is not of its form",
    )
  })
  for (const { check } of checks) {
    const problem = check(decoded, rules)
    if (problem !== null) return yield* problem
  }
  yield* checkSector(decoded, rules)
  return decoded
})

// internal

interface Check {
  readonly name: string
  readonly spec: string
  readonly check: (metadata: ClientMetadata, rules: ClientRules) => ClientMetadataInvalid | null
}

const refuse = (member: string | null, description: string): ClientMetadataInvalid =>
  new ClientMetadataInvalid({ code: "invalid_client_metadata", member, description })

const decodeMetadata = Schema.decodeUnknownEffect(Schema.toType(ClientMetadata))

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const withDefaults = (given: UncheckedMetadata, rules: ClientRules): Required<UncheckedMetadata> => {
  const { settings, isDynamic } = rules
  const redirectUris = given.redirectUris ?? []
  const asked = given.grantTypes ?? ["authorization_code"]
  const canHave = (grantType: string) =>
    settings.grantTypes.includes(grantType) && (grantType !== "client_credentials" || rules.isMachineAllowed === true)
  const grantTypes = isDynamic ? asked.filter(canHave) : asked
  const allowed = isDynamic ? (settings.registrationScopes ?? supportedScopes(settings)) : supportedScopes(settings)
  const byDefault = (isDynamic ? settings.registrationDefaultScopes : null) ?? allowed
  const scopes = given.scopes === undefined || given.scopes.length === 0 ? byDefault : given.scopes
  return {
    applicationType: given.applicationType ?? inferApplicationType(redirectUris),
    redirectUris,
    postLogoutRedirectUris: given.postLogoutRedirectUris ?? [],
    tokenEndpointAuthMethod: given.tokenEndpointAuthMethod ?? "client_secret_basic",
    grantTypes,
    responseTypes: given.responseTypes ?? (grantTypes.includes("authorization_code") ? ["code"] : []),
    scopes: isDynamic ? scopes.filter((scope) => allowed.includes(scope)) : scopes,
    clientName: given.clientName ?? null,
    clientUri: given.clientUri ?? null,
    logoUri: given.logoUri ?? null,
    tosUri: given.tosUri ?? null,
    policyUri: given.policyUri ?? null,
    contacts: given.contacts ?? [],
    localized: given.localized ?? {},
    jwks: given.jwks ?? null,
    jwksUri: given.jwksUri ?? null,
    softwareId: given.softwareId ?? null,
    softwareVersion: given.softwareVersion ?? null,
    softwareStatement: given.softwareStatement ?? null,
    subjectType: given.subjectType ?? "public",
    sectorIdentifierUri: given.sectorIdentifierUri ?? null,
    idTokenSignedResponseAlg: given.idTokenSignedResponseAlg ?? null,
    accessTokenSigningAlg: given.accessTokenSigningAlg ?? null,
    defaultMaxAge: given.defaultMaxAge ?? null,
    defaultAcrValues: given.defaultAcrValues ?? [],
    requireAuthTime: given.requireAuthTime ?? false,
  }
}

/** One rule a line, in the order in which they are told. */
const checks: ReadonlyArray<Check> = [
  {
    name: "the grant types are installed, and there is one",
    spec: "RFC 7591 §2",
    check: ({ grantTypes }, { settings }) => {
      if (grantTypes.length === 0) return refuse("grant_types", "There is no grant type that this server has")
      const unknown = grantTypes.some((grantType) => !settings.grantTypes.includes(grantType))
      return unknown ? refuse("grant_types", "There is a grant type that this server does not have") : null
    },
  },
  {
    name: "grant types and response types agree",
    spec: "RFC 7591 §2.1",
    check: ({ grantTypes, responseTypes }) => {
      if (grantTypes.includes("authorization_code") !== responseTypes.includes("code")) {
        return refuse("response_types", "The response type code goes with the grant type authorization_code")
      }
      return grantTypes.includes("refresh_token") && !grantTypes.includes("authorization_code")
        ? refuse("grant_types", "The grant type refresh_token goes with authorization_code")
        : null
    },
  },
  {
    name: "the authentication method is installed, and fits what the client is",
    spec: "RFC 6749 §2.1",
    check: ({ tokenEndpointAuthMethod: method, applicationType, grantTypes }, { methods }) => {
      if (!methods.includes(method)) return refuse("token_endpoint_auth_method", "The method is not supported")
      if (applicationType === "user-agent-based" && method !== "none") {
        return refuse("token_endpoint_auth_method", "An application in a browser can keep no secret")
      }
      return method === "none" && grantTypes.includes("client_credentials")
        ? refuse("grant_types", "The grant type client_credentials is for clients that prove themselves")
        : null
    },
  },
  {
    name: "redirect URIs are there where they are needed, and can be redirected to",
    spec: "RFC 6749 §3.1.2, RFC 8252 §7, OpenID Connect Dynamic Client Registration §2",
    check: ({ redirectUris, grantTypes, applicationType }, { settings }) => {
      if (grantTypes.includes("authorization_code") && redirectUris.length === 0) {
        return badMember("redirect_uris", "At least one redirect URI is needed")
      }
      return uriProblem("redirect_uris", redirectUris, applicationType, settings.redirectSchemes)
    },
  },
  {
    name: "URIs after logout can be redirected to",
    spec: "OpenID Connect RP-Initiated Logout §3.1",
    check: ({ postLogoutRedirectUris, applicationType }, { settings }) =>
      uriProblem("post_logout_redirect_uris", postLogoutRedirectUris, applicationType, settings.redirectSchemes),
  },
  {
    name: "URIs to show are web addresses",
    spec: "RFC 7591 §2",
    check: ({ clientUri, logoUri, tosUri, policyUri, localized }) => {
      const shown = { client_uri: clientUri, logo_uri: logoUri, tos_uri: tosUri, policy_uri: policyUri }
      const tagged = Object.entries(localized).filter(([member]) => /_uri#/u.test(member))
      for (const [member, uri] of [...Object.entries(shown), ...tagged]) {
        const problem = uri === null ? null : webUriProblem(uri, { needsHttps: member.startsWith("logo_uri") })
        if (problem !== null) return refuse(member, `The URI ${problem}`)
      }
      return null
    },
  },
  {
    name: "what people read shows as it is written",
    spec: "RFC 7591 §5",
    check: ({ clientName, contacts, localized }) => {
      if (!isClear(clientName ?? "") || !Object.values(localized).every(isClear)) {
        return refuse("client_name", "A name has control characters, or turns the direction of text")
      }
      return contacts.every(isClear) ? null : refuse("contacts", "A contact has control characters")
    },
  },
  {
    name: "members with a language are those that people read",
    spec: "RFC 7591 §2.2",
    check: ({ localized }) =>
      Object.keys(localized).every((member) =>
        /^(?:client_name|client_uri|logo_uri|tos_uri|policy_uri)#[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*$/u.test(member),
      ) && Object.keys(localized).length <= 50
        ? null
        : refuse(null, "Only names and URIs have languages"),
  },
  {
    name: "keys are given in one way, are public, and are there where they are needed",
    spec: "RFC 7591 §2, RFC 7523 §3",
    check: ({ jwks, jwksUri, tokenEndpointAuthMethod }) => {
      if (jwks !== null && jwksUri !== null) return refuse("jwks", "jwks and jwks_uri exclude each other")
      if (tokenEndpointAuthMethod === "private_key_jwt" && jwks === null && jwksUri === null) {
        return refuse("jwks", "private_key_jwt needs jwks or jwks_uri")
      }
      const inKeys = jwks === null ? null : keySetProblem(jwks.keys)
      if (inKeys !== null) return refuse("jwks", inKeys)
      const inUri = jwksUri === null ? null : webUriProblem(jwksUri, { needsHttps: true })
      return inUri === null ? null : refuse("jwks_uri", `The URI ${inUri}`)
    },
  },
  {
    name: "scopes are known",
    spec: "RFC 7591 §2",
    check: ({ scopes }, { settings }) =>
      isCovered(scopes, supportedScopes(settings))
        ? null
        : refuse("scope", "There is a scope that this server does not have"),
  },
  {
    name: "algorithms can be used",
    spec: "OpenID Connect Dynamic Client Registration §2",
    check: ({ idTokenSignedResponseAlg, accessTokenSigningAlg }, { settings }) =>
      settings.disableJwt && (idTokenSignedResponseAlg !== null || accessTokenSigningAlg !== null)
        ? refuse("id_token_signed_response_alg", "This server signs by client secrets alone")
        : null,
  },
  {
    name: "pairwise subjects are enabled, and their sector is known",
    spec: "OpenID Connect Core §8.1",
    check: ({ subjectType, sectorIdentifierUri, redirectUris }, { settings }) => {
      const inUri = sectorIdentifierUri === null ? null : webUriProblem(sectorIdentifierUri, { needsHttps: true })
      if (inUri !== null) return refuse("sector_identifier_uri", `The URI ${inUri}`)
      if (subjectType !== "pairwise") return null
      if (settings.pairwiseSecret === null) return refuse("subject_type", "Pairwise subjects are not enabled")
      return sectorIdentifierUri === null && hostsOf(redirectUris).size !== 1
        ? refuse("sector_identifier_uri", "Redirect URIs of several hosts need a sector identifier URI")
        : null
    },
  },
]

const badMember = (member: string | null, description: string): ClientMetadataInvalid =>
  new ClientMetadataInvalid({
    code: member === "redirect_uris" ? "invalid_redirect_uri" : "invalid_client_metadata",
    member,
    description,
  })

const uriProblem = (
  member: string,
  uris: ReadonlyArray<string>,
  applicationType: string,
  schemes: ReadonlyArray<string>,
): ClientMetadataInvalid | null => {
  if (uris.length > 50) return badMember(member, "There are more than 50 URIs")
  for (const uri of uris) {
    const problem = redirectUriProblem(uri, { applicationType, schemes })
    if (problem !== null) return badMember(member, `A URI ${problem}`)
  }
  return new Set(uris).size === uris.length ? null : badMember(member, "A URI stands twice")
}

/** OpenID Connect Core §8.1: the document of the sector lists every redirect URI. */
const checkSector = Effect.fnUntraced(function* (
  { sectorIdentifierUri, redirectUris }: ClientMetadata,
  { outbound }: ClientRules,
) {
  if (sectorIdentifierUri === null) return
  const unusable = refuse("sector_identifier_uri", "The document is not a JSON array with every redirect URI")
  const answer = yield* Effect.mapError(
    outbound.send({ url: sectorIdentifierUri, trust: "foreign", headers: { accept: "application/json" } }),
    () => refuse("sector_identifier_uri", "The document cannot be read"),
  )
  if (answer.status !== 200 || answer.body.length > 65_536) return yield* unusable
  const listed = yield* Effect.mapError(decodeSector(new TextDecoder().decode(answer.body)), () => unusable)
  if (!redirectUris.every((uri) => listed.includes(uri))) return yield* unusable
})

const decodeSector = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Array(Schema.String)))
