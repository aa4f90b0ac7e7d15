/**
 * How the libraries report what a server refuses.
 */
import * as oauth from "oauth4webapi"

/** What a promise fails with. Fails the test when it does not. */
export const failureOf = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error("it was let through")
}

/** An error in the body of an answer (RFC 6749 §5.2). */
export const bodyError = async (promise: Promise<unknown>) => {
  const error = await failureOf(promise)
  if (!(error instanceof oauth.ResponseBodyError)) throw error
  return [error.status, error.error] as const
}

/** An error that came through the browser (RFC 6749 §4.1.2.1). */
export const answerError = async (promise: Promise<unknown>): Promise<string> => {
  const error = await failureOf(promise)
  if (!(error instanceof oauth.AuthorizationResponseError)) throw error
  return error.error
}

/** The challenges of `WWW-Authenticate` (RFC 9110 §11.6.1). */
export const challenges = async (promise: Promise<unknown>) => {
  const error = await failureOf(promise)
  if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error
  return { status: error.status, challenges: error.cause }
}

/** The code by which a library says what it does not like about an answer. */
export const validationCode = async (promise: Promise<unknown>): Promise<unknown> => {
  const error = await failureOf(promise)
  return error instanceof Error && "code" in error ? error.code : error
}
