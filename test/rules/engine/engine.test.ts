import { describe, expect, it } from 'vitest'
import { AlertState, DEFAULT_RECIPIENT, decide, mergeCandidates } from '../../../src/rules/alert/index.ts'
import { type Audience, candidatesOf, type EngineInput, type Outcome, RulesEngine } from '../../../src/rules/engine/index.ts'
import type { Platform } from '../../../src/rules/model.ts'
import { parseQuery } from '../../../src/rules/subscribe/index.ts'
import type { ThreadMessage } from '../../../src/rules/thread/index.ts'
import { ruleSet } from '../language/support.ts'
import { shippedLexicon } from '../support/lexicon.ts'

const NOON = Date.UTC(2026, 0, 5, 12)

class Market {
  readonly engine = new RulesEngine({ lexicon: shippedLexicon() })
  readonly alerts = new AlertState()
  readonly searches = new Map<string, string>()
  now = NOON
  #count = 0

  input(platform: Platform, author: string, text: string, part: Partial<ThreadMessage> = {}): EngineInput {
    const key = `${platform}:${author}`
    const message = {
      id: `${platform}:market/${this.#count++}`,
      platform,
      channel: `${platform}-market`,
      author: key,
      trust: 'verified',
      text,
      sent_at: this.now,
      ...part,
    } as const
    return {
      input: { kind: 'create', message },
      profile: { mode: 'assist' },
      facts: { author: { key, kind: 'user', trust: 'verified', roles: [] }, revision: 1 },
    }
  }

  say(platform: Platform, author: string, text: string, part: Partial<ThreadMessage> = {}): Outcome {
    this.now += 200_000
    const outcome = this.engine.consider(this.input(platform, author, text, part), this.now)
    this.engine.commit(outcome)
    return outcome
  }

  search(id: string, owner: string, words: string): void {
    const parsed = parseQuery(words)
    if (!parsed.ok) throw new Error(parsed.problems[0]?.message)
    this.engine.subscriptions.add(id, parsed.query)
    this.searches.set(id, owner)
  }

  readonly audience: Audience = {
    recipient: (key) => ({ ...DEFAULT_RECIPIENT, key }),
    subscription: (id) => ({ owner: this.searches.get(id) as string, name: id, urgency: 'instant' }),
    canSee: () => true,
    resolve: (to) => [{ ...DEFAULT_RECIPIENT, key: to }],
  }

  /** `recipient about item` of the alerts sent. */
  tell(outcome: Outcome): string[] {
    return mergeCandidates([...candidatesOf(outcome, this.audience)]).flatMap((candidate) => {
      const { decision, change } = decide(this.alerts, candidate, this.now)
      if (change !== undefined) this.alerts.apply(change)
      const causes = candidate.causes.map((c) => c.kind).join('+')
      return decision.result === 'send' ? [`${candidate.recipient.key} ${candidate.intent.slots.item?.text} ${causes}`] : []
    })
  }
}

