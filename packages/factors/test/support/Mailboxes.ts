/**
 * What people do with codes and links by mail, in a line each.
 */
import type { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { EmailCodes } from "@belfry/factors/EmailCodes"
import { MagicLinks } from "@belfry/factors/MagicLinks"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { DateTime, Effect, Redacted } from "effect"
import { ada, home, takeToken } from "./People.ts"

type CodeRequest = Partial<Parameters<EmailCodes["Service"]["send"]>[0]>
type LinkRequest = Partial<Parameters<MagicLinks["Service"]["send"]>[0]>

/** Asks for a code; to Ada's address in a new sign-in, unless told otherwise. */
export const sendCode = (request: CodeRequest = { email: ada }) =>
  EmailCodes.use((codes) => codes.send({ client: home, ...request }))

/** Asks for a link; to Ada's address in a new sign-in, unless told otherwise. */
export const sendLink = (request: LinkRequest = { email: ada }) =>
  MagicLinks.use((links) => links.send({ client: home, ...request }))

/** The code of the last mail to an address. */
export const takeCode = (to: Email = ada) =>
  Effect.map(
    CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(to, "sign-in-code")),
    ({ text }) => Redacted.make(/^[A-Z0-9]{6}$/mu.exec(text)?.[0] ?? ""),
  )

/** The token in the link of the last mail to an address. */
export const takeLink = (to: Email = ada) => takeToken(to, "sign-in-link")

/** Asks for a code and reads the mail. */
export const codeFor = Effect.fnUntraced(function* (email: Email = ada) {
  const { token } = yield* sendCode({ email })
  return { token, code: yield* takeCode(email) }
})

/** Asks for a link and reads the mail. */
export const linkFor = Effect.fnUntraced(function* (email: Email = ada) {
  const { token } = yield* sendLink({ email })
  return { token, link: yield* takeLink(email) }
})

export const proveCode = (answer: { readonly token: Redacted.Redacted; readonly code: Redacted.Redacted }) =>
  EmailCodes.use((codes) => codes.prove({ client: home, ...answer }))

/** Types another code than the right one, of the same form. */
export const proveWrongCode = ({
  token,
  code,
}: {
  readonly token: Redacted.Redacted
  readonly code: Redacted.Redacted
}) => proveCode({ token, code: Redacted.make(Redacted.value(code) === "BCDFGH" ? "ZXWVTS" : "BCDFGH") })

interface Opened {
  readonly link: Redacted.Redacted
  readonly token?: Redacted.Redacted | undefined
}

export const proveLink = (opened: Opened) => MagicLinks.use((links) => links.prove({ client: home, ...opened }))

export const checkLink = (opened: Opened) => MagicLinks.use((links) => links.check({ client: home, ...opened }))

/** A user who proved the address. */
export const createUser = (email: Email = ada) =>
  Effect.flatMap(DateTime.now, (emailVerifiedAt) => Users.use((users) => users.create({ email, emailVerifiedAt })))

/** How an effect ended: `success`, or the tag of its failure with the reason, if it has one. */
export const outcomeOf = <A, E extends { readonly _tag: string; readonly reason?: unknown }, R>(
  effect: Effect.Effect<A, E, R>,
) =>
  Effect.match(effect, {
    onFailure: ({ _tag, reason }) => (reason === undefined ? _tag : `${_tag}:${String(reason)}`),
    onSuccess: () => "success",
  })
