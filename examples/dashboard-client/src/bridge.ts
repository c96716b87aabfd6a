import { Client, type DocumentInput, fetchExchange } from '@urql/core'

export interface Bridge {
  /** What was asked for; throws an error whose message says what was wrong, and its code. */
  ask<Data, Variables extends object>(question: DocumentInput<Data, Variables>, variables: Variables): Promise<Data>
}

/** `server`: its address without `/graphql`. */
export function createBridge(server: string, token: string): Bridge {
  const client = new Client({
    url: `${server.replace(/\/+$/, '')}/graphql`,
    // a GET that a page could send without asking first is refused
    preferGetMethod: false,
    // the bridge knows no cookie of another origin: nothing but the token says who asks
    fetchOptions: { credentials: 'omit', headers: { authorization: `Bearer ${token}` } },
    exchanges: [fetchExchange],
  })
  return {
    async ask(question, variables) {
      const { data, error } = await client.query(question, variables).toPromise()
      if (error === undefined && data !== undefined) return data
      const [first] = error?.graphQLErrors ?? []
      if (first !== undefined) throw new Error(`${first.message} (${first.extensions.code})`)
      throw new Error(`${server} was not reached, or does not let this page ask: does its CORS_ORIGINS name ${origin}?`)
    },
  }
}
