import { spawnSync } from 'node:child_process'

const FORMS = [
  ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'],
  ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc', '--kill-child'],
]

/**
 * What to put in front of a command so that it runs as process 1, as in a container, and dies with what is in front of
 * it; nothing where this machine does not permit it: then it has a number of its own.
 */
export const AS_FIRST_PROCESS: readonly string[] =
  FORMS.find(([command = '', ...args]) => spawnSync(command, [...args, 'true']).status === 0) ?? []
