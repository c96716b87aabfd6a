// The one client of tests, benches and scripts. The program's own (`src/cli/client.ts`) is under test.

export interface GraphQLAnswer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: each question has a shape of its own
  data?: any
  errors?: {
    message: string
    path?: (string | number)[]
    extensions: { code: string; argument?: string; retryable: boolean }
  }[]
}

/** Puts one operation to the server at `url` (without `/graphql`); rejects where nobody answers. */
export async function post(
  url: string,
  token: string,
  operation: { query: string; variables?: object | undefined; operationName?: string | undefined },
  signal?: AbortSignal,
): Promise<GraphQLAnswer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(operation),
    ...(signal === undefined ? {} : { signal }),
  })
  return { status: response.status, ...((await response.json()) as object) }
}

/** What was asked for; throws the first error where there is one. */
export async function ask(
  url: string,
  token: string,
  query: string,
  variables: object = {},
  // biome-ignore lint/suspicious/noExplicitAny: each question has a shape of its own
): Promise<any> {
  const { data, errors } = await post(url, token, { query, variables })
  if (errors !== undefined) throw new Error(errors[0]?.message)
  return data
}
