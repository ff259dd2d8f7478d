import { SLOT } from '../lexicon/slot-words.ts'
import { NOTHING_SAID, type Slots } from '../model.ts'
import type { RemovedSpan, Token } from '../text/model.ts'
import { textAt } from '../text/token-at.ts'
import type { Amount } from './amount.ts'
import type { Tags } from './tags.ts'

type Kind = Slots['contact']['kinds'][number]

const MAX_MASKED = 5
const DOTS = '•••••'
const SHOWN_DIGITS = 3
/** Shorter numbers would be guessed from what is shown. */
const MIN_DIGITS_SHOWN = 9
const KIND_OF_WORD: Readonly<Record<string, Kind>> = {
  telegram: 'telegram',
  tg: 'telegram',
  телеграм: 'telegram',
  тг: 'telegram',
  discord: 'discord',
  дискорд: 'discord',
  email: 'email',
  mail: 'email',
  correo: 'email',
  почта: 'email',
  call: 'phone',
  phone: 'phone',
  tel: 'phone',
  whatsapp: 'phone',
  wsp: 'phone',
  wpp: 'phone',
  whats: 'phone',
  zap: 'phone',
  вотсап: 'phone',
  ватсап: 'phone',
  звоните: 'phone',
  zalo: 'phone',
  sđt: 'phone',
  sdt: 'phone',
}

/**
 * Ways to reach the author. Numbers and addresses are shown masked only: what stands in `masked` is all that may ever leave
 * without the owner's consent.
 */
export function readContact(
  raw: string,
  removed: readonly RemovedSpan[],
  tokens: readonly Token[],
  tags: Tags,
  amounts: readonly Amount[],
): Slots['contact'] {
  const spoken = tags.speaksOf(SLOT.contact)
  if (!spoken && removed.length === 0 && !amounts.some((a) => a.role === 'phone')) return NOTHING_SAID.contact
  const kinds = new Set<Kind>()
  const masked = new Set<string>()
  if (spoken)
    for (const hit of tags.hits) {
      if (hit.name === 'contact') kinds.add(KIND_OF_WORD[textAt(tokens, hit.start)] ?? 'dm')
    }
  for (const amount of amounts) {
    if (amount.role !== 'phone') continue
    kinds.add('phone')
    masked.add(maskedPhone(tokens, amount))
  }
  for (const span of removed) {
    const text = raw.slice(span.span[0], span.span[1])
    if (span.kind === 'address') {
      kinds.add('email')
      masked.add(maskedAddress(text))
    } else if (span.kind === 'link') kinds.add(kindOfLink(text))
    else if (span.kind === 'mention') kinds.add('dm')
  }
  return { kinds: [...kinds], masked: [...masked].slice(0, MAX_MASKED) }
}

/** `+84•••••123`: country prefix and last three digits of a long number, nothing of a short one. */
function maskedPhone(tokens: readonly Token[], amount: Amount): string {
  let digits = ''
  for (let k = amount.at; k < amount.end; k++) digits += (tokens[k] as Token).text.replace(/\D/gu, '')
  const plus = textAt(tokens, amount.at - 1) === '+' ? `+${digits.slice(0, 2)}` : ''
  return digits.length >= MIN_DIGITS_SHOWN ? `${plus}${DOTS}${digits.slice(-SHOWN_DIGITS)}` : DOTS
}

function maskedAddress(text: string): string {
  const at = text.indexOf('@')
  return `${text[0] ?? ''}•••@${text.slice(at + 1)}`
}

function kindOfLink(text: string): Kind {
  if (/(?:^|\/\/|\.)(?:t\.me|telegram\.me)\//iu.test(text)) return 'telegram'
  if (/discord\.(?:gg|com)\//iu.test(text)) return 'discord'
  return /wa\.me\//iu.test(text) ? 'phone' : 'link'
}
