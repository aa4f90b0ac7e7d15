/**
 * Byte streams between the wire driver and a PGlite in the same process.
 *
 * PGlite has one session for its whole life, the driver may open several connections one after the other
 * (it replaces a connection that failed), so each new stream waits for the one before it and resets the session.
 */
import type { PGlite } from "@electric-sql/pglite"
import { Duplex } from "node:stream"

/** The driver's side channel for cancelling: an int32 length of 16, then this code. */
const cancelRequestCode = 80_877_102

const isCancelRequest = (chunk: Buffer): boolean => chunk.length === 16 && chunk.readInt32BE(4) === cancelRequestCode

/** Makes the stream factory that the driver calls once a connection. */
export const make = (database: PGlite): (() => Duplex) => {
  let previous: Promise<void> | undefined
  return () => {
    let opened: Promise<void> | undefined
    const { promise: closed, resolve: markClosed } = Promise.withResolvers<void>()

    const open = async (): Promise<void> => {
      const before = previous
      previous = closed
      if (before === undefined) return
      await before
      // What the connection before left: an open transaction, settings, prepared statements, temporary tables.
      await database.exec("ROLLBACK")
      await database.exec("DISCARD ALL")
    }

    const answer = async (chunk: Buffer): Promise<void> => {
      if (opened === undefined) {
        // A running statement cannot be cancelled from the event loop that it holds.
        if (isCancelRequest(chunk)) return
        opened = open()
      }
      await opened
      const reply = await database.execProtocolRaw(chunk)
      if (reply.length > 0 && !stream.destroyed) stream.push(reply)
    }

    const handle = async (chunk: Buffer, done: (error?: Error) => void): Promise<void> => {
      let failure: Error | undefined
      try {
        await answer(chunk)
      } catch (cause) {
        failure = cause instanceof Error ? cause : new Error("PGlite stream failed", { cause })
      }
      done(failure)
    }

    const stream: Duplex = new Duplex({
      decodeStrings: true,
      read() {},
      write(chunk: Uint8Array, _encoding, done) {
        void handle(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), done)
      },
      final(done) {
        stream.push(null)
        done()
      },
      destroy(error, done) {
        markClosed()
        done(error)
      },
    })
    return stream
  }
}
