/**
 * What a contender of the organization bench is: a server in a process of its own with organizations of people who are
 * signed in.
 *
 * Everybody plays by the same rules: the table of organizations is as large, each has as many members and a role of its
 * own beside those of the server, permissions are read at every request, an invitation is mailed and counts when its mail
 * is there, whoever accepts becomes a member and acts for the organization from then on. Rate limits are off.
 */
import type { Get, Post } from "../load.ts"
import { clientAddress } from "../load.ts"
import type { Contestant, Context } from "./contender.ts"

/** How many organizations there are. */
export const organizations = 500

/** Members of each: its owner, somebody with the role {@link editor}, and plain ones. */
export const members = 20

/** How many people there are: everybody is in one organization, where they are numbered one after the other. */
export const people = organizations * members

/** The role that every organization made: it sees members and makes others members, and nothing else. */
export const editor = "editor"

/** Members that a page has. */
export const pageSize = members

/** What is measured. */
export type Measure = "create" | "invite" | "accept" | "list members" | "has permission"

/** A contender that has organizations, ready for load. */
export interface OrganizationContestant extends Contestant {
  /** Makes an organization of this slug. */
  readonly create: (person: number, slug: string) => Post
  /** Invites an address as a member. */
  readonly invite: (person: number, organization: number, email: string) => Post
  /** Accepts what {@link keepInvitations} gave. */
  readonly accept: (person: number, key: string) => Post
  /** Lists the first page of the members. */
  readonly listMembers: (person: number, organization: number) => Get
  /** Asks whether somebody may make others members. */
  readonly mayAdd: (person: number, organization: number) => Post
  /** Text in the answer to {@link mayAdd} of somebody who may. */
  readonly yes: string
  /** Whether it mails invitations: as all do, but the limit. */
  readonly mails: boolean
  /** Keeps open invitations of people to organizations, and tells by what each is accepted. */
  readonly keepInvitations: (invited: ReadonlyArray<Invited>) => Promise<ReadonlyArray<string>>
}

/** Somebody who is invited, by the owner. */
export interface Invited {
  readonly person: number
  readonly organization: number
}

/** What every contender gets. */
export interface OrganizationContext extends Context {
  /** Port of the SMTP server that takes all mail. */
  readonly mailPort: number
  /** How many messages it has taken so far. */
  readonly mailTaken: () => Promise<number>
}

/** A way to have organizations. */
export interface OrganizationContender {
  readonly name: string
  /** Makes and fills the database `database`, starts the server on it and waits until it is ready. */
  readonly start: (context: OrganizationContext, database: string) => Promise<OrganizationContestant>
}

/** The person who is the member of this number in an organization, the first of which owns it. */
export const memberAt = (organization: number, place: number): number => (organization - 1) * members + place

/** Somebody who is in another organization, and invited to this one: never twice, whatever number `n` is. */
export const invitedOf = (n: number): Invited => {
  const organization = (n % organizations) + 1
  const round = Math.floor(n / organizations)
  if (round >= people - members) throw new Error("nobody is left to invite")
  return { organization, person: ((memberAt(organization, members) + round) % people) + 1 }
}

/** The address of a person. */
export const addressOf = (person: number): string => `user${person}@example.com`

/** The cookie of a person, of those that `seed` gave for as many sessions as people. */
export const cookieOf = (cookies: ReadonlyArray<string>, person: number): string => {
  // Session `g` is of user `g % users + 1`.
  const cookie = cookies[(person - 2 + people) % people]
  if (cookie === undefined) throw new Error(`person ${person} is not signed in`)
  return cookie
}

/** A POST of JSON by a person, to one path or another. */
export const postBy = (cookies: ReadonlyArray<string>, person: number, path: string, body: object): Post => ({
  path,
  body: JSON.stringify(body),
  cookie: cookieOf(cookies, person),
  forwardedFor: clientAddress(person),
})

/** A GET by a person. */
export const getBy = (cookies: ReadonlyArray<string>, person: number, path: string): Get => ({
  path,
  cookie: cookieOf(cookies, person),
  forwardedFor: clientAddress(person),
})

/** What stands at the number of an organization. */
export const idAt = (ids: ReadonlyArray<string>, organization: number): string => {
  const id = ids[organization - 1]
  if (id === undefined) throw new Error(`there is no organization ${organization}`)
  return id
}

/** The one column of rows, as text. */
export const textsOf = (rows: ReadonlyArray<Record<string, unknown>>): ReadonlyArray<string> =>
  rows.map((row) => String(Object.values(row)[0]))
