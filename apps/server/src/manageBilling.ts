/**
 * Commands that manage billing.
 */
import { Feature, LimitName } from "@belfry/billing/Plan"
import { WebhookEventId, WebhookStatus } from "@belfry/billing/WebhookEvent"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { GrantUnclear } from "./CommandError.ts"
import { explained, json } from "./output.ts"
import { runIn } from "./run.ts"

const payer = Argument.String("payer").pipe(
  Argument.withDescription("Who pays: an address, `organization:<id or slug>` or `team:<id or slug>/<id>`"),
)

const status = Command.make("status", { payer, json }, ({ json, payer }) =>
  runIn(json, ({ billing }) => billing.status(payer)),
).pipe(
  explained(
    "Shows what a payer pays for and may use, as it is known here",
    ["billing status ada@example.com", "Of a person"],
    ["billing status organization:acme", "Of an organization"],
  ),
)

const subscriptions = Command.make("subscriptions", { payer, json }, ({ json, payer }) =>
  runIn(json, ({ billing }) => billing.listSubscriptions(payer)),
).pipe(
  explained("Lists all subscriptions of a payer, newest first, ended ones too", [
    "billing subscriptions organization:acme",
    "A line for each",
  ]),
)

const reconcile = Command.make("reconcile", { payer: payer.pipe(Argument.optional), json }, ({ json, payer }) =>
  runIn(json, ({ billing }) => billing.reconcile(payer)),
).pipe(
  explained(
    "Compares a payer with Stripe, or every customer; what differs is as Stripe says then",
    ["billing reconcile organization:acme", "One payer"],
    ["billing reconcile", "Every customer; exit code 1 where some could not be compared"],
  ),
)

const events = Command.make(
  "events",
  {
    status: Flag.Literals("status", WebhookStatus.literals).pipe(
      Flag.withDescription("Only those that are `waiting`, `done`, `ignored` or `parked`"),
      Flag.optional,
    ),
    json,
  },
  ({ json, status }) => runIn(json, ({ billing }) => billing.listEvents(status)),
).pipe(
  explained("Lists events of Stripe, newest first: id, time, type, state", [
    "billing events --status parked",
    "Those that somebody has to look at",
  ]),
)

const replay = Command.make(
  "replay",
  {
    event: Argument.String("event").pipe(
      Argument.withDescription("Its id at Stripe, as `billing events` shows it"),
      Argument.withSchema(WebhookEventId),
    ),
    json,
  },
  ({ event, json }) => runIn(json, ({ billing }) => billing.replay(event)),
).pipe(
  explained("Deals with an event of Stripe anew, whatever became of it", [
    "billing replay evt_1PZ3x2A",
    "As if Stripe had just sent it",
  ]),
)

const plans = Command.make("plans", { json }, ({ json }) => runIn(json, ({ billing }) => billing.listPlans())).pipe(
  explained(
    "Lists what is sold with Stripe's prices, in the currency's smallest unit, and says what is missing there",
    ["billing plans", "Exit code 1 where something is missing"],
  ),
)

const isLimitName = Schema.is(LimitName)

const toLimit = (text: string): Option.Option<readonly [LimitName, number | null]> => {
  const [name, value = "", ...rest] = text.split("=")
  if (!isLimitName(name) || rest.length > 0) return Option.none()
  if (value === "none") return Option.some([name, null])
  return /^\d{1,9}$/u.test(value) ? Option.some([name, Number(value)]) : Option.none()
}

const grant = Command.make(
  "grant",
  {
    payer,
    features: Flag.String("feature").pipe(
      Flag.withDescription("A feature that it has, whatever it pays for; as often as there are such"),
      Flag.withSchema(Feature),
      Flag.atLeast(0),
    ),
    without: Flag.String("without").pipe(
      Flag.withDescription("A feature that it has not, whatever it pays for"),
      Flag.withSchema(Feature),
      Flag.atLeast(0),
    ),
    limits: Flag.String("limit").pipe(
      Flag.withDescription("A limit, such as `projects=50` or `projects=none`"),
      Flag.filterMap(toLimit, () => "Expected a name and a number, or `none`: projects=50"),
      Flag.atLeast(0),
    ),
    until: Flag.String("until").pipe(
      Flag.withDescription("When that is over, such as 2027-01-31; never unless you say so"),
      Flag.withSchema(Schema.DateTimeUtcFromString),
      Flag.optional,
    ),
    reason: Flag.String("reason").pipe(
      Flag.withDescription("Why, for whoever looks at it later"),
      Flag.withSchema(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(500))),
      Flag.optional,
    ),
    clear: Flag.Boolean("clear").pipe(
      Flag.withDescription("Takes back what was granted before"),
      Flag.withDefault(false),
    ),
    json,
  },
  Effect.fnUntraced(function* ({ clear, json, payer, ...grant }) {
    const isEmpty = grant.features.length + grant.without.length + grant.limits.length === 0
    if (clear !== isEmpty) return yield* new GrantUnclear()
    yield* runIn(json, ({ billing }) => billing.grant(payer, clear ? null : grant))
  }),
).pipe(
  explained(
    "Gives a payer features and limits beside its plans, in place of those granted before",
    ["billing grant organization:acme --feature export --until 2027-01-31", "For a while"],
    ["billing grant ada@example.com --limit projects=50 --reason 'a friend'", "For ever"],
    ["billing grant ada@example.com --clear", "Takes it back"],
  ),
)

/** `belfry billing ...` */
export const billing = Command.make("billing").pipe(
  explained(
    "Manages billing",
    ["billing status ada@example.com", "What Ada pays for, and may use"],
    ["billing plans", "What is sold"],
  ),
  Command.withSubcommands([status, subscriptions, reconcile, events, replay, grant, plans]),
)
