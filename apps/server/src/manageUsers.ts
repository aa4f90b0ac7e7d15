/**
 * Commands that manage users and their sessions.
 */
import { SessionId } from "@belfry/core/Session"
import { DisplayName, Email, Scope } from "@belfry/core/User"
import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { confirmed, yes } from "./confirm.ts"
import { explained, json } from "./output.ts"
import { runIn } from "./run.ts"

const email = Argument.String("email").pipe(
  Argument.withDescription("The address of the person's account"),
  Argument.withSchema(Email),
)

const create = Command.make(
  "create",
  {
    email: Argument.String("email").pipe(
      Argument.withDescription("The address that the account is to have"),
      Argument.withSchema(Email),
    ),
    name: Flag.String("name").pipe(
      Flag.withDescription("The name that the person goes by"),
      Flag.withSchema(DisplayName),
      Flag.optional,
    ),
    scopes: Flag.String("scope").pipe(
      Flag.withDescription("What the person may do beyond the account; as often as there are such"),
      Flag.withSchema(Scope),
      Flag.atLeast(0),
    ),
    isVerified: Flag.Boolean("verified").pipe(
      Flag.withDescription("You know that the address is the person's; else the first sign-in by mail proves it"),
      Flag.withDefault(false),
    ),
    json,
  },
  ({ json, ...options }) => runIn(json, ({ users }) => users.create(options)),
).pipe(
  explained(
    "Makes a user without a password: the person signs in by a code or link that is mailed, or sets a password by " +
      "`Forgot password?`",
    ["user create ada@example.com --name Ada", "Makes an account"],
    ["user create ops@example.com --verified --scope oauth:admin --json", "One who manages clients, by a program"],
  ),
)

const list = Command.make("list", { json }, ({ json }) => runIn(json, ({ users }) => users.list())).pipe(
  explained(
    "Lists all users, newest first: id, address, whether it is verified, state, scopes and name",
    ["user list", "A line for each"],
    ["user list --json | jq -r '.[].email'", "All addresses"],
  ),
)

const scopes = Command.make(
  "scopes",
  {
    email,
    scopes: Argument.String("scope").pipe(
      Argument.withDescription("All that the user has then; none takes them away"),
      Argument.withSchema(Scope),
      Argument.variadic(),
    ),
    json,
  },
  ({ email, json, scopes }) => runIn(json, ({ users }) => users.setScopes(email, scopes)),
).pipe(
  explained(
    "Sets what a user may do beyond the account: `oauth:admin` manages all clients",
    ["user scopes ada@example.com oauth:admin", "Makes Ada an administrator of clients"],
    ["user scopes ada@example.com", "Takes all scopes away"],
  ),
)

const setDisabled = (name: string, isDisabled: boolean) =>
  Command.make(name, { email, json }, ({ email, json }) =>
    runIn(json, ({ users }) => users.setDisabled(email, isDisabled)),
  )

const disable = setDisabled("disable", true).pipe(
  explained(
    "Shuts a user out until they are enabled again: every session ends at once, no factor and no provider signs in, and " +
      "what was granted to clients is refused. Whoever tries is answered as if there were no such account. JWTs that " +
      "are out already count with resource servers that do not ask this one, for BELFRY_OAUTH_ACCESS_TOKEN_LIFETIME " +
      "(1 hour) at most",
    ["user disable ada@example.com", "Nothing of the account is lost"],
  ),
)

const enable = setDisabled("enable", false).pipe(
  explained("Lets a user in again, who signs in anew; what was granted to clients for offline access holds again", [
    "user enable ada@example.com",
    "As before, without the sessions",
  ]),
)

/** `belfry user ...` */
export const user = Command.make("user").pipe(
  explained("Manages users", ["user create ada@example.com", "Makes an account"], ["user list", "Lists all"]),
  Command.withSubcommands([create, list, disable, enable, scopes]),
)

const listSessions = Command.make("list", { email, json }, ({ email, json }) =>
  runIn(json, ({ users }) => users.listSessions(email)),
).pipe(
  explained(
    "Lists the live sessions of a user, newest first: id, times, how the person signed in (RFC 8176), address, browser",
    ["sessions list ada@example.com", "Where Ada is signed in"],
  ),
)

const revokeSessions = Command.make(
  "revoke",
  {
    email,
    session: Argument.String("session-id").pipe(
      Argument.withDescription("The one that ends, as `sessions list` shows it"),
      Argument.withSchema(SessionId),
      Argument.optional,
    ),
    all: Flag.Boolean("all").pipe(Flag.withDescription("Every session of the user ends"), Flag.withDefault(false)),
    yes,
    json,
  },
  ({ all, email, json, session, yes }) =>
    confirmed(yes || !all, `End every session of ${email}?`).pipe(
      Effect.andThen(runIn(json, ({ users }) => users.revokeSessions(email, session))),
    ),
).pipe(
  Command.validate(({ all, session }) =>
    Option.isSome(session) === all
      ? Effect.fail(new CliError.ValidationError({ message: "Say which session ends: its id, or --all" }))
      : Effect.void,
  ),
  explained(
    "Ends sessions of a user at once, with the tokens that clients got in them; those for offline access stay",
    ["sessions revoke ada@example.com 0197a6c2-5c1f-7d8e-9b3a-2f6d1e4c8b70", "Ends one"],
    ["sessions revoke ada@example.com --all --yes", "Signs Ada out everywhere, without asking back"],
  ),
)

/** `belfry sessions ...` */
export const sessions = Command.make("sessions").pipe(
  explained("Manages sessions of users", ["sessions list ada@example.com", "Where Ada is signed in"]),
  Command.withSubcommands([listSessions, revokeSessions]),
)
