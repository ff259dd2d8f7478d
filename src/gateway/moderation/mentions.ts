import type { Envelope } from '../../bridges/model/message.ts'
import type { Span } from '../../bridges/model/rich-text.ts'
import type { BridgeSink } from '../../bridges/port.ts'

/** The same sink; mentions of people who linked their accounts say which these are, so that they are mentions elsewhere too. */
export function mentionSink(inner: BridgeSink, accountsOf: (account: string) => readonly string[]): BridgeSink {
  return {
    ingest: (envelopes, cursors) =>
      inner.ingest(
        envelopes.map((e) => withAccounts(e, accountsOf)),
        cursors,
      ),
  }
}

function withAccounts(envelope: Envelope, accountsOf: (account: string) => readonly string[]): Envelope {
  const { event, at } = envelope
  if (event.kind !== 'message.create' && event.kind !== 'message.edit') return envelope
  const { rich } = event.body
  if (!rich.spans.some(isPerson)) return envelope
  const spans = rich.spans.map((span): Span => {
    if (!isPerson(span)) return span
    const own = `${at.network}:${span.id}`
    const accounts = accountsOf(own).filter((account) => account !== own)
    return accounts.length === 0 ? span : { ...span, accounts }
  })
  return { ...envelope, event: { ...event, body: { ...event.body, rich: { ...rich, spans } } } }
}

const isPerson = (span: Span): span is Span & { kind: 'mention' } => span.kind === 'mention' && span.target === 'user'
