import { BelfryApi } from "@belfry/client/BelfryApi"
import { OAuthServerApi } from "@belfry/oauth-server/OAuthServerApi"
import { assert, describe, it } from "@effect/vitest"
import { Predicate, Schema } from "effect"
import { OpenApi } from "effect/http-api"

const document = OpenApi.fromApi(BelfryApi)

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  (["get", "put", "post", "patch", "delete"] as const).flatMap((method) => {
    const operation = item[method]
    return operation === undefined ? [] : [{ name: `${method.toUpperCase()} ${path}`, operation }]
  }),
)

/**
 * Every operation with the statuses it may answer. Clients rely on these: a change here is a change of the contract.
 */
const frozen = [
  "DELETE /auth/active-organization 204 401 403 422 503",
  "DELETE /auth/factors/hotp 204 401 403 404 409 422 503",
  "DELETE /auth/factors/passkeys/{passkeyId} 204 401 403 404 409 422 503",
  "DELETE /auth/factors/totp 204 401 403 404 409 422 503",
  "DELETE /auth/oauth2/admin/clients/{clientId} 204 401 403 404 422 503",
  "DELETE /auth/oauth2/admin/registration-tokens/{id} 204 401 403 404 422 503",
  "DELETE /auth/oauth2/admin/resources 204 401 403 404 409 422 503",
  "DELETE /auth/oauth2/clients/{clientId} 204 401 403 404 422 503",
  "DELETE /auth/oauth2/consents/{consentId} 204 401 403 404 422 503",
  "DELETE /auth/oauth2/grants/{grantId} 204 401 403 404 422 503",
  "DELETE /auth/organizations/{organization} 204 401 403 404 409 422 503",
  "DELETE /auth/organizations/{organization}/invitations/{invitationId} 204 401 403 404 409 422 503",
  "DELETE /auth/organizations/{organization}/members/{member} 204 401 403 404 409 422 503",
  "DELETE /auth/organizations/{organization}/roles/{role} 204 401 403 404 409 422 503",
  "DELETE /auth/organizations/{organization}/teams/{teamId} 204 401 403 404 409 422 503",
  "DELETE /auth/organizations/{organization}/teams/{teamId}/members/{memberId} 204 401 403 404 422 503",
  "DELETE /auth/password 204 401 403 404 409 422 503",
  "DELETE /auth/sessions 200 401 403 422 503",
  "DELETE /auth/sessions/{sessionId} 204 401 403 404 422 503",
  "DELETE /auth/sign-in 204 403 422 503",
  "DELETE /auth/user 204 401 403 409 422 503",
  "GET /.well-known/oauth-authorization-server/auth 200",
  "GET /.well-known/openid-configuration/auth 200",
  "GET /auth/.well-known/oauth-authorization-server 200",
  "GET /auth/.well-known/openid-configuration 200",
  "GET /auth/active-organization 200 401 403 404 422 503",
  "GET /auth/billing/checkouts/{checkout} 200 401 403 404 422 429 502 503",
  "GET /auth/billing/checkouts/{checkout}/return 303 403 422 503",
  "GET /auth/billing/entitlements 200 401 403 404 422 429 503",
  "GET /auth/billing/invoices 200 401 403 404 422 429 502 503",
  "GET /auth/billing/plans 200 403 422 502 503",
  "GET /auth/billing/subscriptions 200 401 403 404 422 429 503",
  "GET /auth/billing/subscriptions/{subscription} 200 401 403 404 422 429 503",
  "GET /auth/factors 200 401 403 422 503",
  "GET /auth/factors/hotp/pending 200 401 403 404 422 429 503",
  "GET /auth/factors/passkeys 200 401 403 422 503",
  "GET /auth/factors/totp/pending 200 401 403 404 422 429 503",
  "GET /auth/invitations 200 401 403 422 503",
  "GET /auth/jwks 200 404 503",
  "GET /auth/oauth2/admin/clients 200 401 403 422 503",
  "GET /auth/oauth2/admin/clients/{clientId} 200 401 403 404 422 503",
  "GET /auth/oauth2/admin/resources 200 401 403 404 422 503",
  "GET /auth/oauth2/authorize 200 302 400 429 503",
  "GET /auth/oauth2/clients 200 401 403 422 503",
  "GET /auth/oauth2/clients/{clientId} 200 401 403 404 422 503",
  "GET /auth/oauth2/consents 200 401 403 422 503",
  "GET /auth/oauth2/consents/{consentId} 200 401 403 404 422 503",
  "GET /auth/oauth2/continue 200 302 400 503",
  "GET /auth/oauth2/end-session 200 302 400 503",
  "GET /auth/oauth2/end-session/request 200 400 403 422 503",
  "GET /auth/oauth2/grants 200 401 403 422 503",
  "GET /auth/oauth2/public-clients/{clientId} 200 401 403 404 422 503",
  "GET /auth/oauth2/requests/{requestId} 200 400 403 422 503",
  "GET /auth/oauth2/userinfo 200 400 401 403 429 503",
  "GET /auth/organization-slugs/{slug} 200 401 403 422 503",
  "GET /auth/organizations 200 401 403 422 503",
  "GET /auth/organizations/{organization} 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/access 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/audit-events 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/invitations 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/invitations/{invitationId} 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/members 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/members/{member} 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/members/{member}/teams 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/roles 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/roles/{role} 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/teams 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/teams/{teamId} 200 401 403 404 422 503",
  "GET /auth/organizations/{organization}/teams/{teamId}/members 200 401 403 404 422 503",
  "GET /auth/provider/{providerId}/account-info 200 400 401 403 404 422 503",
  "GET /auth/provider/{providerId}/accounts 200 401 403 404 422 503",
  "GET /auth/provider/{providerId}/callback 302",
  "GET /auth/provider/{providerId}/start 302",
  "GET /auth/providers 200 403 422 503",
  "GET /auth/session 200 401 403 422 503",
  "GET /auth/sessions 200 401 403 422 503",
  "GET /auth/sign-in 200 403 409 422 503",
  "GET /auth/sign-in/enrol/hotp 200 403 404 409 422 429 503",
  "GET /auth/sign-in/enrol/totp 200 403 404 409 422 429 503",
  "GET /auth/user 200 401 403 422 503",
  "PATCH /auth/factors/passkeys/{passkeyId} 200 401 403 404 422 503",
  "PATCH /auth/oauth2/admin/clients/{clientId} 200 401 403 404 422 503",
  "PATCH /auth/oauth2/clients/{clientId} 200 401 403 404 422 503",
  "PATCH /auth/oauth2/consents/{consentId} 200 401 403 404 422 503",
  "PATCH /auth/organizations/{organization} 200 401 403 404 409 422 503",
  "PATCH /auth/organizations/{organization}/members/{member} 200 401 403 404 409 422 503",
  "PATCH /auth/organizations/{organization}/roles/{role} 200 401 403 404 409 422 503",
  "PATCH /auth/organizations/{organization}/teams/{teamId} 200 401 403 404 422 503",
  "PATCH /auth/organizations/{organization}/teams/{teamId}/members 204 401 403 404 422 503",
  "PATCH /auth/user 200 401 403 422 503",
  "POST /auth/active-organization 200 401 403 404 422 503",
  "POST /auth/billing/cancel 200 303 401 403 404 409 422 429 502 503",
  "POST /auth/billing/portal 200 303 401 403 404 422 429 502 503",
  "POST /auth/billing/restore 200 401 402 403 404 409 422 429 502 503",
  "POST /auth/billing/upgrade 200 303 401 402 403 404 409 422 429 502 503",
  "POST /auth/email/change 202 401 403 422 429 503",
  "POST /auth/email/change/confirm 204 403 409 422 503",
  "POST /auth/email/verification 202 401 403 422 429 503",
  "POST /auth/email/verification/confirm 204 403 422 503",
  "POST /auth/factors/backup-codes 200 401 403 404 422 503",
  "POST /auth/factors/hotp 200 401 403 409 422 429 503",
  "POST /auth/factors/hotp/confirm 200 401 403 404 422 429 503",
  "POST /auth/factors/passkeys 200 401 403 422 429 503",
  "POST /auth/factors/passkeys/options 200 401 403 422 429 503",
  "POST /auth/factors/totp 200 401 403 409 422 429 503",
  "POST /auth/factors/totp/confirm 200 401 403 404 422 429 503",
  "POST /auth/invitations/accept 200 401 403 404 409 422 429 503",
  "POST /auth/invitations/preview 200 403 404 422 429 503",
  "POST /auth/invitations/reject 204 403 404 409 422 429 503",
  "POST /auth/invitations/{invitationId}/accept 200 401 403 404 409 422 429 503",
  "POST /auth/invitations/{invitationId}/reject 204 401 403 404 409 422 429 503",
  "POST /auth/oauth2/admin/clients 201 401 403 422 503",
  "POST /auth/oauth2/admin/clients/{clientId}/secret 200 401 403 404 422 503",
  "POST /auth/oauth2/admin/registration-tokens 201 401 403 422 503",
  "POST /auth/oauth2/admin/resources 201 401 403 409 422 503",
  "POST /auth/oauth2/authorize 200 303 400 429 503",
  "POST /auth/oauth2/clients 201 401 403 422 503",
  "POST /auth/oauth2/clients/{clientId}/secret 200 401 403 404 422 503",
  "POST /auth/oauth2/consent 200 303 400 403 422 503",
  "POST /auth/oauth2/continue 200 303 400 403 422 503",
  "POST /auth/oauth2/end-session 200 303 400 503",
  "POST /auth/oauth2/end-session/confirm 200 303 400 403 422 503",
  "POST /auth/oauth2/introspect 200 400 401 429 503",
  "POST /auth/oauth2/register 201 400 401 403 429 503",
  "POST /auth/oauth2/requests/{requestId}/cancel 200 303 400 403 422 503",
  "POST /auth/oauth2/revoke 200 400 401 429 503",
  "POST /auth/oauth2/token 200 400 401 429 503",
  "POST /auth/oauth2/userinfo 200 400 401 403 429 503",
  "POST /auth/organizations 201 401 403 409 422 429 503",
  "POST /auth/organizations/{organization}/access/check 200 401 403 404 422 503",
  "POST /auth/organizations/{organization}/invitations 201 401 403 404 409 422 429 503",
  "POST /auth/organizations/{organization}/invitations/{invitationId}/resend 200 401 403 404 409 422 429 503",
  "POST /auth/organizations/{organization}/leave 204 401 403 404 409 422 503",
  "POST /auth/organizations/{organization}/members 200 401 403 404 409 422 503",
  "POST /auth/organizations/{organization}/restore 200 401 403 404 409 422 503",
  "POST /auth/organizations/{organization}/roles 201 401 403 404 409 422 503",
  "POST /auth/organizations/{organization}/teams 201 401 403 404 409 422 503",
  "POST /auth/organizations/{organization}/teams/{teamId}/access/check 200 401 403 404 422 503",
  "POST /auth/organizations/{organization}/teams/{teamId}/members 200 401 403 404 409 422 503",
  "POST /auth/organizations/{organization}/transfer 204 401 403 404 422 503",
  "POST /auth/password/change 200 401 403 422 429 503",
  "POST /auth/password/forgot 202 403 422 429 503",
  "POST /auth/password/reset 204 403 422 429 503",
  "POST /auth/provider/{providerId}/access-token 200 400 401 403 404 422 503",
  "POST /auth/provider/{providerId}/callback 303",
  "POST /auth/provider/{providerId}/link 200 401 403 404 422 429 503",
  "POST /auth/provider/{providerId}/link/id-token 200 400 401 403 404 422 429 503",
  "POST /auth/provider/{providerId}/refresh-token 200 400 401 403 404 422 503",
  "POST /auth/provider/{providerId}/sign-in 200 403 404 422 429 503",
  "POST /auth/provider/{providerId}/signin/id-token 200 400 403 404 409 422 429 503",
  "POST /auth/provider/{providerId}/unlink 200 400 401 403 404 409 422 503",
  "POST /auth/reauthenticate 200 401 403 422 429 503",
  "POST /auth/reauthenticate/password 200 401 403 409 422 429 503",
  "POST /auth/sign-in 200 403 422 429 503",
  "POST /auth/sign-in/backup-code 200 401 403 409 422 429 503",
  "POST /auth/sign-in/email-code 200 401 403 409 422 429 503",
  "POST /auth/sign-in/email-code/send 200 403 409 422 429 503",
  "POST /auth/sign-in/enrol/hotp 200 403 409 422 429 503",
  "POST /auth/sign-in/enrol/hotp/confirm 200 401 403 404 409 422 429 503",
  "POST /auth/sign-in/enrol/passkey 200 401 403 409 422 429 503",
  "POST /auth/sign-in/enrol/passkey/options 200 403 409 422 429 503",
  "POST /auth/sign-in/enrol/totp 200 403 409 422 429 503",
  "POST /auth/sign-in/enrol/totp/confirm 200 401 403 404 409 422 429 503",
  "POST /auth/sign-in/hotp 200 401 403 409 422 429 503",
  "POST /auth/sign-in/magic-link 200 403 409 422 429 503",
  "POST /auth/sign-in/magic-link/send 200 403 409 422 429 503",
  "POST /auth/sign-in/passkey 200 401 403 409 422 429 503",
  "POST /auth/sign-in/passkey/options 200 403 409 422 429 503",
  "POST /auth/sign-in/password 200 401 403 409 422 429 503",
  "POST /auth/sign-in/totp 200 401 403 409 422 429 503",
  "POST /auth/sign-out 204 403 422 503",
  "POST /auth/sign-up/password 202 403 422 429 503",
  "POST /auth/sign-up/password/confirm 200 401 403 409 422 429 503",
  "POST /auth/sign-up/password/proved 200 403 409 422 429 503",
  "POST /auth/stripe/webhook 200 400 403 422 429 502 503",
  "PUT /auth/oauth2/admin/resources 200 401 403 404 409 422 503",
]

