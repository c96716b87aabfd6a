import type { Command } from 'commander'

/** The options of every command that asks a server. */
export const remote = (command: Command): Command =>
  command
    .option('--server <url>', 'address of the bridge; found by itself on the same machine')
    .option('--token <token>', 'bearer token; made by itself on the same machine')
    .option('--json', 'print JSON')
