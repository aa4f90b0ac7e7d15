/**
 * Program of the `better-auth` contender of the organization bench: Better Auth with its organization plugin.
 *
 * Settings: `PORT`, `DATABASE_URL`, `BETTER_AUTH_SECRET`, `MAIL_PORT`. Organizations have roles of their own, its numbers
 * of members and invitations are no limit, invitations are mailed behind the request; rate limits, telemetry and logs
 * are off.
 */
import { createServer } from "node:http"
import type { RequestListener } from "node:http"
import { createTransport } from "nodemailer"
import { loadPg, peerUrl } from "../peers.ts"

/** The members of Better Auth that the bench uses. */
interface Auth {
  readonly options: unknown
}

/** What the hook for mail is given. */
interface InvitationMail {
  readonly id: string
  readonly email: string
  readonly organization: { readonly name: string }
  readonly inviter: { readonly user: { readonly name: string } }
}

type PluginOf = (options: unknown) => unknown

const core: { readonly betterAuth: (options: unknown) => Auth } = await import(peerUrl("better-auth"))
const plugins: { readonly organization: PluginOf } = await import(peerUrl("better-auth/plugins"))
const access: { readonly defaultAc: unknown } = await import(peerUrl("better-auth/plugins/organization/access"))
const node: { readonly toNodeHandler: (auth: Auth) => RequestListener } = await import(peerUrl("better-auth/node"))
const migration: {
  readonly getMigrations: (options: unknown) => Promise<{ readonly runMigrations: () => Promise<void> }>
} = await import(peerUrl("better-auth/db/migration"))
const pg = await loadPg()

const port = Number(process.env["PORT"])
const baseURL = `http://localhost:${port}`
const transport = createTransport({
  host: "127.0.0.1",
  port: Number(process.env["MAIL_PORT"]),
  secure: false,
  pool: true,
  maxConnections: 4,
})

const sendInvitationEmail = ({ email, id, inviter, organization }: InvitationMail): Promise<void> => {
  const url = `${baseURL}/accept-invitation/${id}`
  const text = `${inviter.user.name} invites you to ${organization.name}.`
  const mail = { from: "better-auth@localhost", to: email, subject: text, text: `${text}\n\n${url}\n` }
  // Nobody waits for the mail server.
  transport.sendMail({ ...mail, html: `<p>${text}</p><p><a href="${url}">${url}</a></p>` }).catch(() => {})
  return Promise.resolve()
}

const auth = core.betterAuth({
  database: new pg.Pool({ connectionString: process.env["DATABASE_URL"] ?? "", max: 10 }),
  baseURL,
  secret: process.env["BETTER_AUTH_SECRET"] ?? "",
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
  plugins: [
    plugins.organization({
      ac: access.defaultAc,
      dynamicAccessControl: { enabled: true },
      membershipLimit: 1_000_000_000,
      invitationLimit: 1_000_000_000,
      sendInvitationEmail,
    }),
  ],
})
const { runMigrations } = await migration.getMigrations(auth.options)
await runMigrations()
createServer(node.toNodeHandler(auth)).listen(port, "127.0.0.1")
