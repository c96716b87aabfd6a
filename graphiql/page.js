// The page of /graphiql: GraphiQL on this server, as whoever is signed in by the session's cookie.
const { GraphiQL, React, ReactDOM } = globalThis

// by this name its dialogs look for what lets them write a style
globalThis.__webpack_nonce__ = document.querySelector('meta[property="csp-nonce"]').nonce

const questions = await (await fetch('/graphiql/questions.json')).json()
const asked = await fetch('/graphql', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: '{ viewer { userId } }' }),
})
document.getElementById('stranger').hidden = asked.status !== 401

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: '/graphql' }),
    defaultTabs: questions.map((query) => ({ query })),
    defaultEditorToolsVisibility: true,
    // a token that somebody types in is not kept in the browser
    shouldPersistHeaders: false,
  }),
)
