import { z } from 'zod'
import { currencyOf, parseAmount } from '../match/amount.ts'
import { distanceKm } from '../match/distance.ts'
import { ACTS, CONDITIONS, INTENTS, PRICE_FLAGS, PRICE_UNITS } from '../model.ts'
import { intentOf } from './facts.ts'
import { compare, joined, leaf, oneOf, short, type Truth, textTest, words } from './leaf.ts'
import { priceText } from './price-text.ts'
import { compileTextSpec, textSpecSchema } from './text-spec.ts'
import { compares, durationComparison, listOf, numberComparison } from './values.ts'

const INTENT_GROUPS: Readonly<Record<string, readonly string[]>> = {
  offer_side: ['sell', 'service_offered', 'exchange'],
  want_side: ['buy', 'service_wanted', 'exchange'],
  any: INTENTS.filter((i) => i !== 'none'),
}
const intentNames = [...INTENTS, 'offer_side', 'want_side', 'any'] as const

const intentLeaf = leaf('intent', 1, listOf(z.enum(intentNames)), (list) => {
  const accepted = list.flatMap((n) => INTENT_GROUPS[n] ?? [n])
  return { ...oneOf(accepted, (c) => intentOf(c.facts)), wanted: joined(list), accepts: new Set(accepted) }
})

const confidenceLeaf = leaf('confidence', 1, numberComparison, (wanted) =>
  compare(
    wanted,
    (c) => c.facts.reading?.confidence,
    (n) => n.toFixed(2),
  ),
)

const topicObject = z.strictObject({ k2: z.string().optional(), level1: z.string().optional(), level2: z.string().optional() })
const topicLeaf = leaf('topic', 1, z.union([words(), topicObject]), (value, scope) => {
  if (Array.isArray(value) || typeof value === 'string') {
    const list = value as readonly string[]
    if (scope.knownTopics !== undefined)
      for (const [i, slug] of list.entries())
        if (!scope.knownTopics.has(slug))
          scope.report.warning(list.length > 1 ? [...scope.path, i] : scope.path, `unknown topic slug \`${slug}\``)
    const set = new Set(list)
    return {
      wanted: joined(list),
      ...(set.has('goods') ? {} : { accepts: set }),
      test: (c) => {
        const topic = c.facts.reading?.topic
        if (topic === null || topic === undefined) return 'unknown'
        // Every slug of goods lies below `goods`.
        return set.has(topic.slug) || (set.has('goods') && topic.k2_topic === 'Goods')
      },
      actual: (c) => c.facts.reading?.topic?.slug ?? 'no topic',
    }
  }
  const wanted = value as z.output<typeof topicObject>
  return {
    wanted: [wanted.k2, wanted.level1, wanted.level2].filter((v) => v !== undefined).join(' / '),
    test: (c) => {
      const topic = c.facts.reading?.topic
      if (topic === null || topic === undefined) return 'unknown'
      const { selection } = topic
      if (wanted.k2 !== undefined && wanted.k2 !== topic.k2_topic) return false
      if (wanted.level1 !== undefined && wanted.level1 !== (selection.subtopic ?? selection.category)) return false
      return wanted.level2 === undefined || wanted.level2 === (selection.sub_category ?? selection.skill)
    },
    actual: (c) => {
      const topic = c.facts.reading?.topic
      return topic === null || topic === undefined
        ? 'no topic'
        : [topic.k2_topic, topic.selection.subtopic ?? topic.selection.category].filter((v) => v !== undefined).join(' / ')
    },
  }
})

const itemLeaf = leaf('item', 10, z.union([words(), textSpecSchema]), (value, scope) => {
  const input = Array.isArray(value)
    ? { any: value as string[], in: 'clean' as const }
    : (value as z.output<typeof textSpecSchema>)
  const spec = compileTextSpec(input, scope.lists, scope.path, scope.report, scope.countPattern)
  const test = textTest(spec, 'item')
  return {
    wanted: spec.wanted,
    test: (c) => ((c.facts.reading?.slots.item ?? null) === null ? 'unknown' : test(c)),
    actual: (c) => short(c.facts.reading?.slots.item?.text ?? 'no item'),
  }
})

