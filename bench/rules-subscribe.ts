import { performance } from 'node:perf_hooks'
import type { SearchDocument } from '../src/rules/match/document.ts'
import { converter, vocabularyOf } from '../src/rules/match/index.ts'
import { SubscriptionIndex } from '../src/rules/subscribe/index.ts'
import {
  cpuSeconds,
  digits,
  leastOfThree,
  NOW,
  type PlainSubscription,
  perCall,
  quantile,
  SearchWorkload,
  timed,
} from './rules-workload.ts'

const RATES = converter(undefined, NOW)
const STEP_ROWS = 2_000

/** P9 to P11: saved searches (workload 19.2), beside a linear scan over packed records; equality with brute force. */
export async function benchSubscriptions(count: number) {
  const workload = new SearchWorkload(count)
  const searches = [...workload.searches()]
  const index = new SubscriptionIndex({ vocabulary: vocabularyOf([]) })
  const begun = performance.now()
  const cpu = cpuSeconds()
  for (const [i, s] of searches.entries()) index.add(`s${i}`, workload.query(s))
  const addMs = performance.now() - begun
  const pauses: number[] = []
  for (let more = true; more; ) {
    const start = performance.now()
    more = index.rebuildStep(STEP_ROWS)
    pauses.push(performance.now() - start)
  }
  const buildMs = performance.now() - begun
  const buildCpu = cpuSeconds() - cpu
  for (let i = 0; i < 5_000; i++) index.observe(workload.document())
  for (let i = 0; i < 1_000; i++) index.match(workload.document(), RATES)
  const asked = Array.from({ length: 3_000 }, () => workload.document())
  let hits = 0
  for (const d of asked) hits += index.match(d, RATES).handles.length
  const times = leastOfThree(asked, (d) => index.match(d, RATES))
  const documents = Array.from({ length: 2_000 }, () => workload.document())
  const meanMs = (await timed(() => documents.forEach((d) => void index.match(d, RATES)))) / documents.length
  let wrong = 0
  for (let i = 0; i < 100; i++) {
    const d = workload.document()
    const expected = searches.flatMap((s, n) => (wants(s, d) ? [`s${n}`] : [])).sort()
    const got = [...index.match(d, RATES).handles].map((h) => index.id(h)).sort()
    if (expected.length !== got.length || expected.some((id, k) => id !== got[k])) wrong++
  }
  const scan = await linearScan(searches, () => workload.document())
  const addUs = await perCall(5_000, 100, (i) => index.add(`n${i}`, workload.query(searches[i % count] as PlainSubscription)))
  const removeUs = await perCall(5_000, 100, (i) => void index.remove(`n${i}`))
  return {
    subscriptions: count,
    p50Ms: digits(quantile(times, 0.5)),
    p99Ms: digits(quantile(times, 0.99)),
    meanMs: digits(meanMs),
    hitsPerIntent: digits(hits / times.length),
    differencesFromBruteForce: wrong,
    linearScanMeanMs: digits(scan),
    ratio: digits(scan / meanMs),
    megabytesPerMillion: digits(index.bytes / count),
    addSeconds: digits(addMs / 1000),
    buildSeconds: digits(buildMs / 1000),
    buildCpuSeconds: digits(buildCpu),
    longestPauseMs: digits(Math.max(...pauses)),
    addUs: digits(addUs),
    removeUs: digits(removeUs),
  }
}

function wants(s: PlainSubscription, d: SearchDocument): boolean {
  if (s.offers !== (d.side === 'offer') || (s.topic >= 0 && d.topic !== `t${s.topic}`)) return false
  const price = d.price as NonNullable<SearchDocument['price']>
  return price.min <= s.max && price.max >= s.min && s.words.every((w) => d.keys.has(w))
}

/** Mean ms of a scan over packed records of eight words: signature, side, price, then keys by marks. */
async function linearScan(plain: readonly PlainSubscription[], document: () => SearchDocument): Promise<number> {
  const keys = new Map<string, number>()
  const key = (name: string): number => {
    const known = keys.get(name) ?? keys.size
    keys.set(name, known)
    return known
  }
  const records = new Uint32Array(plain.length * 8)
  const floats = new Float32Array(records.buffer)
  for (const [i, s] of plain.entries()) {
    const list = s.words.map((w) => key(w))
    if (s.topic >= 0) list.push(key(`topic ${s.topic}`))
    const at = i * 8
    for (const k of list) {
      const word = at + ((k >>> 5) & 1)
      records[word] = (records[word] as number) | (1 << (k & 31))
    }
    floats[at + 2] = s.min
    floats[at + 3] = s.max
    records[at + 4] = s.offers ? 1 : 2
    for (let k = 0; k < 3; k++) records[at + 5 + k] = list[k] ?? 0xffffffff
  }
  const marks = new Uint32Array(keys.size + 1)
  let round = 0
  const scan = (d: SearchDocument): number => {
    round++
    let [a, b] = [0, 0]
    for (const name of [...d.keys, `topic ${d.topic?.slice(1)}`]) {
      const k = keys.get(name)
      if (k === undefined) continue
      marks[k] = round
      if (((k >>> 5) & 1) === 0) a |= 1 << (k & 31)
      else b |= 1 << (k & 31)
    }
    const side = d.side === 'offer' ? 1 : 2
    const price = d.price?.min ?? 0
    let found = 0
    for (let at = 0; at < records.length; at += 8) {
      if (((records[at] as number) & ~a) !== 0 || ((records[at + 1] as number) & ~b) !== 0 || records[at + 4] !== side) continue
      if (price > (floats[at + 3] as number) || price < (floats[at + 2] as number)) continue
      let all = true
      for (let k = 5; k < 8; k++) {
        const one = records[at + k] as number
        if (one !== 0xffffffff && marks[one] !== round) all = false
      }
      if (all) found++
    }
    return found
  }
  const documents = Array.from({ length: 30 }, document)
  documents.forEach(scan)
  return (await timed(() => documents.forEach((d) => void scan(d)))) / documents.length
}
