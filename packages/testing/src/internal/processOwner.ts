/**
 * PostgreSQL refuses to run as root, so a test run that is root starts it under an unprivileged user.
 */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"

/** User and group for `child_process`; absent fields mean the user of this process. */
export interface Owner {
  readonly uid?: number
  readonly gid?: number
}

/** The user that runs the server: `postgres` or `nobody` for root, this process's own user otherwise. */
export const find = async (): Promise<Owner> => {
  if (process.getuid?.() !== 0) return {}
  const users = await Fs.readFile("/etc/passwd", "utf8").catch(() => "")
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] =
      users
        .split("\n")
        .find((line) => line.startsWith(`${name}:`))
        ?.split(":") ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  // Any number but 0 will do where no user is listed; 65534 is nobody by convention.
  return { uid: 65_534, gid: 65_534 }
}

/** Gives a file or directory to the owner. */
export const give = async (path: string, owner: Owner): Promise<void> => {
  if (owner.uid !== undefined && owner.gid !== undefined) await Fs.chown(path, owner.uid, owner.gid)
}

/**
 * Answers a directory of programs that the owner may run: `directory` itself, or a copy of its installation below
 * `base` where the original lies in somebody's private directory.
 */
export const reachable = async (directory: string, base: string, owner: Owner): Promise<string> => {
  const postgres = Path.join(directory, "postgres")
  if (owner.uid === undefined || spawnSync(postgres, ["--version"], { ...owner, cwd: base }).status === 0) {
    return directory
  }
  const copy = Path.join(base, "server")
  await Fs.cp(Path.resolve(directory, ".."), copy, { recursive: true, verbatimSymlinks: true })
  return Path.join(copy, Path.basename(directory))
}
