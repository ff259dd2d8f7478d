import { styled } from '../../bridges/format/rich-text-ops.ts'
import type { Action, Notice } from '../../bridges/interaction.ts'
import type { RichText } from '../../bridges/model/rich-text.ts'
import { type alert, type K2Form, language, type match } from '../../rules/index.ts'
import type { StoredIntent } from '../../rules/model.ts'
import { line, lines, notice } from '../commands/notices.ts'
import { intentOf, type MarketIntent, type Search } from './model.ts'

const WORDS: Readonly<Record<StoredIntent['intent'], string>> = {
  sell: 'Offer',
  buy: 'Wanted',
  exchange: 'Exchange',
  service_wanted: 'Service wanted',
  service_offered: 'Service',
}
const MAX_ITEM = 120

/** Makes the ids of buttons: name and argument. */
export type ButtonId = (name: string, argument: string) => string

const bold = (text: string): RichText => styled(text, { kind: 'bold' })
const button = (id: string, label: string, style: 'primary' | 'secondary' | 'success' | 'danger' = 'secondary'): Action => ({
  id,
  label,
  style,
})

/** The item as its author wrote it: readings are in lower case. */
export function itemOf(intent: StoredIntent): string {
  const text = intent.slots.item?.text ?? intent.topic?.slug ?? intent.intent
  const at = intent.text.toLowerCase().indexOf(text.toLowerCase())
  const written = at < 0 ? text : intent.text.slice(at, at + text.length)
  return written.replace(/\s+/g, ' ').trim().slice(0, MAX_ITEM)
}

/** `Offer: ThinkPad X1 Carbon, 700 USD, Goods › laptops` */
export function intentLine(intent: StoredIntent): string {
  const { slots, topic } = intent
  const want = slots.want_item === null ? '' : ` for ${slots.want_item.text}`
  const count = slots.quantity !== null && slots.quantity.value > 1 ? `${slots.quantity.value} × ` : ''
  const facts = [
    `${count}${itemOf(intent)}${want}`,
    slots.price === null ? '' : priceOf(intent),
    slots.condition?.replace('_', ' ') ?? '',
    slots.place?.text ?? '',
    topic === null ? '' : `${topic.k2_topic} › ${topic.slug}`,
  ]
  return `${WORDS[intent.intent]}: ${facts.filter((f) => f !== '').join(', ')}`
}

function priceOf({ slots }: StoredIntent): string {
  const { price } = slots
  if (price === null) return ''
  if (price.flags.includes('free')) return 'free'
  const unit = price.unit === 'item' ? '' : ` per ${price.unit}`
  return `${language.priceText(price)}${unit}`
}

/** What publishing would send, word for word: the basis of consent. */
export function previewOf(intent: StoredIntent, form: K2Form): string {
  const price =
    form.priceRange.max === 0
      ? 'no price'
      : `${form.priceRange.min === form.priceRange.max ? '' : `${form.priceRange.min}–`}${form.priceRange.max} ${form.priceRange.currency}`
  return [
    intentLine(intent),
    `As ${form.action} on ${form.topic}: ${form.title} · ${price} · ${form.condition}${form.location === '' ? '' : ` · ${form.location}`}`,
    ...(form.description === '' ? [] : [`“${form.description.replace(/\s+/g, ' ')}”`]),
  ].join('\n')
}

/** The card under an author's message. `ask` is the operator's wording. */
export function askNotice(entry: MarketIntent, preview: string, ask: string | undefined, id: ButtonId): Notice {
  const [head = '', ...rest] = preview.split('\n')
  const intentId = intentOf(entry).intent_id
  return notice(
    lines(line(bold(head), ': publish to K2?'), ...rest, ask ?? 'Everyone on K2 can read it, and it cannot be taken back.'),
    {
      actions: [
        [
          button(id('offer-yes', intentId), 'Yes', 'success'),
          button(id('offer-edit', intentId), 'Edit'),
          button(id('offer-no', intentId), 'No', 'danger'),
        ],
        [button(id('offer-always', intentId), 'Always here')],
      ],
    },
  )
}

