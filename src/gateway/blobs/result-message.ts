import { concatRich, styled } from '../../bridges/format/rich-text-ops.ts'
import type { RichText } from '../../bridges/model/rich-text.ts'
import { humanSize } from './errors.ts'

/** Links named in one message. */
const MAX_LINES = 20

/** What a chat shows with a fetched file, or with the links to it. */
export function resultMessage(
  files: readonly { readonly file: { readonly name: string; readonly size: number }; readonly url: string }[],
  asFile: boolean,
): RichText {
  if (asFile)
    return concatRich(`📎 `, styled(files[0]?.file.name ?? '', { kind: 'bold' }), ` (${humanSize(files[0]?.file.size ?? 0)})`)
  const shown = files
    .slice(0, MAX_LINES)
    .flatMap(({ file, url }, n): (RichText | string)[] => [
      n === 0 ? '📎 ' : '\n📎 ',
      styled(file.name, { kind: 'bold' }),
      ` (${humanSize(file.size)}): ${url}`,
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
