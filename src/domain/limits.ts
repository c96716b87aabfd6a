/** The largest count that one field of one token record may have: one trillion. The same for every way in. */
export const MAX_TOKENS = 1_000_000_000_000

const SESSION_ID = /^[a-zA-Z0-9_-]{1,100}$/

/** Whether a text may be a session id: 1 to 100 of `a-zA-Z0-9_-`. The same for every way in. */
export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text)
}

/** What one caller may ask for, send or hold: a row of the table of limits in docs/settings.md, which a test compares with these. */
export interface Limit {
  value: number
  /** How the value is shown to people. */
  shown: string
  about: string
}

const count = (value: number, about: string): Limit => ({ value, shown: value.toLocaleString('en-US'), about })
const kibibytes = (value: number, about: string): Limit => ({ value: value << 10, shown: `${value} KiB`, about })
const mebibytes = (value: number, about: string): Limit => ({ value: value << 20, shown: `${value} MiB`, about })
const seconds = (value: number, about: string): Limit => ({ value, shown: `${value} s`, about })

/** Every limit that a caller can meet, in the order of that table. */
export const LIMITS = {
  // asking
  filters: count(20, 'different filters that one operation may ask for'),
  filterNames: count(1000, 'names in one list of a filter'),
  filterBytes: { value: 256 << 10, shown: '256 KiB', about: 'all names in the filters of one operation' },
  scopes: count(100, 'scopes in the claim `access` of one token'),
  scopeBytes: kibibytes(8, 'of names in the scopes of one token'),
  series: count(
    20,
    'different time series (of a filter, a granularity and a zone) and breakdowns that one operation may ask for',
  ),
  filledBuckets: count(50_000, 'buckets of one time series with `fill`'),
  filterValues: count(1000, 'values of one `filterValues`'),
  breakdownDimensions: count(3, 'dimensions of one breakdown'),
  breakdownFirst: count(1000, 'combinations of values that one breakdown tells'),
  cost: count(
    100_000,
    'values in the answer to one operation, by its fields, arguments and the usual length of lists, before it is executed',
  ),
  served: count(400_000, 'values in the lists of the answer to one operation, as they are: 40,000 models in full'),
  depth: count(20, 'levels of fields of one GraphQL document'),
  fields: count(2000, 'fields of one GraphQL document, after its fragments are spread'),
  aliases: count(200, 'aliases of one GraphQL document, after its fragments are spread'),
  equalFields: count(100, 'fields of one name (of one alias) in one place, after fragments are spread'),
  variables: count(100, 'variables that one document may declare'),
  sessionsPage: count(500, 'sessions of one page'),
  auditPage: count(500, 'entries of the audit log of one page'),
  mismatchesPage: count(100, 'mismatches of one page'),
  alertsPage: count(500, 'alerts, or incidents, of one answer'),
  documentTokens: count(5000, 'lexical tokens of one GraphQL document'),
  documentLines: count(5000, 'lines of one GraphQL document'),
  documentMistakes: count(5, 'mistakes of a GraphQL document that are told'),
  summedRecords: count(
    8_000_000,
    'records × filters × (groupings + 1) that one operation may have summed from the files; 5 filters with every grouping always may',
  ),
  answerSums: count(500_000, 'sums (of a group, a model and a context tier) in the answer to one operation'),
  pendingQuestions: count(100, 'questions of one user that wait to be answered by a source'),
  // bringing in
  ingestRecords: count(1000, 'records of one `ingestTokenRecords` call'),
  modelsOfIngester: count(1000, 'different models that one ingester may bring in; records of one more are refused'),
  nameLength: count(200, 'characters of a name (that of a token, too), a message or request id, or an idempotency key'),
  pathLength: count(1000, 'characters of `origin.path`'),
  ingestMistakes: count(100, 'mistakes of a call that are told in full; of each further record the first one'),
  onceAnOperation: count(
    1,
    '`ingestTokenRecords`, and `setSourcePreference`, of one operation, and uses of a variable in their arguments',
  ),
  preferenceChanges: count(60, 'changes of their stored preference that a user may make in an hour'),
  titleLength: count(200, 'characters of the title of a session; the rest of a longer one is cut off'),
  // connections and bytes
  errorMessage: count(300, 'characters of an error message; what is longer loses its middle'),
  headSeconds: seconds(5, 'for the head of a request to arrive'),
  requestSeconds: seconds(10, 'for a whole request to arrive; without a token no body is read'),
  unreadSeconds: seconds(10, 'in which a client may read nothing of its answer'),
  requestBytes: kibibytes(1024, 'of one request'),
  smallRequestBytes: kibibytes(16, 'of a request that is taken however much others have sent'),
  workBytes: kibibytes(512, 'of larger requests of all users that are worked on at once, shared fairly'),
  smallWorkBytes: kibibytes(512, 'of small requests of one user that are worked on at once'),
  userReceivedBytes: kibibytes(4096, 'of requests of one user that are being received or worked on'),
  addressReceivedBytes: kibibytes(32_768, 'of requests from one address that are being received or worked on'),
  receivedBytes: kibibytes(65_536, 'of requests of all that are being received or worked on'),
  strangersOfAddress: count(1000, 'connections from one address without a token so far; the oldest goes'),
  strangers: count(8000, 'connections without a token so far; the oldest goes'),
  connectionsOfUser: count(1000, 'connections of one user by HTTP; the one that was used longest ago goes'),
  socketMessageBytes: kibibytes(64, 'of one message over a WebSocket'),
  socketInitSeconds: seconds(3, 'for a WebSocket to show its token'),
  socketStrangersOfAddress: count(50, 'WebSockets from one address without a token so far; the oldest goes'),
  socketStrangers: count(500, 'WebSockets without a token so far; the oldest goes'),
  sockets: count(2000, 'WebSockets with a token, where `MAX_WEBSOCKETS` sets no other number'),
  socketsOfUser: count(20, 'WebSockets of one user'),
  subscriptionsOfSocket: count(20, 'subscriptions over one WebSocket'),
  subscriptionsOfUser: count(100, 'subscriptions of one user'),
  subscriptionsBegunPerSecond: count(20, 'subscriptions that a user may begin a second, on average'),
  subscriptionId: count(100, "characters of a subscription's id"),
  socketMessagesAtOnce: count(100, 'messages and pings at once over a WebSocket'),
  socketMessagesPerSecond: count(20, 'messages and pings a second over a WebSocket, on average'),
  socketFrameBytes: kibibytes(256, 'at once over a WebSocket, of frames beside the messages in them'),
  socketFrameBytesPerSecond: kibibytes(
    4,
    'a second over a WebSocket, on average, of frames beside the messages in them',
  ),
  socketUnreadBytes: kibibytes(1024, 'that a client has not read when more is to be sent over its WebSocket'),
  // what is kept in memory
  rememberedBytes: mebibytes(
    32,
    'of idempotency keys with their answers; who holds most loses first; a call under a forgotten key is no repeat, and counts nothing twice',
  ),
  rememberedTokenBytes: mebibytes(4, 'of verified tokens; one that is forgotten is verified again'),
  rememberedDocumentBytes: mebibytes(32, 'of GraphQL documents that were found valid'),
  rememberedPriceBytes: mebibytes(32, 'of names of models with their prices'),
  rememberedFailureBytes: mebibytes(1, 'of questions that a source could not answer when it was asked last'),
  rateBytes: mebibytes(4, 'of callers, and of addresses, with what each has used lately, for each budget'),
  registeredDocumentBytes: mebibytes(4, 'of GraphQL documents that clients have registered under their hash'),
  preferenceCountBytes: mebibytes(4, 'of users with the number of changes of their preference'),
  experimentUsers: count(
    100_000,
    'users in arms of the experiment, one for each of their 30 days; the earliest days go, and of one day no more are counted',
  ),
  clockBytes: mebibytes(16, 'of clocks of time zones that were asked for lately'),
  journalWaitingBytes: mebibytes(64, 'of records that wait for the disk'),
  countWaitingBytes: mebibytes(
    64,
    'of records that are on disk and wait to be counted; until they are no more are accepted',
  ),
  statementWaitingBytes: mebibytes(128, 'of statements that wait for the embedded engine, with what they bring'),
} as const satisfies Record<string, Limit>
