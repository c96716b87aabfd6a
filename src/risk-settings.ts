import type { z } from 'zod'
import type { SecretName } from './secret-files.ts'
import { httpUrl, inFile, text } from './setting-schemas.ts'

// The settings of the risk watch: rows of `SETTINGS`, and what they come to.

export const RISK_SETTINGS = {
  RISK_FIGURES_FILE: {
    schema: text,
    fallback: 'none',
    about:
      'JSON file of the figures that CI and people enter, such as `{"test_coverage": {"value": 0.97, "at": "2026-04-02T09:00:00Z", "by": "CI"}}`; at most 1 MiB; it is read every minute (docs/watching.md)',
  },
  ALERT_WEBHOOK_URL: {
    schema: httpUrl('ALERT_WEBHOOK_URL'),
    fallback: 'none',
    about:
      'address that alerts are sent to, as JSON (docs/watching.md); a secret, that no log tells; over HTTPS off this machine; redirects are not followed',
  },
  ALERT_WEBHOOK_URL_FILE: inFile('ALERT_WEBHOOK_URL'),
  ALERT_SLACK_URL: {
    schema: httpUrl('ALERT_SLACK_URL'),
    fallback: 'none',
    about: 'the same in the form of an incoming webhook of Slack',
  },
  ALERT_SLACK_URL_FILE: inFile('ALERT_SLACK_URL'),
} as const

/** Where alerts are sent, and the setting that says it. */
export const ALERT_TARGETS = {
  webhook: 'ALERT_WEBHOOK_URL',
  slack: 'ALERT_SLACK_URL',
} as const satisfies Record<string, SecretName & keyof typeof RISK_SETTINGS>
export type AlertTargetName = keyof typeof ALERT_TARGETS

export interface RiskConfig {
  figuresFile: string | undefined
  /** Where alerts are sent: secrets. */
  targets: { name: AlertTargetName; setting: string; url: string }[]
}

type Shape = { [Name in keyof typeof RISK_SETTINGS]: (typeof RISK_SETTINGS)[Name]['schema'] }
type Settings = z.output<z.ZodObject<Shape>>

/** `pathOf`: makes an absolute path. */
export function riskOf(settings: Settings, pathOf: (path: string | undefined) => string | undefined): RiskConfig {
  return {
    figuresFile: pathOf(settings.RISK_FIGURES_FILE),
    targets: Object.entries(ALERT_TARGETS).flatMap(([name, setting]) => {
      const url = settings[setting]
      return url === undefined ? [] : [{ name: name as AlertTargetName, setting, url }]
    }),
  }
}