const amountSchema = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const amount = typeof value === 'number' ? (value >= 0 ? { value, currency: null } : undefined) : parseAmount(value)
  if (amount !== undefined) return amount
  ctx.addIssue({ code: 'custom', message: `\`${String(value).slice(0, 30)}\` is no amount; write 400 USD, 15tr or 1.5k EUR` })
  return z.NEVER
})
const currencySchema = z.string().transform((text, ctx) => {
  const code = currencyOf(text)
  if (code !== undefined) return code
  ctx.addIssue({ code: 'custom', message: `unknown currency \`${text.slice(0, 20)}\`` })
  return z.NEVER
})
const priceSchema = z.strictObject({
  min: amountSchema.optional(),
  max: amountSchema.optional(),
  currency: currencySchema.optional(),
  unit: listOf(z.enum(PRICE_UNITS)).optional(),
  missing: z.boolean().optional(),
  flags: z.array(z.enum(PRICE_FLAGS)).optional(),
})

const priceLeaf = leaf('price', 4, priceSchema, (wanted, scope) => {
  const { min, max, missing, unit, flags } = wanted
  const code = wanted.currency ?? min?.currency ?? max?.currency ?? null
  if (min !== undefined && max !== undefined && min.currency === max.currency && min.value > max.value)
    scope.report.warning(scope.path, 'can never hold: min is above max')
  if (code === null && (min !== undefined || max !== undefined))
    scope.report.warning(scope.path, 'has no currency; compared with the number in whatever currency it is written')
  const onlyCurrency = wanted.currency !== undefined && min === undefined && max === undefined
  const text: string[] = []
  if (missing !== undefined) text.push(missing ? 'missing' : 'given')
  if (min !== undefined) text.push(`>= ${min.value} ${min.currency ?? code ?? ''}`.trim())
  if (max !== undefined) text.push(`<= ${max.value} ${max.currency ?? code ?? ''}`.trim())
  if (onlyCurrency) text.push(`in ${wanted.currency}`)
  if (unit !== undefined) text.push(`per ${joined(unit)}`)
  if (flags !== undefined) text.push(flags.join(', '))
  return {
    wanted: text.join(' and '),
    test: (c) => {
      const price = c.facts.reading?.slots.price ?? null
      if (missing === true) return price === null
      if (price === null) return missing === false ? false : 'unknown'
      if (unit !== undefined && !unit.includes(price.unit)) return false
      if (flags?.some((f) => !price.flags.includes(f)) === true) return false
      if (onlyCurrency) return price.currency === null ? 'unknown' : price.currency === wanted.currency
      let answer: Truth = true
      for (const [bound, amount] of [
        ['min', min],
        ['max', max],
      ] as const) {
        if (amount === undefined) continue
        const target = amount.currency ?? code
        let factor: number | undefined = 1
        if (target !== null) factor = price.currency === null ? undefined : c.rates.factor(price.currency, target)
        if (factor === undefined) {
          answer = 'unknown'
          continue
        }
        const low = price.min === null ? 0 : Number(price.min) * factor
        const high = price.max === null ? Number.POSITIVE_INFINITY : Number(price.max) * factor
        if (bound === 'min' ? high < amount.value : low > amount.value) return false
      }
      return answer
    },
    actual: (c) => priceText(c.facts.reading?.slots.price ?? null),
  }
})

const quantityLeaf = leaf('quantity', 2, numberComparison, (wanted) =>
  compare(wanted, (c) => c.facts.reading?.slots.quantity?.value, String),
)
/** An offer that says nothing of its condition is in none of them: `not: { condition: for_parts }` holds for it (10.7). */
const conditionLeaf = leaf('condition', 1, listOf(z.enum(CONDITIONS)), (list) =>
  oneOf(list, (c) => (intentOf(c.facts) === 'none' ? undefined : (c.facts.reading?.slots.condition ?? 'not said'))),
)

