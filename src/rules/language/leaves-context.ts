import { z } from 'zod'
import { inHours, localTime } from '../alert/local-time.ts'
import { PLATFORMS, TRUST_LEVELS } from '../model.ts'
import type { PassContext } from './context.ts'
import { globsMatch } from './glob.ts'
import { compare, joined, leaf, oneOf, short, type Truth, textTest, words } from './leaf.ts'
import { DAYS, daysSchema, hoursSchema, timeZoneSchema } from './schema.ts'
import { countWithin } from './state.ts'
import { compileTextSpec, textSpecSchema } from './text-spec.ts'
import {
  compares,
  durationComparison,
  durationSchema,
  type KeyPart,
  keySchema,
  listOf,
  numberComparison,
  trustComparison,
} from './values.ts'

const textLeaf = leaf('text', 20, textSpecSchema, (value, scope) => {
  const spec = compileTextSpec(value, scope.lists, scope.path, scope.report, scope.countPattern)
  return { wanted: spec.wanted, test: textTest(spec, value.in), actual: (c) => short(c.view(value.in).text) }
})

const platformLeaf = leaf('platform', 1, listOf(z.enum(PLATFORMS)), (list) => oneOf(list, (c) => c.facts.message.platform))
const globLeaf = (name: 'channel' | 'space') =>
  leaf(name, 5, words(), (list) => ({
    wanted: joined(list),
    test: (c) => {
      const names = placeNames(c.facts.message, name)
      return names.length === 0 ? 'unknown' : globsMatch(list, names)
    },
    actual: (c) => c.facts.message[name] ?? 'none',
  }))

/** Names a channel, space or thread answers to in globs: its own, and the full reference. */
export function placeNames(
  m: { platform: string; space?: string | undefined; channel: string; thread?: string | undefined },
  what: 'space' | 'channel' | 'thread',
): string[] {
  const own = m[what]
  if (own === undefined || own === '') return []
  const inSpace = m.space === undefined || what === 'space' ? own : `${m.space}/${own}`
  return [own, inSpace, `${m.platform}:${own}`, `${m.platform}:${inSpace}`]
}

const authorLeaf = leaf(
  'author',
  2,
  z.strictObject({
    trust: trustComparison.optional(),
    roles: words().optional(),
    not_roles: words().optional(),
    account_age: durationComparison.optional(),
    messages: numberComparison.optional(),
    intents_open: numberComparison.optional(),
  }),
  (wanted) => ({
    wanted: [
      wanted.trust && `trust ${wanted.trust.text}`,
      wanted.roles && `role ${joined(wanted.roles)}`,
      wanted.account_age && `account ${wanted.account_age.text}`,
      wanted.messages && `messages ${wanted.messages.text}`,
      wanted.intents_open && `open intents ${wanted.intents_open.text}`,
    ]
      .filter((v) => v !== undefined)
      .join(', '),
    test: (c) => {
      const { author } = c.facts
      if (wanted.trust !== undefined && !compares(TRUST_LEVELS.indexOf(author.trust), wanted.trust)) return false
      if (wanted.roles !== undefined && !wanted.roles.some((r) => author.roles.includes(r))) return false
      if (wanted.not_roles?.some((r) => author.roles.includes(r)) === true) return false
      let answer: Truth = true
      for (const [value, comparison] of [
        [author.account_age_ms, wanted.account_age],
        [author.messages, wanted.messages],
        [author.intents_open, wanted.intents_open],
      ] as const) {
        if (comparison === undefined) continue
        if (value === undefined) answer = 'unknown'
        else if (!compares(value, comparison)) return false
      }
      return answer
    },
    actual: (c) =>
      `trust ${c.facts.author.trust}${c.facts.author.roles.length > 0 ? `, roles ${c.facts.author.roles.slice(0, 5).join(', ')}` : ''}`,
  }),
)

const setSchema = z.union([
  words(),
  z.strictObject({ any: words().optional(), all: words().optional(), none: words().optional() }),
])
const setLeaf = (name: string, read: (c: PassContext) => ReadonlySet<string>) =>
  leaf(name, 2, setSchema, (value) => {
    const spec = Array.isArray(value)
      ? { any: value as readonly string[] }
      : (value as { any?: readonly string[]; all?: readonly string[]; none?: readonly string[] })
    return {
      wanted: Object.entries(spec)
        .map(([k, list]) => `${k} of ${(list ?? []).join(', ')}`)
        .join('; '),
      test: (c) => {
        const set = read(c)
        if (spec.any !== undefined && !spec.any.some((t) => set.has(t))) return false
        if (spec.all?.some((t) => !set.has(t)) === true) return false
        return !spec.none?.some((t) => set.has(t))
      },
      actual: (c) => [...read(c)].slice(0, 10).join(', ') || 'none',
    }
  })
