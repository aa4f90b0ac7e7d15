/**
 * Proof that a contender does what the organization bench says that everybody does: who may not is refused, a slug is
 * one organization's, an address is invited once, and whoever accepts is a member afterwards.
 */
import { addressOf, memberAt, organizations } from "../contenders/organizations.ts"
import type { OrganizationContestant } from "../contenders/organizations.ts"
import type { Get, Post } from "../load.ts"

/** Fails with what the contender did wrong. */
export const proveOrganizations = async (contestant: OrganizationContestant): Promise<void> => {
  const { name, port, yes } = contestant
  const send = async (request: Get | Post) => {
    const isPost = "body" in request
    const response = await fetch(`http://127.0.0.1:${port}${request.path ?? ""}`, {
      method: isPost ? "POST" : "GET",
      headers: {
        cookie: request.cookie ?? "",
        origin: `http://localhost:${port}`,
        ...(isPost ? { "content-type": "application/json" } : {}),
      },
      ...(isPost ? { body: request.body } : {}),
    })
    return { ok: response.ok, text: `${response.status} ${await response.text()}` }
  }
  const must = (isRight: boolean, what: string, { text }: { readonly text: string }) => {
    if (!isRight) throw new Error(`${name}: ${what}: ${text.slice(0, 1000)}`)
  }
  const done = async (what: string, request: Get | Post, mustContain = "") => {
    const answer = await send(request)
    must(answer.ok && answer.text.includes(mustContain), `${what} failed`, answer)
    return answer
  }
  const refused = async (what: string, request: Get | Post) => {
    const answer = await send(request)
    must(!answer.ok, `${what} was not refused`, answer)
  }

  // In the last organization, by people of the one before: the measures begin with the first.
  const at = organizations
  const [owner, editor, plain] = [memberAt(at, 1), memberAt(at, 2), memberAt(at, 3)]
  const [outsider, invited] = [memberAt(at - 1, 4), memberAt(at - 1, 5)]
  await done("to make an organization", contestant.create(owner, "proof"), '"slug":"proof"')
  await refused("to make another of the same slug", contestant.create(editor, "proof"))
  await refused("an outsider who invites", contestant.invite(outsider, at, "eve@example.net"))
  await refused("a plain member who invites", contestant.invite(plain, at, "eve@example.net"))
  await done("to invite", contestant.invite(owner, at, "eve@example.net"), '"status":"pending"')
  await refused("to invite twice", contestant.invite(owner, at, "eve@example.net"))
  await refused("to invite a member", contestant.invite(owner, at, addressOf(plain)))
  await done("to list members", contestant.listMembers(plain, at), addressOf(editor))
  await refused("an outsider who lists members", contestant.listMembers(outsider, at))
  await done("to ask with the role of the organization", contestant.mayAdd(editor, at), yes)
  const other = await send(contestant.mayAdd(plain, at))
  must(!other.text.includes(yes), "a plain member may make members", other)
  const outside = await send(contestant.mayAdd(outsider, at))
  must(!outside.text.includes(yes), "an outsider may make members", outside)
  await refused("to accept nothing", contestant.accept(invited, "nothing"))
  const [token = ""] = await contestant.keepInvitations([{ organization: at, person: invited }])
  await done("to accept", contestant.accept(invited, token))
  await done("to list members after accepting", contestant.listMembers(invited, at))
}
