import { availableParallelism } from 'node:os'
import { ACCESS_SETTINGS } from './access-settings.ts'
import { KEY_FORM } from './domain/key-text.ts'
import { LIMITS } from './domain/limits.ts'
import { RISK_SETTINGS } from './risk-settings.ts'
import { httpUrl, inFile, keys, matching, networks, oneOf, share, text, whole } from './setting-schemas.ts'
import { TRACING_SETTINGS } from './tracing-settings.ts'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** A name that is mistyped would be taken for development, and show the schema. */
const ENVIRONMENTS = ['development', 'production', 'test'] as const

/** Each setting: how it is read, its default as text, and what it does (the table of docs/settings.md). */
export const SETTINGS = {
  HOST: { schema: text, fallback: '127.0.0.1', about: 'address to listen on' },
  PORT: { schema: whole('PORT', 0, 65535, 4000), fallback: '4000', about: 'port to listen on; 0 takes a free one' },
  METRICS_PORT: {
    schema: whole('METRICS_PORT', 0, 65535, undefined),
    fallback: 'none',
    about:
      'second port at `HOST`, which tells `/metrics` and nothing else; without a token on loopback and where `HOST` is among `PRIVATE_HOSTS`, else with one of the role `scraper`; 0 takes a free one',
  },
  TRUSTED_PROXY: {
    schema: networks('TRUSTED_PROXY'),
    fallback: 'none',
    about:
      'addresses and networks of reverse proxies, comma-separated: clients behind them are told apart, where limits are by address, by `X-Forwarded-For`, to which each proxy must add whom it saw',
  },
  MAX_WEBSOCKETS: {
    schema: whole('MAX_WEBSOCKETS', 1, 100_000, LIMITS.sockets.value),
    fallback: String(LIMITS.sockets.value),
    about:
      'WebSockets with a token, of all users together; each takes some memory, and the system must allow as many open files',
  },
  TRANSCRIPTS_DIR: {
    schema: text,
    fallback: "the agent's own folders",
    about: 'folders of transcripts, comma-separated, each may be labelled `user@host=PATH`',
  },
  CLAUDE_CONFIG_DIR: {
    schema: text,
    fallback: '`~/.config/claude` and `~/.claude`',
    about: "the agent's config folder, where `TRANSCRIPTS_DIR` is absent",
  },
  DATA_DIR: {
    schema: text,
    fallback: '`.token-bridge`',
    about: 'folder for the index, the journal and the keys, of one server at a time',
  },
  JOURNAL_DIR: {
    schema: text,
    fallback: '`journal` under `DATA_DIR`',
    about:
      'folder of the encrypted journal; instances that share it, all with the same `JOURNAL_KEY`, see the same records',
  },
  JOURNAL_KEY: {
    schema: keys('JOURNAL_KEY'),
    fallback: 'made at the first start, under `DATA_DIR`',
    about: `keys of the journal, comma-separated: the first encrypts, all decrypt; each ${KEY_FORM}`,
  },
  JOURNAL_KEY_FILE: {
    schema: text,
    fallback: 'none',
    about: 'file that holds those keys, instead of `JOURNAL_KEY`; nobody but its owner may read it',
  },
  BACKUP_DIR: {
    schema: text,
    fallback: '`backups` under `DATA_DIR`',
    about: 'folder of the backups of what only ClickHouse still has',
  },
  ...ACCESS_SETTINGS,
  REDIS_URL: {
    schema: matching(/^rediss?:\/\/\S+$/, 'REDIS_URL must begin with redis:// or rediss://'),
    fallback: 'none',
    about:
      'Redis that keeps answers, shared by instances that count the same logs and have `AUTH_JWT_SECRET` (with `AUTH_JWKS_URL` alone: `JOURNAL_KEY`) in common; without it they are kept in memory alone',
  },
  REDIS_URL_FILE: inFile('REDIS_URL'),
  CACHE_MAX_MB: {
    schema: whole('CACHE_MAX_MB', 1, 65_536, 32),
    fallback: '32',
    about: 'MiB of memory for answers that are kept, what was computed from them, and responses',
  },
  CLICKHOUSE_URL: {
    schema: httpUrl('CLICKHOUSE_URL'),
    fallback: 'the embedded engine',
    about:
      'ClickHouse over HTTP or HTTPS, such as `https://clickhouse:8443`; a proxy before it passes on its headers: an answer without `x-clickhouse-summary` is not believed',
  },
  CLICKHOUSE_USER: { schema: text, fallback: '`default`', about: "ClickHouse's user" },
  CLICKHOUSE_PASSWORD: { schema: text, fallback: 'none', about: 'the password of that user' },
  CLICKHOUSE_PASSWORD_FILE: inFile('CLICKHOUSE_PASSWORD'),
  CLICKHOUSE_DATABASE: {
    schema: matching(/^[a-zA-Z_]\w{0,63}$/, 'CLICKHOUSE_DATABASE must be a name of letters, digits and _'),
    fallback: '`token_bridge`',
    about: 'database that the bridge creates and fills',
  },
  CLICKHOUSE_EMBEDDED: {
    schema: matching(/^(on|off)$/, 'CLICKHOUSE_EMBEDDED must be on or off'),
    fallback: '`on`',
    about: '`off` without `CLICKHOUSE_URL`: no database, everybody is on legacy, and some 220 MB of memory are saved',
  },
  UNLEASH_URL: {
    schema: httpUrl('UNLEASH_URL'),
    fallback: 'the flags file',
    about: "address of Unleash's API, such as `http://unleash:4242/api`",
  },
  UNLEASH_API_TOKEN: { schema: text, fallback: 'none', about: 'backend token for Unleash' },
  UNLEASH_API_TOKEN_FILE: inFile('UNLEASH_API_TOKEN'),
  UNLEASH_APP_NAME: { schema: text, fallback: '`token-bridge`', about: 'name that Unleash shows' },
  UNLEASH_REFRESH_INTERVAL_MS: {
    schema: whole('UNLEASH_REFRESH_INTERVAL_MS', 100, 3_600_000, 1000),
    fallback: '1000',
    about: 'milliseconds between two questions to Unleash',
  },
  FLAGS_FILE: {
    schema: text,
    fallback: 'the flags that come with the program',
    about: "flags in the format of Unleash's client API, watched; with `UNLEASH_URL`, what counts until it is reached",
  },
  MIGRATION_PROGRESS_THRESHOLD: {
    schema: share('MIGRATION_PROGRESS_THRESHOLD', 0.95),
    fallback: '0.95',
    about: 'share of the history that must be verified in ClickHouse before anybody is answered from there',
  },
  GUARD_LATENCY_MS: {
    schema: whole('GUARD_LATENCY_MS', 1, 600_000, 2500),
    fallback: '2500',
    about:
      'milliseconds: where more than 5 of 100 answers of the database take longer for `GUARD_TRIP_AFTER_SECONDS`, the guard trips by itself',
  },
  GUARD_TRIP_AFTER_SECONDS: {
    schema: whole('GUARD_TRIP_AFTER_SECONDS', 1, 3600, 180),
    fallback: '180',
    about:
      'seconds for which the database must fail too often, or be too slow, all the time, until the guard trips by itself',
  },
  GUARD_RESET_AFTER_SECONDS: {
    schema: whole('GUARD_RESET_AFTER_SECONDS', 0, 604_800, 0),
    fallback: '0',
    about:
      'seconds after which a guard that tripped by itself is reset by itself, where comparisons agreed all that time; 0: an operator resets it',
  },
  ...RISK_SETTINGS,
  ...TRACING_SETTINGS,
  SCAN_THREADS: {
    schema: whole('SCAN_THREADS', 0, 64, Math.min(4, availableParallelism())),
    fallback: 'number of cores, at most 4',
    about: 'threads that read transcripts; 0 reads in the analysis thread',
  },
  RESCAN_INTERVAL_MS: {
    schema: whole('RESCAN_INTERVAL_MS', 100, 86_400_000, 15_000),
    fallback: '15000',
    about: 'milliseconds between two looks at all transcripts, beside the watcher',
  },
  SHUTDOWN_DEADLINE_MS: {
    schema: whole('SHUTDOWN_DEADLINE_MS', 0, 600_000, 10_000),
    fallback: '10000',
    about: 'milliseconds that requests in flight get at a shutdown; 10 s after them it ends in any case',
  },
  NODE_ENV: {
    schema: oneOf('NODE_ENV', ENVIRONMENTS, 'development'),
    fallback: '`development`; `production` where other machines reach it',
    about:
      '`development`, `test`, or `production`: no introspection, no suggestions, and no token is printed; so it is, too, where `HOST` or `TRUSTED_PROXY` lets other machines in, unless this says `development`',
  },
  TOKEN_BRIDGE_TOKEN: {
    schema: text,
    fallback: 'none',
    about:
      'of the command line alone: the bearer token of commands that ask a server, which `--token` would show to everybody on the machine',
  },
  TOKEN_BRIDGE_TOKEN_FILE: inFile('TOKEN_BRIDGE_TOKEN'),
  LOG_LEVEL: {
    schema: oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
    fallback: '`info`',
    about: `one of ${LOG_LEVELS.join(', ')}`,
  },
} as const
