import { alone, type Family, oneOf } from '../family.ts'
import type { Histogram } from '../histogram.ts'

export const COMPONENT_STATES = ['UP', 'DEGRADED', 'DOWN', 'OFF'] as const

/** How the service is, as far as is known: nothing is asked for it. */
export interface ServiceFigures {
  version: string
  components(): readonly { name: string; state: (typeof COMPONENT_STATES)[number] }[]
  /** Milliseconds since 1970: when it was heard last that the flags are so; `undefined` where it never was. */
  flagsAsOf(): number | undefined
  /** `undefined` where no Redis is set. */
  isRedisConnected(): boolean | undefined
  sockets(): number
  /** `undefined` where there is no database that anything could be shipped to. */
  shipping(): ShippingFigures | undefined
  /** From acknowledged to readable in the database. */
  visible(): Histogram
  /** Of each table, the most parts that a partition of it has. */
  parts(): readonly { table: string; parts: number }[]
}

export interface ShippingFigures {
  /** Of the journal, acknowledged and not published. */
  journalBytes: number
  /** Of all logs, transcripts included. */
  logBytes: number
  /** Since the oldest of what is not published of the journal was acknowledged. */
  lagSeconds: number
}

export const serviceFamilies = (figures: ServiceFigures): Family[] => [
  {
    name: 'token_bridge_build_info',
    type: 'gauge',
    help: '1, with the version of the bridge and of Node.',
    labelNames: ['version', 'node'],
    values: () => [[{ version: figures.version, node: process.versions.node }, 1]],
  },
  {
    name: 'token_bridge_component_state',
    type: 'gauge',
    help: '1 for the state that each component of health is in.',
    labelNames: ['component', 'state'],
    values: () =>
      figures.components().flatMap(({ name, state }) => oneOf(COMPONENT_STATES, state, { component: name })),
  },
  {
    name: 'token_bridge_flags_age_seconds',
    type: 'gauge',
    help: 'Since it was heard last that the flags are as they are; nothing where that was never heard.',
    labelNames: [],
    values: () => {
      const asOf = figures.flagsAsOf()
      return alone(asOf === undefined ? undefined : Math.max(0, Date.now() - asOf) / 1000)
    },
  },
  {
    name: 'token_bridge_redis_connected',
    type: 'gauge',
    help: '1 while Redis answers; nothing where no Redis is set.',
    labelNames: [],
    values: () => {
      const isConnected = figures.isRedisConnected()
      return alone(isConnected === undefined ? undefined : Number(isConnected))
    },
  },
  {
    name: 'token_bridge_sockets',
    type: 'gauge',
    help: 'WebSockets with a token that are open.',
    labelNames: [],
    values: () => alone(figures.sockets()),
  },
  ...shippingFamilies(figures),
]

const shippingFamilies = ({ shipping, visible, parts }: ServiceFigures): Family[] => [
  {
    name: 'token_bridge_journal_pending_bytes',
    type: 'gauge',
    help: 'Of the journal, acknowledged and not published in ClickHouse yet.',
    labelNames: [],
    values: () => alone(shipping()?.journalBytes),
  },
  {
    name: 'token_bridge_logs_pending_bytes',
    type: 'gauge',
    help: 'Of all logs, transcripts and journal, not published in ClickHouse yet.',
    labelNames: [],
    values: () => alone(shipping()?.logBytes),
  },
  {
    name: 'token_bridge_ship_lag_seconds',
    type: 'gauge',
    help: 'Since the oldest records were acknowledged that are not published yet; 0 where there are none.',
    labelNames: [],
    values: () => alone(shipping()?.lagSeconds),
  },
  {
    name: 'token_bridge_visible_seconds',
    type: 'histogram',
    help: 'From the acknowledgement of records until they can be read in ClickHouse.',
    labelNames: [],
    values: () => [[{}, visible()]],
  },
  {
    name: 'token_bridge_clickhouse_partition_parts',
    type: 'gauge',
    help: 'Most parts that a partition of the table has: many are slow, and ClickHouse refuses to write beyond some 3000.',
    labelNames: ['table'],
    values: () => parts().map(({ table, parts: most }) => [{ table }, most]),
  },
]
