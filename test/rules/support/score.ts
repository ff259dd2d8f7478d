// Scoring of readings against labelled lines: the metrics of the evaluation contract.
import { INTENTS, type Intent, type Lexicon, readMessage, readPrice } from '../../../src/rules/reading/index.ts'

export interface Expected {
  readonly intent: Intent
  readonly item?: string
  readonly price_min?: number
  readonly price_max?: number
  readonly currency?: string
  readonly quantity?: number
  readonly location?: string
  readonly condition?: string
  readonly topic?: string
}
export interface Labelled {
  readonly id: string
  readonly text: string
  readonly lang: string
  readonly expected: Expected
}
export interface Prediction {
  readonly id: string
  readonly intent: Intent
  readonly confidence: number
  readonly item: string | null
  readonly price_min: number | null
  readonly price_max: number | null
  readonly currency: string | null
  readonly quantity: number | null
  readonly location: string | null
  readonly condition: string | null
  readonly topic: string | null
}

const num = (text: string | null | undefined): number | null => (text === null || text === undefined ? null : Number(text))

export function predict(lexicon: Lexicon, row: { readonly id: string; readonly text: string }): Prediction {
  const r = readMessage({ id: row.id, text: row.text }, { lexicon })
  const { slots } = r
  return {
    id: row.id,
    intent: r.intent,
    confidence: r.confidence,
    item: slots.item?.text ?? null,
    price_min: num(slots.price?.min),
    price_max: num(slots.price?.max),
    currency: slots.price?.currency ?? null,
    quantity: slots.quantity?.value ?? null,
    location: slots.place?.text ?? null,
    condition: slots.condition,
    topic: r.topic?.slug ?? null,
  }
}

const near = (a: number | null, b: number | undefined): boolean =>
  b === undefined ? a === null : a !== null && Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b))
const fold = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
const share = (n: number, of: number): number => (of === 0 ? 1 : Math.round((n / of) * 10_000) / 10_000)

export interface Score {
  readonly figures: {
    readonly lines: number
    readonly macroF1: number
    readonly f1: Readonly<Record<string, number>>
    readonly noneFpr: number
    readonly priceExact: number
    readonly inventedPrice: number
    readonly topic: number
    readonly condition: number
    readonly quantity: number
    readonly place: number
  }
  readonly misses: readonly string[]
}

export function score(rows: readonly Labelled[], read: (row: Labelled) => Prediction): Score {
  const tp = new Map<string, number>()
  const fp = new Map<string, number>()
  const fn = new Map<string, number>()
  const bump = (m: Map<string, number>, k: string): void => void m.set(k, (m.get(k) ?? 0) + 1)
  const misses: string[] = []
  const hit = { price: [0, 0], invented: [0, 0], topic: [0, 0], condition: [0, 0], quantity: [0, 0], place: [0, 0], none: [0, 0] }
  const tally = (pair: number[], ok: boolean): void => {
    pair[1] = (pair[1] ?? 0) + 1
    if (ok) pair[0] = (pair[0] ?? 0) + 1
  }
  for (const row of rows) {
    const p = read(row)
    const e = row.expected
    if (p.intent === e.intent) bump(tp, e.intent)
    else {
      bump(fn, e.intent)
      bump(fp, p.intent)
      misses.push(`INTENT ${row.id} want ${e.intent} got ${p.intent} (${p.confidence}): ${row.text}`)
    }
    if (e.intent === 'none') tally(hit.none, p.intent !== 'none')
    const priced = e.price_min !== undefined || e.price_max !== undefined
    if (priced) {
      const ok =
        near(p.price_min, e.price_min) &&
        near(p.price_max, e.price_max) &&
        (e.currency === undefined || e.currency === p.currency)
      tally(hit.price, ok)
      if (!ok && p.intent === e.intent)
        misses.push(
          `PRICE ${row.id} want ${e.price_min}-${e.price_max} ${e.currency ?? ''} got ${p.price_min}-${p.price_max} ${p.currency}: ${row.text}`,
        )
    } else if (e.intent !== 'none') {
      const invented = p.price_min !== null || p.price_max !== null
      tally(hit.invented, invented)
      if (invented) misses.push(`INVENTED ${row.id} got ${p.price_min}-${p.price_max}: ${row.text}`)
    }
    if (e.intent === 'none') continue
    if (e.topic !== undefined) {
      tally(hit.topic, p.topic === e.topic)
      if (p.topic !== e.topic && p.intent === e.intent) misses.push(`TOPIC ${row.id} want ${e.topic} got ${p.topic}: ${row.text}`)
    }
    if (e.condition !== undefined) tally(hit.condition, p.condition === e.condition)
    if (e.quantity !== undefined) tally(hit.quantity, p.quantity === e.quantity)
    if (e.location !== undefined)
      tally(
        hit.place,
        p.location !== null && (fold(p.location).includes(fold(e.location)) || fold(e.location).includes(fold(p.location))),
      )
  }
  const f1: Record<string, number> = {}
  for (const intent of INTENTS) {
    const [t, f, n] = [tp.get(intent) ?? 0, fp.get(intent) ?? 0, fn.get(intent) ?? 0]
    f1[intent] = t === 0 ? 0 : share(2 * t, 2 * t + f + n)
  }
  const macroF1 = Math.round((Object.values(f1).reduce((a, b) => a + b, 0) / INTENTS.length) * 10_000) / 10_000
  const of = (pair: number[]): number => share(pair[0] ?? 0, pair[1] ?? 0)
  return {
    figures: {
      lines: rows.length,
      macroF1,
      f1,
      noneFpr: of(hit.none),
      priceExact: of(hit.price),
      inventedPrice: of(hit.invented),
      topic: of(hit.topic),
      condition: of(hit.condition),
      quantity: of(hit.quantity),
      place: of(hit.place),
    },
    misses,
  }
}

export interface PriceCase {
  readonly id: string
  readonly text: string
  readonly intent: Intent
  readonly expected: {
    readonly price_min?: number
    readonly price_max?: number
    readonly currency?: string
    readonly price_unit?: string
    readonly flags?: readonly string[]
  }
}

/** Cases whose bounds, currency, unit or flags are not read as listed. */
export function priceCaseFails(lexicon: Lexicon, cases: readonly PriceCase[]): string[] {
  const fails: string[] = []
  for (const c of cases) {
    const price = readPrice(lexicon, c.text, c.intent)
    const e = c.expected
    const ok =
      near(num(price?.min), e.price_min) &&
      near(num(price?.max), e.price_max) &&
      (price?.currency ?? undefined) === e.currency &&
      (e.price_unit === undefined || price?.unit === e.price_unit) &&
      (e.flags ?? []).every((f) => price?.flags.some((g) => g === f) === true)
    if (!ok) fails.push(`CASE ${c.id} ${c.intent} "${c.text}" want ${JSON.stringify(e)} got ${JSON.stringify(price)}`)
  }
  return fails
}
