/**
 * Why a command refuses, beyond what services refuse. Each is one line for the person who gave the command.
 */
import * as Schema from "effect/Schema"

/** No user has this address. */
export class UserUnknown extends Schema.TaggedError<UserUnknown>("@belfry/app-server/UserUnknown")("UserUnknown", {}) {
  override get message(): string {
    return "There is no user of this address"
  }
}

/** What cannot be undone was asked for where nobody can be asked back. */
export class ConfirmationNeeded extends Schema.TaggedError<ConfirmationNeeded>("@belfry/app-server/ConfirmationNeeded")(
  "ConfirmationNeeded",
  { question: Schema.String },
) {
  override get message(): string {
    return `${this.question} Say --yes, since there is no terminal to answer on`
  }
}

/** The person was asked, and said no. */
export class Declined extends Schema.TaggedError<Declined>("@belfry/app-server/Declined")("Declined", {}) {
  override get message(): string {
    return "Nothing was done"
  }
}

/** Without JWTs there are no signing keys. */
export class JwtsDisabled extends Schema.TaggedError<JwtsDisabled>("@belfry/app-server/JwtsDisabled")(
  "JwtsDisabled",
  {},
) {
  override get message(): string {
    return "There are no signing keys: BELFRY_OAUTH_DISABLE_JWT is set"
  }
}

/** The text names no payer, or a team that there is not. */
export class PayerUnknown extends Schema.TaggedError<PayerUnknown>("@belfry/app-server/PayerUnknown")("PayerUnknown", {
  reason: Schema.Literals(["form", "team"]),
}) {
  override get message(): string {
    return this.reason === "team"
      ? "There is no such team"
      : "A payer is an address, organization:<id or slug> or team:<id or slug>/<id>"
  }
}

/** The command asks the payment provider, and there is none. */
export class BillingOff extends Schema.TaggedError<BillingOff>("@belfry/app-server/BillingOff")("BillingOff", {}) {
  override get message(): string {
    return "Billing is off: set BELFRY_STRIPE_SECRET_KEY, or BELFRY_STRIPE=local"
  }
}

/** No plan declares this. */
export class Undeclared extends Schema.TaggedError<Undeclared>("@belfry/app-server/Undeclared")("Undeclared", {
  kind: Schema.Literals(["feature", "limit"]),
  name: Schema.String,
}) {
  override get message(): string {
    return `There is no ${this.kind} ${this.name}`
  }
}

/** Nothing was said to be granted, or something together with taking all back. */
export class GrantUnclear extends Schema.TaggedError<GrantUnclear>("@belfry/app-server/GrantUnclear")(
  "GrantUnclear",
  {},
) {
  override get message(): string {
    return "Say what is granted: --feature, --without or --limit; or --clear alone"
  }
}

/** Another node sweeps all the time. */
export class SweepBusy extends Schema.TaggedError<SweepBusy>("@belfry/app-server/SweepBusy")("SweepBusy", {}) {
  override get message(): string {
    return "Another node has been sweeping for a minute; try again later"
  }
}
