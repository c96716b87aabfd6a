import { closeSync, constants, openSync, readSync } from 'node:fs'
import { formatOf } from '../../transcripts/format-of.ts'
import type { KnownFile } from '../table/known-file.ts'
import type { RecordTable } from '../table/record-table.ts'

/** What is read of a transcript: the agent tells its folder in each line. */
const HEAD_BYTES = 64 << 10
/** Transcripts of a project that are asked: an agent may have gone to another folder before the first line. */
const MAX_ASKED = 5

/**
 * The folder that its agent worked in, by the name of a project. The name alone does not say it, as it has a dash for
 * whatever is no letter or digit; a folder that a transcript tells counts where the project is called by it.
 */
export function projectPathsOf(table: RecordTable, names: ReadonlySet<string>): Map<string, string> {
  const paths = new Map<string, string>()
  const asked = new Map<string, number>()
  for (const file of table.transcripts()) {
    const { project } = table.origins.at(file.origin)
    const times = asked.get(project) ?? 0
    if (!names.has(project) || paths.has(project) || times === MAX_ASKED) continue
    asked.set(project, times + 1)
    const format = formatOf(table.rootOf(file))
    const folder = format.foldersIn(headOf(file)).find((one) => format.projectAt(one) === project)
    if (folder !== undefined) paths.set(project, folder)
  }
  return paths
}

/** The first bytes of a transcript; nothing where it cannot be read. */
function headOf({ path }: KnownFile): string {
  let fd: number
  try {
    // a named pipe that took the place of the file would be waited for
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return ''
  }
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    return head.toString('utf8', 0, readSync(fd, head, 0, HEAD_BYTES, 0))
  } catch {
    return ''
  } finally {
    closeSync(fd)
  }
}
