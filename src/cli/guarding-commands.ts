import type { Command } from 'commander'
import { remote } from './remote-options.ts'

// The commands of the audit log, of isolation, and of the guard.

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
  remote(program.command('rejoin').description('end that')).action(async (options) => {
    const { rejoin } = await import('./isolation.ts')
    await rejoin(options)
  })
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
  remote(guard.command('reset').description('end that: flags and progress decide again'))
    .requiredOption('--reason <text>', 'why')
    .action(async (options) => {
      const { resetGuard } = await import('./guard.ts')
      await resetGuard(options)
    })
}