describe('engine', () => {
  it('a sell line on Telegram and a matching want on Discord lead to exactly one alert each', () => {
    const market = new Market()
    expect(market.tell(market.say('telegram', 'anna', 'WTS ThinkPad X1 Carbon gen 9, $700 shipped'))).toEqual([])
    const told = market.tell(market.say('discord', 'ben', 'looking for a thinkpad x1 carbon, budget $800'))
    expect(told.sort()).toEqual([
      'discord:ben thinkpad x1 carbon gen 9 match',
      expect.stringMatching(/^telegram:anna thinkpad x1 carbon match$/),
    ])
  })

  it('a saved search hears of a new listing once, of the same one never again', () => {
    const market = new Market()
    market.search('s1', 'telegram:eve', 'thinkpad under 800 usd')
    const outcome = market.say('discord', 'anna', 'WTS ThinkPad X1 Carbon gen 9, $700 shipped')
    expect(outcome.matches[0]?.subscriptions).toEqual(['s1'])
    expect(market.tell(outcome)).toHaveLength(1)
    expect(market.tell(market.say('discord', 'anna', 'WTS ThinkPad X1 Carbon gen 9, $700 shipped'))).toEqual([])
    expect(market.tell(market.say('discord', 'x', 'WTS ThinkPad X1 Carbon gen 9, $1500 shipped'))).toEqual([])
  })

  it('considering changes nothing, and twice gives the same', () => {
    const market = new Market()
    market.engine.useRules(
      ruleSet('  - { id: a, if: { intent: sell }, cooldown: { for: 10m, per: author }, then: [{ react: { emoji: x } }] }'),
    )
    const input = market.input('discord', 'anna', 'WTS ThinkPad X1 Carbon gen 9, $700 shipped')
    const first = market.engine.consider(input, NOON)
    expect(market.engine.consider(input, NOON)).toEqual(first)
    expect([market.engine.open.size, market.engine.book.size, market.engine.state.size]).toEqual([0, 0, 0])
    market.engine.commit(first)
    expect([market.engine.open.size, market.engine.book.size]).toEqual([1, 1])
    expect(market.engine.consider(market.input('discord', 'anna', 'WTS RTX 3080 $380'), NOON).effects).toEqual([])
  })

  it('ignore opens nothing and alerts nobody', () => {
    const market = new Market()
    market.engine.useRules(ruleSet('  - { id: a, if: { text: { any: [carbon] } }, then: [{ ignore: { reason: no } }] }'))
    const outcome = market.say('discord', 'anna', 'WTS ThinkPad X1 Carbon gen 9, $700 shipped')
    expect([outcome.changes, outcome.matches]).toEqual([[], []])
  })

  it('emit sets slots of what is opened, and opens what was not read', () => {
    const market = new Market()
    market.engine.useRules(
      ruleSet(`
  - { id: a, if: { intent: sell }, then: [{ emit: { set: { condition: new, place: Berlin }, expires: 2d } }] }
  - { id: b, if: { text: { regex: ["^lot (\\\\w+) (\\\\d+ eur)"] } }, then: [{ emit: { intent: sell, status: open, topic: books, set: { item: { from: "$1" }, price: { from: "$2" } } } }] }`),
    )
    const [sold] = market.say('discord', 'anna', 'WTS ThinkPad X1 Carbon gen 9, $700 shipped').changes
    expect(sold?.record.intent).toMatchObject({
      slots: { condition: 'new', place: { city: 'Berlin' } },
      expires_at: market.now + 2 * 86_400_000,
    })
    const [lot] = market.say('discord', 'bob', 'lot atlas 12 eur').changes
    expect(lot).toMatchObject({
      type: 'opened',
      record: {
        intent: {
          intent: 'sell',
          status: 'open',
          topic: { slug: 'books' },
          slots: { item: { text: 'atlas' }, price: { max: '12', currency: 'EUR' } },
        },
      },
    })
  })

  it('events of intents reach the rules: opened, interest, closed, matches and hits', () => {
    const market = new Market()
    market.search('s1', 'telegram:eve', 'thinkpad under 800 usd')
    const on = (event: string) =>
      `  - { id: on-${event.replace('.', '-')}, when: { events: [${event}] }, then: [{ react: { emoji: x } }] }`
    const events = ['intent.opened', 'intent.closed', 'interest.received', 'match.found', 'subscription.hit']
    market.engine.useRules(ruleSet(`\n${events.map(on).join('\n')}`))
    const rules = (outcome: Outcome) => outcome.effects.map((e) => e.rule)
    market.say('discord', 'ben', 'looking for a thinkpad x1 carbon, budget $800')
    const opened = market.say('discord', 'anna', 'WTS ThinkPad X1 Carbon gen 9, $700 shipped')
    expect(rules(opened)).toEqual(['on-intent-opened', 'on-match-found', 'on-subscription-hit'])
    const id = opened.changes[0]?.record.message_id as string
    expect(rules(market.say('discord', 'cid', 'still available?', { reply_to: id }))).toEqual(['on-interest-received'])
    expect(rules(market.say('discord', 'anna', 'sold', { reply_to: id }))).toEqual(['on-intent-closed'])
    expect(market.engine.open.size).toBe(1)
  })

  it('a channel that is off is not read, one that is observed opens nothing', () => {
    const market = new Market()
    for (const mode of ['off', 'observe'] as const) {
      const input = { ...market.input('discord', 'anna', 'WTS RTX 3080 $380'), profile: { mode } }
      expect(market.engine.consider(input, NOON)).toMatchObject({ changes: [], act: mode === 'off' ? 'none' : 'open' })
    }
  })
})
