/**
 * Links by e-mail: sign in, and up, by following what was sent.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { PagePaths } from "@belfry/core/PagePaths"
import type { RateLimited } from "@belfry/core/RateLimit"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import { Email } from "@belfry/core/User"
import { VerificationTokenInvalid } from "@belfry/core/VerificationToken"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as MailboxSignIns from "./internal/mailboxSignIns.ts"
import { OtherBrowser } from "./MagicLink.ts"
import { SignInAttemptId, type SignInRefused } from "./SignInAttempt.ts"
import { SignInAttempts } from "./SignInAttempts.ts"
import type { SignInContinues, SignInOutcome } from "./SignInOutcome.ts"
import { SignInMessages } from "./SignInMessages.ts"

/**
 * What can be chosen about links by e-mail.
 *
 * **Details**
 *
 * `sameBrowser`: whether a link works only in the browser that asked for it (the default). Where it works in others,
 * a new sign-in begins there. `signUp`: whether an address that nobody has signs up (it does by default).
 *
 * @category models
 * @since 0.1.0
 */
export interface MagicLinksOptions {
  readonly sameBrowser?: boolean
  readonly signUp?: boolean
}

const LinkPayload = Schema.Struct({
  attemptId: SignInAttemptId,
  attemptExpiresAt: Schema.DateTimeUtc,
  email: Schema.toType(Email),
})

/**
 * Tokens of links; they live 10 minutes. Their subject is the attempt, so that nobody who asks for a link to somebody
 * else's address makes that person's own links worthless.
 *
 * @category rules
 * @since 0.1.0
 */
export const linkPurpose = {
  name: "sign-in.magic-link",
  lifetime: Duration.minutes(10),
  payload: LinkPayload,
}

/**
 * Links by e-mail.
 *
 * @category services
 * @since 0.1.0
 */
export class MagicLinks extends Context.Service<
  MagicLinks,
  {
    /**
     * Sends a link, which is good once, for 10 minutes. With `email` a sign-in begins, in the attempt of `token` if
     * nothing was proved in it yet; without, the link goes to the user of that attempt. The answer is the same whether
     * or not the address has an account.
     */
    readonly send: (
      request: MailboxSignIns.MailRequest,
    ) => Effect.Effect<SignInContinues, SignInRefused | RateLimited | StoreError>
    /** Tells whether a link would sign in here, without using it up: for the page that it leads to. */
    readonly check: (options: {
      readonly link: Redacted.Redacted
      readonly token?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<void, VerificationTokenInvalid | OtherBrowser | StoreError>
    /**
     * Proves the factor by the token of a link. `token` is that of the attempt in this browser: unless the layer allows
     * others, it must be the one that asked for the link. An address that nobody has signs up, unless that is closed.
     */
    readonly prove: (options: {
      readonly link: Redacted.Redacted
      readonly token?: Redacted.Redacted | undefined
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<
      SignInOutcome,
      VerificationTokenInvalid | OtherBrowser | SignInRefused | RateLimited | StoreError
    >
  }
>()("@belfry/factors/MagicLinks") {}

/**
 * Links by e-mail over sign-in attempts, users, tokens and mail.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWith = ({ sameBrowser = true, signUp = true }: MagicLinksOptions) =>
  Layer.effect(
    MagicLinks,
    Effect.gen(function* () {
      const attempts = yield* SignInAttempts
      const tokens = yield* VerificationTokens
      const site = yield* Site
      const paths = yield* PagePaths
      const messages = yield* SignInMessages
      const mailboxes = yield* MailboxSignIns.make("magic-link", signUp)

      /** What a link carries, and the token of its attempt where that is this browser's. Uses nothing up. */
      const read = Effect.fnUntraced(function* (
        link: Redacted.Redacted,
        token: Redacted.Redacted | undefined,
        client: ClientInfo,
      ) {
        const { payload, userId } = yield* tokens.peek(linkPurpose, link)
        const attempt = yield* mailboxes.current(token, client)
        if (attempt?.id === payload.attemptId) return { payload, userId, here: token }
        if (!sameBrowser) return { payload, userId, here: undefined }
        const isOver = payload.attemptExpiresAt.epochMilliseconds <= (yield* DateTime.now).epochMilliseconds
        // A browser whose own attempt ended asks for a new link; another one sends the person to the right one.
        return isOver || (token !== undefined && attempt === undefined)
          ? yield* new VerificationTokenInvalid()
          : yield* new OtherBrowser()
      })

      return MagicLinks.of({
        send: Effect.fn("MagicLinks.send")((request) =>
          mailboxes.send(
            request,
            "sign-in-link",
            Effect.fnUntraced(function* ({ attempt, email, owner }) {
              // A later link replaces the earlier ones of the attempt.
              yield* tokens.revoke(linkPurpose, attempt.id)
              const token = yield* tokens.issue({
                purpose: linkPurpose,
                subject: attempt.id,
                userId: owner?.id ?? null,
                payload: { attemptId: attempt.id, attemptExpiresAt: attempt.expiresAt, email },
              })
              return messages.link({
                siteName: site.name,
                url: site.url(paths.magicLink, { token: Redacted.value(token) }),
                lifetime: linkPurpose.lifetime,
              })
            }),
          ),
        ),

        check: Effect.fn("MagicLinks.check")(({ link, token, client }) => Effect.asVoid(read(link, token, client))),

        prove: Effect.fn("MagicLinks.prove")(function* ({ link, token, replaces, client }) {
          const { payload, userId, here } = yield* read(link, token, client)
          const open = yield* here === undefined
            ? attempts.begin({ token: undefined, factor: "magic-link", client })
            : attempts.open({ token: here, factor: "magic-link", client })
          return yield* Effect.catchTag(
            mailboxes.prove({
              open,
              email: payload.email,
              owner: userId,
              replaces,
              confirm: tokens.consume(linkPurpose, link).pipe(
                Effect.as(true),
                Effect.catchTag("VerificationTokenInvalid", () => Effect.succeed(false)),
              ),
            }),
            "CodeInvalid",
            () => new VerificationTokenInvalid(),
          )
        }),
      })
    }),
  )

/**
 * {@link layerWith} its defaults: in the same browser, and whoever proves an address that nobody has signs up.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = layerWith({})
