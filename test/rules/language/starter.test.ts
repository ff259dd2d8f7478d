import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkExamples, compileRuleFiles, type ExampleReader } from '../../../src/rules/language/index.ts'
import { readMessage } from '../../../src/rules/reading/index.ts'
import { shippedLexicon } from '../support/lexicon.ts'

/** The pipeline itself, without a channel profile. */
const read: ExampleReader = (messages) =>
  messages.map(({ id, text }) => ({ reading: readMessage({ id, text }, { lexicon: shippedLexicon() }) }))
const topics = new Set(shippedLexicon().taxonomy.topics.map((t) => t.slug))
const files = readdirSync('config/rules')
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => ({ path: name, text: readFileSync(`config/rules/${name}`, 'utf8') }))

/** The file of rules.md 10.7, as it stands there. */
const COMPLETE = `
version: 1
name: community defaults
defaults: { cooldown: { for: 10m, per: author+item } }
lists:
  scam_words: ["telegram recovery", "double your", "gift card only", "western union"]
templates:
  confirm: "Read as **{{ intent.kind }}** · {{ item.text }} · {{ price | money | default('no price') }} · {{ place | place | default('anywhere') }}. Publish to K2?"
  deal: "{{ item.text }}: {{ price | money }} ({{ place | place }}), {{ created_at | ago }}"
rules:
  - id: drop-scam
    priority: 900
    if: { any: [ { text: { any: [$scam_words] } }, { author: { trust: "< unknown" } } ] }
    then:
      - ignore: { reason: scam words }
      - notify_admin: { template: deal, level: warn }
    stop: true
    cooldown: { for: 0s, per: rule }
    examples:
      - { text: "Selling iPhone 15 $100, gift card only", expect: fires }
      - { text: "Selling iPhone 15 $500", expect: silent }

  - id: ask-to-publish
    when: { events: [intent.opened], profiles: [assist] }
    if: { confidence: ">= 0.5", intent: any }
    then:
      - reply: { template: confirm, visibility: ephemeral, buttons: [confirm, edit, dismiss, mute] }
    limit: { max: 3, per: 1h, key: author, overflow: drop }

  - id: cheap-gpus
    description: watch for cards under 400 USD near us
    if:
      all:
        - intent: sell
        - confidence: ">= 0.8"
        - topic: computers
        - item: { any: ["rtx 40*", "rx 7*"] }
        - price: { max: "400 USD" }
        - not: { condition: for_parts }
    then:
      - alert: { to: "channel:discord:123/deals", template: deal, urgency: instant }
      - tag: { add: [gpu-deal], on: intent }
    examples:
      - { text: "WTS RTX 4070, $390 shipped", expect: fires }
      - { text: "WTS RTX 4070, $450 shipped", expect: silent }
      - { text: "WTB RTX 4070, $390", expect: silent }

  - id: flood-guard
    priority: 800
    if: { count: { of: intents, per: author, within: 10m, is: "> 5" } }
    then: [ { ignore: { reason: flood } } ]
    mode: dry_run
`
/** The examples of rules.md 10.6, below a rule they fit. */
const EXAMPLES = `
version: 1
rules:
  - id: cards
    if: { intent: sell, topic: computers }
    then: [{ alert: { to: subscribers } }]
    examples:
      - text: "WTS RTX 4070, $390 shipped"
        platform: discord
        channel: "#market"
        expect: fires
        reading: { intent: sell, price: { min: 390, max: 390, currency: USD }, topic: computers }
        actions: [alert]
      - text: "is $390 for a 4070 a good deal?"
        expect: silent
  - id: interest
    if: { act: interest }
    then: [{ tag: { add: [asked] } }]
    examples:
      - messages:
          - { author: a, text: "WTS Steam Deck 300" }
          - { author: b, text: "still available?", reply_to: 0, after: 2m }
        expect: { fires_at: [1], act: interest }
`

describe('examples through the reading pipeline', () => {
  it.each([
    ['the shipped rules', files],
    ['the complete file of the specification (10.7)', [{ path: 'a.yaml', text: COMPLETE }]],
    ['the examples of the specification (10.6)', [{ path: 'a.yaml', text: EXAMPLES }]],
  ])('%s keep theirs', (_, list) => {
    const result = compileRuleFiles(list, { knownTopics: topics })
    expect(result.problems.filter((p) => p.severity === 'error')).toEqual([])
    expect(result.ok && checkExamples(result.ruleSet, read)).toEqual([])
  })
})