export interface AlertText {
  readonly entry: MarketIntent
  readonly card: alert.AlertCard
  readonly alertId: string
  /** Saved searches among the causes; the first can be muted. */
  readonly searches: readonly Search[]
  readonly link: string | undefined
}

/** An alert with its reasons. Never contact data: the card has none, and the author's text is not part of it. */
export function alertNotice({ entry, card, alertId, searches, link }: AlertText, now: number, id: ButtonId): Notice {
  const intent = intentOf(entry)
  const head = `${card.price_drop ? '📉 Price drop' : '🔔 Match'} · ${intentLine(intent)}`
  const from = `from ${entry.origin.authorName} on ${networkName(intent.platform)}${card.trust === 'unknown' ? ' (unverified)' : ''}, ${ageText(now - intent.created_at)}`
  const first = searches[0]
  return notice(
    lines(
      bold(head),
      card.converted === null ? undefined : card.converted,
      card.suspicious ? '⚠️ far below the usual price' : undefined,
      from,
      ...card.why.map((why) => `Why: ${why}`),
    ),
    {
      actions: [
        [
          button(id('interest', intent.intent_id), 'Interested', 'primary'),
          button(id('alert-hide', alertId), 'Not what I meant'),
          ...(first === undefined
            ? [button(id('alert-author', alertId), 'Mute author')]
            : [button(id('alert-mute', first.id), 'Mute search'), button(id('alert-pause', first.id), 'Pause 24 h')]),
          ...(link === undefined ? [] : [{ url: link, label: 'Message' }]),
        ],
        [button(id('remind', intent.intent_id), 'Remind me'), button(id('alert-report', alertId), 'Report')],
      ],
    },
  )
}

/** One line per best entry, grouped by search, and how many more there are. */
export function digestNotice(
  digest: alert.Digest,
  nameOf: (search: string) => string,
  intentAt: (id: string) => StoredIntent | undefined,
): Notice {
  const groups = digest.groups.flatMap(({ search, entries }) => [
    bold(nameOf(search)),
    ...entries.flatMap((e) => {
      const intent = intentAt(e.intent_id)
      return intent === undefined ? [] : [`· ${intentLine(intent)}`]
    }),
  ])
  return notice(lines('🔔 Since the last time:', ...groups, digest.rest > 0 ? `and ${digest.rest} more: see offers` : undefined))
}

/** The owner is told that somebody wants it. */
export function interestNotice(entry: MarketIntent, who: string, detail: string | undefined, talk: string, id: ButtonId): Notice {
  const intent = intentOf(entry)
  return notice(lines(bold(`🤝 ${who} is interested`), intentLine(intent), detail), {
    actions: [
      [
        button(id('talk-write', talk), 'Write to them', 'primary'),
        button(id('offer-sold', intent.intent_id), 'Sold'),
        button(id('offer-keep', intent.intent_id), 'Keep open'),
      ],
    ],
  })
}

/** Asked a day before an intent ends by itself. */
export function expiringNotice(entry: MarketIntent, id: ButtonId): Notice {
  const intent = intentOf(entry)
  return notice(lines(bold('⌛ Still available?'), intentLine(intent)), {
    actions: [
      [button(id('offer-keep', intent.intent_id), 'Extend', 'success'), button(id('offer-sold', intent.intent_id), 'Close')],
    ],
  })
}

export const matchWords = ({ score, parts }: match.MatchScore): string =>
  `${score.toFixed(2)} (${Object.entries(parts)
    .flatMap(([name, value]) => (typeof value === 'number' ? [`${name} ${value.toFixed(2)}`] : []))
    .join(', ')})`

const NAMES = { discord: 'Discord', telegram: 'Telegram', p2p: 'K2', web: 'the web chat' } as const
export const networkName = (platform: StoredIntent['platform']): string => NAMES[platform]

export function ageText(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`
}
