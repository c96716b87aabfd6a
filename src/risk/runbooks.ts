/** Where it says what to do about a risk or an alert: a heading of one document. */
export const runbookOf = (name: string): string => `docs/runbooks/alerts.md#${name}`
