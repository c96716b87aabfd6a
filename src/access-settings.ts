import type { z } from 'zod'
import { AUDIT_SETTINGS, type AuditConfig, auditOf } from './audit-settings.ts'
import { BUDGET_SETTINGS, type BudgetConfig, budgetsOf } from './budget-settings.ts'
import { hosts, inFile, matching, origins, secrets, text, texts, verifiedUrls } from './setting-schemas.ts'

// The settings of who may ask, and by which way: rows of `SETTINGS`, and what they come to.

const MADE = 'made at the first start, under `DATA_DIR`'

export const ACCESS_SETTINGS = {
  AUTH_JWT_SECRET: {
    schema: secrets('AUTH_JWT_SECRET'),
    fallback: `${MADE}, where there is no \`AUTH_JWKS_URL\` either`,
    about:
      'secrets of at least 32 bytes that bearer tokens are signed with (HS256), comma-separated: the first signs, all verify; a comma that leaves a shorter part belongs to the secret',
  },
  AUTH_JWT_SECRET_FILE: inFile('AUTH_JWT_SECRET'),
  AUTH_JWKS_URL: {
    schema: verifiedUrls('AUTH_JWKS_URL'),
    fallback: 'none',
    about:
      'addresses of public keys (JWKS) that tokens may be signed with, too, by RS256, ES256 or EdDSA, comma-separated; such tokens say by their claim `access` what they see, and without it nothing; needs `AUTH_AUDIENCE`',
  },
  AUTH_ISSUER: {
    schema: texts('AUTH_ISSUER'),
    fallback: '`token-bridge`',
    about: 'issuers (`iss`) whose tokens are taken, comma-separated; the first is named by those that are made here',
  },
  AUTH_AUDIENCE: {
    schema: text,
    fallback: 'none',
    about: 'audience (`aud`) that a token must name; those that are made here do',
  },
  AUTH_STRICT_REVOCATION: {
    schema: matching(/^(on|off)$/, 'AUTH_STRICT_REVOCATION must be on or off'),
    fallback: '`off`',
    about:
      '`on`: an instance that does not hear what others revoke, as it cannot read `JOURNAL_DIR`, or has lost some of it, refuses tokens that were issued before',
  },
  ALLOWED_HOSTS: {
    schema: hosts('ALLOWED_HOSTS'),
    fallback: 'none',
    about:
      'names that the bridge is asked under (the header `Host`), comma-separated, beside those of this machine, that of `HOST`, and all addresses',
  },
  CORS_ORIGINS: {
    schema: origins('CORS_ORIGINS'),
    fallback: 'none',
    about:
      'origins of pages elsewhere, such as `https://dashboard.example`, comma-separated, that may ask by a token (CORS, WebSockets); pages of the bridge itself always may, and, outside of production, pages of this machine, from any port',
  },
  TLS_CERT_FILE: {
    schema: text,
    fallback: 'none',
    about:
      'certificate (PEM, with its chain) for HTTPS, TLS 1.2 or newer; with `TLS_KEY_FILE`; both are read again at SIGHUP; answers then say `Strict-Transport-Security`: for a year, a browser asks no port of that name in the clear',
  },
  TLS_KEY_FILE: { schema: text, fallback: 'none', about: 'private key (PEM) of that certificate' },
  PRIVATE_HOSTS: {
    schema: hosts('PRIVATE_HOSTS'),
    fallback: 'none',
    about:
      'hosts in a private network, such as that of containers, comma-separated: ClickHouse, Redis and Unleash may be asked there in the clear, alerts and traces sent, and the bridge may be asked so, too, where its `HOST` is among them',
  },
  ...AUDIT_SETTINGS,
  ...BUDGET_SETTINGS,
} as const

export type Texts = Record<string, string | undefined>

const UNVERIFIED =
  'NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody pass for ClickHouse, Redis and Unleash: name your own authority by NODE_EXTRA_CA_CERTS instead'

/** What is wrong with some of them together, and with what Node itself reads of the environment. */
export function accessMistakes(present: Texts, environment: Texts): string[] {
  const mistakes = environment.NODE_TLS_REJECT_UNAUTHORIZED === '0' ? [UNVERIFIED] : []
  if (environment.ALLOWED_ORIGINS) mistakes.push('ALLOWED_ORIGINS has another name now: CORS_ORIGINS')
  const needs = (name: string, other: string, why: string): void => {
    if (present[name] !== undefined && present[other] === undefined) mistakes.push(`${name} needs ${other}${why}`)
  }
  needs('AUTH_JWKS_URL', 'AUTH_AUDIENCE', ': a token for somebody else, by the same keys, would be taken')
  needs('TLS_CERT_FILE', 'TLS_KEY_FILE', '')
  needs('TLS_KEY_FILE', 'TLS_CERT_FILE', '')
  return mistakes
}

export interface AccessConfig extends BudgetConfig {
  auth: {
    /** The first signs, all verify. */
    jwtSecrets: string[]
    jwksUrls: string[]
    /** The first is named by tokens that are made here. */
    issuers: string[]
    audience: string | undefined
    /** What cannot be known to be good is refused. */
    strictRevocation: boolean
  }
  /** Names under which the bridge is asked, beside those of this machine. */
  allowedHosts: string[]
  /** Of pages elsewhere that may ask. */
  corsOrigins: string[]
  /** Paths; absent: HTTP in the clear. */
  tls: { certFile: string; keyFile: string } | undefined
  /** Where nobody hears what is sent in the clear. */
  privateHosts: string[]
  audit: AuditConfig
}

type Shape = { [Name in keyof typeof ACCESS_SETTINGS]: (typeof ACCESS_SETTINGS)[Name]['schema'] }
type Settings = z.output<z.ZodObject<Shape>>

/** `pathOf`: makes an absolute path. */
export function accessOf(settings: Settings, pathOf: (path: string | undefined) => string | undefined): AccessConfig {
  const { AUTH_ISSUER: issuers } = settings
  const [certFile, keyFile] = [pathOf(settings.TLS_CERT_FILE), pathOf(settings.TLS_KEY_FILE)]
  return {
    auth: {
      jwtSecrets: settings.AUTH_JWT_SECRET,
      jwksUrls: settings.AUTH_JWKS_URL,
      issuers: issuers.length > 0 ? issuers : ['token-bridge'],
      audience: settings.AUTH_AUDIENCE,
      strictRevocation: settings.AUTH_STRICT_REVOCATION === 'on',
    },
    allowedHosts: settings.ALLOWED_HOSTS,
    corsOrigins: settings.CORS_ORIGINS,
    tls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
    privateHosts: settings.PRIVATE_HOSTS,
    audit: auditOf(settings, pathOf),
    ...budgetsOf(settings, pathOf),
  }
}
