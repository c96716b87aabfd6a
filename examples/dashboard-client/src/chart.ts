import { count, element } from './elements.ts'
import type { OverviewQuery } from './generated.ts'

type Row = OverviewQuery['tokenMetrics']['breakdown'][number]

const COLOURS = ['#4269d0', '#efb118', '#ff725c', '#6cc5b0', '#a463f2']
const OTHER = '#9c9c9c'

const nameOf = ({ isOther, values }: Row): string => (isOther ? 'all others' : (values[0]?.value ?? ''))

/** A bar a day, of which each model has its part. The rows are in the order of the days already. */
export function stackedChart(rows: readonly Row[]): HTMLElement {
  const names = [...new Set(rows.map(nameOf))]
  const colourOf = (row: Row): string => (row.isOther ? OTHER : (COLOURS[names.indexOf(nameOf(row))] ?? OTHER))
  const days = Map.groupBy(rows, ({ label }) => label ?? '')
  const totalOf = (of: readonly Row[]): bigint => of.reduce((sum, { tokens }) => sum + BigInt(tokens.total), 0n)
  const most = [...days.values()].map(totalOf).reduce((a, b) => (a > b ? a : b), 1n)
  // a share of a thousand is as much as a screen shows
  const percent = (total: string): number => Number((BigInt(total) * 1000n) / most) / 10

  const bars = [...days].map(([label, parts]) => {
    const bar = element('div', { class: 'bar', 'data-day': label })
    for (const part of parts) {
      const piece = element('div', { class: 'piece', title: `${nameOf(part)}: ${count(part.tokens.total)}` })
      piece.style.height = `${percent(part.tokens.total)}%`
      piece.style.background = colourOf(part)
      bar.append(piece)
    }
    return element('div', { class: 'day' }, bar, element('span', {}, label))
  })
  const legend = names.map((name) => {
    const swatch = element('i')
    const row = rows.find((one) => nameOf(one) === name) as Row
    swatch.style.background = colourOf(row)
    return element('li', {}, swatch, name)
  })
  return element('div', {}, element('div', { class: 'chart' }, ...bars), element('ul', { class: 'legend' }, ...legend))
}
