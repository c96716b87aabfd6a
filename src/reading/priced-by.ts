import { createHash } from 'node:crypto'
import type { PriceOf } from '../domain/cost.ts'
import { TOKEN_COUNTS } from '../domain/token-counts.ts'
import type { TokenAnswer, TokenQuery, UsageSums } from '../domain/token-query.ts'
import type { PriceList } from '../ports/price-list.ts'
import type { SourceAnswer } from '../ports/token-source.ts'

// What is cut off by cost follows from prices, too, and an answer that is kept may be read by a release with others.

/** The answer with what it was priced by, where something of it was cut off by cost. */
export const withPrices = (answer: TokenAnswer, query: TokenQuery, { priceOf }: PriceList): TokenAnswer =>
  isCutByCost(answer, query) ? { ...answer, pricedBy: pricesKey(answer.whole, priceOf) } : answer

/** Whether what was cut off by cost is what these prices cut off, too. */
export async function isPricedAlike({ answers }: SourceAnswer, prices: PriceList): Promise<boolean> {
  for (const { whole, pricedBy } of answers) {
    if (pricedBy === undefined) continue
    await prices.learn(whole.map(({ model }) => model))
    if (pricesKey(whole, prices.priceOf) !== pricedBy) return false
  }
  return true
}

function isCutByCost({ sessionPages, breakdowns }: TokenAnswer, query: TokenQuery): boolean {
  const { sessionPages: pages = [], breakdowns: cut = [] } = query
  return (
    (sessionPages !== undefined && pages.some(({ order }) => order.startsWith('COST'))) ||
    (breakdowns !== undefined && cut.some(({ orderBy }) => orderBy.startsWith('COST')))
  )
}

/** The same for the same prices of what there is. */
function pricesKey(whole: readonly UsageSums[], priceOf: PriceOf): string {
  const lines = whole.map(({ model, tier }) => {
    const prices = priceOf(model, tier)
    return JSON.stringify([model, tier, prices && TOKEN_COUNTS.map((field) => String(prices[field]))])
  })
  return createHash('sha256').update(lines.sort().join('\n')).digest('base64url')
}
