import type { Analysis } from '../../src/enhanced-analysis/analysis.ts'
import { analysisOf, totals } from './transcripts.ts'

/** Everything that an analysis says, in an order of its own. */
export function picture(analysis: Analysis): unknown {
  const [answer] = analysis.answer([{ filter: {}, groupings: [['project']], sessions: true }])
  const keyed = (list: { key: string; usage: Parameters<typeof totals>[0] }[] = []) =>
    Object.fromEntries(list.map(({ key, usage }) => [key, totals(usage)]))
  return {
    whole: totals(answer?.whole ?? []),
    projects: keyed(answer?.groups.project?.map(({ values: [key = ''], usage }) => ({ key, usage }))),
    sessions: keyed(answer?.sessions?.map(({ id, usage }) => ({ key: id, usage }))),
    quality: analysis.quality(),
  }
}

/** The same, counted from scratch. */
export async function freshPicture(folder: string): Promise<unknown> {
  const analysis = analysisOf(folder)
  await analysis.refresh()
  return picture(analysis)
}
