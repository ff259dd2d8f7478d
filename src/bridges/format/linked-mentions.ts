import type { Network } from '../model/place.ts'
import type { RichText, Span } from '../model/rich-text.ts'

/** People one message may notify (bridging 11); further mentions are text. */
const MAX_MENTIONED = 10

export interface LinkedMentions {
  readonly rich: RichText
  /** Native ids on `network` that may be notified. */
  readonly granted: ReadonlySet<string>
}

/** Mentions of people who linked an account of `network`, as mentions of that account; all others stay as they are. */
export function linkedMentions(rich: RichText, network: Network): LinkedMentions {
  const granted = new Set<string>()
  if (!rich.spans.some((s) => s.kind === 'mention' && s.accounts !== undefined)) return { rich, granted }
  const spans = rich.spans.map((span): Span => {
    if (span.kind !== 'mention' || span.accounts === undefined) return span
    const { accounts, ...mention } = span
    const id = accounts.find((account) => account.startsWith(`${network}:`))?.slice(network.length + 1)
    if (id === undefined || (!granted.has(id) && granted.size >= MAX_MENTIONED)) return mention
    granted.add(id)
    return { ...mention, id }
  })
  return { rich: { ...rich, spans }, granted }
}
