import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../corpus/random.ts'

/** Milliseconds in which everything is in ClickHouse, once nobody kills any more. */
export const FINISH_MS = 180_000
const SEEN_MS = 90_000

/** A server that is killed: what a world asks of it. */
export interface Server {
  ask(query: string, variables?: object): Promise<Answer | undefined>
  isAlive(): boolean
  kill(): Promise<void>
}

export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: answers have the shape that each question asks for
  data?: any
  errors?: { message: string; extensions: { code: string } }[]
}

interface Planted {
  tokens: bigint
  records: bigint
}

/** What is planted and acknowledged, and what a server must therefore say. */
export function createWorld(folder: string, random: Random, operated: boolean) {
  const inFiles: Planted = { tokens: 0n, records: 0n }
  const acknowledged: Planted = { tokens: 0n, records: 0n }
  /** Calls without an answer: they may or may not have been accepted. */
  const open = new Map<string, { records: object[]; tokens: bigint }>()
  let files = 0
  let ids = 0
  let calls = 0
  mkdirSync(join(folder, 'projects', 'p'), { recursive: true })

  const nextCall = (): void => {
    const records = Array.from({ length: random.between(1, 30) }, () => ({
      sessionId: `s${random.between(1, 5)}`,
      project: 'q',
      model: 'm',
      occurredAt: '2026-04-02T09:15:03Z',
      tokens: { input: String(random.between(0, 1_000_000)), output: '1' },
      ...(random.chance(0.5) ? { messageId: `msg_ingested_${ids++}` } : {}),
    }))
    const tokens = records.reduce((sum, record) => sum + BigInt(record.tokens.input) + 1n, 0n)
    open.set(`call-${calls++}`, { records, tokens })
  }

  const send = async (server: Server, key: string): Promise<void> => {
    const call = open.get(key)
    if (call === undefined) return
    const answer = await server.ask(
      'mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted } }',
      { input: { idempotencyKey: key, records: call.records } },
    )
    if (answer?.data?.ingestTokenRecords?.accepted !== call.records.length) return
    open.delete(key)
    acknowledged.tokens += call.tokens
    acknowledged.records += BigInt(call.records.length)
  }

  /** What an operator may do to a run at any moment. */
  const operate = async (server: Server): Promise<void> => {
    const id = (await server.ask('{ migration { id } }'))?.data?.migration?.id
    const change = random.pick(['pause', 'resume', 'verify', 'rollback', 'rollback'])
    if (id !== undefined) await server.ask(`mutation { ${change}Migration(id: "${id}") { state } }`)
    if (change !== 'pause') await server.ask('mutation { startMigration { id } }')
  }

  return {
    acknowledged: () => Number(acknowledged.records),

    /** Writes new transcripts: records in several copies, within a file and across files. */
    plant(newFiles: number, records: number): void {
      for (let f = 0; f < newFiles; f++) {
        const lines: string[] = []
        for (let r = 0; r < records; r++) {
          const id = `msg_planted_${ids++}`
          const output = random.between(1, 100_000)
          for (let copy = random.between(1, 3); copy > 0; copy--) {
            const seen = copy === 1 ? output : random.between(0, output - 1)
            lines.splice(random.between(0, lines.length), 0, lineOf(id, seen))
          }
          inFiles.tokens += BigInt(output) + 3n
          inFiles.records++
        }
        // now and then a file grows instead
        if (files === 0 || random.chance(0.5)) files++
        appendFileSync(join(folder, 'projects', 'p', `${String(files).padStart(4, '0')}.jsonl`), text(lines))
      }
    },

    /** Uses the server for a while, or until it is killed. */
    async live(server: Server, ms: number): Promise<void> {
      const until = Date.now() + ms
      await server.ask('mutation { startMigration { id } }')
      while (Date.now() < until && server.isAlive()) {
        if (operated && random.chance(0.15)) await operate(server)
        nextCall()
        await Promise.all([...open.keys()].slice(0, 5).map((key) => send(server, key)))
      }
    },

    /** Sends again what had no answer, and waits until everything is in ClickHouse. */
    async finish(server: Server): Promise<void> {
      for (const key of [...open.keys()]) await send(server, key)
      if (!server.isAlive()) return
      if (open.size > 0) throw new Error(`${open.size} calls were never acknowledged`)
      let failures = 0
      let last = ''
      const deadline = Date.now() + FINISH_MS
      while (Date.now() < deadline) {
        if (!server.isAlive()) return
        const answer = await server.ask(
          '{ migration { id state error } tokenMetrics { provenance { source } quality { unshippedBytes } } }',
        )
        last = JSON.stringify(answer)
        const state = answer?.data?.migration?.state
        if (state === 'FAILED' && ++failures > 2)
          throw new Error(`the migration fails: ${answer?.data.migration.error}`)
        if (['FAILED', 'ROLLED_BACK', undefined].includes(state)) await server.ask('mutation { startMigration { id } }')
        const id = answer?.data?.migration?.id
        if (state === 'PAUSED') await server.ask(`mutation { resumeMigration(id: "${id}") { id } }`)
        const { provenance, quality } = answer?.data?.tokenMetrics ?? {}
        if (state === 'COMPLETED' && provenance?.source === 'CLICKHOUSE' && quality?.unshippedBytes === '0') return
        await sleep(50)
      }
      throw new Error(`ClickHouse did not get everything in time: ${last}`)
    },

    /** What differs from what was planted and acknowledged. Calls without an answer may have been accepted or not. */
    async judge(server: Server, source: string, when: string): Promise<string[]> {
      const deadline = Date.now() + SEEN_MS
      for (;;) {
        const answer = await server.ask(
          `{ tokenMetrics(preference: ${source}) { tokens { total } recordCount provenance { source cache } } }`,
        )
        const metrics = answer?.data?.tokenMetrics
        if (metrics === undefined) return []
        const unsure = [...open.values()]
        const least = inFiles.tokens + acknowledged.tokens
        const most = least + unsure.reduce((sum, { tokens }) => sum + tokens, 0n)
        const total = BigInt(metrics.tokens.total)
        if (metrics.provenance.source === source && total >= least && total <= most) return []
        // files that were just written may not have been looked at
        if (Date.now() > deadline)
          return [
            `${when}: ${total} tokens from ${metrics.provenance.source}, planted and acknowledged ${least} to ${most}`,
          ]
        await sleep(50)
      }
    },
  }
}

const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')

const lineOf = (id: string, output: number): string =>
  JSON.stringify({
    type: 'assistant',
    sessionId: 's1',
    timestamp: '2026-04-02T09:15:03.120Z',
    message: { id, role: 'assistant', model: 'm', usage: { input_tokens: 3, output_tokens: output } },
  })
