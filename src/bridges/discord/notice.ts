import { printDiscordMarkdown } from '../format/discord-markdown.ts'
import { fileSize } from '../format/fallbacks.ts'
import { plainText } from '../format/plain.ts'
import { concatRich } from '../format/rich-text-ops.ts'
import { cutGraphemes } from '../format/sanitize.ts'
import { splitRich } from '../format/split.ts'
import type { Action, Form, Notice, OutFile } from '../interaction.ts'
import type { RichText } from '../model/rich-text.ts'
import type { ApiFile } from './api.ts'
import { NOBODY } from './run.ts'

const MAX_CONTENT = 2000
const MAX_DESCRIPTION = 4096
const MAX_TITLE = 256
const MAX_ROWS = 5
const PER_ROW = 5
const MAX_LABEL = 80
const MAX_FILES = 10
/** Left for `message.txt`. */
const MAX_OWN_FILES = MAX_FILES - 1
const COLOR = 0x2f6fed
const STYLE = { primary: 1, secondary: 2, success: 3, danger: 4 } as const
const LINK = 5

export interface RenderedNotice {
  readonly body: Readonly<Record<string, unknown>>
  readonly files: readonly ApiFile[]
}

/**
 * A notice as Discord's message: with a title as an embed, otherwise as text. What is too long goes along as a file; files
 * beyond `maxFile` bytes are named instead. Pure, except that files are opened when they are sent.
 */
export function renderNotice(notice: Notice, maxFile: number, signal: AbortSignal): RenderedNotice {
  const files = (notice.files ?? []).slice(0, MAX_OWN_FILES)
  const sendable = files.filter((f) => f.size <= maxFile)
  const tooLarge = files
    .filter((f) => f.size > maxFile)
    .map((f) => `\n📎 ${f.name} (${fileSize(f.size)}) is too large to attach here`)
  const rich = concatRich(notice.rich, ...tooLarge)
  const limit = notice.title === undefined ? MAX_CONTENT : MAX_DESCRIPTION
  const print = (part: RichText): string => printDiscordMarkdown(part)
  const { parts, fullText } = splitRich(rich, { limit, maxParts: 1, measure: (part) => print(part).length })
  const text = print(parts[0] ?? rich)
  const isImage = sendable.length === 1 && sendable[0]?.mime.startsWith('image/')
  const embed = {
    title: cutGraphemes(notice.title ?? '', MAX_TITLE),
    ...(text.trim() !== '' && { description: text }),
    color: COLOR,
    ...(isImage && { image: { url: `attachment://${attachmentName(sendable[0] as OutFile)}` } }),
  }
  const uploads = [
    ...sendable.map((file) => apiFile(file, signal)),
    ...(fullText === undefined ? [] : [textFile(plainText(rich))]),
  ]
  return {
    body: {
      content: notice.title === undefined ? text : '',
      embeds: notice.title === undefined ? [] : [embed],
      components: componentsOf(notice.actions ?? []),
      allowed_mentions: NOBODY,
      attachments: uploads.map(({ name }, id) => ({ id, filename: name })),
    },
    files: uploads,
  }
}

/** Names as Discord keeps them, so that an embed finds its picture. */
function attachmentName(file: OutFile): string {
  return file.name.replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, 100) || 'file'
}

function apiFile(file: OutFile, signal: AbortSignal): ApiFile {
  return {
    name: attachmentName(file),
    type: file.mime,
    size: file.size,
    open: async () => {
      const chunks: Uint8Array<ArrayBuffer>[] = []
      for await (const chunk of file.open(signal)) chunks.push(new Uint8Array(chunk))
      return new Blob(chunks, { type: file.mime })
    },
  }
}

function textFile(text: string): ApiFile {
  const bytes = new TextEncoder().encode(text)
  return {
    name: 'message.txt',
    type: 'text/plain; charset=utf-8',
    size: bytes.length,
    open: async () => new Blob([bytes]),
  }
}

export function componentsOf(rows: readonly (readonly Action[])[]): object[] {
  const broken = rows.flatMap((row) => {
    const out: Action[][] = []
    for (let at = 0; at < row.length; at += PER_ROW) out.push(row.slice(at, at + PER_ROW))
    return out
  })
  return broken.slice(0, MAX_ROWS).map((row) => ({ type: 1, components: row.map(button) }))
}

function button(action: Action): object {
  const label = cutGraphemes(action.label, MAX_LABEL)
  if ('url' in action) return { type: 2, style: LINK, label, url: action.url }
  return { type: 2, style: STYLE[action.style ?? 'secondary'], label, custom_id: action.id }
}

const MAX_MODAL_TITLE = 45
const MAX_FIELD_LABEL = 45
const MAX_PLACEHOLDER = 100
const MAX_VALUE = 4000
const MAX_FIELDS = 5

/** A form as a modal. */
export function renderModal(form: Form): object {
  return {
    custom_id: form.id,
    title: cutGraphemes(form.title, MAX_MODAL_TITLE),
    components: form.fields.slice(0, MAX_FIELDS).map((field) => ({
      type: 1,
      components: [
        {
          type: 4,
          custom_id: field.name,
          label: cutGraphemes(field.label, MAX_FIELD_LABEL),
          style: field.multiline ? 2 : 1,
          required: field.required,
          ...(field.placeholder !== undefined && { placeholder: cutGraphemes(field.placeholder, MAX_PLACEHOLDER) }),
          ...(field.value !== undefined && field.value !== '' && { value: field.value.slice(0, field.maxLength ?? MAX_VALUE) }),
          max_length: Math.min(field.maxLength ?? MAX_VALUE, MAX_VALUE),
        },
      ],
    })),
  }
}
