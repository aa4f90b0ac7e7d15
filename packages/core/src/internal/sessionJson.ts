/**
 * A session with its user as JSON, written by hand: clients ask for it more often than for anything else, and going
 * through the schema costs several times as much. A test holds it to the very text that the schema gives.
 */
import * as DateTime from "effect/DateTime"
import type { Session } from "../Session.ts"
import type { User } from "../User.ts"

/** The JSON text of `SessionAndUser`. */
export const sessionJson = (session: Session, user: User): string =>
  JSON.stringify({
    session: {
      id: session.id,
      userId: session.userId,
      amr: session.amr,
      authTime: DateTime.formatIso(session.authTime),
      createdAt: DateTime.formatIso(session.createdAt),
      lastSeenAt: DateTime.formatIso(session.lastSeenAt),
      expiresAt: DateTime.formatIso(session.expiresAt),
      endsAt: DateTime.formatIso(session.endsAt),
      ipAddress: session.ipAddress,
      userAgent: session.userAgent,
      label: session.label,
    },
    user: {
      id: user.id,
      email: user.email,
      name: user.name,
      image: user.image,
      emailVerifiedAt: user.emailVerifiedAt === null ? null : DateTime.formatIso(user.emailVerifiedAt),
      scopes: user.scopes,
      createdAt: DateTime.formatIso(user.createdAt),
      updatedAt: DateTime.formatIso(user.updatedAt),
    },
  })
