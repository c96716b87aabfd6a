import type { TranscriptFormat } from '../format.ts'
import { compileLineScanner } from './line-scanner/line-scanner.ts'
import { nameLog } from './naming.ts'
import { folderIn, isTranscript, places } from './places.ts'
import { createReader } from './reader.ts'

export const claudeCode: TranscriptFormat = {
  name: 'claude-code',
  places,
  folderIn,
  isTranscript,
  nameLog,
  prepare: compileLineScanner,
  createReader: () => createReader(),
}
