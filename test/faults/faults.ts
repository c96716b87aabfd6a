/**
 * What may happen on the way to a server. `slow`: its answers come late. `cut`: connections are cut, and none is taken.
 * `silent`: it takes everything, and nothing comes back. `half`: its answers are cut off within. `noise`: random bytes
 * come instead of its answers. `page`: somebody else answers, with a page for people. `refuses`: each call is answered
 * with an error, as by a server that is out of memory, or still loads what it kept.
 */
export const TROUBLES = ['slow', 'cut', 'silent', 'half', 'noise', 'page', 'refuses'] as const
export type Trouble = (typeof TROUBLES)[number]

/** What may happen to each dependency. `failed over`: another process takes its place at its address. */
export const FAULTS = {
  /** Its database stays; `full`: its disk. */
  ClickHouse: [...TROUBLES, 'failed over', 'full'],
  /** The one that takes its place is empty; `full`: the memory that it may take. */
  Redis: [...TROUBLES, 'failed over', 'full'],
  Unleash: [...TROUBLES, 'failed over'],
} as const
export type Dependency = keyof typeof FAULTS
export type Fault = (typeof FAULTS)[Dependency][number]
export const DEPENDENCIES = Object.keys(FAULTS) as Dependency[]
