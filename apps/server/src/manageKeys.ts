/**
 * Commands that manage signing keys.
 */
import { SigningAlgorithm } from "@belfry/oauth-server/SigningKey"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { confirmed, yes } from "./confirm.ts"
import { explained, json } from "./output.ts"
import { runIn } from "./run.ts"

const list = Command.make("list", { json }, ({ json }) => runIn(json, ({ keys }) => keys.list())).pipe(
  explained(
    "Lists the keys that sign tokens: id, algorithm, state, since when it signs, until when it counts. States: " +
      "`published` will sign; `signing`; `verifying`: what it signed still counts; `over`; `unusable`: no secret of " +
      "BELFRY_SECRETS opens it",
    ["keys list", "A line for each"],
    ["keys list --json | jq '.[] | select(.state == \"signing\")'", "Those that sign now"],
  ),
)

const rotate = Command.make(
  "rotate",
  {
    algorithms: Flag.Literals("algorithm", SigningAlgorithm.literals).pipe(
      Flag.withDescription("Only of this algorithm; as often as there are such. Else of each that there is a key of"),
      Flag.atLeast(0),
    ),
    isCompromised: Flag.Boolean("compromised").pipe(
      Flag.withDescription("Former keys are unpublished: every token that they signed is refused from now on"),
      Flag.withDefault(false),
    ),
    yes,
    json,
  },
  ({ json, yes, ...options }) =>
    confirmed(
      yes || !options.isCompromised,
      "Refuse every token that the present keys signed? This cannot be undone.",
    ).pipe(Effect.andThen(runIn(json, ({ keys }) => keys.rotate(options)))),
).pipe(
  explained(
    "Makes new signing keys that sign at once. Former keys verify until what they signed is over; servers that run " +
      "take up the new ones within a minute. Without this, servers rotate keys by themselves every " +
      "BELFRY_OAUTH_KEY_LIFETIME (90 days), published BELFRY_OAUTH_KEY_LEAD (1 day) before they sign. BELFRY_SECRETS, " +
      "which hash tokens and seal these keys, are rotated by that setting: put the new one first " +
      "(`new:...,old:...`) and restart each node. What is on file takes up the new one when it is next used; whatever " +
      "was not used since is refused once the old one is taken off",
    ["keys rotate", "New keys of every algorithm; nobody notices"],
    ["keys rotate --algorithm ES256", "Of one algorithm"],
    ["keys rotate --compromised", "After a theft: asks back, then refuses what the former keys signed"],
  ),
)

/** `belfry keys ...` */
export const keys = Command.make("keys").pipe(
  explained("Manages the keys that sign tokens", ["keys list", "Lists them"], ["keys rotate", "Makes new ones"]),
  Command.withSubcommands([list, rotate]),
)
