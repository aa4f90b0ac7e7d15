/** What a bench reports: figures of its contenders, ratios between them, and bars; as a table and as one line of JSON. */

/** Figures of one contender. */
export interface ContenderReport {
  /** Requests per second. */
  readonly rps: number
  /** Median latency in milliseconds. */
  readonly p50: number
  /** 99th percentile of latency in milliseconds. */
  readonly p99: number
  readonly statementsPerRequest: number
  /** Resident memory under load, in megabytes. */
  readonly rssMb: number
}

/** A bar and whether it was held; `got` is `null` when it was not measured. */
export interface Bar {
  readonly name: string
  readonly want: string
  readonly got: number | null
  readonly held: boolean
}

/** Everything that a bench found out. */
export interface Report {
  readonly contenders: Readonly<Record<string, ContenderReport>>
  readonly ratios: Readonly<Record<string, number>>
  readonly bars: ReadonlyArray<Bar>
}

/** How a bench is run. */
export interface Options {
  readonly rounds: number
  /** Seconds that one turn of one contender is measured. */
  readonly duration: number
  /** Names of the contenders to run; all unless given. */
  readonly only: ReadonlyArray<string> | undefined
  /** Names of what to measure, where a bench measures several things; all unless given. */
  readonly measures: ReadonlyArray<string> | undefined
  /** Name of the contender that the bars are for. */
  readonly subject: string
  /** Whether the server has a core of its own, so that the work of database and clients does not count. */
  readonly isPinned: boolean
  /** Writes one line for people. */
  readonly print: (line: string) => void
}

/** A bench: a name and what it does. */
export interface Bench {
  readonly name: string
  /** Seconds of a turn unless told otherwise: 10 unless given. */
  readonly duration?: number
  readonly run: (options: Options) => Promise<Report>
}

/** Rounds to three digits that mean something. */
export const round = (value: number): number => Number(value.toPrecision(value >= 1000 ? 5 : 3))

/** A bar that wants `got` to be at most `limit`. */
export const atMost = (name: string, limit: number, got: number): Bar => ({
  name,
  want: `<= ${limit}`,
  got: Number.isFinite(got) ? round(got) : null,
  held: got <= limit,
})

/** A bar that wants `got` to be at least `limit`. */
export const atLeast = (name: string, limit: number, got: number): Bar => ({
  name,
  want: `>= ${limit}`,
  got: Number.isFinite(got) ? round(got) : null,
  held: got >= limit,
})

/** Lays out rows in columns, the first aligned left and the others right. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) =>
    widths
      .map((width, column) => (column === 0 ? (row[column] ?? "").padEnd(width) : (row[column] ?? "").padStart(width)))
      .join("  ")
      .trimEnd()
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n")
}

/** The bars as a table. */
export const barsTable = (bars: ReadonlyArray<Bar>): string =>
  table(
    ["bar", "want", "got", ""],
    bars.map((bar) => [bar.name, bar.want, bar.got === null ? "-" : String(bar.got), bar.held ? "held" : "NOT HELD"]),
  )
