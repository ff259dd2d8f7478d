import { concatRich, styled } from '../../bridges/format/rich-text-ops.ts'
import type { Action, Meter, Notice, OutFile } from '../../bridges/interaction.ts'
import type { RichText, SpanStyle } from '../../bridges/model/rich-text.ts'
import type { CommandResult } from './definition.ts'

export const bold = (text: string): RichText => styled(text, { kind: 'bold' })
export const code = (text: string): RichText => styled(text, { kind: 'code' })
export const link = (text: string, url: string): RichText => styled(text, { kind: 'link', url } satisfies SpanStyle)

/** Lines one below the other. Nothing in them is read as markup. */
export function lines(...parts: readonly (RichText | string | undefined)[]): RichText {
  const shown = parts.filter((part) => part !== undefined)
  return concatRich(...shown.flatMap((part, i) => (i === 0 ? [part] : ['\n', part])))
}

/** One line of several pieces. */
export const line = (...parts: readonly (RichText | string)[]): RichText => concatRich(...parts)

export interface NoticeParts {
  readonly title?: string
  readonly actions?: readonly (readonly Action[])[]
  readonly files?: readonly OutFile[]
  readonly meters?: readonly Meter[]
}

export function notice(text: RichText | string, parts: NoticeParts = {}): Notice {
  return { rich: typeof text === 'string' ? { text, spans: [] } : text, ...parts }
}

/** A command's answer; `data` is what HTTP and `--json` show. */
export function answer(
  text: RichText | string,
  data: unknown,
  parts: NoticeParts & { readonly private?: boolean; readonly replace?: boolean } = {},
): CommandResult {
  const { private: isPrivate, replace, ...shown } = parts
  return {
    kind: 'answer',
    notice: notice(text, shown),
    data,
    ...(isPrivate !== undefined && { private: isPrivate }),
    ...(replace !== undefined && { replace }),
  }
}

/** A small file made here. */
export function fileOf(name: string, mime: string, bytes: Uint8Array): OutFile {
  return {
    name,
    mime,
    size: bytes.length,
    async *open() {
      yield bytes
    },
  }
}
