/**
 * Problem details as they should come back.
 */
import { assert } from "@effect/vitest"
import type { TestResponse } from "./TestServer.ts"

/** The body of a problem: its members, and the fields of its error. */
export const problem = (status: number, title: string, _tag: string, fields: object = {}) => ({
  type: "about:blank",
  title,
  status,
  _tag,
  ...fields,
})

/** Asserts that a response is this problem, in its content type, and sets no cookie. */
export const assertProblem = (response: TestResponse, expected: ReturnType<typeof problem>) => {
  assert.deepStrictEqual(response.json, expected)
  assert.strictEqual(response.status, expected.status)
  assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
  assert.deepStrictEqual(response.cookies, {})
}

export const invalidCredentials = problem(401, "Unauthorized", "InvalidCredentials")
export const tokenInvalid = problem(422, "Unprocessable Content", "VerificationTokenInvalid")
export const sessionInvalid = problem(401, "Unauthorized", "SessionInvalid")
export const crossOrigin = problem(403, "Forbidden", "CrossOriginRequest")
