/**
 * The mail that invites: what it says and what its link carries.
 */
import { make as makeMessage } from "@belfry/core/Mail"
import { MailQueue } from "@belfry/core/MailQueue"
import { PagePaths } from "@belfry/core/PagePaths"
import { Site } from "@belfry/core/Site"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Invitation } from "../Invitation.ts"
import { OrganizationMessages } from "../OrganizationMessages.ts"

/** Builds the mail over the queue. */
export const make = Effect.gen(function* () {
  const queue = yield* MailQueue
  const messages = yield* OrganizationMessages
  const site = yield* Site
  const paths = yield* PagePaths
  const transactions = yield* TransactionStore

  return {
    /** Mails the newest token of an invitation, once the transaction that keeps it committed. */
    send: (options: {
      readonly invitation: Invitation
      readonly token: Redacted.Redacted
      readonly organizationName: string
      readonly inviterName: string | null
    }) => {
      const { invitation, token, organizationName, inviterName } = options
      const mail = messages.invitation({
        siteName: site.name,
        organizationName,
        inviterName,
        url: site.url(paths.acceptInvitation, { token: Redacted.value(token) }),
        lifetime: DateTime.distance(invitation.sentAt, invitation.expiresAt),
      })
      return transactions.afterCommit(
        queue.enqueue(makeMessage({ to: invitation.email, category: "organization-invitation", ...mail })),
      )
    },
  }
})
