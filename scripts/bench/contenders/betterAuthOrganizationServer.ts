/**
 * Program of the `better-auth` contender of the organization bench: Better Auth with its organization plugin.
 *
 * Settings: those of `betterAuthProgram.ts`; and `MAIL_PORT`. Organizations have roles of their own, its numbers of
 * members and invitations are no limit, invitations are mailed behind the request.
 */
import { createTransport } from "nodemailer"
import { peerUrl } from "../peers.ts"
import { baseURL, makeBetterAuth, serve } from "./betterAuthProgram.ts"
import type { PluginOf } from "./betterAuthProgram.ts"

/** What the hook for mail is given. */
interface InvitationMail {
  readonly id: string
  readonly email: string
  readonly organization: { readonly name: string }
  readonly inviter: { readonly user: { readonly name: string } }
}

const plugins: { readonly organization: PluginOf } = await import(peerUrl("better-auth/plugins"))
const access: { readonly defaultAc: unknown } = await import(peerUrl("better-auth/plugins/organization/access"))

const transport = createTransport({
  host: "127.0.0.1",
  port: Number(process.env["MAIL_PORT"]),
  secure: false,
  pool: true,
  maxConnections: 10,
})

const sendInvitationEmail = ({ email, id, inviter, organization }: InvitationMail): Promise<void> => {
  const url = `${baseURL}/accept-invitation/${id}`
  const text = `${inviter.user.name} invites you to ${organization.name}.`
  const mail = { from: "better-auth@localhost", to: email, subject: text, text: `${text}\n\n${url}\n` }
  // Nobody waits for the mail server.
  transport.sendMail({ ...mail, html: `<p>${text}</p><p><a href="${url}">${url}</a></p>` }).catch(() => {})
  return Promise.resolve()
}

serve(
  await makeBetterAuth([
    plugins.organization({
      ac: access.defaultAc,
      dynamicAccessControl: { enabled: true },
      membershipLimit: 1_000_000_000,
      invitationLimit: 1_000_000_000,
      sendInvitationEmail,
    }),
  ]),
)
