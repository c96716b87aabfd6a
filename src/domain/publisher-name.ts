import { randomUUID } from 'node:crypto'

/** What only one process at a time has: a machine, and a data folder on it. */
export interface Place {
  host: string
  /** Names the data folder: 12 hexadecimal digits. */
  instance: string
}

/** Names of all processes of a place begin with this, and no others. */
export const placeName = ({ host, instance }: Place): string => `${host}:${instance}:`

/** Names a process that publishes, in the database: no other one has the same name. `url` is where it listens. */
export const publisherName = (place: Place, pid: number, url: string): string =>
  `${placeName(place)}${pid}:${randomUUID()} ${url}`

/** A release before wrote no address. */
const NAME = /^(?<host>.*):[0-9a-f]{12}:(?<pid>\d+):[0-9a-f-]{36}(?: (?<url>\S+))?$/

/** For operators, who look for the process: `process 41 on tower, http://10.0.0.2:4000`. */
export function describePublisher(name: string): string {
  const { host, pid, url } = NAME.exec(name)?.groups ?? {}
  if (host === undefined) return name
  return `process ${pid} on ${host}${url === undefined ? '' : `, ${url}`}`
}