/** What answers in the words of RFC 6749 instead of problems: its callers are clients, which know that form alone. */
const protocol = new Set([
  "GET /auth/oauth2/authorize",
  "GET /auth/oauth2/continue",
  "GET /auth/oauth2/end-session",
  "GET /auth/oauth2/userinfo",
  "POST /auth/oauth2/authorize",
  "POST /auth/oauth2/end-session",
  "POST /auth/oauth2/introspect",
  "POST /auth/oauth2/register",
  "POST /auth/oauth2/revoke",
  "POST /auth/oauth2/token",
  "POST /auth/oauth2/userinfo",
])

/** How callers of protocol endpoints prove themselves: any of these. An empty one stands for the form, or for nobody. */
const protocolSecurity = {
  "POST /auth/oauth2/introspect": [{ clientSecretBasic: [] }, {}],
  "POST /auth/oauth2/revoke": [{ clientSecretBasic: [] }, {}],
  "POST /auth/oauth2/token": [{ clientSecretBasic: [] }, {}],
  "GET /auth/oauth2/userinfo": [{ accessToken: [] }],
  "POST /auth/oauth2/userinfo": [{ accessToken: [] }, {}],
  "POST /auth/oauth2/register": [{ initialAccessToken: [] }, { bearer: [] }, { cookie: [] }, {}],
}

