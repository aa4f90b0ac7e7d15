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
import { run } from "./run.ts"

const payer = Argument.String("payer").pipe(
  Argument.withDescription("Who pays: an address, `organization:<id or slug>` or `team:<id or slug>/<id>`"),
)

const status = Command.make("status", { payer }, ({ payer }) => run(({ billing }) => billing.status(payer))).pipe(
  Command.withDescription("Shows what a payer pays for and may use, as it is known here"),
)

const subscriptions = Command.make("subscriptions", { payer }, ({ payer }) =>
  run(({ billing }) => billing.listSubscriptions(payer)),
).pipe(Command.withDescription("Lists all subscriptions of a payer, newest first, ended ones too"))

const reconcile = Command.make("reconcile", { payer: payer.pipe(Argument.optional) }, ({ payer }) =>
  run(({ billing }) => billing.reconcile(payer)),
).pipe(Command.withDescription("Compares a payer with Stripe, or every customer; what differs is as Stripe says then"))

const events = Command.make(
  "events",
  {
    status: Flag.Literals("status", WebhookStatus.literals).pipe(
      Flag.withDescription("Only those that are `waiting`, `done`, `ignored` or `parked`"),
      Flag.optional,
    ),
  },
  ({ status }) => run(({ billing }) => billing.listEvents(status)),
).pipe(Command.withDescription("Lists events of Stripe, newest first: id, time, type, state"))

const replay = Command.make(
  "replay",
  { event: Argument.String("event").pipe(Argument.withSchema(WebhookEventId)) },
  ({ event }) => run(({ billing }) => billing.replay(event)),
).pipe(Command.withDescription("Deals with an event of Stripe anew, whatever became of it"))

const plans = Command.make("plans", {}, () => run(({ billing }) => billing.listPlans())).pipe(
  Command.withDescription("Lists what is sold with Stripe's prices, and says what is missing there"),
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
  },
  ({ clear, payer, ...grant }) => {
    const isEmpty = grant.features.length + grant.without.length + grant.limits.length === 0
    return clear === isEmpty
      ? run(({ billing }) => billing.grant(payer, clear ? null : grant))
      : Effect.fail(new Error("Say what is granted: --feature, --without or --limit; or --clear alone"))
  },
).pipe(Command.withDescription("Gives a payer features and limits beside its plans, in place of those granted before"))

/** `belfry billing ...` */
export const billing = Command.make("billing").pipe(
  Command.withDescription("Manages billing"),
  Command.withSubcommands([status, subscriptions, reconcile, events, replay, grant, plans]),
)
