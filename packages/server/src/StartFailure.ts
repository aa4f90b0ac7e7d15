/**
 * Why the server could not start, in one line for the person who started it: what is wrong, and what to do.
 *
 * @since 0.1.0
 */
import * as Migrations from "@belfry/sql/Migrations"
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import { ServeError } from "effect/http/HttpServerError"
import { RedisError } from "effect/persistence/Redis"
import { PlatformError } from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { isSqlError, type SqlError } from "effect/sql/SqlError"

/**
 * Describes a failure: the setting to change, where there is one, and how.
 *
 * **Details**
 *
 * One line. It shows no value of a setting: the URL of a database or a mail server has a password in it. What is no
 * expected failure is a bug, and described with its stack.
 *
 * @category converting
 * @since 0.1.0
 */
export const describe = (cause: Cause.Cause<unknown>): string => {
  const failure = cause.reasons.find(Cause.isFailReason)
  return failure === undefined ? `this is a bug.\n${Cause.pretty(cause)}` : describeError(failure.error)
}

/**
 * Describes an error: {@link describe}.
 *
 * @category converting
 * @since 0.1.0
 */
export const describeError = (error: unknown): string => {
  if (error instanceof Config.ConfigError) return setting(error)
  if (isSqlError(error)) return database(error)
  if (error instanceof Migrations.MigrationFailed && isSqlError(error.cause)) {
    return `${error.message} (SQLSTATE ${SqlFailure.sqlState(error.cause) ?? "unknown"}); nothing of it was kept`
  }
  if (error instanceof Migrations.MigrationChecksumMismatch) {
    return `${error.message}; run the release that applied it, or restore the file`
  }
  if (error instanceof ServeError) return port(error)
  if (error instanceof RedisError) {
    return `BELFRY_REDIS_URL: the server does not let us in${reasonOf(error.cause)}; check that it runs, and the password`
  }
  if (error instanceof PlatformError) {
    return `BELFRY_DATA_DIR: ${error.message}; name a directory that this user may write`
  }
  return error instanceof Error ? oneLine(error.message) : "something failed without a reason"
}

// internal

const oneLine = (text: string): string => text.replace(/\s*\n\s*/gu, "; ")

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const clearer: Readonly<Record<string, string>> = {
  // Every variable that is there is a string.
  "Expected string": "is missing",
  "Expected a valid Duration string": 'Expected a duration such as "10 seconds"',
}

const setting = (error: Config.ConfigError): string => {
  if (!Schema.isSchemaError(error.cause)) return `the settings cannot be read: ${oneLine(error.cause.message)}`
  return formatIssues(error.cause.issue)
    .issues.map(({ path, message }) => {
      const names = (path ?? []).map((segment) => String(typeof segment === "object" ? segment.key : segment))
      return `${names.join("_")}: ${clearer[message] ?? oneLine(message)}`
    })
    .join("; ")
}

const database = (error: SqlError): string => {
  const { message } = error.reason
  const inner = Predicate.hasProperty(error.reason.cause, "message") ? String(error.reason.cause.message) : ""
  if (message.startsWith("PGlite")) {
    return `BELFRY_DATA_DIR: ${message}${inner === "" ? "" : ` (${oneLine(inner)})`}; stop the other program, or name another directory`
  }
  if (message.endsWith("URL")) return `DATABASE_URL: it is no URL such as postgres://user:password@host:5432/name`
  if (error.reason._tag === "AuthenticationError") return "DATABASE_URL: the server refuses the user or the password"
  const state = SqlFailure.sqlState(error)
  if (state === "3D000") return "DATABASE_URL: the server has no database of that name; create it"
  return SqlFailure.isRetryable(error)
    ? `DATABASE_URL: the server does not answer${reasonOf(error)}; check that it runs, and its host and port`
    : `DATABASE_URL: the server refused a statement (SQLSTATE ${state ?? "unknown"})`
}

const port = ({ cause }: ServeError): string => {
  switch (codeOf(cause)) {
    case "EADDRINUSE":
      return "BELFRY_PORT: the port is taken; stop the other program, or choose another port"
    case "EACCES":
      return "BELFRY_PORT: this user may not listen on this port; choose one above 1023"
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return "BELFRY_HOST: this machine has no such address"
    default:
      return `the server cannot listen${reasonOf(cause)}; check BELFRY_HOST and BELFRY_PORT`
  }
}

/** The system's word for a failure, ECONNREFUSED for instance, from wherever it stands in the chain of causes. */
const codeOf = (cause: unknown): string | undefined => {
  let current = cause
  for (let depth = 0; depth < 8; depth++) {
    if (Predicate.hasProperty(current, "code") && typeof current.code === "string") return current.code
    if (Predicate.hasProperty(current, "reason")) current = current.reason
    else if (Predicate.hasProperty(current, "socketError")) current = current.socketError
    else if (Predicate.hasProperty(current, "cause")) current = current.cause
    else return undefined
  }
  return undefined
}

const reasonOf = (cause: unknown): string => {
  const code = codeOf(cause)
  return code === undefined ? "" : ` (${code})`
}
