import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createKnownOperations, type KnownOperations, type OperationFile } from '../graphql/known-operations.ts'

/** What our own clients ask. */
const OWN = fileURLToPath(new URL('../../schema/operations', import.meta.url))

/** Reads them, of files and of folders with all that is in them. Throws where one cannot be read, or is something else. */
export function readKnownOperations(paths: readonly string[]): KnownOperations {
  return createKnownOperations([OWN, ...paths].flatMap((path) => filesOf(path).map(readOperations)))
}

function filesOf(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(graphql|json)$/.test(name))
      .sort()
      .map((name) => join(path, name))
  } catch (error) {
    throw new Error(`KNOWN_OPERATIONS: ${(error as Error).message}`, { cause: error })
  }
}

const readOperations = (path: string): OperationFile => ({ path, text: readFileSync(path, 'utf8') })
