import { performance } from 'node:perf_hooks'
import MiniSearch from 'minisearch'
import { converter, OpenIntents, vocabularyOf } from '../src/rules/match/index.ts'
import type { StoredIntent } from '../src/rules/model.ts'
import { digits, leastOfThree, matchWorkload, NOW, perCall, quantile, timed } from './rules-workload.ts'

const RATES = converter(undefined, NOW)

/** P7, P8: wants against open intents (workload 19.1), beside a general full-text index with the same filters. */
export async function benchMatching(count: number) {
  const { stored, queries } = matchWorkload(count)
  const index = new OpenIntents({ vocabulary: vocabularyOf([]) })
  const begun = performance.now()
  for (const one of stored) index.insert(one)
  const buildMs = performance.now() - begun
  const list = queries(600)
  let found = 0
  for (const query of list) found += index.search(query, { now: NOW, rates: RATES }).length
  const times = leastOfThree(list, (query) => index.search(query, { now: NOW, rates: RATES }))
  const meanMs = (await timed(() => list.forEach((query) => void index.search(query, { now: NOW, rates: RATES })))) / list.length
  const changed = stored.slice(0, Math.min(5_000, count))
  const removeUs = await perCall(changed.length, 100, (i) => void index.remove((changed[i] as StoredIntent).intent_id))
  const insertUs = await perCall(changed.length, 100, (i) => index.insert(changed[i] as StoredIntent))
  const other = await miniSearch(stored, list)
  return {
    p50Ms: digits(quantile(times, 0.5)),
    p99Ms: digits(quantile(times, 0.99)),
    meanMs: digits(meanMs),
    found,
    buildMs: Math.round(buildMs),
    miniSearchMeanMs: digits(other),
    ratio: digits(other / meanMs),
    insertUs: digits(insertUs),
    removeUs: digits(removeUs),
  }
}

type Workload = ReturnType<typeof matchWorkload>

/** Mean ms of a query. */
async function miniSearch(stored: Workload['stored'], queries: ReturnType<Workload['queries']>): Promise<number> {
  const mini = new MiniSearch<{ id: number; text: string; topic: number; offer: boolean; price: number }>({
    fields: ['text'],
    storeFields: ['topic', 'offer', 'price'],
  })
  mini.addAll(
    stored.map((s, id) => ({
      id,
      text: s.text,
      topic: Number(s.topic?.slug.slice(1)),
      offer: s.side === 'offer',
      price: Number(s.slots.price?.max),
    })),
  )
  const search = (query: StoredIntent): void => {
    const topic = Number(query.topic?.slug.slice(1))
    const budget = Number(query.slots.price?.max)
    mini
      .search(query.text, { filter: (r) => r.offer === true && r.topic === topic && (r.price as number) <= budget * 1.1 })
      .slice(0, 20)
  }
  queries.forEach(search)
  return (await timed(() => queries.forEach(search))) / queries.length
}
