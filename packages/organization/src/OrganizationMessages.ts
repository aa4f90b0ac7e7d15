/**
 * The mails about organizations, in words. A host provides its own to change them.
 *
 * @since 0.1.0
 */
import { inWords, render, type RenderedMail } from "@belfry/core/MailTemplate"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"

/**
 * The mails about organizations.
 *
 * @category models
 * @since 0.1.0
 */
export interface OrganizationMessagesService {
  /** Category `organization-invitation`. `inviterName` is null where nobody is to be named. */
  readonly invitation: (values: {
    readonly siteName: string
    readonly organizationName: string
    readonly inviterName: string | null
    readonly url: string
    readonly lifetime: Duration.Duration
  }) => RenderedMail
  /** Category `organization-ownership`, to the new owner. */
  readonly ownershipReceived: (values: {
    readonly siteName: string
    readonly organizationName: string
    readonly url: string
  }) => RenderedMail
  /** Category `organization-deleted`, to the owners. */
  readonly deleted: (values: {
    readonly siteName: string
    readonly organizationName: string
    readonly grace: Duration.Duration
    readonly url: string
  }) => RenderedMail
}

/**
 * The mails in English.
 *
 * @category constructors
 * @since 0.1.0
 */
export const english: OrganizationMessagesService = {
  invitation: ({ siteName, organizationName, inviterName, url, lifetime }) =>
    render({
      siteName,
      subject: `Join ${organizationName} on ${siteName}`,
      heading: `You are invited to ${organizationName}`,
      paragraphs: [
        inviterName === null
          ? `You were invited to become a member of ${organizationName} on ${siteName}.`
          : `${inviterName} invited you to become a member of ${organizationName} on ${siteName}.`,
        `The link works for ${inWords(lifetime)}.`,
      ],
      action: { label: "See the invitation", url },
      closing: ["If you do not know who this is from, ignore this message: nothing will happen."],
    }),
  ownershipReceived: ({ siteName, organizationName, url }) =>
    render({
      siteName,
      subject: `You own ${organizationName} now`,
      heading: `You own ${organizationName} now`,
      paragraphs: [`${organizationName} on ${siteName} was handed over to you: you can do everything in it.`],
      action: { label: "Open the organization", url },
      closing: ["If you did not expect this, you can hand it over again or leave it."],
    }),
  deleted: ({ siteName, organizationName, grace, url }) =>
    render({
      siteName,
      subject: `${organizationName} was deleted`,
      heading: `${organizationName} was deleted`,
      paragraphs: [`${organizationName} on ${siteName} was deleted. An owner can restore it within ${inWords(grace)}.`],
      action: { label: "Restore it", url },
      closing: ["If this was not meant, restore it and look at who its owners are."],
    }),
}

/**
 * The mails about organizations, in English unless the host provides others.
 *
 * @category services
 * @since 0.1.0
 */
export const OrganizationMessages = Context.Reference<OrganizationMessagesService>(
  "@belfry/organization/OrganizationMessages",
  { defaultValue: () => english },
)
