// Who may import whom (docs/architecture.md). Each rule has its reason.
const CORE = '^src/(reading|writing|shipping|migration|backup|rollout|risk)/'
const ADAPTERS = 'enhanced-analysis|journal|clickhouse|redis|unleash|audit|observability|pricing|webhooks'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'what imports each other cannot be understood apart',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment: 'an import that cannot be found fails at run time',
      from: {},
      // generated types alone, nothing at run time
      to: { couldNotResolve: true, pathNot: '^@graphql-typed-document-node/core$' },
    },
    {
      name: 'domain-imports-nothing',
      severity: 'error',
      comment:
        'values and rules are the same for every source, so they know none of them; zones come from a library, hashes from Node',
      from: { path: '^src/domain/' },
      to: { pathNot: ['^src/domain/', '^crypto$', '^node_modules/temporal-polyfill/', '^node_modules/temporal-spec/'] },
    },
    {
      name: 'ports-import-domain',
      severity: 'error',
      comment:
        'a port says what the core needs, in words of the domain; moments are told through a channel of Node, and Node knows what a call is a part of',
      from: { path: '^src/ports/' },
      to: { pathNot: ['^src/(domain|ports)/', '^diagnostics_channel$', '^async_hooks$'] },
    },
    {
      name: 'turns-import-domain',
      severity: 'error',
      comment: 'who is next does not depend on what is worked on',
      from: { path: '^src/turns/' },
      to: { path: '^src/', pathNot: '^src/(turns|domain)/' },
    },
    {
      name: 'policies-import-domain',
      severity: 'error',
      comment: 'how long is waited for what is away does not depend on what it is; breakers tell how they are',
      from: { path: '^src/policies/' },
      to: { path: '^src/', pathNot: ['^src/(policies|domain)/', '^src/ports/measured\\.ts$'] },
    },
    {
      name: 'core-imports-ports-and-domain',
      severity: 'error',
      comment: 'the core decides; what talks to the world comes in through parameters',
      from: { path: CORE },
      to: {
        path: '^src/',
        pathNot: ['^src/(domain|ports|turns|policies)/', '^src/(process-lock|make-folder)\\.ts$', CORE],
      },
    },
    // the rooms of the core along the flow of data, each with those that it stands on
    ...Object.entries({
      reading: 'reading',
      writing: 'writing',
      shipping: 'shipping',
      migration: 'migration|shipping',
      backup: 'backup|migration|shipping',
      rollout: 'rollout',
      risk: 'risk',
    }).map(([room, below]) => ({
      name: `core-flows-one-way-from-${room}`,
      severity: 'error',
      comment: 'what changes what readers see is called, and calls nobody; who reads or writes knows nothing of it',
      from: { path: `^src/${room}/` },
      to: { path: CORE, pathNot: `^src/(${below})/` },
    })),
    {
      name: 'adapters-import-ports-and-domain',
      severity: 'error',
      comment: 'adapters can be replaced one by one only if they do not know each other',
      from: { path: `^src/(${ADAPTERS})/`, pathNot: '^src/enhanced-analysis/' },
      to: {
        path: '^src/',
        pathNot: [
          '^src/(domain|ports|turns|policies)/',
          '^src/(process-lock|private-files|make-folder)\\.ts$',
          '^src/$1/',
        ],
      },
    },
    {
      name: 'analysis-imports-transcripts',
      severity: 'error',
      comment: 'the analysis counts what the formats of transcripts read; beside them, it knows no other adapter',
      from: { path: '^src/enhanced-analysis/' },
      to: {
        path: '^src/',
        pathNot: [
          '^src/(domain|ports|turns)/',
          '^src/(process-lock|make-folder)\\.ts$',
          '^src/(enhanced-analysis|transcripts)/',
        ],
      },
    },
    // the inner rooms of the analysis, each with those that it stands on
    ...Object.entries({
      table: 'table',
      scanning: 'scanning|table',
      index: 'index|scanning|table',
      published: 'published|scanning|table',
      'refreshing\\.ts': 'index|scanning|table',
      'analysis\\.ts': 'refreshing\\.ts|published|index|scanning|table',
      service: 'service|analysis\\.ts|scanning|table',
      thread: 'thread|service|analysis\\.ts|table',
    }).map(([room, below]) => ({
      name: `analysis-reads-downwards-from-${room.replace('\\', '')}`,
      severity: 'error',
      comment: 'what is counted does not depend on who asks for it, and nothing but the thread on there being one',
      from: { path: `^src/enhanced-analysis/${room}` },
      to: { path: '^src/enhanced-analysis/', pathNot: `^src/enhanced-analysis/(${below})` },
    })),
    {
      name: 'formats-behind-one-line',
      severity: 'error',
      comment: 'whoever knows one format by its name cannot be used with another one',
      from: { pathNot: '^src/transcripts/(formats\\.ts$|claude-code/)' },
      to: { path: '^src/transcripts/[^/]+/' },
    },
    {
      name: 'transcripts-import-domain',
      severity: 'error',
      comment: 'a format says how lines become records; what is done with records is no concern of it',
      from: { path: '^src/transcripts/' },
      to: { path: '^src/', pathNot: '^src/(domain|transcripts)/' },
    },
    {
      name: 'transcripts-are-for-the-analysis',
      severity: 'error',
      comment: 'everybody else gets records, and cannot tell which agent wrote them',
      from: { pathNot: '^src/(transcripts|enhanced-analysis|composition|cli)/' },
      to: { path: '^src/transcripts/' },
    },
    {
      name: 'graphql-imports-core-and-domain',
      severity: 'error',
      comment: 'resolvers ask the core; they do not know who answers',
      from: { path: '^src/graphql/' },
      to: { path: '^src/', pathNot: ['^src/(graphql|domain|ports|turns|access)/', CORE] },
    },
    {
      name: 'questions-go-through-answers',
      severity: 'error',
      comment:
        'what somebody may see comes to a question in reading/answers.ts alone: a resolver that had a source could forget it',
      from: { path: '^src/(graphql|http)/' },
      to: { path: ['^src/reading/(cached|database)-sources?\\.ts$', '^src/ports/(token-source|record-store)\\.ts$'] },
    },
    {
      name: 'access-imports-domain',
      severity: 'error',
      comment:
        'who may do what is decided before anything else is known, but the keys of others, which are asked for by a policy',
      from: { path: '^src/access/' },
      to: { path: '^src/', pathNot: '^src/((access|domain|policies)/|make-folder\\.ts$)' },
    },
    {
      name: 'rates-import-ports-and-domain',
      severity: 'error',
      comment: 'how much somebody has used does not depend on what it was, nor on who tells others of it',
      from: { path: '^src/rates/' },
      to: { path: '^src/', pathNot: '^src/(rates|domain|ports)/' },
    },
    {
      name: 'rates-import-ports-and-domain',
      severity: 'error',
      comment: 'how much somebody has used does not depend on what it was, nor on who tells others of it',
      from: { path: '^src/rates/' },
      to: { path: '^src/', pathNot: '^src/(rates|domain|ports)/' },
    },
    {
      name: 'cli-is-a-client',
      severity: 'error',
      comment:
        'the CLI asks the server through GraphQL; analyze, token, push, audit and journal read what is on this machine, serve starts the server; revoke writes into the journal where no server runs',
      from: { path: '^src/cli/' },
      to: {
        path: '^src/',
        pathNot: [
          '^src/(cli|domain|ports|access|audit|enhanced-analysis|journal|transcripts|pricing)/',
          '^src/(config|places|main|secret-files|server-file|isolation-file|lost-revocations-file|process-lock|folders|make-folder|shipping/ledger-file)\\.ts$',
        ],
      },
    },
    {
      name: 'only-composition-constructs',
      severity: 'error',
      comment:
        'who makes a part decides what it works on: one room makes them all and hands them on; the CLI works without a server on what is on this machine',
      from: { path: '^src/([^/]+)', pathNot: '^src/(composition|cli)/' },
      to: { path: `^src/(${ADAPTERS}|http)/`, pathNot: ['^src/$1(/|$)', '^src/observability/'] },
    },
    {
      name: 'only-main-starts-composition',
      severity: 'error',
      comment:
        'a part that asks for the wiring takes what it was not given, and cannot be made without the whole server',
      from: { pathNot: '^src/(main\\.ts$|composition/)' },
      to: { path: '^src/composition/' },
    },
    ...Object.entries({
      '@fastify/proxy-addr': 'http',
      '@apollo/server|@as-integrations/fastify|fastify': 'http|graphql',
      'type-graphql|graphql|reflect-metadata': 'graphql|http',
      'graphql-ws|ws': 'http',
      dataloader: 'reading',
      'bentocache|ioredis': 'redis',
      '@clickhouse/client|chdb': 'clickhouse',
      'unleash-client': 'unleash',
      cockatiel: 'policies|cli',
      jose: 'access',
      pino: 'observability',
      'prom-client': 'observability',
      '@opentelemetry/.*': 'observability/tracing',
      '@parcel/watcher': 'enhanced-analysis',
      '@pydantic/genai-prices': 'pricing',
      'commander|cli-table3|cli-progress': 'cli',
      '@stdlib/.*|hdr-histogram-js': 'rollout',
    }).map(([library, rooms]) => ({
      name: `${library.split('|')[0]}-at-home`,
      severity: 'error',
      comment: 'a client library is imported in its own folder alone, so that it can be replaced there',
      from: { path: '^src/', pathNot: `^src/(${rooms})/` },
      to: { path: `^node_modules/(${library})/` },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
    exclude: { path: '^src/transcripts/claude-code/line-scanner/assembly' },
  },
}
