import { describe, expect, it } from 'vitest'
import { parseDiscordMarkdown } from '../../../src/bridges/format/discord-markdown.ts'
import { fromTelegramEntities } from '../../../src/bridges/format/telegram-entities.ts'
import type { Body, Envelope } from '../../../src/bridges/model/message.ts'
import type { Place } from '../../../src/bridges/model/place.ts'
import type { RichText } from '../../../src/bridges/model/rich-text.ts'
import { readableOf } from '../../../src/gateway/market/messages.ts'
import { readMessage } from '../../../src/rules/reading/index.ts'
import { shippedLexicon } from '../../rules/support/lexicon.ts'
import { create, discord, telegram } from '../pipeline/scripted.ts'

const LISTING = 'WTS RTX 3080 $400 shipped'
const NAMES = { user: () => undefined, role: () => undefined, channel: () => undefined }

/** What a message as its platform sends it is read as. */
function intentOf(at: Place, rich: RichText, forwarded = false): string {
  const plain = create(at, '1', rich.text)
  const { event } = plain
  if (event.kind !== 'message.create') throw new Error('not a message')
  const body: Body = { ...event.body, rich, ...(forwarded && { forwardedFrom: { kind: 'hidden', name: 'Deals' } as never }) }
  const envelope: Envelope = { ...plain, event: { ...event, body } }
  const input = readableOf(envelope)?.input
  if (input?.kind !== 'create') throw new Error('nothing to read')
  return readMessage(input.message, { lexicon: shippedLexicon() }).intent
}

const onTelegram = (text: string, type: string): string =>
  intentOf(telegram('-1'), fromTelegramEntities(text, [{ type, offset: 0, length: text.length }]))
const onDiscord = (source: string): string => intentOf(discord('1'), parseDiscordMarkdown(source, NAMES))

describe('what a platform marks as not the own open statement opens nothing', () => {
  it('without a mark it is an offer', () => {
    expect(intentOf(telegram('-1'), fromTelegramEntities(LISTING, []))).toBe('sell')
    expect(onDiscord(LISTING)).toBe('sell')
  })

  it.each(['blockquote', 'expandable_blockquote', 'code', 'pre', 'strikethrough'])('Telegram: %s', (type) => {
    expect(onTelegram(LISTING, type)).toBe('none')
  })

  it.each([
    ['quote', `> ${LISTING}`],
    ['quote to the end', `>>> ${LISTING}\nshipped or picked up`],
    ['code', `\`\`\`\n${LISTING}\n\`\`\``],
    ['struck', `~~${LISTING}~~`],
    ['struck, with bold in it', `~~**WTS** RTX 3080 $400 shipped~~`],
  ])('Discord: %s', (_, source) => {
    expect(onDiscord(source)).toBe('none')
  })

  it('what stands below a quote counts; a spoiler or bold is the own word', () => {
    expect(onDiscord(`> anyone got a 3080?\n${LISTING}`)).toBe('sell')
    expect(onDiscord(`**WTS** RTX 3080 ||$400|| shipped`)).toBe('sell')
    expect(onTelegram(LISTING, 'spoiler')).toBe('sell')
    expect(onTelegram(LISTING, 'bold')).toBe('sell')
  })

  it('a forwarded message, on both', () => {
    for (const at of [telegram('-1'), discord('1')]) expect(intentOf(at, fromTelegramEntities(LISTING, []), true)).toBe('none')
  })
})
