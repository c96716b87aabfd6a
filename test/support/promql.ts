import { parser } from '@prometheus-io/lezer-promql'

/** What a question to Prometheus is made of. Throws where Prometheus would not understand it. */
export function metricsIn(expression: string): string[] {
  // which Grafana puts in
  const question = expression.replaceAll('$__rate_interval', '5m')
  const metrics: string[] = []
  parser.parse(question).iterate({
    enter({ type, from, to, node }) {
      if (type.isError) throw new Error(`no PromQL from ${from} on: ${question}`)
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.push(question.slice(from, to))
    },
  })
  if (metrics.length === 0) throw new Error(`it asks for no metric: ${question}`)
  return metrics
}
