/**
 * Payers in memory: who is there, what is known of them, and whose a row is.
 */
import type { MemoryTables } from "@belfry/core/MemoryTables"
import type { MemoryOrganizationTables } from "@belfry/organization/MemoryOrganizationTables"
import type { TeamId } from "@belfry/organization/Team"
import type { PayerFacts } from "../CustomerStore.ts"
import type { Payer } from "../Payer.ts"

/** What is known of a payer; undefined: it is gone. Organizations that can be restored are there. */
export const factsOf = (
  payer: Payer,
  { users }: MemoryTables["Service"],
  { organizations, teamMembers, teams }: MemoryOrganizationTables["Service"],
): PayerFacts | undefined => {
  switch (payer._tag) {
    case "User": {
      const user = users.get(payer.userId)
      return user && { name: user.name, email: user.email, isEmailVerified: user.emailVerifiedAt !== null, seats: 1 }
    }
    case "Organization": {
      const row = organizations.get(payer.organizationId)
      return row && { ...nameless, name: row.organization.name, seats: row.memberCount }
    }
    case "Team": {
      const team = teams.get(payer.teamId)
      if (team?.organizationId !== payer.organizationId) return undefined
      const members = [...teamMembers.values()].filter(({ teamId }) => teamId === team.id)
      return { ...nameless, name: team.name, seats: members.length }
    }
  }
}

/** What rows of a payer are found by: the id of its kind alone. */
export const payerKey = (payer: Payer): string => {
  switch (payer._tag) {
    case "User":
      return `user:${payer.userId}`
    case "Organization":
      return `organization:${payer.organizationId}`
    case "Team":
      return teamKey(payer.teamId)
  }
}

/** The same of a team, whichever organization it is of. */
export const teamKey = (id: TeamId): string => `team:${id}`

// internal

const nameless = { email: null, isEmailVerified: false }
