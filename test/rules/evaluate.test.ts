import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileRules, evaluate, type MessageFacts, type Rule, ruleSchema } from '../../src/rules/index.ts'

const facts = (over: Partial<MessageFacts> = {}): MessageFacts => ({
  network: 'telegram',
  text: 'hello there',
  links: [],
  authorKey: 'telegram:1',
  isBot: false,
  ...over,
})
const rule = (over: Partial<Rule>): Rule => ({ name: 'r', when: {}, action: 'ignore', ...over })

describe('first rule set', () => {
  it('leaves a message alone when no rule fits', () => {
    expect(evaluate(facts(), [rule({ when: { network: ['discord'] } })])).toEqual({})
  })

  it('lets the first fitting rule decide and names it', () => {
    const rules = [
      rule({ name: 'not-this', when: { textContains: ['absent'] } }),
      rule({ name: 'mark', when: { textContains: ['HELLO'] }, action: 'prefix', text: '[x] ' }),
      rule({ name: 'drop', when: {} }),
    ]
    expect(evaluate(facts(), rules)).toEqual({ prefix: '[x] ', trace: { rule: 'mark', action: 'prefix' } })
  })

  it('drops, and restricts to routes', () => {
    expect(evaluate(facts(), [rule({ name: 'drop' })]).ignoredBy).toBe('drop')
    expect(evaluate(facts(), [rule({ action: 'route', routes: ['a', 'b'] })]).routes).toEqual(['a', 'b'])
  })

  it.each<[string, Rule['when'], Partial<MessageFacts>, boolean]>([
    ['network', { network: ['telegram', 'web'] }, {}, true],
    ['contains, case folded', { textContains: ['ÄRGER'] }, { text: 'viel ärger' }, true],
    ['contains, full width letters', { textContains: ['free'] }, { text: 'ＦＲＥＥ money' }, true],
    ['starts with, after white space', { startsWith: ['!deal'] }, { text: '  !Deal now' }, true],
    ['starts with, in the middle', { startsWith: ['deal'] }, { text: 'a deal' }, false],
    ['author', { author: ['telegram:1'] }, {}, true],
    ['author name, folded', { authorName: ['admin'] }, { authorName: 'The ADMIN' }, true],
    ['name by pattern', { nameMatches: '^crypto\\d+$' }, { authorName: 'Crypto77' }, true],
    ['role', { role: ['55', 'admin'] }, { roles: ['55'] }, true],
    ['role, without any', { role: ['55'] }, {}, false],
    ['pattern', { textMatches: 'h[e3]ll[o0]\\b' }, { text: 'HELL0 you' }, true],
    ['pattern that backtracks elsewhere', { textMatches: '(a+)+$' }, { text: `${'a'.repeat(4_000)}b` }, false],
    ['length', { minLength: 3, maxLength: 5 }, { text: 'abcd' }, true],
    ['length, too long', { maxLength: 5 }, { text: 'abcdef' }, false],
    ['script', { script: ['Cyrillic'] }, { text: 'Куплю iPhone срочно' }, true],
    ['script, another', { script: ['Cyrillic', 'Han'] }, { text: 'hello 世' }, false],
    ['any link', { hasLink: true }, { text: 'see example.org/x' }, true],
    ['no link', { hasLink: false }, { text: 'see you at 10.30' }, true],
    ['invitation to Discord', { hasInvite: true }, { text: 'join https://discord.gg/abc' }, true],
    ['invitation to Telegram', { hasInvite: true }, { text: 'hier: t.me/+AbCdEf' }, true],
    ['invitation behind a masked link', { hasInvite: true }, { links: ['https://t.me/joinchat/xyz'] }, true],
    ['a link to a message invites nobody', { hasInvite: true }, { text: 'https://t.me/somegroup/123' }, false],
    ['file kind', { attachment: ['video'] }, { files: [{ kind: 'image' }, { kind: 'video' }] }, true],
    ['file type', { attachmentType: ['application/zip'] }, { files: [{ kind: 'file', mime: 'application/ZIP' }] }, true],
    ['file size', { minAttachmentBytes: 100 }, { files: [{ kind: 'file', size: 99 }] }, false],
    ['many files', { minAttachments: 2 }, { files: [{ kind: 'image' }, { kind: 'image' }] }, true],
    ['hours over midnight', { hours: { from: '22:00', to: '06:00' } }, { at: Date.UTC(2026, 0, 1, 23, 30) }, true],
    ['hours in a zone', { hours: { from: '22:00', to: '06:00', zone: 'Asia/Tokyo' } }, { at: Date.UTC(2026, 0, 1, 4) }, false],
    ['other author', { author: ['telegram:2'] }, {}, false],
    ['bot', { isBot: true }, {}, false],
    ['sender class', { senderClass: ['claimed'] }, { senderClass: 'claimed' }, true],
    ['sender class of a person without one', { senderClass: ['claimed'] }, {}, false],
    ['link domain', { linkDomain: ['discord.gg'] }, { text: 'join https://discord.gg/abc' }, true],
    ['link subdomain', { linkDomain: ['example.org'] }, { text: 'see <https://a.b.example.org?x>' }, true],
    ['bare link', { linkDomain: ['discord.gg'] }, { text: 'join discord.gg/abc' }, true],
    ['masked link', { linkDomain: ['discord.gg'] }, { text: 'click', links: ['https://discord.gg/x'] }, true],
    ['domain as part of another', { linkDomain: ['gg.com'] }, { text: 'https://eggg.com' }, false],
    ['host behind a user name', { linkDomain: ['evil.example'] }, { text: 'https://good.example@evil.example/' }, true],
    ['all conditions must hold', { network: ['telegram'], isBot: true }, {}, false],
  ])('%s', (_name, when, over, expected) => {
    expect(evaluate(facts(over), [rule({ when })]).ignoredBy === 'r').toBe(expected)
  })

  it('takes any text in bounded time', () => {
    const set = compileRules([rule({ when: { linkDomain: ['example.org'], textContains: ['zz'] } })])
    const hostile = ['a.'.repeat(50_000), 'http://'.repeat(20_000), '@'.repeat(100_000), `http://${'a-'.repeat(50_000)}`]
    for (const text of hostile) expect(set.evaluate(facts({ text: `zz ${text}` })).ignoredBy).toBeUndefined()
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        set.evaluate(facts({ text }))
      }),
    )
  })
})

describe('rule schema', () => {
  it('takes the documented forms', () => {
    expect(ruleSchema.parse({ name: 'a', action: 'ignore' })).toEqual({ name: 'a', when: {}, action: 'ignore' })
    expect(ruleSchema.safeParse({ name: 'a', action: 'prefix', text: 'x' }).success).toBe(true)
    expect(ruleSchema.safeParse({ name: 'a', action: 'route', routes: ['r'] }).success).toBe(true)
  })

  it.each([
    ['a prefix rule without text', { name: 'a', action: 'prefix' }],
    ['a route rule without routes', { name: 'a', action: 'route' }],
    ['an unknown key', { name: 'a', action: 'ignore', whne: {} }],
    ['an unknown condition', { name: 'a', action: 'ignore', when: { regex: ['x'] } }],
    ['a name with spaces', { name: 'a b', action: 'ignore' }],
  ])('refuses %s', (_name, value) => {
    expect(ruleSchema.safeParse(value).success).toBe(false)
  })
})
