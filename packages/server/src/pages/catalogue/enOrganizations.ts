/**
 * The words of the hosted pages about organizations, in English: one's own, their settings, their members, joining one.
 *
 * @since 0.1.0
 */
import { accessProblems, accessWords } from "./enOrganizationAccess.ts"
import { auditWords } from "./enOrganizationAudit.ts"

const locale = "en"

/**
 * The words about organizations, as part of the catalogue. `name` is that of an organization, `person` that of
 * somebody, or their address.
 *
 * @category constructors
 * @since 0.1.0
 */
export const organizationWords = {
  ...accessWords,
  ...auditWords,

  /** What pages of organizations share. */
  organizationParts: {
    list: (items: ReadonlyArray<string>) => new Intl.ListFormat(locale, { type: "conjunction" }).format(items),
    search: "Search",
    next: "Next page",
    first: "First page",
    nothingFound: "Nothing was found.",
    you: "You",
    back: (name: string) => `Back to ${name}`,
    confirmFirst: "You will be asked to show that it is you first.",
    more: (count: number) => (count >= 1000 ? "1,000 or more" : String(count)),
  },

  organizations: {
    title: "Your organizations",
    none: "You are not in an organization yet.",
    section: "Organizations",
    open: "All organizations and invitations",
    openNone: "Create an organization, or join one",
    active: "In use",
    switch: "Switch",
    switchNamed: (name: string) => `Switch to ${name}`,
    create: "Create an organization",
    invitations: "Invitations",
    invitedBy: (person: string) => `From ${person}.`,
    accept: "Join",
    acceptNamed: (name: string) => `Join ${name}`,
    reject: "Decline",
    rejectNamed: (name: string) => `Decline the invitation to ${name}`,
    deleted: "Deleted",
    deletedAgo: (ago: string) => `Deleted ${ago}`,
    restore: "Restore",
    restoreNamed: (name: string) => `Restore ${name}`,
  },

  newOrganization: {
    title: "Create an organization",
    slugHint: "Part of the addresses of its pages: 2 to 48 small letters, digits and hyphens.",
    submit: "Create organization",
  },

  organization: {
    yourRoles: (roles: string) => `Your roles: ${roles}`,
    members: "Members",
    roles: "Roles",
    invitations: "Invitations",
    teams: "Teams",
    auditLog: "Audit log",
    settings: "Settings",
    pending: (count: string) => `${count} open`,
    leave: "Leave this organization",
    all: "All organizations",
  },

  leaveOrganization: {
    title: (name: string) => `Leave ${name}?`,
    text: "You lose access at once, on all your devices. To come back you need another invitation.",
    submit: "Leave",
    cancel: "Stay",
  },

  organizationSettings: {
    title: "Settings",
    profile: "Name and address",
    slugHint: "Part of the addresses of its pages. Links with the old one stop working.",
    logoHint: "The address of a picture, beginning with https://",
    save: "Save",
    transfer: "Hand over",
    transferText: "Another member becomes the owner. You stay as an administrator.",
    transferSubmit: "Hand over",
    transferStart: "Hand over this organization",
    danger: "Delete this organization",
    dangerText: (name: string, until: string | null) =>
      until === null
        ? `${name} and everything in it is deleted at once. This cannot be undone.`
        : `Everybody loses access to ${name} at once. An owner can restore it within ${until}; then it is gone for good.`,
    dangerSubmit: "Delete organization",
    dangerStart: "Delete this organization",
  },

  restoreOrganization: {
    title: (name: string) => `Restore ${name}?`,
    text: (ago: string, until: string) =>
      `It was deleted ${ago}. Until ${until} it can be restored as it was, with its members and teams.`,
    submit: "Restore",
  },

  members: {
    title: "Members",
    searchLabel: "Name or address",
    searchHint: "How it begins, at least 2 characters.",
    invite: "Invite people",
    joined: (ago: string) => `Joined ${ago}`,
  },

  member: {
    roles: "Roles",
    rolesText: "Somebody with several roles may do what any of them allows.",
    save: "Save roles",
    teams: "Teams",
    noTeams: "In no team.",
    tooMuch: "You cannot change these roles: they allow more than yours do.",
    unseen: "You cannot change these roles: you may not see all roles of the organization.",
    remove: "Remove from the organization",
    leave: "Leave the organization",
  },

  removeMember: {
    title: (person: string, name: string) => `Remove ${person} from ${name}?`,
    text: "Their access ends at once, on all their devices, and they leave all teams.",
    submit: "Remove",
    cancel: "Cancel",
  },

  acceptInvitation: {
    title: (name: string) => `Join ${name}`,
    invited: (email: string) => `The invitation was sent to ${email}.`,
    invitedBy: (person: string, email: string) => `${person} invited ${email}.`,
    roles: (roles: string) => `You would join with: ${roles}.`,
    until: (date: string) => `It can be accepted until ${date}.`,
    joinAs: (person: string) => `Join as ${person}`,
    otherAddress: (email: string) =>
      `You are signed in as ${email}, which is another address. If you join, it is with this account.`,
    useOther: "Sign out to use another account",
    decline: "Decline",
    signIn: "Sign in to join",
    signInText: (email: string) => `Have an account already? Sign in to it. Otherwise create one for ${email}.`,
    signUp: "Create an account",
    signUpText: "The invitation proves that this address is yours.",
    signUpSubmit: "Create account and join",
    declined: { title: "You declined", text: "You did not join. Whoever invited you can see that." },
    unknown: {
      title: "This invitation does not work",
      text: "Its link is not complete, or a newer message has another one. Look for the latest message, or ask for a new invitation.",
    },
    closed: {
      accepted: {
        title: "This invitation was accepted",
        text: "It works once. If it was you who accepted, you find the organization in your account.",
      },
      rejected: {
        title: "This invitation was declined",
        text: "Ask whoever invited you for another one if you want to join after all.",
      },
      revoked: {
        title: "This invitation was taken back",
        text: "Ask whoever invited you if you think that this is a mistake.",
      },
      expired: {
        title: "This invitation is too old",
        text: "Ask whoever invited you to send it again.",
      },
    },
  },

  authorizeOrganization: {
    title: "Choose an organization",
    text: (client: string) => `${client} gets access as a member of one organization. Which one?`,
    use: (name: string) => `Continue with ${name}`,
  },

  denied: {
    title: "You cannot do this",
    permission: "None of your roles in this organization allows it. Ask one of its owners.",
    escalation: "It would give or take more than you may do yourself. Ask one of the owners.",
    owner: "Only an owner can do this.",
    creation: "You cannot create organizations here. Ask the people who run this site.",
    billing: "You may not see to these bills. Ask somebody who does.",
  },

  /** What was done in organizations, by the flag of the address that says so. */
  organizationDone: {
    "invitation-accepted": "Welcome! You are a member now.",
    "invitation-rejected": "You declined the invitation.",
    "invitation-resent": "The invitation was sent again. The link of the message before does not work any more.",
    "invitation-revoked": "The invitation was taken back.",
    "invitation-sent": "The invitation was sent.",
    "member-removed": "The member was removed.",
    "organization-created": "Your organization is ready.",
    "organization-deleted": "The organization was deleted.",
    "organization-left": "You left the organization.",
    "organization-restored": "The organization is back, as it was.",
    "organization-saved": "Your changes were saved.",
    "organization-switched": "You use this organization now.",
    "organization-transferred": "The organization has another owner now.",
    "role-created": "The role was made.",
    "role-deleted": "The role was deleted.",
    "role-saved": "The role was saved. Whoever has it may do what it says from now on.",
    "roles-saved": "The roles were saved.",
    "team-created": "The team was made.",
    "team-deleted": "The team was deleted.",
    "team-member-added": "The member joined the team.",
    "team-member-removed": "The member left the team.",
    "team-role-saved": "The role in the team was saved.",
    "team-saved": "The team was saved.",
  } as Readonly<Record<string, string>>,
}

