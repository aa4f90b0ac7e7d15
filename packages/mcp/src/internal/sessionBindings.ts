/**
 * Whose the MCP sessions are: the one who opened a session, and nobody else, may use it.
 *
 * @see [MCP Security Best Practices, Session Hijacking](https://modelcontextprotocol.io/specification/2026-07-28/basic/security_best_practices#session-hijacking)
 */
import * as Duration from "effect/Duration"

/** How many sessions are remembered in all, and of one owner: the one that was idle for longest goes first. */
export const maxSessions = 10_000
export const maxSessionsOfOwner = 100

/** How long a session is remembered that nobody uses. */
export const idleLifetime = Duration.hours(12)

/** Sessions in the memory of this process, where the sessions themselves are. Times are in milliseconds. */
export interface SessionBindings {
  /** Binds a new session. One that is bound stays whose it is. */
  readonly bind: (sessionId: string, owner: string, now: number) => void
  /** Tells whether a session is the owner's, which prolongs it. */
  readonly isOwned: (sessionId: string, owner: string, now: number) => boolean
  readonly release: (sessionId: string) => void
}

/** Makes an empty memory. */
export const make = (): SessionBindings => {
  const idle = Duration.toMillis(idleLifetime)
  // In the order of their last use.
  const sessions = new Map<string, { readonly owner: string; readonly until: number }>()
  const ofOwner = new Map<string, Set<string>>()

  const release = (sessionId: string) => {
    const session = sessions.get(sessionId)
    if (session === undefined) return
    sessions.delete(sessionId)
    const siblings = ofOwner.get(session.owner)
    siblings?.delete(sessionId)
    if (siblings?.size === 0) ofOwner.delete(session.owner)
  }

  const keep = (sessionId: string, owner: string, now: number) => {
    release(sessionId)
    sessions.set(sessionId, { owner, until: now + idle })
    const siblings = ofOwner.get(owner) ?? new Set()
    ofOwner.set(owner, siblings.add(sessionId))
  }

  const releaseFirst = (ids: Iterable<string>) => {
    for (const id of ids) return release(id)
  }

  return {
    bind: (sessionId, owner, now) => {
      if (sessions.has(sessionId)) return
      keep(sessionId, owner, now)
      if ((ofOwner.get(owner)?.size ?? 0) > maxSessionsOfOwner) releaseFirst(ofOwner.get(owner) ?? [])
      if (sessions.size > maxSessions) releaseFirst(sessions.keys())
    },
    isOwned: (sessionId, owner, now) => {
      const session = sessions.get(sessionId)
      if (session === undefined || session.owner !== owner) return false
      if (now >= session.until) {
        release(sessionId)
        return false
      }
      keep(sessionId, owner, now)
      return true
    },
    release,
  }
}
