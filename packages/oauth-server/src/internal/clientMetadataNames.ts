/**
 * The names of client metadata on the wire of RFC 7591, and back.
 */
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { type ClientMetadata, ClientMetadataInvalid } from "../OAuthClient.ts"

/** Metadata of which each member is of its kind, and no more is known. */
export type UncheckedMetadata = {
  readonly [Name in keyof ClientMetadata]?: ClientMetadata[Name] extends ReadonlyArray<string>
    ? ReadonlyArray<string>
    : ClientMetadata[Name] extends string | null
      ? string | null
      : ClientMetadata[Name]
}

type Kind = "text" | "list" | "scope" | "json" | "boolean" | "number"

/** Each member: its name here, its name on the wire, and what it is there. */
const members: ReadonlyArray<readonly [name: keyof ClientMetadata, wire: string, kind: Kind]> = [
  ["applicationType", "application_type", "text"],
  ["redirectUris", "redirect_uris", "list"],
  ["postLogoutRedirectUris", "post_logout_redirect_uris", "list"],
  ["tokenEndpointAuthMethod", "token_endpoint_auth_method", "text"],
  ["grantTypes", "grant_types", "list"],
  ["responseTypes", "response_types", "list"],
  ["scopes", "scope", "scope"],
  ["clientName", "client_name", "text"],
  ["clientUri", "client_uri", "text"],
  ["logoUri", "logo_uri", "text"],
  ["tosUri", "tos_uri", "text"],
  ["policyUri", "policy_uri", "text"],
  ["contacts", "contacts", "list"],
  ["jwks", "jwks", "json"],
  ["jwksUri", "jwks_uri", "text"],
  ["softwareId", "software_id", "text"],
  ["softwareVersion", "software_version", "text"],
  ["softwareStatement", "software_statement", "text"],
  ["subjectType", "subject_type", "text"],
  ["sectorIdentifierUri", "sector_identifier_uri", "text"],
  ["idTokenSignedResponseAlg", "id_token_signed_response_alg", "text"],
  ["accessTokenSigningAlg", "access_token_signing_alg", "text"],
  ["defaultMaxAge", "default_max_age", "number"],
  ["defaultAcrValues", "default_acr_values", "list"],
  ["requireAuthTime", "require_auth_time", "boolean"],
]

/** The wire's name of a member. */
export const toWireName = (name: string): string => members.find(([own]) => own === name)?.[1] ?? name

/**
 * Reads the members of a registration request that are known. Those that are null count as absent, as empty text does;
 * what a member holds is for the rules to judge, so it comes out as it went in, but of its kind.
 */
export const fromWire = (
  json: Readonly<Record<string, Schema.Json>>,
): Result.Result<UncheckedMetadata, ClientMetadataInvalid> => {
  const metadata: Record<string, unknown> = {}
  for (const [name, wire, kind] of members) {
    const value = json[wire]
    if (value === undefined || value === null || value === "") continue
    if (!isOfKind[kind](value)) {
      return Result.fail(
        new ClientMetadataInvalid({
          code: wire === "redirect_uris" ? "invalid_redirect_uri" : "invalid_client_metadata",
          member: wire,
          description: `The member is not of its form: ${kindNames[kind]} is expected`,
        }),
      )
    }
    metadata[name] =
      kind === "scope"
        ? String(value)
            .split(" ")
            .filter((scope) => scope !== "")
        : value
  }
  const localized: Record<string, Schema.Json> = {}
  for (const [member, value] of Object.entries(json)) {
    if (/^(?:client_name|client_uri|logo_uri|tos_uri|policy_uri)#/u.test(member) && typeof value === "string") {
      localized[member] = value
    }
  }
  // Sound: each member was just found to be of its kind.
  return Result.succeed({ ...metadata, localized } as UncheckedMetadata)
}

/** The metadata on the wire: what is empty is left out. */
export const toWire = (metadata: ClientMetadata): Readonly<Record<string, Schema.Json>> => {
  const json: Record<string, Schema.Json> = {}
  for (const [name, wire, kind] of members) {
    const value = metadata[name]
    if (value === null || value === false || (Array.isArray(value) && value.length === 0)) continue
    // Sound: every member of the metadata is JSON by its schema.
    json[wire] = kind === "scope" ? metadata.scopes.join(" ") : (value as Schema.Json)
  }
  return { ...json, ...metadata.localized }
}

// internal

const isOfKind: Readonly<Record<Kind, (value: Schema.Json) => boolean>> = {
  text: (value) => typeof value === "string",
  list: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
  scope: (value) => typeof value === "string",
  json: (value) => typeof value === "object" && !Array.isArray(value),
  boolean: (value) => typeof value === "boolean",
  number: (value) => typeof value === "number",
}

const kindNames: Readonly<Record<Kind, string>> = {
  text: "a text",
  list: "a list of texts",
  scope: "a text",
  json: "an object",
  boolean: "true or false",
  number: "a number",
}
