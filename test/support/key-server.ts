import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { onTestFinished } from 'vitest'

/** A key of somebody who signs tokens elsewhere. */
export interface SigningKey {
  /** As it is published. */
  published: JWK
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

export async function makeKey(alg: string, kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return {
    published: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    sign: (claims, header = {}) => new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  }
}

/** Publishes keys (JWKS) over HTTP; closed at the end of the test. */
export interface KeyServer {
  url: string
  /** How often it was asked. */
  asked(): number
  /** In place of those before. */
  publish(...keys: SigningKey[]): void
  /** What is answered instead; `undefined`: the keys again. */
  answer(other: { status: number; body: string } | undefined): void
}

export async function startKeyServer(...first: SigningKey[]): Promise<KeyServer> {
  let keys = first
  let instead: { status: number; body: string } | undefined
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    const { status, body } = instead ?? {
      status: 200,
      body: JSON.stringify({ keys: keys.map(({ published }) => published) }),
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    asked: () => asked,
    publish: (...next) => {
      keys = next
    },
    answer: (other) => {
      instead = other
    },
  }
}
