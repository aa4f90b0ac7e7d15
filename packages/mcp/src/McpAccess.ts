/**
 * Who calls: what tools, resources and prompts may know of the access token that a request was let in by.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { StoreError } from "@belfry/core/StoreError"
import { Email, isDisabled, type User, UserId } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import type { VerifiedAccessToken } from "@belfry/oauth-server/VerifiedAccessToken"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as McpSchema from "effect/ai/McpSchema"
import * as McpServer from "effect/ai/McpServer"

/**
 * The access that a request was let in by.
 *
 * **Details**
 *
 * `token` is what the access token says, never its text: a server that could pass it on would. `resource` is the one
 * that it was verified for, `organizationId` the organization that this resource is bound to, `caller` where the
 * request came from, as audit events keep it.
 *
 * @category models
 * @since 0.1.0
 */
export interface McpAccess {
  readonly token: VerifiedAccessToken
  readonly resource: string
  readonly organizationId: string | null
  readonly caller: ClientInfo
}

/**
 * The access of the current request: a request-level dependency of a tool.
 *
 * **Example** (A tool that knows who calls)
 *
 * ```ts
 * const WhoAmI = Tool.make("who_am_i", { success: Schema.String, dependencies: [McpAccess.CurrentAccess] })
 * const layer = Toolkit.make(WhoAmI).toLayer({
 *   who_am_i: () => Effect.map(McpAccess.CurrentAccess, ({ token }) => token.subject)
 * })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class CurrentAccess extends Context.Service<CurrentAccess, McpAccess>()("@belfry/mcp/CurrentAccess") {}

/**
 * Finds the user that an access stands for.
 *
 * @category services
 * @since 0.1.0
 */
export class UserLookup extends Context.Service<
  UserLookup,
  {
    /** None where there is no such user, or who is shut out, and where a client acts for itself. */
    readonly find: (access: McpAccess) => Effect.Effect<Option.Option<User>, StoreError>
  }
>()("@belfry/mcp/UserLookup") {
  /**
   * Layer that takes the subject for the id of a user: for tokens of this installation's own authorization server, to
   * clients whose subjects are public.
   */
  static readonly layerBySubject: Layer.Layer<UserLookup, never, Users> = Layer.effect(
    UserLookup,
    Effect.map(Users, (users) => UserLookup.of({ find: ({ token }) => byId(users, token, token.subject) })),
  )

  /**
   * Layer that takes a claim for the id of a user; `email` for the address of one, where `email_verified` is true and
   * the user proved the address here too.
   */
  static readonly layerByClaim = (claim: string): Layer.Layer<UserLookup, never, Users> =>
    Layer.effect(
      UserLookup,
      Effect.map(Users, (users) =>
        UserLookup.of({
          find: ({ token }) => {
            const value = token.claims[claim]
            return claim === "email" ? byVerifiedEmail(users, token, value) : byId(users, token, value)
          },
        }),
      ),
    )
}

/**
 * The user of the current request: a request-level dependency of a tool, met by {@link withUser}.
 *
 * @category services
 * @since 0.1.0
 */
export class CurrentMcpUser extends Context.Service<CurrentMcpUser, User>()("@belfry/mcp/CurrentMcpUser") {}

/**
 * Nobody stands behind the access: a client acts for itself, or its user is gone.
 *
 * @category errors
 * @since 0.1.0
 */
export class McpUserNeeded extends Schema.Error<McpUserNeeded>("@belfry/mcp/McpUserNeeded")({
  ...McpSchema.McpErrorBase.fields,
  _tag: Schema.tag("McpUserNeeded"),
  code: Schema.tag(-32003),
}) {}

/**
 * Users cannot be looked up at the moment.
 *
 * @category errors
 * @since 0.1.0
 */
export class McpUnavailable extends Schema.Error<McpUnavailable>("@belfry/mcp/McpUnavailable")({
  ...McpSchema.McpErrorBase.fields,
  _tag: Schema.tag("McpUnavailable"),
  code: Schema.tag(-32004),
}) {}

/**
 * MCP middleware that looks up the user of a request and provides {@link CurrentMcpUser}: `withUser.layer` to the
 * registrations that need one.
 *
 * @category middleware
 * @since 0.1.0
 */
export const withUser = McpServer.middleware<{ provides: CurrentMcpUser }>()(
  Effect.gen(function* () {
    const lookup = yield* UserLookup
    return Effect.fnUntraced(function* (
      effect: Effect.Effect<McpServer.MiddlewareSuccess, McpSchema.McpErrorBase, CurrentMcpUser>,
    ) {
      const found = yield* lookup.find(yield* CurrentAccess).pipe(
        Effect.tapError(({ store }) =>
          Effect.annotateLogs(Effect.logError("The user of an MCP request cannot be looked up"), { store }),
        ),
        Effect.mapError(() => new McpUnavailable({ message: "The user cannot be looked up at the moment" })),
      )
      if (Option.isNone(found)) return yield* new McpUserNeeded({ message: "This needs a user" })
      return yield* Effect.provideService(effect, CurrentMcpUser, found.value)
    })
  }),
)

// internal

const byId = (users: Users["Service"], token: VerifiedAccessToken, value: Schema.Json | undefined) =>
  token.isClientItself || !isUserId(value)
    ? Effect.succeedNone
    : users.get(value).pipe(
        Effect.map((user) => (isDisabled(user) ? Option.none() : Option.some(user))),
        Effect.catchTag("UserNotFound", () => Effect.succeedNone),
      )

const byVerifiedEmail = (users: Users["Service"], token: VerifiedAccessToken, value: Schema.Json | undefined) => {
  const email = decodeEmail(value)
  return token.isClientItself || token.claims["email_verified"] !== true || Option.isNone(email)
    ? Effect.succeedNone
    : // An address that nobody proved here may be another person's account.
      Effect.map(
        users.findByEmail(email.value),
        Option.filter((user) => user.emailVerifiedAt !== null && !isDisabled(user)),
      )
}

const isUserId = Schema.is(UserId)
const decodeEmail = Schema.decodeUnknownOption(Email)
