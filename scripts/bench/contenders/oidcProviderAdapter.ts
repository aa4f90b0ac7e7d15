/**
 * Storage of oidc-provider in PostgreSQL, as its documentation describes an adapter: one table, the payload as JSON,
 * columns and partial indexes for what is looked up otherwise, every statement prepared.
 */
import type { PgPool } from "../peers.ts"

/** Statements that create the table. */
export const schema = `
  CREATE TABLE oidc (
    model text NOT NULL, id text NOT NULL, payload jsonb NOT NULL, grant_id text, user_code text, uid text,
    expires_at timestamptz, consumed_at timestamptz, PRIMARY KEY (model, id)
  );
  CREATE INDEX ON oidc (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX ON oidc (user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX ON oidc (uid) WHERE uid IS NOT NULL;
  CREATE INDEX ON oidc (expires_at) WHERE expires_at IS NOT NULL`

/** The members of a payload that have columns. */
interface Payload {
  readonly grantId?: string
  readonly userCode?: string
  readonly uid?: string
}

const found = `
  SELECT payload, extract(epoch FROM consumed_at)::float8 AS consumed FROM oidc
  WHERE model = $1 AND (expires_at IS NULL OR expires_at > $3)`

const statements = {
  upsert: `
    INSERT INTO oidc (model, id, payload, grant_id, user_code, uid, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id,
      user_code = excluded.user_code, uid = excluded.uid, expires_at = excluded.expires_at`,
  find: `${found} AND id = $2`,
  findByUid: `${found} AND uid = $2`,
  findByUserCode: `${found} AND user_code = $2`,
  consume: `UPDATE oidc SET consumed_at = $3 WHERE model = $1 AND id = $2`,
  destroy: `DELETE FROM oidc WHERE model = $1 AND id = $2`,
  revokeByGrantId: `DELETE FROM oidc WHERE model = $1 AND grant_id = $2`,
}

/** The class that oidc-provider makes its adapters of. */
export const adapterOf = (pool: PgPool) => {
  const query = async (name: keyof typeof statements, ...values: ReadonlyArray<unknown>) =>
    (await pool.query({ name, text: statements[name], values })).rows
  return class {
    readonly model: string
    constructor(model: string) {
      this.model = model
    }
    async upsert(id: string, payload: Payload, expiresIn?: number): Promise<void> {
      const { grantId = null, uid = null, userCode = null } = payload
      const expiresAt = expiresIn === undefined ? null : new Date(Date.now() + expiresIn * 1000)
      await query("upsert", this.model, id, JSON.stringify(payload), grantId, userCode, uid, expiresAt)
    }
    async lookUp(by: "find" | "findByUid" | "findByUserCode", value: string): Promise<unknown> {
      const [row] = await query(by, this.model, value, new Date())
      if (row === undefined) return undefined
      const { consumed, payload } = row
      if (payload === null || typeof payload !== "object") throw new TypeError("the payload is no object")
      return consumed === null ? payload : { ...payload, consumed: Math.floor(Number(consumed)) }
    }
    find(id: string): Promise<unknown> {
      return this.lookUp("find", id)
    }
    findByUid(uid: string): Promise<unknown> {
      return this.lookUp("findByUid", uid)
    }
    findByUserCode(userCode: string): Promise<unknown> {
      return this.lookUp("findByUserCode", userCode)
    }
    async consume(id: string): Promise<void> {
      await query("consume", this.model, id, new Date())
    }
    async destroy(id: string): Promise<void> {
      await query("destroy", this.model, id)
    }
    async revokeByGrantId(grantId: string): Promise<void> {
      await query("revokeByGrantId", this.model, grantId)
    }
  }
}
