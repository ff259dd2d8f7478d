/** Latest prices kept per topic and currency. */
const SAMPLE = 101
/** Fewer prices say nothing. */
const LEAST = 10
const MAX_TOPICS = 2_000

/** Running medians of prices by topic and currency, over the latest hundred. */
export class PriceMedians {
  readonly #samples = new Map<string, { readonly prices: number[]; next: number }>()

  add(slug: string, currency: string, price: number): void {
    const key = `${slug}/${currency}`
    let sample = this.#samples.get(key)
    if (sample === undefined) {
      if (this.#samples.size >= MAX_TOPICS) return
      sample = { prices: [], next: 0 }
      this.#samples.set(key, sample)
    }
    sample.prices[sample.next] = price
    sample.next = (sample.next + 1) % SAMPLE
  }

  readonly median = (slug: string, currency: string): number | undefined => {
    const prices = this.#samples.get(`${slug}/${currency}`)?.prices
    if (prices === undefined || prices.length < LEAST) return undefined
    return [...prices].sort((a, b) => a - b)[prices.length >> 1]
  }
}
