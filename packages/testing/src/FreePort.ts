/**
 * A port for a server that must know its own address before it listens.
 *
 * @since 0.1.0
 */
import { once } from "node:events"
import * as Net from "node:net"

/**
 * A TCP port of `127.0.0.1` that was free a moment ago.
 *
 * @category constructors
 * @since 0.1.0
 */
export const find = async (): Promise<number> => {
  const server = Net.createServer()
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("No port is free")
  return address.port
}
