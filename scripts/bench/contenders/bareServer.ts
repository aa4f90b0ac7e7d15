/** Program of the `bare` contender. Settings: `PORT`, `DATABASE_URL`, `SECRET` (base64). */
import { createHmac, createSecretKey } from "node:crypto"
import { createServer } from "node:http"
import type { ServerResponse } from "node:http"
import { loadPg } from "../peers.ts"

const pg = await loadPg()
const pool = new pg.Pool({ connectionString: process.env["DATABASE_URL"] ?? "", max: 10 })
// A key object, because from the bytes Node 24 would build one for each request, at several times the cost of the HMAC.
const key = createSecretKey(process.env["SECRET"] ?? "", "base64")

const statement = `
  SELECT s.id, s.amr, s.auth_time, s.created_at, s.last_seen_at, s.expires_at, s.ends_at, s.ip_address, s.user_agent, s.label,
    u.id AS user_id, u.email, u.name, u.image, u.email_verified_at, u.scopes,
    u.created_at AS user_created_at, u.updated_at AS user_updated_at
  FROM sessions s JOIN users u ON u.id = s.user_id
  WHERE s.token_hash = $1 AND s.expires_at > $2 `

const answer = (response: ServerResponse, status: number, body: string) => {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
  response.end(body)
}

const session = async (cookie: string, response: ServerResponse) => {
  const token = /(?:^|; )session=([^;]+)/.exec(cookie)?.[1] ?? ""
  const tokenHash = createHmac("sha256", key).update(token).digest("base64url")
  const { rows } = await pool.query({ name: "session", text: statement, values: [tokenHash, new Date()] })
  const row = rows[0]
  if (row === undefined) return answer(response, 401, "{}")
  const body = {
    session: {
      id: row["id"],
      userId: row["user_id"],
      amr: row["amr"],
      authTime: row["auth_time"],
      createdAt: row["created_at"],
      lastSeenAt: row["last_seen_at"],
      expiresAt: row["expires_at"],
      endsAt: row["ends_at"],
      ipAddress: row["ip_address"],
      userAgent: row["user_agent"],
      label: row["label"],
    },
    user: {
      id: row["user_id"],
      email: row["email"],
      name: row["name"],
      image: row["image"],
      emailVerifiedAt: row["email_verified_at"],
      scopes: row["scopes"],
      createdAt: row["user_created_at"],
      updatedAt: row["user_updated_at"],
    },
  }
  return answer(response, 200, JSON.stringify(body))
}

createServer((request, response) => {
  if (request.url === "/session") {
    session(request.headers.cookie ?? "", response).catch(() => answer(response, 503, "{}"))
  } else if (request.url === "/ready") {
    pool.query("SELECT 1").then(
      () => answer(response, 200, "{}"),
      () => answer(response, 503, "{}"),
    )
  } else {
    answer(response, 404, "{}")
  }
}).listen(Number(process.env["PORT"]), "127.0.0.1")
