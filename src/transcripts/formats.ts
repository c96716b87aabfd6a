import { claudeCode } from './claude-code/claude-code.ts'
import type { TranscriptFormat } from './format.ts'

/** Every format that is known. The first one is that of roots that name none. */
export const FORMATS: readonly [TranscriptFormat, ...TranscriptFormat[]] = [claudeCode]
