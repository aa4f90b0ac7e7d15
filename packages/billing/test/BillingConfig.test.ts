import * as BillingConfig from "@belfry/billing/BillingConfig"
import * as BillingDefinition from "@belfry/billing/BillingDefinition"
import { BillingProvider } from "@belfry/billing/BillingProvider"
import * as BillingSettings from "@belfry/billing/BillingSettings"
import * as PlanCatalogue from "@belfry/billing/PlanCatalogue"
import * as StripeConfig from "@belfry/billing/StripeConfig"
import { assert, describe, it } from "@effect/vitest"
import { type Config, ConfigProvider, Duration, Effect, FileSystem, Layer, PlatformError, Redacted } from "effect"

const environment = (env: Record<string, string>) =>
  Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))

const read = <A>(config: Config.Config<A>, env: Record<string, string>) =>
  Effect.gen(function* () {
    return yield* config
  }).pipe(environment(env))

const key = { BELFRY_STRIPE_SECRET_KEY: "sk_test_1" }
const keys = { ...key, BELFRY_STRIPE_WEBHOOK_SECRET: "whsec_1" }

describe("the settings of billing", () => {
  it.effect("are the defaults where nothing is set", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read(BillingConfig.configSettings, {}), BillingSettings.make())
    }),
  )

  it.effect("are those of the configuration", () =>
    Effect.gen(function* () {
      const settings = yield* read(BillingConfig.configSettings, {
        BELFRY_BILLING_VERIFIED_EMAIL: "true",
        BELFRY_BILLING_DELETION: "cancel",
        BELFRY_BILLING_ADOPT_CUSTOMERS: "true",
        BELFRY_BILLING_CUSTOMER_ON_SIGN_UP: "true",
        BELFRY_BILLING_CHECKOUT_LIFETIME: "30 minutes",
        BELFRY_BILLING_TRIAL_NOTICE: "0 seconds",
        BELFRY_BILLING_EVENT_RETENTION: "2 days",
        BELFRY_BILLING_RECONCILE_INTERVAL: "10 minutes",
        BELFRY_BILLING_RATE_LIMITS: "false",
      })
      assert.deepStrictEqual(
        settings,
        BillingSettings.make({
          requiresVerifiedEmail: true,
          deletion: "cancel",
          adoptsCustomers: true,
          createsCustomerOnSignUp: true,
          checkoutLifetime: Duration.minutes(30),
          trialNotice: Duration.zero,
          eventRetention: Duration.days(2),
          reconcileInterval: Duration.minutes(10),
          limitsRates: false,
        }),
      )
    }),
  )

  for (const [name, value] of [
    ["VERIFIED_EMAIL", "perhaps"],
    ["DELETION", "ignore"],
    ["CHECKOUT_LIFETIME", "29 minutes"],
    ["CHECKOUT_LIFETIME", "25 hours"],
    ["TRIAL_NOTICE", "-1 days"],
    ["EVENT_RETENTION", "1 day"],
    ["RECONCILE_INTERVAL", "9 minutes"],
  ] as const) {
    it.effect(`refuse ${value} as BELFRY_BILLING_${name}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(read(BillingConfig.configSettings, { [`BELFRY_BILLING_${name}`]: value }))
        assert.include(String(error), name)
      }),
    )
  }
})

describe("the settings of Stripe", () => {
  it.effect("have it off until there is a key, or it is said to be on, and where it is said to be off", () =>
    Effect.gen(function* () {
      const mode = (env: Record<string, string>) => read(StripeConfig.configMode, env)
      assert.strictEqual(yield* mode({}), "off")
      assert.strictEqual(yield* mode({ BELFRY_STRIPE_SECRET_KEY: "" }), "off")
      assert.strictEqual(yield* mode(key), "on")
      assert.strictEqual(yield* mode({ BELFRY_STRIPE: "on" }), "on")
      assert.strictEqual(yield* mode({ ...key, BELFRY_STRIPE: "off" }), "off")
      assert.strictEqual(yield* mode({ BELFRY_STRIPE: "local" }), "local")
      assert.include(String(yield* Effect.flip(mode({ BELFRY_STRIPE: "yes" }))), "BELFRY_STRIPE")
    }),
  )

  it.effect("take several secrets of webhooks, and Stripe's own address unless there is another", () =>
    Effect.gen(function* () {
      const options = yield* read(StripeConfig.configOptions, {
        ...key,
        BELFRY_STRIPE_WEBHOOK_SECRET: "whsec_new, whsec_old",
      })
      assert.strictEqual(Redacted.value(options.secretKey), "sk_test_1")
      assert.deepStrictEqual(
        options.webhookSecrets.map((secret) => Redacted.value(secret)),
        ["whsec_new", "whsec_old"],
      )
      assert.deepInclude(options, { apiUrl: "https://api.stripe.com", portalConfiguration: null })
      const others = yield* read(StripeConfig.configOptions, {
        ...keys,
        BELFRY_STRIPE_API_URL: "http://127.0.0.1:12111",
        BELFRY_STRIPE_PORTAL_CONFIGURATION: "bpc_1",
      })
      assert.deepInclude(others, { apiUrl: "http://127.0.0.1:12111", portalConfiguration: "bpc_1" })
    }),
  )

  it.effect("tell keys that move real money from those that do not", () =>
    Effect.gen(function* () {
      const isLive = (BELFRY_STRIPE_SECRET_KEY: string) =>
        read(StripeConfig.configIsLive, { ...keys, BELFRY_STRIPE_SECRET_KEY })
      assert.deepStrictEqual(yield* Effect.forEach(["sk_test_live_", "rk_test_1", "sk_live_1", "rk_live_1"], isLive), [
        false,
        false,
        true,
        true,
      ])
    }),
  )

  for (const [what, env, name] of [
    ["a key that is published", { ...keys, BELFRY_STRIPE_SECRET_KEY: "pk_test_sekret" }, "SECRET_KEY"],
    ["a key without what signs its webhooks", key, "WEBHOOK_SECRET"],
    ["secrets among which there is none", { ...key, BELFRY_STRIPE_WEBHOOK_SECRET: " , " }, "WEBHOOK_SECRET"],
    ["another secret", { ...key, BELFRY_STRIPE_WEBHOOK_SECRET: "whsec_1,sekret" }, "WEBHOOK_SECRET"],
    ["an address in the clear", { ...keys, BELFRY_STRIPE_API_URL: "http://sekret.example" }, "API_URL"],
    ["what is no address", { ...keys, BELFRY_STRIPE_API_URL: "sekret" }, "API_URL"],
  ] as const) {
    it.effect(`refuse ${what}, and do not show it`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(read(StripeConfig.configOptions, env))
        assert.include(String(error), `BELFRY_STRIPE_${name}`)
        assert.notInclude(String(error), "sekret")
      }),
    )
  }

  it.effect("make the provider, or one that sells nothing", () =>
    Effect.gen(function* () {
      const provider = (env: Record<string, string>) =>
        BillingProvider.pipe(Effect.provide(Layer.fresh(StripeConfig.layerConfig)), environment(env))
      assert.deepInclude(yield* provider({}), { isEnabled: false, isLive: false })
      assert.deepInclude(yield* provider(keys), { isEnabled: true, isLive: false })
      const live = { ...keys, BELFRY_STRIPE_SECRET_KEY: "rk_live_1" }
      assert.deepInclude(yield* provider(live), { isEnabled: true, isLive: true })
    }),
  )
})

const plans = {
  features: ["export"],
  limits: ["projects"],
  base: { features: [], limits: { projects: 1 } },
  plans: {
    Pro: {
      title: "Pro",
      prices: { month: { lookupKey: "pro_month" }, year: { id: "price_1" } },
      features: ["export"],
      limits: { projects: null },
      trialDays: 14,
    },
    team: {
      title: "Team",
      audience: ["organization"],
      group: "teams",
      prices: { month: { lookupKey: "team_month" } },
      seats: { prices: { month: { lookupKey: "seat_month" } }, minimum: 2 },
      items: [{ prices: { month: { lookupKey: "usage_month" } }, quantity: null }],
      proration: "none",
    },
  },
  organizationLimits: { members: "projects" },
} as const

describe("plans of a file", () => {
  it.effect("are those that a definition in code would give", () =>
    Effect.gen(function* () {
      const rules = yield* BillingConfig.parsePlans(JSON.stringify(plans))
      assert.deepStrictEqual(rules, BillingDefinition.define(plans).rules)
    }),
  )

  const { Pro, team } = plans.plans
  for (const [what, text, pattern] of [
    ["what is no JSON", "{", /^there is no JSON$/],
    ["a list", "[]", /./],
    ["a word that is misspelt", { ...plans, plans: { Pro: { ...Pro, trialdays: 14 } } }, /^plans\.Pro\.trialdays: /],
    ["a plan without a price", { ...plans, plans: { Pro: { ...Pro, prices: {} } } }, /^plans\.Pro\.prices: Expected a/],
    [
      "an interval that there is not",
      { ...plans, plans: { Pro: { ...Pro, prices: { decade: { id: "p" } } } } },
      /decade/,
    ],
    [
      "a price of no kind",
      { ...plans, plans: { Pro: { ...Pro, prices: { month: "pro" } } } },
      /^plans\.Pro\.prices\.month/,
    ],
    ["a negative limit", { ...plans, base: { features: [], limits: { projects: -1 } } }, /^base\.limits\.projects: /],
    ["a name that is none", { ...plans, plans: { "my plan": Pro } }, /^plans\.my plan: no name/],
    ["two plans of a name", { ...plans, plans: { Pro, pro: team } }, /^plans\.pro: there are two/],
    ["a feature of the base", { ...plans, base: { features: ["sso"], limits: {} } }, /^base\.features: sso is not/],
    ["a feature of a plan", { ...plans, plans: { Pro: { ...Pro, features: ["sso"] } } }, /^plans\.Pro\.features: sso/],
    ["a limit of a plan", { ...plans, plans: { Pro: { ...Pro, limits: { rooms: 1 } } } }, /^plans\.Pro\.limits: rooms/],
    ["a limit of organizations", { ...plans, organizationLimits: { teams: "rooms" } }, /^organizationLimits: rooms is/],
  ] as const) {
    it.effect(`are refused for ${what}, with where it stands`, () =>
      Effect.gen(function* () {
        const reason = yield* Effect.flip(
          BillingConfig.parsePlans(typeof text === "string" ? text : JSON.stringify(text)),
        )
        assert.match(reason, pattern)
      }),
    )
  }

  const catalogue = (env: Record<string, string>, files: Readonly<Record<string, string>> = {}) =>
    Effect.flatMap(PlanCatalogue.PlanCatalogue, ({ rules }) => rules).pipe(
      Effect.provide(BillingConfig.layerConfigPlans.pipe(Layer.provide(PlanCatalogue.layer(given)))),
      Effect.provide(
        FileSystem.layerNoop({
          readFileString: (path) => Effect.mapError(Effect.fromNullishOr(files[path]), () => absent(path)),
        }),
      ),
      environment(env),
    )

  it.effect("are sold where the setting names it, and the host's where it does not", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* catalogue({}), given.rules)
      const rules = yield* catalogue({ BELFRY_BILLING_PLANS: "plans.json" }, { "plans.json": JSON.stringify(plans) })
      assert.deepStrictEqual(
        rules.plans.map(({ name }) => String(name)),
        ["pro", "team"],
      )
    }),
  )

  it.effect("that cannot be read keep the server from starting, which says in which file", () =>
    Effect.gen(function* () {
      const named = { BELFRY_BILLING_PLANS: "plans.json" }
      const missing = yield* Effect.flip(catalogue(named))
      assert.strictEqual(missing.message, "BELFRY_BILLING_PLANS: in the file plans.json, nothing can be read")
      const bad = yield* Effect.flip(catalogue(named, { "plans.json": "{}" }))
      assert.match(bad.message, /^BELFRY_BILLING_PLANS: in the file plans\.json, features: /)
    }),
  )
})

// internal

const given = BillingDefinition.define({
  features: [],
  limits: [],
  plans: { own: { title: "Own", prices: { month: { lookupKey: "own" } } } },
})

const absent = (path: string) =>
  PlatformError.systemError({
    _tag: "NotFound",
    module: "FileSystem",
    method: "readFileString",
    pathOrDescriptor: path,
  })
