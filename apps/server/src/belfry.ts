/**
 * All commands.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type * as Effect from "effect/Effect"
import { client } from "./manage.ts"
import { billing } from "./manageBilling.ts"
import { keys } from "./manageKeys.ts"
import { organization } from "./manageOrganizations.ts"
import { sessions, user } from "./manageUsers.ts"
import { explained, json } from "./output.ts"
import { run, runIn } from "./run.ts"

/** Every command; `whenServing` runs when the server is about to start. */
export const belfry = (whenServing: Effect.Effect<void>) =>
  Command.make("belfry").pipe(
    explained(
      "Authentication and authorization server. Settings are environment variables. Exit codes: 0 done; 1 refused, or " +
        "something to mend; 2 the command itself is wrong; 130 interrupted",
      ["serve", "Starts the server on http://localhost:3000, with an embedded database"],
      ["doctor", "Says what to mend in an installation"],
      ["client --help", "Explains the commands for clients; so does --help with every other"],
    ),
    Command.withSubcommands([
      serve(whenServing),
      migrate,
      doctor,
      sweep,
      openapi,
      client,
      keys,
      user,
      sessions,
      organization,
      billing,
    ]),
  )

// internal

const serve = (whenServing: Effect.Effect<void>) =>
  Command.make("serve", {}, () => run((commands) => commands.serve(whenServing))).pipe(
    explained(
      "Serves the HTTP API and the pages until it is told to stop (SIGINT, SIGTERM); applies migrations first",
      ["serve", "With an embedded database and generated secrets in .belfry"],
      ["serve  # DATABASE_URL=postgres://belfry:...@db/belfry", "As one of any number of nodes on one PostgreSQL"],
    ),
  )

const migrate = Command.make(
  "migrate",
  {
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Say what would be applied, and apply nothing"),
      Flag.withDefault(false),
    ),
    json,
  },
  ({ json, ...options }) => runIn(json, (commands) => commands.migrate(options)),
).pipe(
  explained(
    "Applies the migrations of every package that are not applied yet. Each commits by itself; it may be given on " +
      "several nodes at once",
    ["migrate --dry-run", "Lists what is pending"],
    ["migrate", "Applies it"],
  ),
)

const doctor = Command.make("doctor", { json }, ({ json }) => runIn(json, (commands) => commands.doctor())).pipe(
  explained(
    "Checks configuration, secrets, mail, billing, database and clock, and says what to mend. Changes nothing; exit " +
      "code 1 where something failed",
    ["doctor", "A line for each check"],
    ["doctor --json", "The same for a monitor"],
  ),
)

const sweep = Command.make("sweep", { json }, ({ json }) => runIn(json, (commands) => commands.sweep())).pipe(
  explained(
    "Removes what is over: sessions, tokens, grants, closed invitations, organizations that were deleted. Servers do " +
      "that every minute; this is for an installation that was down for long",
    ["sweep", "Says how many rows went, by table"],
  ),
)

const openapi = Command.make("openapi", {}, () => run((commands) => commands.openApi())).pipe(
  explained(
    "Prints the OpenAPI 3.1 document of the HTTP API as JSON, the one that the server has at /auth/openapi.json. Needs " +
      "no database",
    ["openapi > openapi.json", "Keeps it in a file, for generators of clients"],
  ),
)
