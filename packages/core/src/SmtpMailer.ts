/**
 * Hands messages over to an SMTP server, by nodemailer.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { load, loadComposer } from "./internal/nodemailer.ts"
import { parseSender } from "./Mail.ts"
import { MailError, Mailer } from "./Mailer.ts"

/**
 * A setting of the mailer cannot be used; `reason` says why without showing it.
 *
 * @category errors
 * @since 0.1.0
 */
export class SmtpSettingInvalid extends Schema.TaggedError<SmtpSettingInvalid>("@belfry/core/SmtpSettingInvalid")(
  "SmtpSettingInvalid",
  { setting: Schema.Literals(["BELFRY_SMTP_URL", "BELFRY_MAIL_FROM"]), reason: Schema.String },
) {
  override get message(): string {
    return `${this.setting} cannot be used: it ${this.reason}`
  }
}

/**
 * Which server takes the messages, and who sends them.
 *
 * @category models
 * @since 0.1.0
 */
export interface SmtpMailerOptions {
  /** `smtps://user:password@host:465` (TLS from the start) or `smtp://user:password@host:587` (STARTTLS). */
  readonly url: Redacted.Redacted
  /** `address` or `Name <address>`. */
  readonly from: string
}

/**
 * Makes a mailer with a pool of up to 10 connections that closes with the scope.
 *
 * **Details**
 *
 * With `smtp://` the connection is upgraded when the server can; when the URL has a password and the host is not this
 * machine, it must be, so that the password is never sent in the clear. Connecting may take 10 seconds, a silent server
 * is left after 30, a message is given up after 60. Connection failures and replies 4yz are retryable, 5yz are not.
 *
 * @see [RFC 8314 §3](https://www.rfc-editor.org/rfc/rfc8314.html#section-3)
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (options: SmtpMailerOptions) {
  const from = yield* Effect.mapError(
    Effect.fromResult(parseSender(options.from)),
    (reason) => new SmtpSettingInvalid({ setting: "BELFRY_MAIL_FROM", reason }),
  )
  const server = yield* Effect.mapError(
    Effect.fromResult(parseUrl(Redacted.value(options.url))),
    (reason) => new SmtpSettingInvalid({ setting: "BELFRY_SMTP_URL", reason }),
  )
  const { createTransport } = yield* load
  const composer = yield* loadComposer
  const transport = yield* Effect.acquireRelease(
    Effect.sync(() =>
      createTransport({
        ...server,
        pool: true,
        // As many as the queue sends at a time: one message takes several round trips.
        maxConnections: 10,
        connectionTimeout: 10_000,
        greetingTimeout: 10_000,
        dnsTimeout: 10_000,
        socketTimeout: 30_000,
        disableFileAccess: true,
        disableUrlAccess: true,
      }),
    ),
    (pool) => Effect.sync(() => pool.close({ force: true })),
  )

  return Mailer.of({
    send: Effect.fn("SmtpMailer.send")(function* (message) {
      yield* Effect.tryPromise({
        try: (signal) => {
          const node = composer.compile(message, from)
          const { from: sender, to } = node.getEnvelope()
          return transport.sendMail({ envelope: { from: sender, to }, raw: composer.toText(node), signal })
        },
        catch: toMailError,
      }).pipe(
        Effect.timeoutOrElse({
          duration: Duration.seconds(60),
          orElse: () =>
            Effect.fail(new MailError({ isRetryable: true, code: "ETIMEDOUT", cause: new Error("No end in 60 s") })),
        }),
      )
    }),
  })
})

/**
 * Layer of a mailer for a given server.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: SmtpMailerOptions): Layer.Layer<Mailer, SmtpSettingInvalid> =>
  Layer.effect(Mailer, make(options))

/**
 * Layer of the mailer of `BELFRY_SMTP_URL` and `BELFRY_MAIL_FROM`, both required.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<Mailer, SmtpSettingInvalid | Config.ConfigError> = Layer.effect(
  Mailer,
  Effect.gen(function* () {
    const url = yield* Config.Redacted("BELFRY_SMTP_URL")
    const from = yield* Config.String("BELFRY_MAIL_FROM")
    return yield* make({ url, from })
  }),
)

// internal

interface SmtpServer {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  readonly requireTLS: boolean
  readonly auth?: { readonly user: string; readonly pass: string }
}

const parseUrl = (text: string): Result.Result<SmtpServer, string> => {
  const url = URL.parse(text)
  if (url === null || url.hostname === "" || (url.protocol !== "smtp:" && url.protocol !== "smtps:")) {
    return Result.fail("is no URL such as smtps://user:password@mail.example.com")
  }
  if (url.search !== "" || url.hash !== "" || (url.pathname !== "" && url.pathname !== "/")) {
    return Result.fail("has a path, query or fragment, which mean nothing here")
  }
  const credentials = Result.try(() => ({
    user: decodeURIComponent(url.username),
    pass: decodeURIComponent(url.password),
  }))
  if (Result.isFailure(credentials)) return Result.fail("has a user name or password with a wrong % escape")
  const host = url.hostname.replace(/^\[(.*)\]$/u, "$1")
  const secure = url.protocol === "smtps:"
  const hasCredentials = url.username !== ""
  return Result.succeed({
    host,
    port: url.port === "" ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: !secure && hasCredentials && !isThisMachine(host),
    ...(hasCredentials ? { auth: credentials.success } : {}),
  })
}

const isThisMachine = (host: string): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/u.test(host)

// The failures of nodemailer that come from the way to the server rather than from the message.
const connectionFailures = new Set(["ECONNECTION", "ETIMEDOUT", "ESOCKET", "EDNS", "ETLS", "EPROTOCOL", "ECONNRESET"])

const toMailError = (cause: unknown): MailError => {
  const replyCode = Predicate.hasProperty(cause, "responseCode") ? cause.responseCode : undefined
  const code = Predicate.hasProperty(cause, "code") ? cause.code : undefined
  // RFC 5321 §4.2.1: 4yz is a transient refusal, 5yz a permanent one.
  if (typeof replyCode === "number") {
    return new MailError({ isRetryable: replyCode < 500, code: String(replyCode), cause })
  }
  return typeof code === "string"
    ? new MailError({ isRetryable: connectionFailures.has(code), code, cause })
    : new MailError({ isRetryable: false, code: null, cause })
}
