/**
 * The truth of a corpus: what was planted, written down by the generator while it plants.
 * It shares no code with the analysis: identities are the generator's own logical ones, so a
 * mistake in the analysis cannot repeat itself here.
 */
export interface Tokens {
  input: number
  output: number
  cacheCreation: number
  cacheRead: number
}

export interface Planted extends Tokens {
  sidechain: boolean
  /** Milliseconds since 1970. */
  time: number
  path: string
  offset: number
  model: string
  session: string
  project: string
  branch: string
}

export interface TruthGroup {
  tokens: Record<keyof Tokens | 'total', string>
  recordCount: string
}

export interface Truth {
  seed: number
  files: number
  bytes: number
  tokens: TruthGroup['tokens']
  recordCount: string
  sessionCount: number
  duplicateLines: string
  firstAt: string | null
  lastAt: string | null
  byDay: Record<string, TruthGroup>
  byModel: Record<string, TruthGroup>
  byProject: Record<string, TruthGroup>
  byBranch: Record<string, TruthGroup>
  bySidechain: Record<string, TruthGroup>
  bySession: Record<string, TruthGroup>
  refused: Record<string, { count: number; places: { file: string; offset: number }[] }>
  /** Files whose last line is unfinished. */
  pending: string[]
}

export interface TruthBook {
  /** One copy of the response `key` was written. */
  copy(key: string, planted: Planted): void
  refusal(reason: string, file: string, offset: number): void
  pending(file: string): void
  /** Tokens planted so far, each response once, at its final count. */
  write(seed: number, files: number, bytes: number): Truth
}

const totalOf = (p: Tokens): number => p.input + p.output + p.cacheCreation + p.cacheRead

/** Rule 8, for copies that all come from transcripts. */
function beats(a: Planted, b: Planted): boolean {
  if (a.sidechain !== b.sidechain) return b.sidechain
  if (totalOf(a) !== totalOf(b)) return totalOf(a) > totalOf(b)
  if (a.time !== b.time) return a.time < b.time
  const byPath = Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))
  return byPath !== 0 ? byPath < 0 : a.offset < b.offset
}

export function createTruthBook(): TruthBook {
  const winners = new Map<string, Planted>()
  const refused: Truth['refused'] = {}
  const pendingFiles: string[] = []
  let copies = 0
  return {
    copy(key, planted) {
      copies++
      const best = winners.get(key)
      if (best === undefined || beats(planted, best)) winners.set(key, planted)
    },
    refusal(reason, file, offset) {
      refused[reason] ??= { count: 0, places: [] }
      const entry = refused[reason]
      entry.count++
      entry.places.push({ file, offset })
    },
    pending: (file) => void pendingFiles.push(file),
    write(seed, files, bytes) {
      const all = [...winners.values()]
      const whole = sum(all)
      let first = Number.POSITIVE_INFINITY
      let last = Number.NEGATIVE_INFINITY
      for (const p of all) {
        first = Math.min(first, p.time)
        last = Math.max(last, p.time)
      }
      const instant = (time: number): string | null => (all.length > 0 ? new Date(time).toISOString() : null)
      return {
        seed,
        files,
        bytes,
        ...whole,
        sessionCount: new Set(all.map((p) => p.session)).size,
        duplicateLines: String(copies - all.length),
        firstAt: instant(first),
        lastAt: instant(last),
        byDay: group(all, (p) => new Date(p.time).toISOString().slice(0, 10)),
        byModel: group(all, (p) => p.model),
        byProject: group(all, (p) => p.project),
        byBranch: group(all, (p) => p.branch),
        bySidechain: group(all, (p) => String(p.sidechain)),
        bySession: group(all, (p) => p.session),
        refused,
        pending: pendingFiles,
      }
    },
  }
}

function group(all: Planted[], keyOf: (p: Planted) => string): Record<string, TruthGroup> {
  const groups = new Map<string, Planted[]>()
  for (const p of all) {
    const key = keyOf(p)
    const list = groups.get(key)
    if (list === undefined) groups.set(key, [p])
    else list.push(p)
  }
  return Object.fromEntries([...groups.keys()].sort().map((key) => [key, sum(groups.get(key) ?? [])]))
}

function sum(list: Planted[]): TruthGroup {
  const tokens = { input: 0n, output: 0n, cacheCreation: 0n, cacheRead: 0n, total: 0n }
  for (const p of list) {
    tokens.input += BigInt(p.input)
    tokens.output += BigInt(p.output)
    tokens.cacheCreation += BigInt(p.cacheCreation)
    tokens.cacheRead += BigInt(p.cacheRead)
    tokens.total += BigInt(totalOf(p))
  }
  return {
    tokens: Object.fromEntries(Object.entries(tokens).map(([k, v]) => [k, String(v)])) as TruthGroup['tokens'],
    recordCount: String(list.length),
  }
}
