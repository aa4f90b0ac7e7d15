/**
 * The words of the hosted pages about what happened in an organization, in English.
 *
 * @since 0.1.0
 */

/**
 * The words of the audit log, as part of the catalogue. Types and fields that have no words are shown as they are.
 *
 * @category constructors
 * @since 0.1.0
 */
export const auditWords = {
  auditLog: {
    title: "Audit log",
    none: "Nothing has happened yet.",
    /** What happened, by the type of the event. */
    types: {
      "organization.created": "Organization created",
      "organization.updated": "Organization changed",
      "organization.deleted": "Organization deleted",
      "organization.restored": "Organization restored",
      "organization.purged": "Organization gone for good",
      "organization.transferred": "Organization handed over",
      "organization-member.added": "Member added",
      "organization-member.roles-changed": "Roles of a member changed",
      "organization-member.removed": "Member removed",
      "organization-role.created": "Role made",
      "organization-role.updated": "Role changed",
      "organization-role.deleted": "Role deleted",
      "organization-invitation.created": "Invitation sent",
      "organization-invitation.resent": "Invitation sent again",
      "organization-invitation.accepted": "Invitation accepted",
      "organization-invitation.rejected": "Invitation declined",
      "organization-invitation.revoked": "Invitation taken back",
      "organization-invitation.expired": "Invitation expired",
      "organization-team.created": "Team made",
      "organization-team.updated": "Team changed",
      "organization-team.deleted": "Team deleted",
      "organization-team-member.added": "Member joined a team",
      "organization-team-member.role-changed": "Role in a team changed",
      "organization-team-member.removed": "Member left a team",
      "billing.customer-created": "First bill prepared",
      "billing.upgrade": "Plan chosen",
      "billing.subscription-started": "Subscription begun",
      "billing.subscription-changed": "Subscription changed",
      "billing.subscription-ended": "Subscription ended",
      "billing.cancel": "End of a subscription asked for",
      "billing.restore": "Subscription kept",
      "billing.portal": "Payment service opened",
      "billing.entitlements-overridden": "What can be used changed",
    } as Readonly<Record<string, string>>,
    refused: (what: string) => `Refused: ${what}`,
    /** Who did it, where nobody who signed in did. */
    nobody: "The site itself",
    gone: "Somebody who is gone",
    /** Who did it, for a reader who may not see the members. */
    somebody: "Somebody",
    about: (subject: string) => `About ${subject}`,
    byAndWhen: (person: string, ago: string) => `${person}, ${ago}`,
    /** What changed, by the name of the field. */
    fields: {
      cancelAt: "Ends on",
      description: "What it is for",
      interval: "Paid",
      logo: "Logo",
      name: "Name",
      periodEnd: "Period until",
      permissions: "Permissions",
      plan: "Plan",
      publicMetadata: "Public data",
      privateMetadata: "Private data",
      role: "Role",
      roles: "Roles",
      scheduled: "Change to come",
      seats: "Seats",
      slug: "Short name",
      status: "State",
      teams: "Teams",
    } as Readonly<Record<string, string>>,
    changed: (field: string, before: string, after: string) => `${field}: ${before} → ${after}`,
    set: (field: string, value: string) => `${field}: ${value}`,
    nothing: "nothing",
  },
}
