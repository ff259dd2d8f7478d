/** Label values are low in number: networks, accounts, routes, operations, reasons; never ids of people or messages. */
export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly name: string
  readonly labels: Labels
  readonly value: number
}

export interface HistogramSample {
  readonly name: string
  readonly labels: Labels
  /** Upper bounds in seconds, and how many values were at most that. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[]
  readonly count: number
  readonly sum: number
}

/** Most label sets per name; a bug in labelling must not eat the memory. */
const MAX_SERIES = 1_000
const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

interface Histogram {
  readonly labels: Labels
  readonly counts: number[]
  count: number
  sum: number
}

/** Plain counters and histograms that the metrics page reads. */
export class Counters {
  readonly #counters = new Map<string, Map<string, { readonly labels: Labels; value: number }>>()
  readonly #histograms = new Map<string, Map<string, Histogram>>()

  add(name: string, labels: Labels = {}, by = 1): void {
    const series = family(this.#counters, name)
    const key = JSON.stringify(labels)
    const found = series.get(key)
    if (found) found.value += by
    else if (series.size < MAX_SERIES) series.set(key, { labels, value: by })
  }

  observe(name: string, labels: Labels, seconds: number): void {
    const series = family(this.#histograms, name)
    const key = JSON.stringify(labels)
    let found = series.get(key)
    if (found === undefined) {
      if (series.size >= MAX_SERIES) return
      found = { labels, counts: BUCKETS_S.map(() => 0), count: 0, sum: 0 }
      series.set(key, found)
    }
    found.count++
    found.sum += seconds
    const bucket = BUCKETS_S.findIndex((le) => seconds <= le)
    if (bucket >= 0) found.counts[bucket] = (found.counts[bucket] as number) + 1
  }

  /** Sum over all label sets that agree with `labels`. */
  total(name: string, labels: Labels = {}): number {
    let sum = 0
    for (const series of this.#counters.get(name)?.values() ?? []) {
      if (Object.entries(labels).every(([key, value]) => series.labels[key] === value)) sum += series.value
    }
    return sum
  }

  samples(): Sample[] {
    return [...this.#counters].flatMap(([name, series]) =>
      [...series.values()].map(({ labels, value }) => ({ name, labels, value })),
    )
  }

  histograms(): HistogramSample[] {
    return [...this.#histograms].flatMap(([name, series]) =>
      [...series.values()].map(({ labels, counts, count, sum }) => {
        let running = 0
        const buckets = counts.map((n, i) => {
          running += n
          return { le: BUCKETS_S[i] as number, count: running }
        })
        return { name, labels, buckets, count, sum }
      }),
    )
  }
}

function family<T>(all: Map<string, Map<string, T>>, name: string): Map<string, T> {
  const found = all.get(name)
  if (found) return found
  const made = new Map<string, T>()
  all.set(name, made)
  return made
}
