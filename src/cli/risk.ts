import { type RemoteOptions, request } from './client.ts'
import { RiskReportDocument } from './generated.ts'
import { printJson, printLines } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** `token-bridge risk report`: the weekly review, as Markdown. */
export async function printRiskReport({ days, ...options }: RemoteOptions & { days: string }): Promise<void> {
  if (!/^\d{1,3}$/.test(days)) throw new UsageError(`--days must be a whole number from 1 to 366, not "${days}"`)
  const { riskReport } = await request(RiskReportDocument, { days: Number(days) }, options)
  if (options.json) return void printJson({ report: riskReport })
  printLines(riskReport.split('\n'))
}
