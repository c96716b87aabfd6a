import type { TranscriptFormat } from '../format.ts'
import { compileLineScanner } from './line-scanner/line-scanner.ts'
import { foldersIn, nameLog, projectAt } from './naming.ts'
import { folderIn, isTranscript, places } from './places.ts'
import { createReader } from './reader.ts'
import { leafIn } from './titles.ts'

export const claudeCode: TranscriptFormat = {
  name: 'claude-code',
  places,
  folderIn,
  isTranscript,
  nameLog,
  projectAt,
  foldersIn,
  leafIn,
  prepare: compileLineScanner,
  createReader: () => createReader(),
}
