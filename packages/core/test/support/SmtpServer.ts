/**
 * A tiny SMTP server in the process, for tests: it keeps messages and answers as it is told.
 *
 * @see [RFC 5321 §4](https://www.rfc-editor.org/rfc/rfc5321.html#section-4)
 */
import { Effect } from "effect"
import * as Net from "node:net"

/** A message as the server took it. */
export interface Received {
  readonly from: string
  readonly to: ReadonlyArray<string>
  /** Header and body, lines end in CRLF, dots unstuffed. */
  readonly data: string
}

export interface SmtpServer {
  readonly port: number
  readonly received: ReadonlyArray<Received>
  /** Every command line that clients sent, and `.` for the end of a message. */
  readonly commands: ReadonlyArray<string>
  readonly openConnections: () => number
}

/**
 * Starts a server on a free port; it stops with the scope. `answer` may replace the answer to a command (`.` is the end
 * of a message, an empty string the greeting): a reply, `hang` to say nothing, or `close` to drop the connection.
 */
export const start = (answer: (command: string) => string | undefined = () => undefined) =>
  Effect.acquireRelease(
    Effect.callback<SmtpServer & { readonly stop: Effect.Effect<void> }>((resume) => {
      const received: Array<Received> = []
      const commands: Array<string> = []
      const sockets = new Set<Net.Socket>()

      const server = Net.createServer((socket) => {
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket))
        socket.on("error", () => socket.destroy())
        socket.setEncoding("utf8")

        const reply = (command: string, usual: string) => {
          const text = answer(command) ?? usual
          if (text === "close") socket.destroy()
          else if (text !== "hang") socket.write(`${text}\r\n`)
          return text
        }

        let from = ""
        let to: Array<string> = []
        const obey = (command: string) => {
          commands.push(command)
          const verb = command.split(" ")[0]?.toUpperCase()
          if (verb === "EHLO") reply(command, "250-localhost\r\n250-AUTH PLAIN\r\n250 8BITMIME")
          else if (verb === "AUTH") reply(command, "235 2.7.0 Accepted")
          else if (verb === "MAIL") {
            from = command
            to = []
            reply(command, "250 2.1.0 Ok")
          } else if (verb === "RCPT") {
            if (reply(command, "250 2.1.5 Ok").startsWith("250")) to.push(command)
          } else if (verb === "DATA") isData = reply(command, "354 Go on").startsWith("354")
          else if (verb === "RSET") reply(command, "250 2.0.0 Ok")
          else if (verb === "QUIT") socket.end("221 2.0.0 Bye\r\n")
          else reply(command, "502 5.5.2 Unknown command")
        }

        let buffer = ""
        let isData = false
        socket.on("data", (chunk: string) => {
          buffer += chunk
          while (true) {
            const end = isData ? buffer.indexOf("\r\n.\r\n") : buffer.indexOf("\r\n")
            if (end < 0) return
            const text = buffer.slice(0, end)
            buffer = buffer.slice(end + (isData ? 5 : 2))
            if (!isData) {
              obey(text)
              continue
            }
            isData = false
            commands.push(".")
            if (reply(".", "250 2.0.0 Queued").startsWith("250")) {
              received.push({ from, to, data: `${text}\r\n`.replaceAll("\r\n.", "\r\n") })
            }
          }
        })
        reply("", "220 localhost ESMTP")
      })

      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        if (address === null || typeof address === "string") throw new Error("The server listens on no port")
        resume(
          Effect.succeed({
            port: address.port,
            received,
            commands,
            openConnections: () => sockets.size,
            stop: Effect.callback<void>((done) => {
              server.close(() => done(Effect.void))
              for (const socket of sockets) socket.destroy()
            }),
          }),
        )
      })
    }),
    ({ stop }) => stop,
  )
