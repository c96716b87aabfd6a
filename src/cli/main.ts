import { Command, CommanderError, Option } from 'commander'
import { ROLES } from '../access/roles.ts'
import { VERSION } from '../domain/version.ts'
import { addAnalyze, addBlocks, addStatusline } from './analysis-commands.ts'
import {
  addAlerts,
  addAudit,
  addExperiment,
  addGuard,
  addIncidents,
  addIsolation,
  addRisk,
} from './guarding-commands.ts'
import { remote, TOKEN_FILE_HELP, TOKEN_HELP } from './remote-options.ts'
import { tellLines, tellProblem } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** Exit codes: 0 done, 1 failed, 2 wrong usage. Errors are one line on stderr, without a stack. */
export async function run(argv: readonly string[]): Promise<void> {
  // EPIPE: whoever reads our output has closed it, as `head` does when it has enough
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
  try {
    await createProgram().parseAsync([...argv])
  } catch (error) {
    if (error instanceof CommanderError) {
      // help and version have been printed, and so has what was wrong
      process.exitCode = error.exitCode === 0 ? 0 : 2
      return
    }
    tellProblem((error as Error).message)
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}

const ACCESS_HELP =
  'what it may see, a JSON list of scopes, such as [{"users":["ann"]},{"projects":["shop"]}]; absent: everything'

/** All commands, with their options and what they do. */
export function createProgram(): Command {
  const program = new Command('token-bridge')
    .description('Token metrics of coding agents, exact, through GraphQL.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(--help tells more)')
    // what was typed is echoed, and may have been pasted with control characters
    .configureOutput({ outputError: (text) => tellLines(text.trimEnd().split('\n')) })
  addServe(program)
  addAnalyze(program)
  addBlocks(program)
  addStatusline(program)
  addToken(program)
  addRemote(program)
  addPush(program)
  addJournal(program.command('journal').description('the encrypted journal on this machine; needs no server'))
  const migrate = program.command('migrate').description('carry the history into ClickHouse')
  addRuns(migrate)
  addChangesOfRuns(migrate)
  addBackups(migrate)
  addIsolation(program)
  addGuard(program.command('guard').description('the emergency brake: everybody on the files, without Unleash'))
  addExperiment(program)
  addAlerts(program.command('alert').description('what warns somebody: is past its line, down or tripped'))
  addIncidents(program.command('incident').description('critical alerts, with what happened'))
  addRisk(program.command('risk').description('what is watched, and what warns of a risk'))
  addAudit(program.command('audit').description('who did what: a log that shows when it was tampered with'))
  return program
}

function addServe(program: Command): void {
  program
    .command('serve')
    .description('start the GraphQL server (npm start); settings come from the environment, see docs/settings.md')
    .action(async () => {
      const { serve } = await import('../main.ts')
      await serve()
    })
}

function addToken(program: Command): void {
  program
    .command('token')
    .description('print a bearer token, alone, on stdout')
    .requiredOption('--user <id>', 'who the token is for')
    .requiredOption('--roles <roles>', `comma-separated: ${ROLES.join(', ')}`)
    .option('--ttl <duration>', 'how long it lasts, such as 90s, 15m, 1h, 7d', '1h')
    .option('--access <json>', ACCESS_HELP)
    .action(async (options) => {
      const { printToken } = await import('./token.ts')
      await printToken(options)
    })
  addMachineTokens(
    program.command('machine-token').description('tokens of machines, kept by the server, each with an id'),
  )
  remote(
    program
      .command('revoke')
      .description('take tokens away, on every instance within a second; where no server runs, from its next start on'),
  )
    .option('--user <id>', 'all tokens of this user that were issued until now')
    .option('--id <id>', 'one token: its claim jti')
    .option('--made', 'with --user: also the tokens of machines that this user has made, for whomever')
    .requiredOption('--reason <text>', 'why')
    .action(async (options) => {
      const { revokeAccess } = await import('./revoke.ts')
      await revokeAccess(options)
    })
}

function addMachineTokens(tokens: Command): void {
  remote(tokens.command('create').description('make a token and print it, alone, on stdout: it is shown this once'))
    .requiredOption('--user <id>', 'who the token is for')
    .requiredOption('--roles <roles>', `comma-separated: ${ROLES.join(', ')}`)
    .option('--note <text>', 'what it is for')
    .option('--ttl <duration>', 'how long it lasts, such as 1h, 7d, 90d', '90d')
    .option('--access <json>', ACCESS_HELP)
    .action(async (options) => {
      const { createMachineToken } = await import('./machine-tokens.ts')
      await createMachineToken(options)
    })
  remote(tokens.command('list').description('the tokens of machines that have not expired')).action(async (options) => {
    const { listMachineTokens } = await import('./machine-tokens.ts')
    await listMachineTokens(options)
  })
}

function addRemote(program: Command): void {
  const source = remote(program.command('source').description('which source answers you now, and why'))
    .option('--user <id>', 'explain it for this user, with all that it depends on (operators)')
    .option(
      '--since <date>',
      'with --user: for a range that begins then: 2026-04-01, 20260401, or an RFC 3339 timestamp',
    )
    .option('--time-zone <zone>', 'IANA time zone that the date is of, or local', 'UTC')
    .option('--roles <roles>', 'with --user: as a token with these roles, comma-separated; viewer, if absent')
    .action(async (options) => {
      const { showSource } = await import('./source.ts')
      await showSource(options)
    })
  remote(
    source
      .command('compare')
      .description('whether both sources say the same: of the whole history, and of what they differed in lately')
      .argument('[id...]', 'mismatches whose questions alone are asked once more'),
  ).action(async (ids: string[], _options, command: Command) => {
    const { compareSources } = await import('./compare.ts')
    // the options are those of `source`, too
    await compareSources(ids, command.optsWithGlobals())
  })

  remote(program.command('flags').description('every flag: its state, owner, expected end and last change (operators)'))
    .addOption(new Option('--format <format>', 'what to print').choices(['table', 'json']).default('table'))
    .action(async (options) => {
      const { showFlags } = await import('./flags.ts')
      await showFlags(options)
    })

  remote(program.command('health').description('how the bridge and its parts are; exit code 1 if it is down')).action(
    async (options) => {
      const { showHealth } = await import('./health.ts')
      await showHealth(options)
    },
  )

  remote(
    program
      .command('ingest')
      .description('send token records to the bridge: JSON lines, each a TokenRecordInput; sent twice, counted once')
      .argument('<file>', 'the file; - reads stdin'),
  ).action(async (file, options) => {
    const { ingestFile } = await import('./ingest.ts')
    await ingestFile(file, options)
  })
}

function addPush(program: Command): void {
  program
    .command('push')
    .description("follow this machine's transcripts and send what they add to a bridge elsewhere, until interrupted")
    .requiredOption('--server <url>', 'address of the bridge')
    .option('--token <token>', `${TOKEN_HELP}; with the role ingester`)
    .option('--token-file <path>', TOKEN_FILE_HELP)
    .option('--transcripts <dir>', 'folders of transcripts, comma-separated, as TRANSCRIPTS_DIR')
    .option('--once', 'send what there is, and end')
    .option('--json', 'print JSON')
    .action(async (options) => {
      const { push } = await import('./push.ts')
      await push(options)
    })
}

function addJournal(journal: Command): void {
  const ofJournal = (name: string, about: string) =>
    journal.command(name).description(about).option('--json', 'print JSON')
  ofJournal('status', 'its segments, with their sizes, entries and keys; exit code 1 if something is damaged').action(
    async (options) => {
      const { showJournal } = await import('./journal.ts')
      await showJournal(options)
    },
  )
  ofJournal('check', 'every place that is damaged; exit code 1 if there is one').action(async (options) => {
    const { checkJournal } = await import('./journal.ts')
    await checkJournal(options)
  })
  ofJournal('rotate-key', 'make a new key for what is written from the next start on')
    .option('--token <token>', 'bearer token that a server which runs is told of it by; made by itself')
    .action(async (options) => {
      const { rotateJournalKey } = await import('./journal.ts')
      await rotateJournalKey(options)
    })
}

function addRuns(migrate: Command): void {
  remote(migrate.command('start').description('start a run and show how far it is; exit code 1 if it fails'))
    .option('--no-wait', 'return at once')
    .option('--dry-run', 'tell what it would carry and how long it would take; nothing is written', false)
    .action(async (options) => {
      const { startMigration } = await import('./migrate.ts')
      await startMigration(options)
    })
  remote(migrate.command('status').description('how far a run is; exit code 1 if it failed'))
    .option('--id <id>', 'the run; the latest, if absent')
    .option('--wait', 'until it ends', false)
    .option('--files', 'the catalogue: every transcript, and whether it is verified', false)
    .action(async (options) => {
      const { showMigration } = await import('./migrate.ts')
      await showMigration(options)
    })
}

function addChangesOfRuns(migrate: Command): void {
  const ofRun = (name: string, about: string) =>
    remote(migrate.command(name).description(about).argument('[id]', 'the run; the latest, if absent'))
  for (const [change, about] of [
    ['pause', 'stop carrying until it is resumed'],
    ['resume', 'go on where it was'],
  ] as const)
    ofRun(change, about).action(async (id, options) => {
      const { changeMigration } = await import('./migrate.ts')
      await changeMigration(change, id, options)
    })
  ofRun('verify', 'compare the files with ClickHouse, down to every copy; exit code 1 if they differ')
    .option('--repair', 'tell what differs, mend it, and verify again', false)
    .option('--dry-run', 'with --repair: only tell what it would mend', false)
    .action(async (id, options) => {
      const { verifyMigration } = await import('./migrate.ts')
      await verifyMigration(id, options)
    })
  ofRun('rollback', 'put all readers back on the files, and take out what was carried')
    .option('--no-wait', 'return at once')
    .option('--discard-archived', 'also what is not on disk any more: it is lost then', false)
    .action(async (id, options) => {
      const { rollbackMigration } = await import('./migrate.ts')
      await rollbackMigration(id, options)
    })
}

function addBackups(migrate: Command): void {
  migrate
    .command('schema')
    .description('change the tables of the database as this release needs them, by CLICKHOUSE_USER; needs no server')
    .action(async () => {
      const { updateSchema } = await import('../main.ts')
      const { noteCommand } = await import('./noting.ts')
      await updateSchema()
      await noteCommand('SCHEMA', undefined)
    })
  remote(
    migrate
      .command('backup')
      .description('save what only ClickHouse still has to BACKUP_DIR of the server')
      .argument('[name]', 'of the backup; made from the time, if absent'),
  )
    .option('--all', 'everything that is published', false)
    .action(async (name, options) => {
      const { backupMigration } = await import('./migrate.ts')
      await backupMigration(name, options)
    })
  remote(
    migrate
      .command('restore')
      .description('bring back what the database lacks of a backup')
      .argument('<name>', 'of the backup, in BACKUP_DIR of the server'),
  ).action(async (name, options) => {
    const { restoreMigration } = await import('./migrate.ts')
    await restoreMigration(name, options)
  })
}
