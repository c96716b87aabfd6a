// A small disk of its own (tmpfs), filled by the test. It takes root, and a system that lets it mount.
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startServer } from '../support/server.ts'
import { maySmallDisksBeMounted, mountSmallDisk, type SmallDisk, smallDiskFolder } from '../support/small-disk.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const isAllowed = maySmallDisksBeMounted()

describe.skipIf(!isAllowed)(
  `a disk that is nearly full${isAllowed ? '' : ' (skipped: mounting a tmpfs is not permitted here)'}`,
  () => {
    test('is an alarm from 80 % on, and from 90 % on nothing is accepted, until there is room', async () => {
      const disk = mountSmallDisk(smallDiskFolder(), 20) as SmallDisk
      onTestFinished(() => disk.remove())
      const folder = makeFolder()
      writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
      const server = await startServer(folder, { JOURNAL_DIR: join(disk.folder, 'journal') })
      const ingest = async (session: string) => {
        const record = `{ sessionId: "${session}", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 1, output: 1 } }`
        const { data, errors } = await server.ask(
          `mutation { ingestTokenRecords(input: { records: [${record}] }) { accepted } }`,
          {},
          ['ingester'],
        )
        return errors?.[0]?.extensions.code ?? data.ingestTokenRecords.accepted
      }
      const stateOf = async () => {
        const { data } = await server.ask('{ risks { indicators { name state } } }', {}, ['operator'])
        const all = data.risks.flatMap(({ indicators }: { indicators: { name: string }[] }) => indicators)
        return all.find(({ name }: { name: string }) => name === 'journal_disk').state
      }
      expect(await ingest('s1')).toBe(1)
      expect(await stateOf()).toBe('OK')
      disk.fill(0.82)
      expect(await stateOf()).toBe('ALARM')
      expect(await ingest('s2')).toBe(1)
      disk.fill(0.92)
      expect(await stateOf()).toBe('BREACHED')
      await until('it to be refused', async () => ((await ingest('s3')) === 'STORAGE_UNAVAILABLE' ? true : undefined))
      disk.free()
      await until('it to be accepted', async () => ((await ingest('s4')) === 1 ? true : undefined))
      await until('what was acknowledged to be counted, and nothing else', async () => {
        const { data } = await server.ask(
          '{ tokenMetrics { byProject { project } sessions { totalCount edges { node { id } } } } }',
        )
        const ids = data.tokenMetrics.sessions.edges.map(({ node }: { node: { id: string } }) => node.id)
        return ['s1', 's2', 's4'].every((id) => ids.includes(id)) ? true : undefined
      })
    })
  },
)
