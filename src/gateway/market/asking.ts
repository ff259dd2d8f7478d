import { K2Error } from '../../base/errors.ts'
import type { Form } from '../../bridges/interaction.ts'
import type { Lexicon } from '../../rules/index.ts'
import type { Slots, StoredIntent, TopicRef } from '../../rules/model.ts'
import type { IntentRecord } from '../../rules/thread/index.ts'
import { ownWords } from '../../rules/thread/own-words.ts'
import { bold, lines, notice } from '../commands/notices.ts'
import { ownerOf } from './alerting.ts'
import { intentLine } from './cards.ts'
import { slotsOf } from './effects-emit.ts'
import { intentOf, type MarketIntent } from './model.ts'
import type { Step } from './step.ts'

/** What a rule can have an author asked. */
export const QUESTIONS = ['price', 'item', 'place', 'topic'] as const
export type Question = (typeof QUESTIONS)[number]

const WORDS: Readonly<Record<Question, { readonly ask: string; readonly label: string; readonly maxLength: number }>> = {
  price: { ask: 'What should it cost?', label: 'Price, such as 700 USD', maxLength: 60 },
  item: { ask: 'What is it?', label: 'What it is', maxLength: 120 },
  place: { ask: 'Where is it?', label: 'Place', maxLength: 80 },
  topic: { ask: 'What kind of thing is it?', label: 'Kind, such as laptops', maxLength: 60 },
}

/** Asks the author for one thing, once per revision. False where nobody can be asked. */
export function askFor(
  step: Step,
  entry: MarketIntent,
  question: Question,
  timeoutMs: number | undefined,
  dueAt: number,
): boolean {
  const { parts, changes, now } = step
  const told = ownerOf(parts, entry)
  if (told === undefined) return false
  const intent = intentOf(entry)
  const until = timeoutMs === undefined ? 0 : Math.ceil((now + timeoutMs) / 1000)
  const id = parts.buttonId('offer-fill', `${intent.intent_id}.${QUESTIONS.indexOf(question)}.${until.toString(36)}`)
  parts.counters.add('market_asked_total', { kind: question })
  changes.notices.push({
    id: `q.${intent.intent_id}.${intent.revision}.${question}`,
    kind: 'question',
    target: told.target,
    via: told.via,
    notice: notice(lines(bold(WORDS[question].ask), intentLine(intent)), {
      actions: [[{ id, label: 'Answer', style: 'primary' }]],
    }),
    intentId: intent.intent_id,
    dueAt,
  })
  return true
}

/** The argument of the button below a question. Throws `MARKET_TOO_LATE`. */
export function questionOf(argument: string, now: number): { readonly id: string; readonly question: Question } {
  const [id = '', number = '', until = '0'] = argument.split('.')
  const question = QUESTIONS[Number(number)]
  const end = Number.parseInt(until, 36)
  if (question === undefined || (end > 0 && now > end * 1000))
    throw new K2Error({ code: 'MARKET_TOO_LATE', kind: 'conflict', message: 'this question is closed: use offer edit' })
  return { id, question }
}

export function formFor(question: Question, intent: StoredIntent): Omit<Form, 'id'> {
  const { label, ask, maxLength } = WORDS[question]
  const { slots, topic } = intent
  const known = { item: slots.item?.text, place: slots.place?.text, topic: topic?.slug, price: undefined }[question]
  return {
    title: ask,
    fields: [{ name: question, label, required: true, maxLength, ...(known !== undefined && { value: known }) }],
  }
}

/** The record with the answer in its place, and in its words: what is published is made of both. Throws `MARKET_NOT_UNDERSTOOD`. */
export function answered(record: IntentRecord, question: Question, text: string, lexicon: Lexicon, now: number): IntentRecord {
  const { intent } = record
  const said = text.trim()
  const topic = question === 'topic' ? topicOf(lexicon, said) : intent.topic
  const slots = question === 'topic' ? {} : filled(intent, question, said)
  return {
    ...record,
    intent: {
      ...intent,
      topic,
      slots: { ...intent.slots, ...slots },
      text: question === 'topic' ? intent.text : ownWords(`${intent.text}\n${said}`),
      revision: intent.revision + 1,
      updated_at: now,
    },
  }
}

function filled(intent: StoredIntent, question: Exclude<Question, 'topic'>, said: string): Partial<Slots> {
  const slots = slotsOf({ [question]: said })
  if (question === 'price' && slots.price == null) throw notUnderstood('write a price such as 700 USD')
  if (said === '') throw notUnderstood('say what it is')
  const { price } = slots
  if (price == null || intent.side !== 'want') return slots
  return { price: { ...price, min: null, role: 'budget' } }
}

function topicOf(lexicon: Lexicon, said: string): TopicRef {
  const slug = said.toLowerCase()
  const found = lexicon.topicRefs.find(slug, 'item')
  if (found === undefined) throw notUnderstood(`one of ${lexicon.taxonomy.topics.map((t) => t.slug).join(', ')}`.slice(0, 300))
  return found
}

const notUnderstood = (hint: string): K2Error => new K2Error({ code: 'MARKET_NOT_UNDERSTOOD', kind: 'input', message: hint })
