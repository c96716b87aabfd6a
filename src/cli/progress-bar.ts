import cliProgress from 'cli-progress'
import type { RefreshProgress } from '../enhanced-analysis/refresh.ts'

const MEGABYTE = 1e6

/** A progress bar on stderr for the reading of transcripts. */
export async function createProgressBar(): Promise<{ update(progress: RefreshProgress): void; stop(): void }> {
  const bar = new cliProgress.SingleBar(
    {
      format: 'reading {files} transcripts {bar} {percentage}% | {value}/{total} MB | {eta_formatted} left',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  )
  let started = false
  return {
    update({ filesTotal, bytesTotal, bytesDone }) {
      const total = Math.ceil(bytesTotal / MEGABYTE)
      if (!started) bar.start(total, 0, { files: filesTotal })
      started = true
      bar.update(Math.min(total, Math.round(bytesDone / MEGABYTE)))
    },
    stop: () => bar.stop(),
  }
}
