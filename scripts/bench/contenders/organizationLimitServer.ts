/**
 * Program of the `limit` contender of the organization bench. Settings: `PORT`, `DATABASE_URL`, `SECRET` (base64).
 *
 * Statements: everything takes 2, the first of which finds the session; each of the others is right by itself.
 */
import { createHmac, createSecretKey, randomBytes, randomUUID } from "node:crypto"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import { loadPg } from "../peers.ts"

const pg = await loadPg()
const pool = new pg.Pool({ connectionString: process.env["DATABASE_URL"] ?? "", max: 10 })
// A key object, because from the bytes Node 24 would build one for each request, at several times the cost of the HMAC.
const key = createSecretKey(process.env["SECRET"] ?? "", "base64")
const lifetimeMillis = 7 * 24 * 3_600_000

/** What the roles of the server give; those of an organization are in its table. */
const builtIn = JSON.stringify({
  owner: ["member:read", "member:create", "invitation:create"],
  member: ["member:read"],
})

const permissionsOf = (member: string): string => `ARRAY(
  SELECT jsonb_array_elements_text($1::jsonb -> role) FROM unnest(${member}.roles) role
  UNION SELECT unnest(r.permissions) FROM roles r
    WHERE r.organization_id = ${member}.organization_id AND r.name = ANY (${member}.roles))`

const statements = {
  session: `
    SELECT u.id, u.email, u.name FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.token_hash = $1 AND s.expires_at > $2`,
  create: `
    WITH organization AS (
      INSERT INTO organizations VALUES ($1, $2, $3, 1, 1, $6) ON CONFLICT (slug) DO NOTHING RETURNING id
    )
    INSERT INTO members SELECT $4, id, $5, '{owner}', $6, $6 FROM organization RETURNING id`,
  invite: `
    WITH inviter AS (
      SELECT m.organization_id FROM members m
      WHERE m.organization_id = $2 AND m.user_id = $3 AND 'invitation:create' = ANY (${permissionsOf("m")})
        AND NOT EXISTS (SELECT FROM members x JOIN users u ON u.id = x.user_id
          WHERE u.email = $5 AND x.organization_id = $2)
    )
    INSERT INTO invitations
    SELECT $4, organization_id, $5, $6, 'pending', $7, $3, NULL, $8, $9 FROM inviter
    ON CONFLICT (organization_id, email) WHERE status = 'pending' DO NOTHING RETURNING id`,
  accept: `
    WITH accepted AS (
      UPDATE invitations SET status = 'accepted', accepted_by = $2
      WHERE token_hash = $1 AND status = 'pending' AND expires_at > $4 RETURNING organization_id, roles
    ), joined AS (
      INSERT INTO members SELECT $3, organization_id, $2, roles, $4, $4 FROM accepted
      ON CONFLICT (organization_id, user_id) DO NOTHING RETURNING organization_id
    ), counted AS (
      UPDATE organizations o SET member_count = member_count + 1 FROM joined WHERE o.id = joined.organization_id
    )
    SELECT organization_id, roles FROM accepted`,
  members: `
    SELECT m.id, m.user_id, m.roles, m.created_at, u.email, u.name, u.image
    FROM members viewer
    JOIN LATERAL (
      SELECT * FROM members WHERE organization_id = viewer.organization_id ORDER BY id LIMIT $4
    ) m ON true
    JOIN users u ON u.id = m.user_id
    WHERE viewer.organization_id = $2 AND viewer.user_id = $3 AND 'member:read' = ANY (${permissionsOf("viewer")})
    ORDER BY m.id`,
  check: `
    SELECT $4 = ANY (${permissionsOf("m")}) AS allowed FROM members m
    WHERE m.organization_id = $2 AND m.user_id = $3`,
}

const query = async (name: keyof typeof statements, ...values: ReadonlyArray<unknown>) =>
  (await pool.query({ name, text: statements[name], values })).rows

const hash = (token: string): string => createHmac("sha256", key).update(token).digest("base64url")

const answer = (response: ServerResponse, status: number, body: object) => {
  const text = JSON.stringify(body)
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
  response.end(text)
}

const bodyOf = (request: IncomingMessage): Promise<Record<string, unknown>> =>
  new Promise((resolve, reject) => {
    let text = ""
    request.setEncoding("utf8")
    request.on("data", (chunk: string) => (text += chunk))
    request.on("end", () => {
      try {
        resolve(text === "" ? {} : JSON.parse(text))
      } catch (error) {
        reject(error)
      }
    })
    request.on("error", reject)
  })

const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const url = new URL(request.url ?? "/", "http://localhost")
  if (url.pathname === "/ready") {
    await pool.query("SELECT 1")
    return answer(response, 200, {})
  }
  const body = await bodyOf(request)
  const token = /(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1] ?? ""
  const now = new Date()
  const [user] = await query("session", hash(token), now)
  if (user === undefined) return answer(response, 401, {})
  switch (url.pathname) {
    case "/create": {
      const { name, slug } = body
      const id = randomUUID()
      const [member] = await query("create", id, name, slug, randomUUID(), user["id"], now)
      return member === undefined ? answer(response, 409, {}) : answer(response, 201, { id, name, slug })
    }
    case "/invite": {
      const { email, organization, role } = body
      const roles = [role]
      const id = randomUUID()
      const tokenHash = hash(randomBytes(32).toString("base64url"))
      const expiresAt = new Date(now.getTime() + lifetimeMillis)
      const about = [organization, user["id"], id, email, roles, tokenHash, now, expiresAt]
      const [kept] = await query("invite", builtIn, ...about)
      if (kept === undefined) return answer(response, 403, {})
      return answer(response, 201, { id, organization, email, roles, status: "pending", expiresAt })
    }
    case "/accept": {
      const [accepted] = await query("accept", hash(String(body["token"])), user["id"], randomUUID(), now)
      if (accepted === undefined) return answer(response, 404, {})
      return answer(response, 200, { organizationId: accepted["organization_id"], roles: accepted["roles"] })
    }
    case "/members": {
      const { organization, limit } = Object.fromEntries(url.searchParams)
      const rows = await query("members", builtIn, organization, user["id"], limit)
      return rows.length === 0 ? answer(response, 404, {}) : answer(response, 200, { members: rows })
    }
    case "/check": {
      const [row] = await query("check", builtIn, body["organization"], user["id"], body["permission"])
      return row === undefined ? answer(response, 404, {}) : answer(response, 200, { isAllowed: row["allowed"] })
    }
    default:
      return answer(response, 404, {})
  }
}

createServer((request, response) => {
  handle(request, response).catch(() => answer(response, 503, {}))
}).listen(Number(process.env["PORT"]), "127.0.0.1")
