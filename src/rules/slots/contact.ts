import type { Slots } from '../model.ts'
import type { Token } from '../text/model.ts'
import type { Amount } from './amount.ts'
import type { Tags } from './tags.ts'

/** Digit groups of one number are separate tokens, so none of them is shown. */
const MASKED_PHONE = '•••••••••'
const EMAIL = /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,24}){1,4}/gu

/** Contact signs; numbers and addresses masked. */
export function readContact(raw: string, tokens: readonly Token[], tags: Tags, amounts: readonly Amount[]): Slots['contact'] {
  const kinds = new Set<Slots['contact']['kinds'][number]>()
  const masked: string[] = []
  for (const hit of tags.hits) {
    if (tags.name(hit) !== 'contact') continue
    const word = tokens[hit.start]?.text ?? ''
    kinds.add(
      word === 'telegram' || word === 'tg'
        ? 'telegram'
        : word === 'discord'
          ? 'discord'
          : word === 'email' || word === 'mail'
            ? 'email'
            : word === 'call' || word === 'phone' || word === 'zalo' || word === 'tel'
              ? 'phone'
              : 'dm',
    )
  }
  for (const amount of amounts) {
    if (amount.role !== 'phone' || masked.length >= 5) continue
    kinds.add('phone')
    if (!masked.includes(MASKED_PHONE)) masked.push(MASKED_PHONE)
  }
  for (const match of raw.matchAll(EMAIL)) {
    if (masked.length >= 5) break
    kinds.add('email')
    masked.push(`${match[0][0]}•••@${match[0].slice(match[0].indexOf('@') + 1)}`)
  }
  return { kinds: [...kinds], masked }
}
