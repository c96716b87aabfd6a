import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { UsageSums } from '../../src/domain/token-query.ts'
import { type Analysis, openAnalysis } from '../../src/enhanced-analysis/analysis.ts'
import type { Root } from '../../src/transcripts/roots.ts'

/** A folder of its own for one test, removed at its end. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface LineParts {
  id?: string | null
  requestId?: string
  uuid?: string
  session?: string | null
  time?: string
  model?: string | null
  sidechain?: boolean
  branch?: unknown
  /** The `usage` object; `input_tokens` and `output_tokens` are 1 where they are not given. */
  usage?: Record<string, unknown>
  content?: unknown
}

/** One assistant's line as the agent writes it, without its line feed. */
export function line(parts: LineParts = {}): string {
  const { id = 'msg_01', session = 'session-1', model = 'claude-sonnet-4-5-20250929' } = parts
  return JSON.stringify({
    type: 'assistant',
    ...(session === null ? {} : { sessionId: session }),
    ...(parts.uuid === undefined ? {} : { uuid: parts.uuid }),
    isSidechain: parts.sidechain ?? false,
    ...(parts.branch === undefined ? {} : { gitBranch: parts.branch }),
    timestamp: parts.time ?? '2026-04-02T09:15:03.120Z',
    ...(parts.requestId === undefined ? {} : { requestId: parts.requestId }),
    message: {
      ...(id === null ? {} : { id }),
      role: 'assistant',
      ...(model === null ? {} : { model }),
      content: parts.content ?? [{ type: 'text', text: 'hello' }],
      usage: { input_tokens: 1, output_tokens: 1, ...parts.usage },
    },
  })
}

/** Writes transcripts: path under `projects` → lines, or the exact bytes. */
export function writeTranscripts(folder: string, files: Record<string, readonly string[] | string | Buffer>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, 'projects', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(
      path,
      Array.isArray(content) ? content.map((text) => `${text}\n`).join('') : (content as string | Buffer),
    )
  }
}

export interface OpenOptions {
  index?: boolean
  threads?: number
  owner?: Pick<Root, 'user' | 'host' | 'isLabelled'>
}

/** An analysis of the transcripts in a folder, closed at the end of the test. */
export function analysisOf(
  folder: string,
  { index = false, threads = 0, owner = { user: 'ann', host: 'laptop' } }: OpenOptions = {},
): Analysis {
  const analysis = openAnalysis({
    roots: [{ path: join(folder, 'projects'), ...owner }],
    scanThreads: threads,
    ...(index ? { indexPath: join(folder, 'data', 'index', 'transcripts.idx') } : {}),
  })
  onTestFinished(() => {
    try {
      analysis.close()
    } catch {
      // the test closed it
    }
  })
  return analysis
}

/** Tokens and records of some sums, as plain numbers for short assertions. */
export function totals(sums: readonly UsageSums[]): {
  input: number
  output: number
  cacheCreation: number
  cacheRead: number
  records: number
} {
  const sum = (pick: (s: UsageSums) => bigint): number => Number(sums.reduce((total, s) => total + pick(s), 0n))
  return {
    input: sum((s) => s.input),
    output: sum((s) => s.output),
    cacheCreation: sum((s) => s.cacheCreation5m + s.cacheCreation1h),
    cacheRead: sum((s) => s.cacheRead),
    records: sum((s) => s.records),
  }
}

/** What the analysis counts in the whole folder now. */
export function wholeOf(analysis: Analysis): ReturnType<typeof totals> {
  return totals(analysis.answer([{ filter: {}, groupings: [] }])[0]?.whole ?? [])
}

/** Counts the transcripts anew, without an index. */
export async function countFresh(folder: string): Promise<ReturnType<typeof totals>> {
  const analysis = analysisOf(folder)
  await analysis.refresh()
  return wholeOf(analysis)
}
