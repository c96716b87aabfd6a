/** Whether the bridge reads and writes anything. */
export interface IsolationState {
  isolated: boolean
  /** Milliseconds since 1970. */
  since: number | undefined
  by: string | undefined
  reason: string | undefined
  /** Of its user to the database: taken away, kept, because that user may not take it away, or there is no server. */
  databaseAccess: 'REVOKED' | 'KEPT' | 'NONE'
  /** What an administrator of the database runs to take it away; `undefined` where nothing is left to do. */
  sql: string | undefined
}

/** Takes the bridge out of all reading and writing but health, over starts, and back. */
export interface Isolation {
  isIsolated(): boolean
  state(): IsolationState
  /** Settles when nothing is asked of the database and of Redis any more. */
  isolate(reason: string, by: string): Promise<IsolationState>
  rejoin(): Promise<IsolationState>
}
