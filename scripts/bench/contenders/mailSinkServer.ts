/**
 * Program of the mail server of the organization bench: as much of RFC 5321 as it takes to be handed messages, and the
 * PIPELINING (RFC 2920) that mail servers have.
 *
 * Settings: `MAIL_PORT`; and `PORT`, where it tells by HTTP how many messages it has taken.
 */
import { createServer as createHttpServer } from "node:http"
import { createServer } from "node:net"

let taken = 0

const smtp = createServer((socket) => {
  let text = ""
  let isMessage = false
  // What answers commands that came together goes out together.
  let replies = ""
  const say = (line: string) => (replies += `${line}\r\n`)
  const flush = () => {
    if (replies !== "") socket.write(replies)
    replies = ""
  }
  const answer = (command: string) => {
    const verb = command.slice(0, 4).toUpperCase()
    if (verb === "EHLO") {
      say("250-mail.example.com")
      say("250 PIPELINING")
    } else if (verb === "DATA") {
      isMessage = true
      say("354 go on")
    } else if (verb === "QUIT") {
      say("221 bye")
      flush()
      socket.end()
    } else {
      say("250 fine")
    }
  }
  socket.setEncoding("latin1")
  socket.on("error", () => {})
  socket.on("data", (chunk: string) => {
    text += chunk
    while (true) {
      const end = text.indexOf(isMessage ? "\r\n.\r\n" : "\r\n")
      if (end < 0) return flush()
      const line = text.slice(0, end)
      text = text.slice(end + (isMessage ? 5 : 2))
      if (isMessage) {
        isMessage = false
        taken += 1
        say("250 taken")
      } else {
        answer(line)
      }
    }
  })
  say("220 mail.example.com ESMTP")
  flush()
})

smtp.listen(Number(process.env["MAIL_PORT"]), "127.0.0.1", () => {
  createHttpServer((_request, response) => response.end(String(taken))).listen(Number(process.env["PORT"]), "127.0.0.1")
})
