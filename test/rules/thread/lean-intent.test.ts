import { describe, expect, it } from 'vitest'
import type { StoredIntent } from '../../../src/rules/model.ts'
import { readMessage } from '../../../src/rules/reading/index.ts'
import { LeanIntents } from '../../../src/rules/thread/index.ts'
import { openRecord } from '../../../src/rules/thread/stored-intent.ts'
import { shippedLexicon } from '../support/lexicon.ts'

const NOW = Date.UTC(2026, 0, 5)
let number = 0

function opened(text: string): StoredIntent {
  const id = `m${number++}`
  const reading = readMessage({ id, text }, { lexicon: shippedLexicon() })
  const message = { id, platform: 'discord', channel: 'c', author: 'a', trust: 'verified', text, sent_at: NOW } as const
  const record = openRecord({ reading, text }, message, [id], 0, { now: NOW, consent: null }, 'open')
  if (record === undefined) throw new Error(`no intent in ${text}`)
  return record.intent
}
const stored = (intent: StoredIntent): StoredIntent => JSON.parse(JSON.stringify(intent))

const TEXTS = [
  'WTS ThinkPad X1 Carbon, $700 shipped',
  'WTS gaming laptop, nothing else to say',
  'selling dining table, pickup only in Berlin, DM me, paypal or cash, 120 eur obo',
  'swap my Nintendo Switch for a Steam Deck, can add 100 usd',
  'looking for a logo designer, budget 200 usd',
  'WTB RTX 3080 under 400 eur, by Friday',
]

describe('intents read from storage', () => {
  it('say what they said', () => {
    const lean = new LeanIntents()
    for (const text of TEXTS) {
      const intent = stored(opened(text))
      expect(lean.of(intent), text).toEqual(intent)
    }
  })

  it('share their topics and what they leave unsaid, as intents just read do', () => {
    const lean = new LeanIntents()
    const [a, b] = [opened(TEXTS[0] as string), opened(TEXTS[1] as string)]
    expect(a.topic).toBe(b.topic)
    const [c, d] = [lean.of(stored(a)), lean.of(stored(b))]
    expect(c.topic).toBe(d.topic)
    expect(c.flags).toBe(d.flags)
    expect(c.slots.delivery).not.toBe(d.slots.delivery)
    expect(d.slots.delivery).toBe(b.slots.delivery)
    expect(d.slots.contact).toBe(b.slots.contact)
    expect(d.slots.payment).toBe(b.slots.payment)
  })

  it('keep a topic that says something else', () => {
    const lean = new LeanIntents()
    const intent = stored(opened(TEXTS[0] as string))
    const topic = intent.topic
    if (topic === null) throw new Error('no topic')
    lean.of(intent)
    for (const other of [
      { ...topic, source: 'channel' },
      { ...topic, k2_topic: 'Digital Assets' },
      { ...topic, selection: { subtopic: 'elsewhere' } },
      { ...topic, selection: {} },
    ])
      expect(lean.of({ ...intent, topic: other }).topic).toEqual(other)
    expect(lean.of({ ...intent, topic: null }).topic).toBeNull()
  })
})
