import { listMarkersAsText } from '../format/rich-text-ops.ts'
import type { Attachment } from '../model/message.ts'
import type { RichText, Span } from '../model/rich-text.ts'
import { INLINE_TYPES, type WireFile, type WireMessage, type WireRun } from './protocol.ts'
import type { WebChatRecord } from './store.ts'

const WEB_URL = /^https?:\/\//i

/** Cuts a text at every border of a span; each run names the styles over it, outer first. */
export function runsOf(rich: RichText): WireRun[] {
  const { text, spans } = listMarkersAsText(rich)
  if (text === '') return []
  if (spans.length === 0) return [{ text }]
  const borders = [...new Set([0, text.length, ...spans.flatMap((s) => [s.start, s.end])])].sort((a, b) => a - b)
  const runs: WireRun[] = []
  const waiting = [...spans]
  let open: Span[] = []
  for (const [i, start] of borders.entries()) {
    const end = borders[i + 1]
    if (end === undefined) break
    open = open.filter((s) => s.end > start)
    while (waiting[0] !== undefined && waiting[0].start <= start) open.push(waiting.shift() as Span)
    runs.push(runOf(text.slice(start, end), open))
  }
  return runs
}

function runOf(text: string, open: readonly Span[]): WireRun {
  const styles = open.filter((s) => s.kind !== 'link' && s.kind !== 'emoji').map((s) => s.kind)
  const link = open.find((s): s is Span & { kind: 'link' } => s.kind === 'link' && WEB_URL.test(s.url))
  return { text, ...(styles.length > 0 ? { styles } : {}), ...(link ? { url: link.url } : {}) }
}

function fileOf({ room, id }: WebChatRecord, { name, size, alt, mime, kind }: Attachment, n: number): WireFile {
  const isPicture = mime === undefined ? kind === 'image' : INLINE_TYPES.has(mime)
  return {
    name,
    path: `chat/files/${encodeURIComponent(room)}/${id}/${n}`,
    ...(size !== undefined && { size }),
    ...(alt !== undefined && { alt }),
    ...(isPicture && { inline: true as const }),
  }
}

/** A record as pages see it. */
export function wireMessage(record: WebChatRecord, version: number): WireMessage {
  const { id, author, body, at } = record
  const frame = {
    id,
    author: {
      key: author.key,
      name: author.name,
      network: author.network,
      ...(author.senderClass === undefined ? {} : { senderClass: author.senderClass }),
    },
    at,
    version,
  }
  if (record.deletedAt !== undefined) return { ...frame, deleted: true, text: [] }
  const { card, quote } = body
  const reply = { ...(record.replyTo === undefined ? {} : { id: record.replyTo }), ...quote }
  return {
    ...frame,
    text: runsOf(body.rich),
    ...(body.files && body.files.length > 0 && { files: body.files.map((file, n) => fileOf(record, file, n)) }),
    ...(record.editedAt === undefined ? {} : { editedAt: record.editedAt }),
    ...(card ? { card: { kind: card.kind, title: card.title, lines: card.lines, topic: card.topic } } : {}),
    ...(Object.keys(reply).length > 0 ? { reply } : {}),
    ...(body.notice ? { notice: body.notice, text: [] } : {}),
  }
}
