/**
 * Plain text plus spans (bridging 7). Offsets are UTF-16 code units into `text`; spans may nest but not cross,
 * are sorted by start (outer first) and are never empty.
 */
export interface RichText {
  readonly text: string
  readonly spans: readonly Span[]
}

export type SpanStyle =
  | { readonly kind: 'bold' | 'italic' | 'underline' | 'strike' | 'spoiler' | 'code' }
  /** `quote`, `pre`, `heading`, `subtext` and `listItem` are blocks: they cover whole lines without the last newline. */
  | { readonly kind: 'quote'; readonly collapsed?: boolean }
  | { readonly kind: 'pre'; readonly language?: string }
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3 }
  | { readonly kind: 'subtext' }
  /** The marker is not part of the text: printers add it (`listMarkersAsText`). `depth` counts from 0. */
  | { readonly kind: 'listItem'; readonly ordered: boolean; readonly index: number; readonly depth: number }
  | { readonly kind: 'link'; readonly url: string }
  /** `name` is what people read; `id` the native id on `network`, never sent to another network. */
  | {
      readonly kind: 'mention'
      readonly target: 'user' | 'role' | 'channel' | 'everyone' | 'command'
      readonly id: string
      readonly name: string
      /** Keys of further accounts of a mentioned person, who linked them: there a mention may be one, too. */
      readonly accounts?: readonly string[]
    }
  | { readonly kind: 'emoji'; readonly id: string; readonly name: string; readonly animated: boolean }
  | { readonly kind: 'timestamp'; readonly unixSeconds: number; readonly style: string }

export type Span = SpanStyle & { readonly start: number; readonly end: number }

export function plain(text: string): RichText {
  return { text, spans: [] }
}
