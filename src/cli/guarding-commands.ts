import type { Command } from 'commander'
import { remote } from './remote-options.ts'

// The commands of the audit log, of isolation, of the guard, of the experiment, of alerts, and of risks.

export function addAudit(audit: Command): void {
  audit
    .command('verify')
    .description('whether the audit log of DATA_DIR is whole; needs no server; exit code 1 if it is not')
    .option('--head <head>', 'a head that was kept elsewhere, which the log must have')
    .option('--acknowledge', 'what is wrong is known: health tells it no more, and this command as acknowledged')
    .option(
      '--token <token>',
      'with --acknowledge: bearer token of an operator for a server which runs; made by itself',
    )
    .option('--json', 'print JSON')
    .action(async (options) => {
      const { verifyAuditLog } = await import('./audit.ts')
      await verifyAuditLog(options)
    })
  remote(audit.command('list').description('who did what, the latest first'))
    .option('--first <number>', 'how many', '50')
    .option('--who <user>', 'this user alone')
    .option('--action <action>', 'such as "mutation revokeAccess"')
    .action(async (options) => {
      const { listAudit } = await import('./audit.ts')
      await listAudit(options)
    })
  audit
    .command('head')
    .description('print the head of the audit log of DATA_DIR, alone, to be kept elsewhere; needs no server')
    .action(async () => {
      const { printAuditHead } = await import('./audit.ts')
      printAuditHead()
    })
}

export function addIsolation(program: Command): void {
  remote(
    program.command('isolate').description('take the bridge out of all reading and writing but health, over starts'),
  )
    .requiredOption('--reason <text>', 'why')
    .action(async (options) => {
      const { isolate } = await import('./isolation.ts')
      await isolate(options)
    })
  remote(program.command('rejoin').description('end an isolation: the bridge reads and writes again')).action(
    async (options) => {
      const { rejoin } = await import('./isolation.ts')
      await rejoin(options)
    },
  )
}

export function addGuard(guard: Command): void {
  remote(guard.command('status').description('whether it has tripped, since when and why')).action(async (options) => {
    const { showGuard } = await import('./guard.ts')
    await showGuard(options)
  })
  remote(guard.command('trip').description('take everybody to the files, on every instance, over starts'))
    .requiredOption('--reason <text>', 'why')
    .action(async (options) => {
      const { tripGuard } = await import('./guard.ts')
      await tripGuard(options)
    })
  remote(guard.command('reset').description('release the emergency brake: flags and progress decide again'))
    .requiredOption('--reason <text>', 'why')
    .action(async (options) => {
      const { resetGuard } = await import('./guard.ts')
      await resetGuard(options)
    })
}

export function addExperiment(program: Command): void {
  remote(
    program
      .command('experiment')
      .description('both arms of dashboard_ab_test, and how they differ; exit code 1 where the database is worse'),
  )
    .option(
      '--since <date>',
      'from this day (UTC), of the last 30 days: 2026-04-01, 20260401, or an RFC 3339 timestamp',
    )
    .option('--until <date>', 'up to this day, with it')
    .action(async (options) => {
      const { showExperiment } = await import('./experiment.ts')
      await showExperiment(options)
    })
}

export function addRisk(risk: Command): void {
  remote(
    risk
      .command('report')
      .description('the weekly review, as Markdown: what moved, which mitigations worked, which scores should change'),
  )
    .option('--days <number>', 'of so many days', '7')
    .action(async (options) => {
      const { printRiskReport } = await import('./risk.ts')
      await printRiskReport(options)
    })
}

export function addAlerts(alert: Command): void {
  remote(alert.command('list').description('those that are open, the latest first, and what to do about each'))
    .option('--all', 'also those that are closed', false)
    .option('--first <number>', 'how many', '50')
    .action(async (options) => {
      const { listAlerts } = await import('./alerts.ts')
      await listAlerts(options)
    })
  remote(
    alert
      .command('acknowledge')
      .description('you see to it: nobody above is told of it any more, unless it grows worse'),
  )
    .argument('<id>', 'of the alert, as list tells it')
    .option('--note <text>', 'what you do about it')
    .action(async (id, options) => {
      const { acknowledgeAlert } = await import('./alerts.ts')
      await acknowledgeAlert(id, options)
    })
}

export function addIncidents(incident: Command): void {
  remote(incident.command('list').description('what happened in each, the latest first'))
    .option('--first <number>', 'how many', '50')
    .action(async (options) => {
      const { listIncidents } = await import('./alerts.ts')
      await listIncidents(options)
    })
  remote(
    incident
      .command('close')
      .description(
        'close an incident by hand, which acknowledges its alert, too; it closes by itself when its alert is over',
      ),
  )
    .argument('<id>', 'of the incident, as list tells it')
    .requiredOption('--note <text>', 'why')
    .action(async (id, options) => {
      const { closeIncident } = await import('./alerts.ts')
      await closeIncident(id, options)
    })
}
