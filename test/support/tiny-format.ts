import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { CountingSink, TranscriptFile, TranscriptFormat, TranscriptReader } from '../../src/transcripts/format.ts'

/** Another agent's transcripts: `<project>.tiny` files in a folder `runs`, a line for each call: `id time model input output`. */
export const tiny: TranscriptFormat = {
  name: 'tiny',
  places: ({ home }) => ({ usual: [join(home, '.tiny', 'runs')] }),
  folderIn(folder) {
    if (basename(folder) === 'runs') return folder
    return existsSync(join(folder, 'runs')) ? join(folder, 'runs') : undefined
  },
  isTranscript: (name) => name.endsWith('.tiny'),
  nameLog: (path) => ({ project: basename(path, '.tiny'), pathSession: undefined, stem: basename(path, '.tiny') }),
  projectAt: (folder) => basename(folder),
  foldersIn: () => [],
  createReader: createTinyReader,
}

function createTinyReader(): TranscriptReader {
  const buffer = Buffer.alloc(16)
  let held = Buffer.alloc(0)
  let at = 0
  let file: TranscriptFile
  let sink: CountingSink
  const count = (text: string): void => {
    const [id, time, model, input, output] = text.split(' ') as [string, string, string, string, string]
    const counts = {
      input: Number(input),
      output: Number(output),
      cacheRead: 0,
      cacheCreation5m: 0,
      cacheCreation1h: 0,
    }
    sink.copy({
      ...counts,
      total: counts.input + counts.output,
      identity: `tiny:${id}`,
      time: Date.parse(time),
      offset: at,
      sidechain: false,
      model,
      session: file.naming.stem,
      branch: '',
    })
  }
  return {
    begin(offset, ofFile, into) {
      file = ofFile
      sink = into
      at = offset
      held = Buffer.alloc(0)
    },
    input: () => buffer,
    push(length) {
      held = Buffer.concat([held, buffer.subarray(0, length)])
      for (let end = held.indexOf('\n'); end >= 0; end = held.indexOf('\n')) {
        count(held.toString('utf8', 0, end))
        at += end + 1
        held = held.subarray(end + 1)
      }
    },
    finish() {},
    lineOffset: () => at,
  }
}