/** The failures of operations: where, by the media type, and as which schemas. */
const failuresOf = (isMeant: (name: string) => boolean) =>
  operations
    .filter(({ name }) => isMeant(name))
    .flatMap(({ name, operation }) =>
      Object.entries(operation.responses)
        .filter(([status]) => Number(status) >= 400)
        .map(([status, { content = {} }]) => ({
          at: `${name} ${status}`,
          types: Object.keys(content),
          schemas: Object.values(content).flatMap(({ schema }) => alternatives(schema)),
        })),
    )

/** Follows the references of a part of the document. */
const resolve = (part: unknown): unknown => {
  if (!Predicate.hasProperty(part, "$ref") || typeof part.$ref !== "string") return part
  const schemas: Record<string, unknown> = document.components.schemas
  return resolve(schemas[part.$ref.slice("#/components/schemas/".length)])
}

/** The schemas that one of `part` may be. */
const alternatives = (part: unknown): ReadonlyArray<unknown> =>
  Predicate.hasProperty(part, "anyOf") && Array.isArray(part.anyOf) ? part.anyOf.map(resolve) : [resolve(part)]

const decodeMembers = Schema.decodeUnknownSync(
  Schema.Struct({
    type: Schema.Literal("object"),
    properties: Schema.Record(Schema.String, Schema.Struct({ type: Schema.String })),
    required: Schema.Array(Schema.String),
  }),
)