const deliverySchema = z.union([
  listOf(z.enum(['pickup', 'ship'])),
  z.strictObject({ pickup: z.boolean().optional(), ship: z.boolean().optional(), ship_to: words().optional() }),
])
const deliveryLeaf = leaf('delivery', 2, deliverySchema, (value) => {
  const any = Array.isArray(value) ? (value as readonly ('pickup' | 'ship')[]) : undefined
  const all = any === undefined ? (value as { pickup?: boolean; ship?: boolean; ship_to?: readonly string[] }) : undefined
  const shipTo = all?.ship_to === undefined ? undefined : new Set(all.ship_to.map((s) => s.toLowerCase()))
  return {
    wanted: any === undefined ? JSON.stringify(all).slice(0, 100) : joined(any),
    test: (c) => {
      const delivery = c.facts.reading?.slots.delivery
      if (delivery === undefined) return 'unknown'
      if (any !== undefined) {
        if (any.some((k) => delivery[k] === true)) return true
        return any.every((k) => delivery[k] === false) ? false : 'unknown'
      }
      let answer: Truth = true
      for (const key of ['pickup', 'ship'] as const) {
        const wanted = all?.[key]
        if (wanted === undefined) continue
        if (delivery[key] === null) answer = 'unknown'
        else if (delivery[key] !== wanted) return false
      }
      if (shipTo !== undefined) {
        if (delivery.ship_to.length === 0) return 'unknown'
        if (!delivery.ship_to.some((p) => shipTo.has(p.toLowerCase()))) return false
      }
      return answer
    },
    actual: (c) => {
      const d = c.facts.reading?.slots.delivery
      return d === undefined ? 'nothing known' : JSON.stringify({ pickup: d.pickup, ship: d.ship })
    },
  }
})

const deadlineSchema = z.strictObject({
  urgency: listOf(z.enum(['none', 'soon', 'urgent'])).optional(),
  within: durationComparison.optional(),
  missing: z.boolean().optional(),
})
const deadlineLeaf = leaf('deadline', 2, deadlineSchema, (wanted) => ({
  wanted: [wanted.urgency?.join(' | '), wanted.within?.text, wanted.missing === undefined ? undefined : 'missing']
    .filter((v) => v !== undefined)
    .join(', '),
  test: (c) => {
    const deadline = c.facts.reading?.slots.deadline ?? null
    if (wanted.missing === true) return deadline === null
    if (deadline === null) return wanted.missing === false ? false : 'unknown'
    if (wanted.urgency !== undefined && !wanted.urgency.includes(deadline.urgency)) return false
    if (wanted.within === undefined) return true
    return deadline.at === null ? 'unknown' : compares(deadline.at - c.now, wanted.within)
  },
  actual: (c) => c.facts.reading?.slots.deadline?.text ?? 'no deadline',
}))

const pointSchema = z.union([
  z.strictObject({ lat: z.number().min(-90).max(90), lon: z.number().min(-180).max(180) }),
  z.tuple([z.number().min(-90).max(90), z.number().min(-180).max(180)]).transform(([lat, lon]) => ({ lat, lon })),
])
const placeLeaf = leaf(
  'place',
  4,
  z.strictObject({
    country: words().optional(),
    region: words().optional(),
    city: words().optional(),
    within_km: z.strictObject({ of: pointSchema, km: z.number().positive().max(20_040) }).optional(),
    missing: z.boolean().optional(),
  }),
  (wanted) => {
    const lower = (list: readonly string[] | undefined) =>
      list === undefined ? undefined : new Set(list.map((s) => s.toLowerCase()))
    const named = { country: lower(wanted.country), region: lower(wanted.region), city: lower(wanted.city) }
    const near = wanted.within_km
    return {
      wanted: JSON.stringify(wanted).slice(0, 120),
      test: (c) => {
        const place = c.facts.reading?.slots.place ?? null
        if (wanted.missing === true) return place === null
        if (place === null) return wanted.missing === false ? false : 'unknown'
        let answer: Truth = true
        for (const key of ['country', 'region', 'city'] as const) {
          const set = named[key]
          if (set === undefined) continue
          const actual = place[key]
          if (actual === null) answer = 'unknown'
          else if (!set.has(actual.toLowerCase())) return false
        }
        if (near !== undefined) {
          if (place.lat === null || place.lon === null) return 'unknown'
          if (distanceKm(place.lat, place.lon, near.of.lat, near.of.lon) > near.km) return false
        }
        return answer
      },
      actual: (c) => c.facts.reading?.slots.place?.text ?? 'no place',
    }
  },
)

const actLeaf = leaf('act', 1, listOf(z.enum(ACTS)), (list) => oneOf(list, (c) => c.facts.reading?.act))
const langLeaf = leaf('lang', 1, listOf(z.enum(['en', 'vi', 'es', 'ru', 'pt', 'und'])), (list) =>
  oneOf(list, (c) => c.facts.reading?.lang),
)

/** Leaves about what the message says. */
export const READING_LEAVES = [
  intentLeaf,
  confidenceLeaf,
  actLeaf,
  topicLeaf,
  itemLeaf,
  priceLeaf,
  quantityLeaf,
  conditionLeaf,
  deliveryLeaf,
  deadlineLeaf,
  placeLeaf,
  langLeaf,
]
