// Whoever follows live figures and never reads them: nothing is kept for them.
import { subscribe as subscribeChannel, unsubscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LIMITS } from '../../src/domain/limits.ts'
import { startServer } from '../support/server.ts'
import { openSocket, subscribe } from '../support/small-subscriptions.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

/** Some 20 KB each time. */
const SESSIONS = 100
const LIVE = `subscription { tokenMetricsUpdated { recordCount sessions(first: ${SESSIONS}) { edges { node { id project startedAt lastActivityAt costUsd tokens { input output total } } } } } }`

test('a follower who does not read costs little memory, and holds up nobody', async () => {
  const folder = makeFolder()
  const lines = Array.from({ length: SESSIONS }, (_, i) => line({ id: `msg_${i}`, session: `s${i}` }))
  writeTranscripts(folder, { 'p/a.jsonl': lines })
  const server = await startServer(folder, { RESCAN_INTERVAL_MS: '200' })
  const sockets: Socket[] = []
  const onSocket = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket)
  subscribeChannel('net.server.socket', onSocket)
  const deaf = await openSocket(server.url, await server.token(['viewer'], 'deaf'))
  unsubscribe('net.server.socket', onSocket)
  const [ofDeaf] = sockets as [Socket]
  for (let n = 0; n < LIMITS.subscriptionsOfSocket.value; n++) deaf.send(subscribe(`s${n}`, LIVE))
  await until('the first values', () => (deaf.messages.length > LIMITS.subscriptionsOfSocket.value ? true : undefined))
  deaf.socket.pause()
  const ann = await openSocket(server.url, await server.token(['viewer'], 'ann'))
  ann.send(subscribe('s', LIVE))
  let mostUnread = 0
  for (let records = SESSIONS + 1; records <= SESSIONS + 8; records++) {
    appendFileSync(join(folder, 'projects', 'p', 'a.jsonl'), `${line({ id: `msg_${records}`, session: 's0' })}\n`)
    await until(`${records} records`, () => {
      mostUnread = Math.max(mostUnread, ofDeaf.writableLength)
      return ann.messages.some((message) => JSON.stringify(message).includes(`"recordCount":"${records}"`)) || undefined
    })
  }
  expect(mostUnread).toBeLessThan(LIMITS.socketUnreadBytes.value + 2 ** 20)
  // and what it gets, once it reads, ends with what is so
  deaf.socket.resume()
  await until('the latest', () => {
    const latest = deaf.messages.filter((one) => JSON.stringify(one).includes(`"recordCount":"${SESSIONS + 8}"`))
    return (
      latest.length === LIMITS.subscriptionsOfSocket.value || deaf.socket.readyState !== deaf.socket.OPEN || undefined
    )
  })
})
