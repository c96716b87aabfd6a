import type { RefusalReason } from '../domain/refusal.ts'
import type { FoundTitle } from './title.ts'
import type { TokenCopy } from './token-copy.ts'

/** What says where agents write on this machine. */
export interface PlaceSettings {
  home: string
  /** `CLAUDE_CONFIG_DIR`. */
  claudeConfigDir: string | undefined
}

/** What is peculiar to one agent's transcripts. Each is a folder here and one line in `formats.ts`. */
export interface TranscriptFormat {
  /** By which a root says what it holds. */
  readonly name: string
  /**
   * Where the agent writes on this machine: folders that its user named, comma-separated, which must exist; or the usual
   * ones, which may come later.
   */
  places(settings: PlaceSettings): { named: string } | { usual: string[] }
  /** The folder of transcripts in a folder that exists, or the folder itself; `undefined` where it is not this agent's. */
  folderIn(folder: string): string | undefined
  /** Whether a file of this name is a transcript. */
  isTranscript(name: string): boolean
  /** `relativePath` is the path under the root. */
  nameLog(relativePath: string): LogNaming
  /** What a project is called whose agent works in this folder, an absolute path. */
  projectAt(folder: string): string
  /** The folders in which the agent worked, as the first bytes of a transcript tell; each may come more than once. */
  foldersIn(head: string): string[]
  /** Of the last bytes of a transcript, the id of its last line by which a summary names it; the first line may be cut off. */
  leafIn?(end: string): string | undefined
  /** What is done once in a process and shared with its threads. Called in whatever starts threads, before it does. */
  prepare?(): void
  createReader(): TranscriptReader
}

/** What the place of a transcript says about its records (domain.md, "Where transcripts are", and rule 6). */
export interface LogNaming {
  project: string
  /** A session that beats what a line says. */
  pathSession: string | undefined
  /** The file's stem: the session of lines that name none. */
  stem: string
}

/** A transcript that is being read. */
export interface TranscriptFile {
  naming: LogNaming
  /** A hash of the bytes of the line that begins at this offset: for lines that have no identity of their own. */
  lineHash(offset: number): string
  /** The line that begins at this offset, or its first bytes. */
  line(offset: number, maxBytes: number): string
}

/** What counting lines gives: any number of copies, any number of refusals. */
export interface CountingSink {
  copy(copy: TokenCopy): void
  refuse(reason: RefusalReason, offset: number): void
}

/** What reading a transcript gives. */
export interface TranscriptSink extends CountingSink {
  title(found: FoundTitle): void
}

/**
 * Counts the lines of transcripts that come in chunks of bytes. One file at a time: `begin`, then `push` until its end,
 * then `finish`.
 */
export interface TranscriptReader {
  /** Starts a file, or goes on in one, at the offset of a line's first byte. */
  begin(offset: number, file: TranscriptFile, sink: TranscriptSink): void
  /** Where the next chunk goes; read into it, then `push`. Taken anew for each chunk. */
  input(): Uint8Array
  /** Counts the lines that end in the first `length` bytes of `input`. */
  push(length: number): void
  /** Ends the file: counts a last line without a line feed if it is complete. */
  finish(): void
  /** Offset of the line that is being read: everything before it was counted. */
  lineOffset(): number
}
