import fc from 'fast-check'
import { expect, test } from 'vitest'
import { excerptOf, plainText } from '../../../src/bridges/format/plain.ts'
import { normaliseRich, styled } from '../../../src/bridges/format/rich-text-ops.ts'
import {
  cutGraphemes,
  cutUnits,
  graphemeEnd,
  graphemeStart,
  sanitizeName,
  sanitizeRich,
  sanitizeText,
} from '../../../src/bridges/format/sanitize.ts'
import { bodyHash, editDiscriminator, eventIdOf, reactionDiscriminator } from '../../../src/bridges/model/event-id.ts'
import type { Body } from '../../../src/bridges/model/message.ts'

test.each([
  ['a\r\nb\rc', 'a\nb\nc'],
  ['tab\tstays', 'tab\tstays'],
  ['bell\u0007 and nul\u0000', 'bell and nul'],
  ['\u202eevil\u202c', 'evil'],
  ['iso\u2066late\u2069', 'isolate'],
  ['zero\u200bwidth\ufeff', 'zerowidth'],
  ['soft\u00adhyphen', 'softhyphen'],
  ['line\u2028sep', 'line\nsep'],
  ['lone \ud83d surrogate', 'lone \ufffd surrogate'],
  ['👨‍👩‍👧 family', '👨‍👩‍👧 family'],
  ['❤️ and 1️⃣', '❤️ and 1️⃣'],
  ['🏴󠁧󠁢󠁥󠁮󠁧󠁿 flag', '🏴󠁧󠁢󠁥󠁮󠁧󠁿 flag'],
  ['hidden\u{e0041}\u{e0042}tags', 'hiddentags'],
  ['ب‌ا', 'ب‌ا'],
  ['क्‍ष', 'क्‍ष'],
  ['a‍b', 'ab'],
  ['x︎', 'x'],
])('%j becomes %j', (text, clean) => {
  expect(sanitizeText(text)).toBe(clean)
})

test('sanitising is idempotent, keeps spans on their text, and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const once = sanitizeText(text)
      expect(sanitizeText(once)).toBe(once)
    }),
    { numRuns: 3000, seed: 1 },
  )
  const rich = normaliseRich({ text: 'a\u200bbold\u202e!', spans: [{ kind: 'bold', start: 2, end: 6 }] })
  expect(sanitizeRich(rich)).toEqual({ text: 'abold!', spans: [{ kind: 'bold', start: 1, end: 5 }] })
})

test('names are one line, short, and composed', () => {
  expect(sanitizeName('  Ann\n\tLee ')).toBe('Ann Lee')
  expect(sanitizeName('e\u0301')).toBe('é')
  expect(sanitizeName('\u200b\u200d')).toBe('')
  expect(sanitizeName('x'.repeat(40))).toBe(`${'x'.repeat(31)}…`)
  expect(sanitizeName(`a${'\u0301'.repeat(500)}`).length).toBeLessThan(40)
})

test('cuts fall between graphemes', () => {
  const family = '👨‍👩‍👧'
  expect(cutGraphemes(family.repeat(5), 3)).toBe(`${family}${family}…`)
  expect(cutUnits(`a${family}`, 4)).toBe('a')
  expect(graphemeStart(`a${family}b`, 3)).toBe(1)
  expect(graphemeEnd(`a${family}b`, 3)).toBe(1 + family.length)
  expect(graphemeStart('🇻🇳🇻🇳', 6)).toBe(4)
})

test('plain text shows where links go and hides spoilers in excerpts', () => {
  expect(plainText(styled('site', { kind: 'link', url: 'https://e.org' }))).toBe('site (https://e.org)')
  expect(plainText(styled('https://e.org', { kind: 'link', url: 'https://e.org' }))).toBe('https://e.org')
  expect(excerptOf({ text: 'he dies\nat the end', spans: [{ kind: 'spoiler', start: 0, end: 7 }] })).toBe('▒▒▒ at the end')
  expect(excerptOf({ text: 'x'.repeat(200), spans: [] })).toHaveLength(120)
})

const ref = { network: 'discord', channel: '1', id: '2' } as const
const body = (text: string, more: Partial<Body> = {}): Body => ({ rich: { text, spans: [] }, attachments: [], ...more })

test('event ids are the same for the same event and differ otherwise', () => {
  const id = eventIdOf(ref, 'message.create')
  expect(id).toMatch(/^[a-z2-7]{26}$/)
  expect(eventIdOf({ ...ref }, 'message.create')).toBe(id)
  const others = [
    eventIdOf(ref, 'message.delete'),
    eventIdOf({ ...ref, thread: '3' }, 'message.create'),
    eventIdOf({ ...ref, network: 'telegram' }, 'message.create'),
    eventIdOf(ref, 'message.edit', editDiscriminator(5, body('a'))),
    eventIdOf(ref, 'message.edit', editDiscriminator(5, body('b'))),
    eventIdOf(ref, 'message.edit', editDiscriminator(6, body('a'))),
    eventIdOf(ref, 'reaction.delta', reactionDiscriminator({ actorKey: 'a', emojiKey: '👍', operation: 'add', sequence: '1' })),
    eventIdOf(ref, 'reaction.delta', reactionDiscriminator({ actorKey: 'a', emojiKey: '👍', operation: 'add', sequence: '2' })),
  ]
  expect(new Set([id, ...others]).size).toBe(others.length + 1)
})

test('a body is the same with a fresh link to the same file, and another with another file', () => {
  const file = (url: string, id = '1') =>
    body('x', {
      attachments: [
        { id, kind: 'file', name: 'a', source: { kind: 'discord-url', url, expiresAt: 0, ref: { ...ref, account: 'm' } } },
      ],
    })
  expect(bodyHash(file('https://a'))).toBe(bodyHash(file('https://b')))
  expect(bodyHash(file('https://a', '2'))).not.toBe(bodyHash(file('https://a')))
  expect(bodyHash(body('x', { noPreview: true }))).not.toBe(bodyHash(body('x')))
})
