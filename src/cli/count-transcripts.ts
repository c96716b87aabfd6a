import { join } from 'node:path'
import { readConfig } from '../config.ts'
import { type Analysis, openAnalysis, type RefreshReport } from '../enhanced-analysis/analysis.ts'
import { indexPathFor } from '../enhanced-analysis/index/index-path.ts'
import { type Root, resolveRoots } from '../transcripts/roots.ts'
import { createProgressBar } from './progress-bar.ts'
import { tellLines, tellProblem } from './terminal.ts'

export interface CountingOptions {
  transcripts?: string
  index: boolean
  progress: boolean
}

/** The transcripts of this machine, counted up to now. */
export interface Counted {
  analysis: Analysis
  roots: readonly Root[]
  home: string
  /** Tells on stderr what could not be counted, and with the exit code that there is something; closes the analysis. */
  end(): void
  /** Closes the analysis alone. */
  close(): void
}

export async function countTranscripts(options: CountingOptions): Promise<Counted> {
  const config = readConfig()
  const roots = resolveRoots({
    ...config.transcripts,
    transcriptsDir: options.transcripts ?? config.transcripts.transcriptsDir,
  })
  const analysis = openAnalysis({
    roots,
    scanThreads: config.scanThreads,
    ...(options.index ? { indexPath: indexPathFor(join(config.dataDir, 'index'), roots) } : {}),
  })
  const bar = options.progress && process.stderr.isTTY ? await createProgressBar() : undefined
  const refreshed = await analysis.refresh(bar?.update).finally(() => bar?.stop())
  return {
    analysis,
    roots,
    home: config.transcripts.home,
    close: () => analysis.close(),
    end() {
      const problem = analysis.indexProblem()
      analysis.close()
      tellEnd(roots, refreshed, problem)
    },
  }
}

function tellEnd(roots: readonly Root[], { files, unreadable }: RefreshReport, indexProblem: string | undefined): void {
  if (files === 0)
    tellLines([
      `no transcripts found in ${roots.map((root) => root.path).join(', ')}: --transcripts or TRANSCRIPTS_DIR names other folders`,
    ])
  if (indexProblem !== undefined) tellProblem(indexProblem)
  for (const problem of unreadable) tellProblem(`could not read ${problem}`)
  // what could not be read is missing in the figures
  if (unreadable.length > 0) process.exitCode = 1
}