/**
 * The fields of forms about organizations.
 *
 * @category constructors
 * @since 0.1.0
 */
export const organizationFields = {
  organizationName: {
    label: "Name",
    missing: "Enter a name",
    invalid: "Enter a name of at most 200 characters, in one line",
  },
  slug: {
    label: "Short name",
    missing: "Enter a short name",
    invalid: "Enter 2 to 48 small letters, digits and hyphens, no hyphen first or last",
  },
  logo: {
    label: "Logo",
    missing: "Enter the address of a picture",
    invalid: "Enter an address that begins with https://",
  },
  memberEmail: {
    label: "E-mail address of the member",
    missing: "Enter the address of a member",
    invalid: "Enter an e-mail address like name@example.com",
  },
  confirmName: {
    label: "Name of the organization",
    missing: "Type the name of the organization",
    invalid: "Type the name of the organization as it is above",
  },
  roleName: {
    label: "Name",
    missing: "Enter a name",
    invalid: "Enter at most 63 small letters, digits and hyphens, a letter first",
  },
  roleDescription: {
    label: "What it is for",
    missing: "Enter what it is for",
    invalid: "Enter one line of at most 500 characters",
  },
  teamName: {
    label: "Name",
    missing: "Enter a name",
    invalid: "Enter a name of at most 200 characters, in one line",
  },
}

/**
 * What can be wrong with what was entered about organizations.
 *
 * @category constructors
 * @since 0.1.0
 */
export const organizationProblems = {
  ...accessProblems,
  slugTaken: "Another organization has this short name. Choose another one",
  metadata: "This site needs to know more about an organization than this page can ask. Ask the people who run it",
  organizationDeletionRefused: (reason: string | null) =>
    reason === null ? "Organizations cannot be deleted here" : `It cannot be deleted now: ${reason}`,
  notDeleted: "It is not deleted",
  noSuchMember: "Nobody with this address is a member",
  lastOwner: "An organization keeps at least one owner. Make somebody else an owner first, or delete it",
  limitReached: {
    organizations: (maximum: number) => `You can be in ${maximum} organizations at most. Leave one first`,
    members: (maximum: number) => `There can be ${maximum} members at most, and there are. Ask one of the owners`,
    invitations: (maximum: number) => `There can be ${maximum} open invitations at most. Take one back first`,
    roles: (maximum: number) => `There can be ${maximum} roles at most. Delete one first`,
    teams: (maximum: number) => `There can be ${maximum} teams at most. Delete one first`,
    "team-members": (maximum: number) => `A team can have ${maximum} members at most, and it has`,
  },
  invitationForAnother: {
    address: "This invitation is for another address. Sign in with the account of that address to accept it",
    unverified: "Confirm your e-mail address first, then accept the invitation",
  },
  invitationUnusable: "You could not join: perhaps there is no place left. Ask whoever invited you",
  emailHasAccount: "There is an account with this address already. Sign in to it, then join",
}
