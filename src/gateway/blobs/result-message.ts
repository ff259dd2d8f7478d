import { concatRich, styled } from '../../bridges/format/rich-text-ops.ts'
import type { RichText } from '../../bridges/model/rich-text.ts'
import { humanSize } from './errors.ts'

/** Links named in one message. */
const MAX_LINES = 20

/** How a file reaches the people of a chat: itself, by a link, or, where nobody could follow one, by its ticket. */
export type Way = 'file' | 'link' | 'ticket'

interface Shown {
  readonly file: { readonly name: string; readonly size: number; readonly share: string }
  readonly url: string
}

/** What a chat shows with a fetched file, or instead of it. */
export function resultMessage(files: readonly Shown[], way: Way): RichText {
  const shown = files
    .slice(0, MAX_LINES)
    .flatMap(({ file, url }, n): (RichText | string)[] => [
      n === 0 ? '📎 ' : '\n📎 ',
      styled(file.name, { kind: 'bold' }),
      ` (${humanSize(file.size)})`,
      ...(way === 'link' ? [`: ${url}`] : []),
      ...(way === 'ticket'
        ? [' is too large for this chat. K2 applications get it with:\n', styled(file.share, { kind: 'code' })]
        : []),
    ])
  const more = files.length - MAX_LINES
  return concatRich(...shown, more > 0 ? `\nand ${more} more` : '')
}

export function failureMessage(name: string, what: 'fetched' | 'shared', why: string): RichText {
  return concatRich('📎 ', styled(name, { kind: 'bold' }), ` could not be ${what}: ${why}`)
}

export function shareMessage(name: string, share: string): RichText {
  return concatRich('📎 ', styled(name, { kind: 'bold' }), ' can be fetched with this ticket:\n', styled(share, { kind: 'code' }))
}
