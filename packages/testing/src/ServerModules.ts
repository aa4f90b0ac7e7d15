/**
 * Tells which modules of a bundle for browsers are a server's.
 *
 * @since 0.1.0
 */

/**
 * Those of the modules, given by their paths, that have no place in a browser: databases, the Node platform, handlers,
 * services, stores and adapters of ours, whether from this repository's sources or from packages as installed.
 *
 * @category predicates
 * @since 0.1.0
 */
export const serverModules = (paths: ReadonlyArray<string>): ReadonlyArray<string> =>
  paths.filter((path) => {
    const { name = "", file = "" } = ours.exec(path)?.groups ?? {}
    return (
      foreign.some((pattern) => pattern.test(path)) || serverOnly.some((pattern) => pattern.test(`${name}/${file}`))
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const ours = /(?:packages|node_modules\/@belfry)\/(?<name>[\w-]+)\/(?:src\/)?(?<file>.+)\.[jt]s$/

const foreign = [
  /\/effect\/(?:dist|src)\/(?:sql|persistence|cluster|cli)\//,
  /@effect\/(?:platform-node|sql-pg)/,
  /@electric-sql/,
  /\/node_modules\/(?:jose|stripe)\//,
]

const any = (...names: ReadonlyArray<string>) => `(?:${names.join("|")})`

const serverOnly = [
  "(?:sql|server|testing)/.*",
  `.*/${any("Sql", "sql", "Memory", "Smtp", "Development", "Stripe", "stripe")}\\w*`,
  `.*/\\w*${any("Handlers", "Store", "Stores", "Services", "Mailer")}`,
  `.*/${any("Sessions", "Users", "Passwords", "Emails", "Audit", "KeyRing", "Hooks", "Site", "LinkedAccounts")}`,
  ".*/VerificationTokens",
  `factors/${any("SignInAttempts", "Enrolments", "StepUps", "EmailCodes", "MagicLinks", "Passkeys", "Totps", "Hotps")}`,
  "factors/BackupCodes",
  `oauth-server/${any("Authorizations", "Clients", "Consents", "Discovery", "Logouts", "Resources", "SigningKeys")}`,
  `oauth-server/${any("Tokens", "OAuthServerConfig", "OAuthServerSettings")}`,
  `billing/${any("Upgrades", "Subscriptions", "SubscriptionWork", "Synchronizations", "Customers", "Plans")}`,
  `billing/${any("Entitlements", "WebhookInbox")}`,
].map((pattern) => new RegExp(`^${pattern}$`))
