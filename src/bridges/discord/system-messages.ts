import { sanitizeText } from '../format/sanitize.ts'
import type { BridgeEvent } from '../model/message.ts'

type Notice = Omit<BridgeEvent & { kind: 'notice' }, 'kind'>
type Line = readonly [Notice['notice'], (who: string, what: string) => string]

/** Discord's system messages as lines people can read (bridging 4.3). */
const LINES: Readonly<Record<number, Line>> = {
  1: ['join', (who) => `${who} added somebody to the conversation`],
  2: ['leave', (who) => `${who} removed somebody from the conversation`],
  3: ['call', (who) => `${who} started a call`],
  4: ['title', (who, what) => `${who} changed the name to ${what}`],
  5: ['title', (who) => `${who} changed the picture`],
  6: ['pin', (who) => `${who} pinned a message`],
  7: ['join', (who) => `${who} joined the server`],
  8: ['boost', (who) => `${who} boosted the server`],
  9: ['boost', (who) => `${who} boosted the server to level 1`],
  10: ['boost', (who) => `${who} boosted the server to level 2`],
  11: ['boost', (who) => `${who} boosted the server to level 3`],
  12: ['other', (who, what) => `${who} added the announcement channel ${what}`],
  18: ['other', (who, what) => `${who} started the thread ${what}`],
  24: ['other', () => 'AutoMod blocked a message'],
  27: ['other', (who) => `${who} started a stage`],
  46: ['other', () => 'A poll has ended'],
}

export function noticeOf(type: number, who: string, content: string): Notice {
  const line = LINES[type]
  const what = sanitizeText(content).replace(/\s+/g, ' ').trim().slice(0, 200)
  if (line !== undefined) return { notice: line[0], text: line[1](who, what).trim() }
  return { notice: 'other', text: `[unsupported message: type ${type}]${what === '' ? '' : ` ${what}`}` }
}
