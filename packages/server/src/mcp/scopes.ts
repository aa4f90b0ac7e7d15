/**
 * The scopes of this server's own MCP tools.
 */

/** The person's own account. */
export const accountRead = "account:read"

/** Organizations of the person, with members and invitations, as far as the person may see them. */
export const organizationsRead = "organizations:read"

/** Changes in organizations, as far as the person may make them. */
export const organizationsWrite = "organizations:write"

/** All of them. */
export const toolScopes: ReadonlyArray<string> = [accountRead, organizationsRead, organizationsWrite]
