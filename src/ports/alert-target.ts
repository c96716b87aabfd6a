/** What somebody who is to be woken is told. */
export interface AlertNotification {
  /** The same one has the same id, however often it is sent. */
  id: string
  event: 'opened' | 'worsened' | 'escalated' | 'closed'
  alert: {
    id: string
    name: string
    severity: string
    level: number
    /** Milliseconds since 1970. */
    openedAt: number
    closedAt: number | undefined
    message: string
    runbook: string
  }
}

/** Where alerts are told. */
export interface AlertTarget {
  name: string
  /**
   * Throws where nobody has taken it: `AlertRefused` where it is this one that they do not take. What it throws tells
   * nothing secret.
   */
  send(notification: AlertNotification): Promise<void>
}

/** It is this notification that is not taken; others may be. */
export class AlertRefused extends Error {}
