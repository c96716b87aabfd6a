import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** What the server shows to be the one that was meant, as PEM. */
export interface Certificate {
  /** With its chain. */
  cert: string
  key: string
  /** Without it. */
  leaf: string
}

/** Reads the files; throws, with the setting and the path, where one of them cannot be used, or they do not belong together. */
export function readCertificate({ certFile, keyFile }: { certFile: string; keyFile: string }): Certificate {
  const cert = read('TLS_CERT_FILE', certFile)
  const key = read('TLS_KEY_FILE', keyFile)
  const certificate = understood('TLS_CERT_FILE', certFile, 'certificate', () => new X509Certificate(cert))
  const privateKey = understood('TLS_KEY_FILE', keyFile, 'private key (without a passphrase)', () =>
    createPrivateKey(key),
  )
  if (!certificate.checkPrivateKey(privateKey))
    throw new Error(`TLS_KEY_FILE ${keyFile} is not the key of the certificate in TLS_CERT_FILE ${certFile}`)
  return { cert, key, leaf: certificate.toString() }
}

function read(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`${setting} ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function understood<T>(setting: string, path: string, what: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new Error(`${setting} ${path} holds no ${what} in PEM`, { cause: error })
  }
}

/** Of HTTPS: what is older can be read along. */
export const tlsOptionsOf = ({ cert, key }: Certificate) => ({ cert, key, minVersion: 'TLSv1.2' as const })
