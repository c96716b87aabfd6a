// The client of what sends much: `fetch` takes more of the processor than what is measured. Everything else asks by
// `test/support/graphql-client.ts`.
import { Agent, request } from 'node:http'

export interface LoadAnswer {
  status: number
  text: string
}

export interface LoadClient {
  /** A GET without a token. Rejects where there is no whole answer, as `post` does. */
  get(path: string, signal?: AbortSignal): Promise<LoadAnswer>
  /** An operation: the JSON of its `query` and `variables`. */
  post(token: string, operation: string, signal?: AbortSignal): Promise<LoadAnswer>
  close(): void
}

/** Keeps its connections, of which there are as many as calls at once, or at most `maxSockets`. */
export function createLoadClient(url: string, maxSockets = Number.POSITIVE_INFINITY): LoadClient {
  const agent = new Agent({ keepAlive: true, maxSockets })
  const send = (path: string, headers: Record<string, string>, body?: string, signal?: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<LoadAnswer>()
    const method = body === undefined ? 'GET' : 'POST'
    const options = { method, agent, headers, ...(signal === undefined ? {} : { signal }) }
    const sent = request(`${url}${path}`, options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
    return promise
  }
  return {
    get: (path, signal) => send(path, {}, undefined, signal),
    post(token, operation, signal) {
      const headers = {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(operation)),
        authorization: `Bearer ${token}`,
      }
      return send('/graphql', headers, operation, signal)
    },
    close: () => agent.destroy(),
  }
}
