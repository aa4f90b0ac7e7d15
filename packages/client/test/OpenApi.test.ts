import { BelfryApi } from "@belfry/client/BelfryApi"
import { assert, describe, it } from "@effect/vitest"
import { Predicate } from "effect"
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
  "DELETE /auth/factors/hotp 204 401 403 404 409 422 503",
  "DELETE /auth/factors/passkeys/{passkeyId} 204 401 403 404 409 422 503",
  "DELETE /auth/factors/totp 204 401 403 404 409 422 503",
  "DELETE /auth/password 204 401 403 404 409 422 503",
  "DELETE /auth/sessions 200 401 403 422 503",
  "DELETE /auth/sessions/{sessionId} 204 401 403 404 422 503",
  "DELETE /auth/sign-in 204 403 422 503",
  "DELETE /auth/user 204 401 403 409 422 503",
  "GET /auth/factors 200 401 403 422 503",
  "GET /auth/factors/hotp/pending 200 401 403 404 422 429 503",
  "GET /auth/factors/passkeys 200 401 403 422 503",
  "GET /auth/factors/totp/pending 200 401 403 404 422 429 503",
  "GET /auth/provider/{providerId}/account-info 200 400 401 403 404 422 503",
  "GET /auth/provider/{providerId}/accounts 200 400 401 403 404 422 503",
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
  "PATCH /auth/user 200 401 403 422 503",
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
]

/** Follows the references of a part of the document. */
const resolve = (part: unknown): unknown => {
  if (!Predicate.hasProperty(part, "$ref") || typeof part.$ref !== "string") return part
  const schemas: Record<string, unknown> = document.components.schemas
  return resolve(schemas[part.$ref.slice("#/components/schemas/".length)])
}

/** The schemas that one of `part` may be. */
const alternatives = (part: unknown): ReadonlyArray<unknown> =>
  Predicate.hasProperty(part, "anyOf") && Array.isArray(part.anyOf) ? part.anyOf.map(resolve) : [resolve(part)]

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
    for (const { name, operation } of operations) {
      for (const [status, response] of Object.entries(operation.responses)) {
        if (Number(status) < 400) continue
        const content = response.content ?? {}
        assert.deepStrictEqual(Object.keys(content), ["application/problem+json"], `${name} ${status}`)
        for (const schema of alternatives(content["application/problem+json"]?.schema)) {
          const text = JSON.stringify(schema)
          assert.match(text, /"_tag":\{"type":"string","enum":\["\w+"\]\}/, `${name} ${status}`)
          for (const member of ["type", "title", "status"]) assert.include(text, `"${member}":{`, `${name} ${status}`)
        }
      }
    }
  })

  it("asks for the bearer token or the cookie where it answers 401 for a missing session, and nowhere else", () => {
    assert.deepStrictEqual(Object.keys(document.components.securitySchemes).sort(), ["bearer", "cookie"])
    assert.deepInclude(document.components.securitySchemes["cookie"], { in: "cookie", name: "__Host-belfry_session" })
    for (const { name, operation } of operations) {
      const needsSession = JSON.stringify(operation.responses["401"] ?? {}).includes("SessionInvalid")
      const schemes = operation.security.flatMap((requirement) => Object.keys(requirement))
      assert.deepStrictEqual(schemes.sort(), needsSession ? ["bearer", "cookie"] : [], name)
    }
  })

  it("tells which form addresses of e-mail, ids and names have", () => {
    const text = JSON.stringify(document)
    assert.include(text, "^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    assert.include(text, '"maxLength":200')
  })
})
