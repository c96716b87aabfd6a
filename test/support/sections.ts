import { readFileSync } from 'node:fs'

/** The sections of a document, by the names that links have for their headings, each with what stands in it. */
export function sectionsOf(path: string): Map<string, string> {
  const [, ...parts] = readFileSync(path, 'utf8').split(/^#{2,6} /m)
  return new Map(
    parts.map((part) => {
      const [heading = '', ...lines] = part.split('\n')
      return [anchorOf(heading), lines.join('\n').trim()]
    }),
  )
}

/** As GitHub makes them. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
