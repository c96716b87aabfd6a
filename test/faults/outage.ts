import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../corpus/random.ts'
import { createScene, type Scene } from './instances-scene.ts'
import type { Answer, Server } from './server-process.ts'

/** ClickHouse is away for a while, and whoever brings in records goes on as fast as they are acknowledged. */
export interface OutageOptions {
  seconds: number
  instances: number
}

export interface OutageReport {
  /** Records. */
  acknowledged: number
  /** Of calls that were not acknowledged, by code. */
  refused: Record<string, number>
  /** Calls that were told to come again, as the machine has too much to do, with ClickHouse or without: none is lost. */
  overloaded: number
  perSecond: number
  /** 99 of 100 calls were acknowledged within so many milliseconds. */
  p99: number
  /** Seconds from when ClickHouse was back until it had everything. */
  shippedWithin: number
  /** Of what instances and table say in the end, and of answers meanwhile. */
  differences: string[]
}

const SENDERS = 8
const BATCH = 200
/** Of each record, so that what is counted tells how many there are. */
const TOKENS = 7
/** About, as whoever is told to come again waits a moment. */
const COMES_AGAIN_MS = 50
const SHIPPED_MS = 1_200_000
const INGEST =
  'mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted durability } }'
/** Each sender stands for many users: no budget is to end before the disk does. */
const NO_BUDGETS = { RATE_RECORDS_PER_MINUTE: '0', RATE_BYTES_PER_MINUTE: '0', RATE_COST_PER_MINUTE: '0' }

export async function runOutage({ seconds, instances }: OutageOptions): Promise<OutageReport> {
  const scene = await createScene({ random: createRandom(1), faulty: ['ClickHouse'] })
  try {
    const servers: Server[] = []
    for (let i = 0; i < instances; i++) servers.push((await scene.start(i, NO_BUDGETS)) as Server)
    scene.world.plant(3, 200)
    await scene.world.finish(scene.publisher)
    const before = scene.world.moment().files
    const sending = send(servers)
    await until('records before the outage', () => sending.acknowledged() > 10 * BATCH)
    const end = await scene.dependencies?.begin('ClickHouse', 'cut')
    const began = { at: Date.now(), acknowledged: sending.acknowledged() }
    const differences = await judgeMeanwhile(servers, { seconds, sending, planted: Number(before.records) })
    const meanwhile = sending.acknowledged() - began.acknowledged
    const perSecond = meanwhile / ((Date.now() - began.at) / 1000)
    await end?.()
    const back = Date.now()
    await sending.end()
    const expected = {
      records: before.records + BigInt(sending.acknowledged()),
      tokens: before.tokens + BigInt(sending.acknowledged() * TOKENS),
    }
    await untilShipped(scene, expected.records)
    const shippedWithin = (Date.now() - back) / 1000
    for (const [i, server] of servers.entries())
      for (const source of ['LEGACY', 'CLICKHOUSE'])
        differences.push(...(await judge(server, source, expected, `instance ${i} from ${source}`)))
    const rows = await scene.rows()
    if (rows.records !== expected.records || rows.tokens !== expected.tokens)
      differences.push(`the table has ${rows.tokens} tokens in ${rows.records} rows`)
    const { refused, acknowledged, overloaded, p99 } = sending
    const counts = { acknowledged: acknowledged(), refused, overloaded: overloaded() }
    return { ...counts, perSecond, p99: p99(), shippedWithin, differences }
  } finally {
    await scene.close()
  }
}

type Sending = ReturnType<typeof send>

/** Senders, each a user of their own with one call after the other, at all instances in turn. */
function send(servers: readonly Server[]) {
  const refused: Record<string, number> = {}
  const took: number[] = []
  let [acknowledged, overloaded, made] = [0, 0, 0]
  let isOver = false
  const call = async (server: Server, user: string): Promise<void> => {
    const records = Array.from({ length: BATCH }, () => ({
      sessionId: `s${made % 50}`,
      project: 'q',
      model: 'm',
      occurredAt: '2026-04-02T09:15:03Z',
      tokens: { input: String(TOKENS), output: '0' },
      messageId: `msg_outage_${made++}`,
    }))
    const began = performance.now()
    const answer = await server.ask(INGEST, { input: { records } }, user)
    took.push(performance.now() - began)
    const accepted = answer?.data?.ingestTokenRecords?.accepted ?? 0
    acknowledged += accepted
    if (accepted === BATCH) return
    const code = answer?.errors?.[0]?.extensions.code ?? 'no answer'
    if (code === 'OVERLOADED') {
      overloaded++
      return void (await sleep(COMES_AGAIN_MS * (0.5 + Math.random())))
    }
    refused[code] = (refused[code] ?? 0) + BATCH - accepted
  }
  const sending = Array.from({ length: SENDERS }, async (_, i) => {
    while (!isOver) await call(servers[i % servers.length] as Server, `sender ${i}`)
  })
  return {
    refused,
    acknowledged: () => acknowledged,
    overloaded: () => overloaded,
    p99: () => took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? 0,
    async end() {
      isOver = true
      await Promise.all(sending)
    },
  }
}

const METRICS = '{ tokens { total } recordCount provenance { source stale } }'

/** Asks all the time: an answer has what was acknowledged before it, and no more than was sent. */
async function judgeMeanwhile(
  servers: readonly Server[],
  { seconds, sending, planted }: { seconds: number; sending: Sending; planted: number },
): Promise<string[]> {
  const differences: string[] = []
  const deadline = Date.now() + seconds * 1000
  for (let asked = 0; Date.now() < deadline; asked++) {
    const least = planted + sending.acknowledged()
    const answer = await (servers[asked % servers.length] as Server).ask(`{ tokenMetrics ${METRICS} }`)
    const found = answer?.data?.tokenMetrics
    const most = planted + sending.acknowledged() + SENDERS * BATCH
    const records = Number(found?.recordCount)
    const isRight = records <= most && (records >= least || found?.provenance.stale === true)
    if (!isRight && differences.length < 10)
      differences.push(`${textOf(answer)}: at least ${least} records, at most ${most}`)
    await sleep(100)
  }
  return differences
}

const textOf = (answer: Answer | undefined): string => JSON.stringify(answer) ?? 'no answer'

async function untilShipped({ rows }: Scene, records: bigint): Promise<void> {
  await until('everything to be shipped', async () => (await rows()).records >= records, SHIPPED_MS)
}

async function judge(
  server: Server,
  source: string,
  { records, tokens }: { records: bigint; tokens: bigint },
  who: string,
): Promise<string[]> {
  let last: Answer | undefined
  const isRight = async (): Promise<boolean> => {
    last = await server.ask(`{ tokenMetrics(preference: ${source}) ${METRICS} }`)
    const found = last?.data?.tokenMetrics
    return (
      found?.provenance.source === source &&
      found.recordCount === String(records) &&
      found.tokens.total === String(tokens)
    )
  }
  return until(who, isRight)
    .then(() => [])
    .catch(() => [`${who}: ${textOf(last)}, not ${tokens} tokens in ${records} records`])
}

async function until(what: string, is: () => boolean | Promise<boolean>, ms = 120_000): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await is())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms / 1000} s`)
    await sleep(100)
  }
}
