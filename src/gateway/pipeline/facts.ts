import type { Author, Body, Envelope } from '../../bridges/model/message.ts'
import type { MessageFacts } from '../../rules/index.ts'

/** What rules and filters may know about a message (see `src/rules`). */
export function factsOf(envelope: Envelope, body: Body): MessageFacts {
  const { author } = envelope
  const embeds = body.embeds ?? []
  const texts = [
    body.rich.text,
    ...embeds.flatMap((e) => [e.title, e.description]),
    body.poll?.question,
    ...(body.card?.lines ?? []),
  ]
  const links = [...body.rich.spans.flatMap((s) => (s.kind === 'link' ? [s.url] : [])), ...embeds.map((e) => e.url)]
  return {
    network: envelope.at.network,
    text: texts.filter((t): t is string => t !== undefined && t !== '').join('\n'),
    links: links.filter((l): l is string => l !== undefined),
    authorKey: author.key,
    authorName: author.displayName,
    roles: author.roles,
    files: body.attachments.map(({ kind, mime, size }) => ({ kind, mime, size })),
    at: envelope.occurredAt,
    isBot: isAutomatic(author),
    senderClass: author.senderClass,
  }
}

/** Written by a program, as far as the platform tells. */
export function isAutomatic(author: Author): boolean {
  return author.isBot || author.kind === 'bot' || author.kind === 'webhook'
}
