import type { z } from 'zod'
import { ACCESS_CLAIM, ACCESS_RULE } from '../access/scopes.ts'
import { UsageError } from './usage-error.ts'

/** What a token may see, as it is given to commands: JSON. */
export function readAccess(text: string | undefined): z.infer<typeof ACCESS_CLAIM> | undefined {
  if (text === undefined) return undefined
  try {
    return ACCESS_CLAIM.parse(JSON.parse(text))
  } catch {
    throw new UsageError(`--access ${ACCESS_RULE}, as JSON: [{"users":["ann"]},{"projects":["shop"]}]`)
  }
}
