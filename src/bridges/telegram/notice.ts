import { concatRich, styled } from '../format/rich-text-ops.ts'
import { cutGraphemes } from '../format/sanitize.ts'
import { splitRich } from '../format/split.ts'
import { toTelegramEntities } from '../format/telegram-entities.ts'
import type { Action, Notice } from '../interaction.ts'
import { MAX_TEXT } from './outbound.ts'

const MAX_LABEL = 64
const MAX_ROWS = 20
/** Buttons of one row stay readable on phones. */
const PER_ROW = 3
const MAX_PARTS = 4

export interface RenderedText {
  readonly text: string
  readonly entities?: readonly object[]
}

/** A notice's text as one or more messages; the buttons belong under the last. */
export function renderTexts(notice: Notice): RenderedText[] {
  const rich = notice.title === undefined ? notice.rich : concatRich(styled(notice.title, { kind: 'bold' }), '\n', notice.rich)
  const { parts } = splitRich(rich, { limit: MAX_TEXT, maxParts: MAX_PARTS })
  return parts.map((part) => {
    const { text, entities } = toTelegramEntities(part)
    return entities.length > 0 ? { text, entities } : { text }
  })
}

/** Buttons as an inline keyboard; an empty one removes what was there. */
export function keyboardOf(rows: Notice['actions']): { inline_keyboard: object[][] } {
  const broken = (rows ?? []).flatMap((row) => {
    const out: Action[][] = []
    for (let at = 0; at < row.length; at += PER_ROW) out.push(row.slice(at, at + PER_ROW))
    return out
  })
  return { inline_keyboard: broken.slice(0, MAX_ROWS).map((row) => row.map(button)) }
}

function button(action: Action): object {
  const text = cutGraphemes(action.label, MAX_LABEL)
  return 'url' in action ? { text, url: action.url } : { text, callback_data: action.id }
}
