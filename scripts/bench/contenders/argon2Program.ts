/** Program that derives with Argon2id for a while. Argument: an `Argon2Run` as JSON. It prints an `Argon2Result`. */
import { argon2, randomBytes } from "node:crypto"
import type { Argon2Result, Argon2Run } from "./argon2.ts"

const how: Argon2Run = JSON.parse(process.argv[2] ?? "")
const { memory, parallelism, passes } = how
const message = Buffer.from("correct horse battery")

const derive = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const parameters = { message, nonce: randomBytes(16), memory, passes, parallelism, tagLength: 32 }
    argon2("argon2id", parameters, (error) => (error === null ? resolve() : reject(error)))
  })

const latencies: Array<number> = []
const begin = performance.now() + how.warmUpSeconds * 1000
const end = begin + how.seconds * 1000

const keepDeriving = async () => {
  for (;;) {
    const started = performance.now()
    await derive()
    const now = performance.now()
    if (now > end) return
    if (now > begin) latencies.push(now - started)
  }
}

await Promise.all(Array.from({ length: how.atOnce }, keepDeriving))
const sorted = latencies.sort((a, b) => a - b)
const percentile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
const result: Argon2Result = {
  rps: sorted.length / how.seconds,
  p50: percentile(0.5),
  p99: percentile(0.99),
  rssMb: process.memoryUsage.rss() / 2 ** 20,
}
process.stdout.write(JSON.stringify(result))