const flagsLeaf = setLeaf(
  'flags',
  (c) => new Set([...(c.facts.reading?.flags ?? []), ...(c.facts.reading?.slots.price?.flags ?? [])]),
)
const tagLeaf = setLeaf('tag', (c) => c.tags)

const countLeaf = leaf(
  'count',
  8,
  z.strictObject({
    of: z.string().regex(/^[a-z][a-z0-9_-]{0,40}$/),
    per: keySchema,
    within: durationSchema,
    is: numberComparison,
  }),
  (wanted, scope, ruleId) => {
    const rule = wanted.of === 'fires' ? ruleId : undefined
    scope.addWindow({ of: wanted.of, per: wanted.per, within: wanted.within, rule })
    const name = windowName(wanted.of, wanted.within, wanted.per)
    return {
      ...compare(
        wanted.is,
        (c) =>
          countWithin(
            c.read('counter', rule ?? name, rule === undefined ? c.key(wanted.per) : `${name}\u0001${c.key(wanted.per)}`),
            wanted.within,
            c.now,
          ),
        String,
      ),
      wanted: `${wanted.of} ${wanted.is.text}`,
    }
  },
)

export const windowName = (of: string, within: number, per: readonly KeyPart[]): string => `${of}/${within}/${per.join('+')}`

const matchLeaf = leaf(
  'match',
  1,
  z.strictObject({ score: numberComparison.optional(), side: z.enum(['offer', 'want']).optional() }),
  (wanted) => ({
    wanted: [wanted.score && `score ${wanted.score.text}`, wanted.side].filter((v) => v !== undefined).join(', '),
    test: (c) => {
      const { match } = c.facts
      if (match === undefined) return 'unknown'
      return (
        (wanted.score === undefined || compares(match.score, wanted.score)) &&
        (wanted.side === undefined || wanted.side === match.side)
      )
    },
    actual: (c) => (c.facts.match === undefined ? 'no match' : `score ${c.facts.match.score}, ${c.facts.match.side}`),
  }),
)

const timeLeaf = leaf(
  'time',
  6,
  z.strictObject({ hours: hoursSchema.optional(), days: daysSchema.optional(), time_zone: timeZoneSchema.default('UTC') }),
  (wanted) => ({
    wanted: [wanted.days?.join(','), wanted.hours === undefined ? undefined : 'hours', wanted.time_zone]
      .filter((v) => v !== undefined)
      .join(' '),
    test: (c) => {
      const at = localTime(c.now, wanted.time_zone)
      if (wanted.days !== undefined && !wanted.days.includes(DAYS[at.weekday] as (typeof DAYS)[number])) return false
      return wanted.hours === undefined || wanted.hours.some((range) => inHours(at.minutes, range))
    },
    actual: (c) => {
      const at = localTime(c.now, wanted.time_zone)
      return `${DAYS[at.weekday]} ${String(at.hour).padStart(2, '0')}:${String(at.minute).padStart(2, '0')}`
    },
  }),
)

const attachmentsLeaf = leaf(
  'attachments',
  2,
  z.strictObject({ kind: words().optional(), count: numberComparison.optional() }),
  (wanted) => {
    const count = (c: PassContext): number =>
      (c.facts.message.attachments ?? []).reduce(
        (n, a) => n + (wanted.kind === undefined || wanted.kind.includes(a.kind) ? a.count : 0),
        0,
      )
    return {
      wanted: `${wanted.kind?.join(' | ') ?? 'any'} ${wanted.count?.text ?? '>= 1'}`,
      test: (c) => (wanted.count === undefined ? count(c) >= 1 : compares(count(c), wanted.count)),
      actual: (c) => String(count(c)),
    }
  },
)

const modelLeaf = leaf('model', 1, z.strictObject({ agrees: z.boolean() }), (wanted) => ({
  wanted: wanted.agrees ? 'agrees' : 'disagrees',
  test: (c) => (c.facts.model === undefined ? 'unknown' : c.facts.model.agrees === wanted.agrees),
  actual: (c) => (c.facts.model === undefined ? 'not asked' : c.facts.model.agrees ? 'agrees' : 'disagrees'),
}))

/** Leaves about where, when, by whom and how often. */
export const CONTEXT_LEAVES = [
  textLeaf,
  platformLeaf,
  globLeaf('channel'),
  globLeaf('space'),
  authorLeaf,
  flagsLeaf,
  tagLeaf,
  countLeaf,
  matchLeaf,
  timeLeaf,
  attachmentsLeaf,
  modelLeaf,
]
