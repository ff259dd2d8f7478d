import { describe, expect, it } from 'vitest'
import { attachmentLine, bodyText, fileSize, unsupportedLine } from '../../../src/bridges/format/fallbacks.ts'
import type { Attachment, Body } from '../../../src/bridges/model/message.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'

const body = (more: Partial<Body>): Body => ({ rich: plain(''), attachments: [], ...more })
const file = (more: Partial<Attachment>): Attachment => ({
  id: 'a',
  kind: 'file',
  name: 'report.pdf',
  source: { kind: 'telegram-file', fileId: 'f', fileUniqueId: 'u' },
  ...more,
})

describe('bodyText', () => {
  const cases: [string, Partial<Body>, string][] = [
    ['text alone is untouched', { rich: plain('hello') }, 'hello'],
    ['file', { attachments: [file({ size: 1_234_567 })] }, '📎 report.pdf (1.2 MB)'],
    ['photo with caption', { rich: plain('look'), attachments: [file({ kind: 'image', name: 'x.jpg' })] }, 'look\n🖼 photo'],
    ['voice', { attachments: [file({ kind: 'voice', durationMs: 12_400, size: 900 })] }, '🎤 voice message (0:12, 900 B)'],
    ['long video', { attachments: [file({ kind: 'video', name: 'm.mp4', durationMs: 3_725_000 })] }, '🎬 m.mp4 (1:02:05)'],
    ['spoiler with description', { attachments: [file({ spoiler: true, alt: 'a cat' })] }, '📎 report.pdf (spoiler): a cat'],
    ['sticker', { sticker: { name: 'Cats', emoji: '😺' } }, '🏷 sticker 😺 Cats'],
    ['nameless sticker', { sticker: { name: '' } }, '🏷 sticker'],
    ['poll', { poll: { question: 'When?', options: ['Mon', 'Tue'], multiple: false } }, '📊 When?\n○ Mon\n○ Tue'],
    ['quiz with many answers', { poll: { question: 'Q', options: ['a'], multiple: true } }, '📊 Q\n☐ a'],
    [
      'place',
      { location: { lat: 52.5200066, lon: 13.404954, title: 'Alex' } },
      '📍 Alex 52.52001, 13.40495 https://www.openstreetmap.org/?mlat=52.52001&mlon=13.40495#map=16/52.52001/13.40495',
    ],
    ['forward', { rich: plain('news'), forwardedFrom: { name: 'Daily' } }, '↪ Forwarded from Daily:\nnews'],
    [
      'card without text',
      { card: { kind: 'offer', topic: 'Goods', title: 'Bike', lines: ['Price: 10', '', 'Hanoi'], intentKey: 'k' } },
      'Bike\nPrice: 10\nHanoi',
    ],
    [
      'card behind a remark',
      { rich: plain('(delayed)'), card: { kind: 'offer', topic: 'Goods', title: 'Bike', lines: [], intentKey: 'k' } },
      '(delayed)\nBike',
    ],
    [
      'embed',
      { embeds: [{ title: 'T', url: 'https://e.org', description: 'D', fields: [{ name: 'f', value: 'v' }] }] },
      'T\nD\nf: v',
    ],
    ['nothing', {}, ''],
  ]
  it.each(cases)('%s', (_name, input, text) => {
    expect(bodyText(body(input)).text).toBe(text)
  })

  it('keeps the styles of the text and marks titles', () => {
    const bold = { text: 'x', spans: [{ kind: 'bold' as const, start: 0, end: 1 }] }
    expect(bodyText(body({ rich: bold, forwardedFrom: { name: 'D', link: 'https://t.me/d/1' } })).spans).toEqual([
      { kind: 'link', url: 'https://t.me/d/1', start: 17, end: 18 },
      { kind: 'bold', start: 20, end: 21 },
    ])
  })

  it('leaves out what is sent as a file', () => {
    const both = body({ attachments: [file({ id: 'a' }), file({ id: 'b', name: 'b.txt' })] })
    expect(bodyText(both, { sentAsFile: (a) => a.id === 'a' }).text).toBe('📎 b.txt')
  })

  it('does not let names and types break the line', () => {
    expect(attachmentLine(file({ name: 'a\nb\u202egpj.exe' }))).toBe('📎 a bgpj.exe')
    expect(unsupportedLine('story')).toBe('[unsupported message: story]')
    expect(unsupportedLine('')).toBe('[unsupported message: unknown]')
  })

  it('prints sizes', () => {
    expect([0, 999, 1000, 12_345_678, 5e15, Number.NaN].map(fileSize)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '12.3 MB',
      '5000.0 TB',
      '0 B',
    ])
  })
})
