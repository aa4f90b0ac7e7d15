/**
 * The words of the hosted pages about access within an organization, in English: roles and permissions, invitations,
 * teams.
 *
 * @since 0.1.0
 */

/**
 * The words about access, as part of the catalogue.
 *
 * **Details**
 *
 * `roleNames`, `teamRoleNames`, `resourceNames` and `permissionNames` may have more than what is here: what a host
 * declares is shown by its name where it has no words.
 *
 * @category constructors
 * @since 0.1.0
 */
export const accessWords = {
  roleNames: {
    owner: "Owner",
    admin: "Administrator",
    member: "Member",
    billing: "Billing",
  } as Readonly<Record<string, string>>,

  roleTexts: {
    owner: "May do everything.",
    admin: "May do everything but delete the organization, hand it over, or manage its bills.",
    member: "Sees the organization, its members, roles and teams.",
    billing: "Sees and manages bills.",
  } as Readonly<Record<string, string>>,

  teamRoleNames: {
    lead: "Lead",
    member: "Member",
  } as Readonly<Record<string, string>>,

  /** Headings above permissions. */
  resourceNames: {
    organization: "Organization",
    member: "Members",
    invitation: "Invitations",
    role: "Roles",
    team: "Teams",
    teamMember: "Members of teams",
    audit: "Audit log",
    billing: "Bills",
    oauthClient: "Applications",
    apiKey: "API keys",
    sso: "Single sign-on",
    domain: "Domains",
  } as Readonly<Record<string, string>>,

  permissionNames: {
    "organization:read": "See it",
    "organization:update": "Change its name and settings",
    "organization:delete": "Delete it",
    "organization:transfer": "Hand it over",
    "member:read": "See members",
    "member:create": "Add members",
    "member:update": "Change roles of members",
    "member:delete": "Remove members",
    "invitation:read": "See invitations",
    "invitation:create": "Invite people",
    "invitation:revoke": "Take invitations back",
    "role:read": "See roles",
    "role:create": "Make roles",
    "role:update": "Change roles",
    "role:delete": "Delete roles",
    "team:read": "See teams",
    "team:create": "Make teams",
    "team:update": "Rename teams",
    "team:delete": "Delete teams",
    "teamMember:read": "See who is in a team",
    "teamMember:create": "Add members to teams",
    "teamMember:update": "Change roles in teams",
    "teamMember:delete": "Take members out of teams",
    "audit:read": "Read the audit log",
    "billing:read": "See bills",
    "billing:manage": "Manage bills",
    "oauthClient:read": "See applications",
    "oauthClient:create": "Register applications",
    "oauthClient:update": "Change applications",
    "oauthClient:delete": "Remove applications",
    "apiKey:read": "See API keys",
    "apiKey:create": "Make API keys",
    "apiKey:delete": "Remove API keys",
    "sso:read": "See single sign-on",
    "sso:manage": "Manage single sign-on",
    "domain:read": "See domains",
    "domain:manage": "Manage domains",
  } as Readonly<Record<string, string>>,

  roles: {
    title: "Roles",
    text: "A role says what its holders may do here.",
    ofSite: "Of every organization here",
    own: "Of this organization",
    none: "This organization has made no roles of its own.",
    create: "Make a role",
    cannotGive: "Allows more than you may do yourself.",
  },

  newRole: { title: "Make a role", nameHint: "Small letters, digits and hyphens.", submit: "Make role" },

  role: {
    permissions: "Permissions",
    all: "Everything, also what is added later.",
    none: "None.",
    missing: "What you may not do yourself you cannot give.",
    builtIn: "Every organization here has this role. It cannot be changed.",
    tooMuch: "You cannot change this role: it allows more than your roles do.",
    save: "Save role",
    delete: "Delete this role",
  },

  deleteRole: {
    title: (role: string) => `Delete the role ${role}?`,
    text: "Choose what its holders, and those invited to it, get instead.",
    nobody: "Nothing: nobody has it",
    replacement: "Instead they get",
    submit: "Delete role",
    cancel: "Keep it",
  },

  invitations: {
    title: "Invitations",
    none: "There are none.",
    show: "Show",
    status: {
      pending: "Open",
      accepted: "Accepted",
      rejected: "Declined",
      revoked: "Taken back",
      expired: "Expired",
    },
    all: "All",
    sent: (ago: string) => `Sent ${ago}`,
    until: (date: string) => `until ${date}`,
    searchLabel: "Address",
    searchHint: "How it begins.",
    create: "Invite somebody",
    resend: "Send again",
    resendNamed: (email: string) => `Send again to ${email}`,
    revoke: "Take back",
    revokeNamed: (email: string) => `Take back the invitation to ${email}`,
  },

  newInvitation: {
    title: "Invite somebody",
    text: "We will send a link that makes them a member.",
    teams: "Teams",
    teamsText: "They join these at once, with the role that you choose.",
    noTeam: "Not in this team",
    lifetime: "The link works for",
    submit: "Send invitation",
  },

  teams: {
    title: "Teams",
    none: "There are no teams yet.",
    searchLabel: "Name",
    searchHint: "How it begins.",
    create: "Make a team",
    made: (ago: string) => `Made ${ago}`,
  },

  newTeam: { title: "Make a team", submit: "Make team" },

  team: {
    none: "Nobody is in this team.",
    joined: (ago: string) => `joined ${ago}`,
    rename: "Rename",
    save: "Save name",
    add: "Add a member",
    addHint: "Somebody who is in the organization already.",
    addSubmit: "Add to the team",
    makeRole: (role: string) => `Make ${role}`,
    makeRoleNamed: (person: string, role: string) => `Make ${role}: ${person}`,
    remove: "Take out",
    removeNamed: (person: string) => `Take out ${person}`,
    leave: "Leave the team",
    delete: "Delete this team",
  },

  deleteTeam: {
    title: (team: string) => `Delete the team ${team}?`,
    text: "Its members stay in the organization. What the team gave them ends at once.",
    submit: "Delete team",
    cancel: "Keep it",
  },
}

/**
 * What can be wrong with what was entered about access.
 *
 * @category constructors
 * @since 0.1.0
 */
export const accessProblems = {
  noRole: "Choose at least one role",
  manyRoles: "Choose 20 roles at most",
  roleGone: "A role that you chose was deleted meanwhile. Choose again",
  permissionMissing: {
    permission: "None of your roles in this organization allows it",
    escalation: "You cannot give or take more than you may do yourself",
    owner: "Only an owner can make somebody an owner, or change one",
  },
  role: {
    "built-in": "Every organization here has this role. It cannot be changed",
    "name-taken": "There is a role of this name already. Choose another one",
    "in-use": "Members or open invitations have this role. Choose what they get instead",
    "permission-unknown": "One of the permissions is not known here any more. Choose again",
  },
  noPermission: "Choose at least one permission",
  noReplacement: "Choose what its holders get instead",
  invitation: {
    member: "This address belongs to a member already",
    invited: "This address is invited already. Send that invitation again instead",
  },
  invitationClosed: "This invitation is not open any more",
  manyTeams: "Choose 20 teams at most",
  teamGone: "A team that you chose was deleted meanwhile. Choose again",
  lastTeam: "An organization keeps at least one team",
}
