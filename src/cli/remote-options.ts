import type { Command } from 'commander'

export const TOKEN_HELP = 'bearer token; process lists show it to everybody on the machine: prefer --token-file'
export const TOKEN_FILE_HELP =
  'file that holds the bearer token, as TOKEN_BRIDGE_TOKEN_FILE; or set TOKEN_BRIDGE_TOKEN; on the machine of the bridge one is made by itself'

/** The options of every command that asks a server. */
export const remote = (command: Command): Command =>
  command
    .option('--server <url>', 'address of the bridge; found by itself on the same machine')
    .option('--token <token>', TOKEN_HELP)
    .option('--token-file <path>', TOKEN_FILE_HELP)
    .option('--json', 'print JSON')