describe("The OpenAPI document", () => {
  it("is of OpenAPI 3.1 and JSON", () => {
    assert.match(document.openapi, /^3\.1\.\d+$/)
    assert.deepStrictEqual(JSON.parse(JSON.stringify(document)), document)
    assert.strictEqual(document.info.title, "Belfry")
  })

  it("has exactly these operations, with these answers", () => {
    const found = operations.map(({ name, operation }) => [name, ...Object.keys(operation.responses).sort()].join(" "))
    assert.deepStrictEqual(found.sort(), frozen)
  })

  it("has a summary, a tag and an id of its own for each operation", () => {
    for (const { name, operation } of operations) {
      assert.isNotEmpty(operation.summary ?? "", name)
      assert.strictEqual(operation.tags.length, 1, name)
    }
    const ids = operations.map(({ operation }) => operation.operationId)
    assert.strictEqual(new Set(ids).size, operations.length)
    const tags = new Set(operations.flatMap(({ operation }) => operation.tags))
    assert.deepStrictEqual([...tags].sort(), (document.tags ?? []).map((tag) => tag.name).sort())
  })

  it("describes every failure as a problem with the tag of an error", () => {
    for (const { at, schemas, types } of failuresOf((name) => !protocol.has(name))) {
      assert.deepStrictEqual(types, ["application/problem+json"], at)
      assert.isNotEmpty(schemas, at)
      for (const schema of schemas) {
        const text = JSON.stringify(schema)
        assert.match(text, /"_tag":\{"type":"string","enum":\["\w+"\]\}/, at)
        for (const member of ["type", "title", "status"]) assert.include(text, `"${member}":{`, at)
      }
    }
  })

  it("describes every failure of a protocol endpoint in the words of RFC 6749", () => {
    const failures = failuresOf((name) => protocol.has(name))
    assert.deepStrictEqual(new Set(failures.map(({ at }) => at.replace(/ \d+$/, ""))), protocol)
    for (const { at, schemas, types } of failures) {
      assert.deepStrictEqual(types, ["application/json"], at)
      assert.isNotEmpty(schemas, at)
      for (const schema of schemas) {
        const { properties, required } = decodeMembers(schema)
        assert.deepStrictEqual(Object.keys(properties).sort(), ["error", "error_description"], at)
        for (const { type } of Object.values(properties)) assert.strictEqual(type, "string", at)
        assert.include(required, "error", at)
      }
    }
  })

  it("asks for the bearer token or the cookie where it answers 401 for a missing session, and nowhere else", () => {
    assert.deepInclude(document.components.securitySchemes["cookie"], { in: "cookie", name: "__Host-belfry_session" })
    for (const { name, operation } of operations.filter(({ name }) => !Object.hasOwn(protocolSecurity, name))) {
      const needsSession = JSON.stringify(operation.responses["401"] ?? {}).includes("SessionInvalid")
      const schemes = operation.security.flatMap((requirement) => Object.keys(requirement))
      assert.deepStrictEqual(schemes.sort(), needsSession ? ["bearer", "cookie"] : [], name)
    }
  })

  it("tells how clients, and holders of tokens, prove themselves at the protocol endpoints", () => {
    const found = operations
      .filter(({ name }) => Object.hasOwn(protocolSecurity, name))
      .map(({ name, operation }) => [name, operation.security])
    assert.deepStrictEqual(Object.fromEntries(found), protocolSecurity)
    const { accessToken, clientSecretBasic, initialAccessToken } = document.components.securitySchemes
    assert.deepInclude(clientSecretBasic, { type: "http", scheme: "basic" })
    for (const scheme of [accessToken, initialAccessToken]) {
      assert.deepInclude(scheme, { type: "http", scheme: "bearer" })
    }
    for (const name of Object.keys(protocolSecurity)) {
      const operation = operations.find((each) => each.name === name)?.operation
      // What an empty requirement stands for is said in words alone: documents have none for fields of a form.
      if (operation?.security.some((requirement) => Object.keys(requirement).length === 0) === true) {
        assert.match(operation.description ?? "", /in the form|in a form|registration is open/, name)
      }
    }
  })

  it("defines every security scheme that it names, that of the authorization server alone, too", () => {
    for (const { components, paths } of [document, OpenApi.fromApi(OAuthServerApi)]) {
      const named = Object.values(paths)
        .flatMap(({ delete: remove, get, patch, post, put }) => [remove, get, patch, post, put])
        .flatMap((operation) => operation?.security ?? [])
        .flatMap((requirement) => Object.keys(requirement))
      const defined = Object.keys(components.securitySchemes).sort()
      assert.deepStrictEqual([...new Set(named)].sort(), defined)
      assert.deepStrictEqual(defined, ["accessToken", "bearer", "clientSecretBasic", "cookie", "initialAccessToken"])
    }
    for (const tag of document.tags) assert.notProperty(tag, "components")
  })

  it("tells which form addresses of e-mail, ids and names have", () => {
    const text = JSON.stringify(document)
    assert.include(text, "^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    assert.include(text, '"maxLength":200')
  })
})
