// `statusline` beside `node -e 0`, with the status of 2,000 sessions.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countStatus } from '../src/cli/statusline/count-status.ts'
import { readStatus, statusFile } from '../src/cli/statusline/status-file.ts'
import { statusPlaces } from '../src/places.ts'
import type { Figure } from './figures.ts'
import { measure, median } from './measure.ts'

const SESSIONS = 2000
const AIM_MS = 50

export async function benchStatusline(rounds: number): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const environment = { DATA_DIR: join(folder, 'data'), CLAUDE_CONFIG_DIR: folder }
  const told = join(folder, 'told.json')
  writeFileSync(told, JSON.stringify({ session_id: 'session-7', model: { display_name: 'Sonnet 4.5' } }))
  writeSessions(folder)
  try {
    Object.assign(process.env, environment)
    const file = statusFile(statusPlaces(), 'local')
    const runs: Record<'line' | 'node', number[]> = { line: [], node: [] }
    for (let round = -1; round < rounds; round++) {
      // counted before each line, so that no counting runs beside it
      await countStatus(file, 'local')
      const line = await measure(process.execPath, ['bin/token-bridge.js', 'statusline', told], environment)
      if (!line.stdout.includes('session $')) throw new Error(`the line is wrong: ${line.stdout}`)
      const node = await measure(process.execPath, ['-e', '0'])
      // the first round fills the cache of compiled code
      if (round >= 0) {
        runs.line.push(line.seconds * 1000)
        runs.node.push(node.seconds * 1000)
      }
    }
    const [line, node] = [median(runs.line), median(runs.node)]
    const sessions = Object.keys(readStatus(file)?.sessions ?? {}).length
    process.stdout.write(
      `\nstatusline, ${sessions} sessions, medians of ${rounds} interleaved runs\n` +
        `  statusline ${line.toFixed(0)} ms, node -e 0 ${node.toFixed(0)} ms\n` +
        `  over node -e 0: ${(line - node).toFixed(0)} ms (aim: at most ${AIM_MS}); ` +
        `of the fastest runs, where others use the machine: ${(Math.min(...runs.line) - Math.min(...runs.node)).toFixed(0)} ms\n`,
    )
    const peer = `\`node -e 0\`: ${node.toFixed(0)} ms`
    return [{ what: `\`statusline\`, ${sessions} sessions`, ours: `${line.toFixed(0)} ms`, peer }]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function writeSessions(folder: string): void {
  const project = join(folder, 'projects', 'p')
  mkdirSync(project, { recursive: true })
  for (let i = 0; i < SESSIONS; i++)
    writeFileSync(
      join(project, `session-${i}.jsonl`),
      `${JSON.stringify({
        sessionId: `session-${i}`,
        timestamp: new Date(Date.now() - i * 600_000).toISOString(),
        message: {
          id: `msg_${i}`,
          model: 'claude-sonnet-4-5-20250929',
          usage: { input_tokens: 1000, output_tokens: 10 },
        },
      })}\n`,
    )
}
