/** How many of eight parallel uses of one code, and of one refresh token, a server lets through. */
import { codeIn, formPost, memberIn, navigation, open } from "../connection.ts"
import type { Connection } from "../connection.ts"
import type { OAuthContestant } from "../contenders/oauthServer.ts"
import { authorizationPath, basic, exchangeBody, refreshBody } from "../oauthLoad.ts"

/** Uses of one code or token at a time. */
export const uses = 8

/** Fewest and most that a trial let through. */
export interface Range {
  readonly min: number
  readonly max: number
}

/** What was let through, of {@link uses}. */
export interface ParallelUses {
  readonly code: Range
  readonly refreshToken: Range
}

/**
 * Tries so many times with each, as a person of their own each time, for a server may take everything from whoever uses
 * something twice: as many cookies, counted from `first`, are of no more use afterwards.
 */
export const measureParallelUses = async (
  contestant: OAuthContestant,
  { first, trials }: { readonly first: number; readonly trials: number },
): Promise<ParallelUses> => {
  const { clients, cookies, endpoints, name, port } = contestant
  const authorization = basic(clients.web)
  const connections = await Promise.all(Array.from({ length: uses }, () => open(port)))
  const [one] = connections
  if (one === undefined) throw new Error("no connection")
  const redeem = (connection: Connection, body: string) =>
    connection.send(formPost(port, endpoints.token, authorization, body))
  const codeOf = async (cookie: string): Promise<string> => {
    const answer = await one.send(navigation(port, authorizationPath(contestant), cookie))
    const code = codeIn(answer)
    if (code === undefined) throw new Error(`${name} gave no code:\n${answer}`)
    return code
  }
  const tokenOf = async (cookie: string): Promise<string> => {
    const answer = await redeem(one, `${exchangeBody()}${await codeOf(cookie)}`)
    const token = memberIn(answer, "refresh_token")
    if (token === undefined) throw new Error(`${name} gave no refresh token:\n${answer}`)
    return token
  }
  const letThrough = async (body: string): Promise<number> => {
    const answers = await Promise.all(connections.map((connection) => redeem(connection, body)))
    return answers.filter((answer) => memberIn(answer, "access_token") !== undefined).length
  }
  const codes: Array<number> = []
  const tokens: Array<number> = []
  for (let trial = 0; trial < trials; trial++) {
    const [person, other] = cookies.slice(first + 2 * trial)
    if (person === undefined || other === undefined) throw new Error("too few people")
    codes.push(await letThrough(`${exchangeBody()}${await codeOf(person)}`))
    tokens.push(await letThrough(`${refreshBody}${await tokenOf(other)}`))
  }
  for (const connection of connections) connection.close()
  const range = (counts: ReadonlyArray<number>): Range => ({ min: Math.min(...counts), max: Math.max(...counts) })
  return { code: range(codes), refreshToken: range(tokens) }
}
