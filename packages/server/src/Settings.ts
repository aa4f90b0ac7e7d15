/**
 * Every setting of the server: its unit, its default, what it does. The table in the README is generated from here.
 *
 * @since 0.1.0
 */

/**
 * One environment variable.
 *
 * @category models
 * @since 0.1.0
 */
export interface Setting {
  readonly name: string
  readonly unit: string
  readonly default: string
  readonly description: string
}

/**
 * Every setting, in the order in which the README lists them.
 *
 * @category models
 * @since 0.1.0
 */
export const settings: ReadonlyArray<Setting> = [
  {
    name: "NODE_ENV",
    unit: "`production` or anything else",
    default: "",
    description: "In `production` the server refuses what is unsafe there and says why",
  },
  { name: "BELFRY_HOST", unit: "address", default: "127.0.0.1", description: "Address to listen on" },
  { name: "BELFRY_PORT", unit: "port", default: "3000", description: "Port to listen on; 0 takes a free one" },
  {
    name: "BELFRY_BASE_URL",
    unit: "origin",
    default: "http://localhost:3000",
    description: "Where people reach the server; https gives cookies their `__Host-` prefix",
  },
  { name: "BELFRY_SITE_NAME", unit: "text", default: "Belfry", description: "The name in pages and mails" },
  {
    name: "BELFRY_ALLOWED_ORIGINS",
    unit: "origins, by comma",
    default: "none",
    description: "Other origins that may call with the user's cookie and be redirected to",
  },
  {
    name: "BELFRY_TRUSTED_PROXIES",
    unit: "addresses or networks, by comma",
    default: "none",
    description: "Proxies whose `X-Forwarded-*` headers are believed",
  },
  {
    name: "BELFRY_DATA_DIR",
    unit: "directory",
    default: ".belfry",
    description: "PGlite's data, generated secrets, mail in development",
  },
  {
    name: "DATABASE_URL",
    unit: "URL",
    default: "PGlite in the data directory",
    description: "The PostgreSQL server (15 or later)",
  },
  {
    name: "BELFRY_DATABASE_POOL",
    unit: "connections, 1 to 1000",
    default: "10",
    description: "Connections that one process opens at most",
  },
  {
    name: "BELFRY_REDIS_URL",
    unit: "URL",
    default: "the database",
    description: "Where rate limits are counted, across nodes",
  },
  {
    name: "BELFRY_SECRETS",
    unit: "`id:value`, by comma",
    default: "generated, in the data directory",
    description: "Keys of the installation: the first signs, all verify; values of 32 characters or more",
  },
  {
    name: "BELFRY_SMTP_URL",
    unit: "URL",
    default: "mail is printed and kept in the data directory",
    description: "`smtps://user:password@host:465` or `smtp://user:password@host:587`",
  },
  {
    name: "BELFRY_MAIL_FROM",
    unit: "`Name <address>`",
    default: "needed with SMTP",
    description: "Sender of all mail",
  },
  {
    name: "BELFRY_SESSION_LIFETIME",
    unit: "duration",
    default: "7 days",
    description: "How long an unused session lives",
  },
  {
    name: "BELFRY_SESSION_UPDATE_AGE",
    unit: "duration",
    default: "1 day",
    description: "Use prolongs a session at most once in this time",
  },
  {
    name: "BELFRY_SESSION_ABSOLUTE_LIFETIME",
    unit: "duration",
    default: "30 days",
    description: "When a session ends whatever its use",
  },
  {
    name: "BELFRY_SESSION_IDLE_TIMEOUT",
    unit: "duration",
    default: "none",
    description: "Ends a session that was not used for this long",
  },
  {
    name: "BELFRY_SESSION_FRESHNESS",
    unit: "duration",
    default: "10 minutes",
    description: "How long a proof of identity allows what cannot be undone",
  },
  {
    name: "BELFRY_FIRST_FACTORS",
    unit: "factors, by comma",
    default: "password,email-code,magic-link,oauth,passkey",
    description: "What a sign-in may begin with",
  },
  {
    name: "BELFRY_SECOND_FACTOR",
    unit: "`if-enrolled` or `required`",
    default: "if-enrolled",
    description: "Whether everybody must set up a second factor, or who has one is asked for it",
  },
  {
    name: "BELFRY_GOOGLE_CLIENT_ID",
    unit: "text",
    default: "no sign-in with Google",
    description: "Client at Google; several by comma, of which the first asks and ID tokens for any are taken",
  },
  {
    name: "BELFRY_GOOGLE_CLIENT_SECRET",
    unit: "text",
    default: "needed with the client",
    description: "Its secret",
  },
  {
    name: "BELFRY_GOOGLE_HOSTED_DOMAIN",
    unit: "domain",
    default: "everybody",
    description: "Only accounts of this Workspace domain; `*` takes any domain and no personal accounts",
  },
  {
    name: "BELFRY_MICROSOFT_CLIENT_ID",
    unit: "text",
    default: "no sign-in with Microsoft",
    description: "Client at Microsoft, or several by comma",
  },
  {
    name: "BELFRY_MICROSOFT_CLIENT_SECRET",
    unit: "text",
    default: "a public client",
    description: "Its secret",
  },
  {
    name: "BELFRY_MICROSOFT_TENANT",
    unit: "id, `common`, `organizations` or `consumers`",
    default: "common",
    description: "Whose accounts may sign in",
  },
  {
    name: "BELFRY_MICROSOFT_AUTHORITY",
    unit: "URL",
    default: "https://login.microsoftonline.com",
    description: "Where Microsoft is; sovereign clouds have their own",
  },
  {
    name: "BELFRY_MICROSOFT_GRAPH_URL",
    unit: "URL",
    default: "https://graph.microsoft.com",
    description: "Where Microsoft Graph is",
  },
  {
    name: "BELFRY_MICROSOFT_DISABLE_PROFILE_PHOTO",
    unit: "boolean",
    default: "false",
    description: "Takes no photos from Microsoft Graph",
  },
  {
    name: "BELFRY_MICROSOFT_PROFILE_PHOTO_SIZE",
    unit: "pixels: 48, 64, 96, 120, 240, 360, 432, 504 or 648",
    default: "48",
    description: "Side of those photos",
  },
  {
    name: "BELFRY_APPLE_CLIENT_ID",
    unit: "text",
    default: "no sign-in with Apple",
    description: "Services ID at Apple, or several ids by comma",
  },
  {
    name: "BELFRY_APPLE_TEAM_ID",
    unit: "text",
    default: "needed with the client",
    description: "Team of the developer's account",
  },
  {
    name: "BELFRY_APPLE_KEY_ID",
    unit: "text",
    default: "needed with the client",
    description: "Id of the key that signs client secrets",
  },
  {
    name: "BELFRY_APPLE_PRIVATE_KEY",
    unit: "PEM",
    default: "needed with the client",
    description: "That key, the `.p8` file; `\\n` may stand for ends of lines",
  },
  {
    name: "BELFRY_GITHUB_CLIENT_ID",
    unit: "text",
    default: "no sign-in with GitHub",
    description: "Client at GitHub",
  },
  {
    name: "BELFRY_GITHUB_CLIENT_SECRET",
    unit: "text",
    default: "needed with the client",
    description: "Its secret",
  },
  {
    name: "BELFRY_GITHUB_BASE_URL",
    unit: "URL",
    default: "https://github.com",
    description: "Where GitHub is; companies have their own",
  },
  {
    name: "BELFRY_GITHUB_API_URL",
    unit: "URL",
    default: "by the base URL",
    description: "Where its API is, unless it is GitHub's own or `/api/v3` below the base URL",
  },
  {
    name: "BELFRY_LINE_CLIENT_ID",
    unit: "text",
    default: "no sign-in with LINE",
    description: "Channel at LINE, or several by comma",
  },
  {
    name: "BELFRY_LINE_CLIENT_SECRET",
    unit: "text",
    default: "needed with the client",
    description: "Its secret",
  },
  {
    name: "BELFRY_OIDC_PROVIDERS",
    unit: "ids, by comma",
    default: "none",
    description: "Further providers of OpenID Connect; the settings of `acme` begin with `BELFRY_OIDC_ACME_`",
  },
  {
    name: "BELFRY_OIDC_<NAME>_ISSUER",
    unit: "URL",
    default: "needed",
    description: "Its issuer, below which its discovery document is",
  },
  {
    name: "BELFRY_OIDC_<NAME>_CLIENT_ID",
    unit: "text",
    default: "needed",
    description: "Client there, or several by comma",
  },
  {
    name: "BELFRY_OIDC_<NAME>_CLIENT_SECRET",
    unit: "text",
    default: "a public client",
    description: "Its secret",
  },
  {
    name: "BELFRY_OIDC_<NAME>_NAME",
    unit: "text",
    default: "its id",
    description: "What people read on its button",
  },
  {
    name: "BELFRY_OIDC_<NAME>_SCOPES",
    unit: "scopes, by spaces",
    default: "openid profile email",
    description: "What it is asked for",
  },
  {
    name: "BELFRY_OAUTH_REGISTRATION",
    unit: "`off`, `token` or `open`",
    default: "off",
    description: "Who may register clients: nobody, who has an initial access token, or anybody",
  },
  {
    name: "BELFRY_OAUTH_REGISTRATION_SCOPES",
    unit: "scopes, by comma",
    default: "all",
    description: "Scopes that clients may register for",
  },
  {
    name: "BELFRY_OAUTH_REGISTRATION_DEFAULT_SCOPES",
    unit: "scopes, by comma",
    default: "all of them",
    description: "Scopes of clients that register without naming any",
  },
  {
    name: "BELFRY_OAUTH_REGISTRATION_STEP_UP",
    unit: "scopes, by comma",
    default: "none",
    description: "Scopes that such clients may ask people for beyond those that they registered",
  },
  {
    name: "BELFRY_OAUTH_CLIENT_METADATA_DOCUMENTS",
    unit: "`on` or `off`",
    default: "off",
    description: "Whether the URL of a client's own metadata document may be its id",
  },
  {
    name: "BELFRY_OAUTH_REDIRECT_SCHEMES",
    unit: "schemes, by comma",
    default: "those with a period",
    description: "Further schemes of redirect URIs of native applications: `cursor`, `vscode`",
  },
  {
    name: "BELFRY_OAUTH_REGISTRATION_SECRET_LIFETIME",
    unit: "duration",
    default: "for ever",
    description: "How long the secret of a client lasts that registered",
  },
  {
    name: "BELFRY_OAUTH_SECRET_OVERLAP",
    unit: "duration",
    default: "7 days",
    description: "How long both secrets hold while one takes the other's place",
  },
  {
    name: "BELFRY_OAUTH_TRUSTED_CLIENTS",
    unit: "client ids, by comma",
    default: "none",
    description: "The host's own clients: no consent is asked for them",
  },
  {
    name: "BELFRY_OAUTH_GRANT_TYPES",
    unit: "names, by comma",
    default: "authorization_code,refresh_token,client_credentials",
    description: "Grant types that are on",
  },
  {
    name: "BELFRY_OAUTH_SCOPES",
    unit: "scopes, by comma",
    default: "none",
    description: "Scopes beside `openid`, `profile`, `email` and `offline_access`",
  },
  {
    name: "BELFRY_OAUTH_DEFAULT_SCOPES",
    unit: "scopes, by comma",
    default: "openid",
    description: "What a client gets that names no scopes",
  },
  {
    name: "BELFRY_OAUTH_CLIENT_CREDENTIALS_DEFAULT_SCOPES",
    unit: "scopes, by comma",
    default: "none",
    description: "The same for tokens that a client gets for itself",
  },
  {
    name: "BELFRY_OAUTH_RESOURCES",
    unit: "identifiers by comma, or a JSON array",
    default: "none",
    description: "Protected resources that tokens may be for",
  },
  {
    name: "BELFRY_OAUTH_CODE_LIFETIME",
    unit: "duration",
    default: "60 seconds",
    description: "Lifetime of authorization codes, 10 minutes at most",
  },
  {
    name: "BELFRY_OAUTH_REQUEST_LIFETIME",
    unit: "duration",
    default: "10 minutes",
    description: "How long a request waits for its person",
  },
  {
    name: "BELFRY_OAUTH_ACCESS_TOKEN_LIFETIME",
    unit: "duration",
    default: "1 hour",
    description: "Lifetime of access tokens",
  },
  {
    name: "BELFRY_OAUTH_CLIENT_CREDENTIALS_LIFETIME",
    unit: "duration",
    default: "1 hour",
    description: "Lifetime of access tokens that a client gets for itself",
  },
  {
    name: "BELFRY_OAUTH_REFRESH_TOKEN_LIFETIME",
    unit: "duration",
    default: "30 days",
    description: "Lifetime of refresh tokens, anew with each refresh",
  },
  {
    name: "BELFRY_OAUTH_GRANT_LIFETIME",
    unit: "duration",
    default: "365 days",
    description: "How long a grant can be refreshed at all",
  },
  {
    name: "BELFRY_OAUTH_ID_TOKEN_LIFETIME",
    unit: "duration",
    default: "10 hours",
    description: "Lifetime of ID tokens",
  },
  {
    name: "BELFRY_OAUTH_SCOPE_LIFETIMES",
    unit: "`scope=duration`, by comma",
    default: "none",
    description: "Shorter lifetimes of access tokens that carry a scope",
  },
  {
    name: "BELFRY_OAUTH_REFRESH_GRACE",
    unit: "duration",
    default: "0",
    description: "For how long a refresh token that was rotated gets the same successor again",
  },
  {
    name: "BELFRY_OAUTH_ACCESS_TOKEN_ALGORITHM",
    unit: "`RS256`, `PS256`, `ES256` or `EdDSA`",
    default: "ES256",
    description: "Signs access tokens",
  },
  {
    name: "BELFRY_OAUTH_ID_TOKEN_ALGORITHM",
    unit: "`RS256`, `PS256`, `ES256` or `EdDSA`",
    default: "RS256",
    description: "Signs ID tokens",
  },
  {
    name: "BELFRY_OAUTH_KEY_LIFETIME",
    unit: "duration",
    default: "90 days",
    description: "How long a key signs",
  },
  {
    name: "BELFRY_OAUTH_KEY_LEAD",
    unit: "duration",
    default: "1 day",
    description: "How long a new key is published before it signs",
  },
  {
    name: "BELFRY_OAUTH_DISABLE_JWT",
    unit: "boolean",
    default: "false",
    description: "No JWTs but ID tokens of confidential clients, signed with their secret",
  },
  {
    name: "BELFRY_OAUTH_PAIRWISE_SECRET",
    unit: "text of 32 characters or more",
    default: "no pairwise subjects",
    description: "Key of pairwise subjects; changing it changes them all",
  },
  {
    name: "BELFRY_OAUTH_END_SESSION",
    unit: "boolean",
    default: "true",
    description: "RP-initiated logout",
  },
  {
    name: "BELFRY_OAUTH_PUBLIC_CLIENT_BEFORE_SIGN_IN",
    unit: "boolean",
    default: "false",
    description: "Shows who a client is to who is not signed in, over HTTP",
  },
  {
    name: "BELFRY_OAUTH_RATE_LIMITS",
    unit: "boolean",
    default: "true",
    description: "Limits of the authorization server by address",
  },
  {
    name: "BELFRY_OAUTH_LOGIN_URL",
    unit: "path or URL",
    default: "the hosted page",
    description: "A sign-in page of the host's own",
  },
  {
    name: "BELFRY_OAUTH_SIGN_UP_URL",
    unit: "path or URL",
    default: "the hosted page",
    description: "A sign-up page of the host's own",
  },
  {
    name: "BELFRY_OAUTH_CONSENT_URL",
    unit: "path or URL",
    default: "the hosted page",
    description: "A consent page of the host's own",
  },
  {
    name: "BELFRY_OAUTH_SELECT_ACCOUNT_URL",
    unit: "path or URL",
    default: "the hosted page",
    description: "A page of the host's own to choose an account",
  },
  {
    name: "BELFRY_OAUTH_POST_LOGIN_URL",
    unit: "path or URL",
    default: "no such step",
    description: "A step of the host's own after signing in",
  },
  {
    name: "BELFRY_ORGANIZATION_CREATION",
    unit: "`everybody` or `nobody`",
    default: "everybody",
    description: "Who may create organizations; the command line always may",
  },
  {
    name: "BELFRY_ORGANIZATION_DELETION",
    unit: "boolean",
    default: "true",
    description: "Whether owners may delete their organization",
  },
  {
    name: "BELFRY_ORGANIZATION_DELETION_GRACE",
    unit: "duration",
    default: "30 days",
    description: "For how long a deleted organization can be restored; 0: it is gone at once",
  },
  {
    name: "BELFRY_ORGANIZATION_ADD_MEMBERS_DIRECTLY",
    unit: "boolean",
    default: "false",
    description: "Whether people may be made members without being asked",
  },
  {
    name: "BELFRY_ORGANIZATION_INVITATION_LIFETIME",
    unit: "duration",
    default: "7 days",
    description: "How long an invitation is open",
  },
  {
    name: "BELFRY_ORGANIZATION_ACCEPT_OTHER_ADDRESSES",
    unit: "boolean",
    default: "true",
    description: "Whether the link of an invitation may be used with an account of another address",
  },
  {
    name: "BELFRY_ORGANIZATION_LIMIT",
    unit: "number or `none`",
    default: "none",
    description: "Organizations that a user is in, asked when one is created",
  },
  {
    name: "BELFRY_ORGANIZATION_MEMBER_LIMIT",
    unit: "number or `none`",
    default: "none",
    description: "Members of an organization",
  },
  {
    name: "BELFRY_ORGANIZATION_INVITATION_LIMIT",
    unit: "number or `none`",
    default: "1000",
    description: "Open invitations of an organization",
  },
  {
    name: "BELFRY_ORGANIZATION_ROLE_LIMIT",
    unit: "number or `none`",
    default: "100",
    description: "Roles that an organization makes",
  },
  {
    name: "BELFRY_ORGANIZATION_TEAM_LIMIT",
    unit: "number or `none`",
    default: "none",
    description: "Teams of an organization",
  },
  {
    name: "BELFRY_ORGANIZATION_TEAM_MEMBER_LIMIT",
    unit: "number or `none`",
    default: "none",
    description: "Members of a team",
  },
  {
    name: "BELFRY_ORGANIZATION_DEFAULT_TEAM",
    unit: "text",
    default: "none",
    description: "Name of the team that each organization begins with",
  },
  {
    name: "BELFRY_ORGANIZATION_TEAM_CREATOR_JOINS",
    unit: "boolean",
    default: "true",
    description: "Whether whoever creates a team is in it",
  },
  {
    name: "BELFRY_ORGANIZATION_KEEP_LAST_TEAM",
    unit: "boolean",
    default: "false",
    description: "Whether the last team of an organization stays",
  },
  {
    name: "BELFRY_ORGANIZATION_RATE_LIMITS",
    unit: "boolean",
    default: "true",
    description: "Limits of what people do with organizations",
  },
  {
    name: "BELFRY_ORGANIZATION_SCOPE",
    unit: "scope",
    default: "organization",
    description: "Scope with which a client asks to act for an organization",
  },
  {
    name: "BELFRY_MCP",
    unit: "`off` or `on`",
    default: "off",
    description: "Accounts and organizations as MCP tools at `/mcp`, and at `/mcp/organizations/{id}` for one of them",
  },
  {
    name: "BELFRY_MCP_REVOCATION",
    unit: "`at-once` or `at-expiry`",
    default: "at-once",
    description: "When a token that was revoked ends there: at once, for one statement a request, or when it is over",
  },
  {
    name: "BELFRY_MCP_RATE_LIMITS",
    unit: "boolean",
    default: "true",
    description: "Limits of MCP requests by user and by client",
  },
  {
    name: "BELFRY_MCP_ALLOWED_ORIGINS",
    unit: "origins, by comma",
    default: "none",
    description: "Origins whose pages may call the MCP endpoint",
  },
  {
    name: "BELFRY_STRIPE",
    unit: "`off`, `on` or `local`",
    default: "`on` where there is a key",
    description:
      "Billing; `local` shows it with a Stripe on this machine, without an account, and is refused in production",
  },
  {
    name: "BELFRY_STRIPE_SECRET_KEY",
    unit: "`sk_...` or `rk_...`",
    default: "no billing",
    description: "Key of the account at Stripe; one that is live needs https",
  },
  {
    name: "BELFRY_STRIPE_WEBHOOK_SECRET",
    unit: "`whsec_...`, by comma",
    default: "needed with the key",
    description: "Signs webhooks; several while one takes the other's place",
  },
  {
    name: "BELFRY_STRIPE_API_URL",
    unit: "URL",
    default: "https://api.stripe.com",
    description: "Where Stripe's API is",
  },
  {
    name: "BELFRY_STRIPE_PORTAL_CONFIGURATION",
    unit: "`bpc_...`",
    default: "the account's default",
    description: "Configuration of the customer portal",
  },
  {
    name: "BELFRY_STRIPE_LOCAL_PORT",
    unit: "port",
    default: "12111",
    description: "Port of the local Stripe; 0 takes a free one",
  },
  {
    name: "BELFRY_BILLING_PLANS",
    unit: "file",
    default: "those of the host's program",
    description: "What is sold, as JSON in the form of `BillingDefinition.define`",
  },
  {
    name: "BELFRY_BILLING_VERIFIED_EMAIL",
    unit: "boolean",
    default: "false",
    description: "Whether people need a verified address to buy",
  },
  {
    name: "BELFRY_BILLING_DELETION",
    unit: "`refuse` or `cancel`",
    default: "refuse",
    description:
      "What deleting somebody or something with a subscription comes to: it is refused, or the subscription ends",
  },
  {
    name: "BELFRY_BILLING_ADOPT_CUSTOMERS",
    unit: "boolean",
    default: "false",
    description: "Whether a customer whom Stripe knows by a user's verified address becomes theirs",
  },
  {
    name: "BELFRY_BILLING_CUSTOMER_ON_SIGN_UP",
    unit: "boolean",
    default: "false",
    description: "Whether Stripe is told of every user who signs up, not only of who buys",
  },
  {
    name: "BELFRY_BILLING_CHECKOUT_LIFETIME",
    unit: "duration, 30 minutes to 24 hours",
    default: "2 hours",
    description: "How long a checkout is open",
  },
  {
    name: "BELFRY_BILLING_TRIAL_NOTICE",
    unit: "duration",
    default: "3 days",
    description: "How long before its end a trial is said to end",
  },
  {
    name: "BELFRY_BILLING_EVENT_RETENTION",
    unit: "duration",
    default: "30 days",
    description: "How long events of Stripe stay that were dealt with",
  },
  {
    name: "BELFRY_BILLING_RECONCILE_INTERVAL",
    unit: "duration",
    default: "1 day",
    description: "How often every customer is compared with Stripe",
  },
  {
    name: "BELFRY_BILLING_RATE_LIMITS",
    unit: "boolean",
    default: "true",
    description: "Limits of what people do about billing",
  },
  {
    name: "BELFRY_PASSWORD_MEMORY",
    unit: "KiB",
    default: "19456",
    description: "Memory of one Argon2id hash; no less",
  },
  { name: "BELFRY_PASSWORD_PASSES", unit: "passes", default: "2", description: "Passes of one Argon2id hash; no less" },
  {
    name: "BELFRY_PASSWORD_PARALLELISM",
    unit: "lanes",
    default: "1",
    description: "Lanes of one Argon2id hash; no less",
  },
  {
    name: "BELFRY_PASSWORD_CONCURRENCY",
    unit: "hashes",
    default: "the cores, 4 at most",
    description: "Hashes computed at a time; the others wait",
  },
  {
    name: "BELFRY_PASSWORD_COMMON_CHECK",
    unit: "boolean",
    default: "true",
    description: "Refuses passwords that everybody tries first",
  },
  {
    name: "BELFRY_OUTBOUND_ALLOWED_HOSTS",
    unit: "hosts, by comma",
    default: "none",
    description: "Hosts that documents of providers may lead to though their addresses are not public",
  },
  {
    name: "BELFRY_REQUEST_TIMEOUT",
    unit: "duration",
    default: "10 seconds",
    description: "A request that takes longer is answered with 503",
  },
  {
    name: "BELFRY_LOG_LEVEL",
    unit: "level",
    default: "Info",
    description: "`Debug`, `Info`, `Warn`, `Error` or `None`",
  },
  {
    name: "BELFRY_LOG_REQUESTS",
    unit: "share, 0 to 1",
    default: "0",
    description: "Share of requests that are logged; failures (5xx) always are",
  },
  {
    name: "BELFRY_METRICS_TOKEN",
    unit: "text",
    default: "loopback only",
    description: "Bearer token that `/metrics` asks for",
  },
  {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    unit: "URL",
    default: "none",
    description: "Collector for traces, metrics and logs; the other `OTEL_*` variables are read too",
  },
]

/**
 * The settings as a Markdown table.
 *
 * @category converting
 * @since 0.1.0
 */
export const toMarkdown = (): string =>
  [
    "| setting | unit | default | what it does |",
    "| --- | --- | --- | --- |",
    ...settings.map(
      ({ name, unit, default: value, description }) => `| \`${name}\` | ${unit} | ${value} | ${description} |`,
    ),
  ].join("\n")
