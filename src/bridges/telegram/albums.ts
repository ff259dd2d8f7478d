import { BoundedMap } from '../../base/bounded-map.ts'
import { concatRich } from '../format/rich-text-ops.ts'
import type { Body, BridgeEvent, Envelope } from '../model/message.ts'

/** An album has no end mark: it is complete when nothing of it came for this long, ms (bridging 5.2). */
const QUIET_MS = 700
/** … or after this since its first item, or with this many items. */
const LONGEST_MS = 3_000
const MAX_ITEMS = 10
const MAX_ALBUM_MESSAGES = 20_000

/** An item of an album that waits for the others. */
export interface HeldItem {
  readonly updateId: number
  readonly envelope: Envelope
  readonly key: string
  /** Monotonic ms. */
  readonly at: number
}

export interface Collected {
  /** To be stored now, in order. */
  readonly ready: readonly Envelope[]
  readonly held: readonly HeldItem[]
  /** When a held album is complete, monotonic ms; undefined when nothing is held. */
  readonly dueAt: number | undefined
}

/** The album a message is part of. */
function albumOf(envelope: Envelope): string | undefined {
  return envelope.event.kind === 'message.create' ? envelope.event.albumKey : undefined
}

/**
 * Holds items of albums back until the album is complete and joins them into one message. Pure: held items are state of the
 * caller, who must not confirm their updates before they are stored. A later message of the same chat completes an album.
 */
export function collect(
  held: readonly HeldItem[],
  incoming: readonly { readonly updateId: number; readonly envelope: Envelope }[],
  now: number,
): Collected {
  const ready: Envelope[] = []
  let waiting = [...held]
  const flush = (of: (item: HeldItem) => boolean): void => {
    const keys = new Set(waiting.filter(of).map((item) => item.key))
    for (const key of keys) ready.push(joined(waiting.filter((item) => item.key === key).map((item) => item.envelope)))
    waiting = waiting.filter((item) => !keys.has(item.key))
  }
  for (const { updateId, envelope } of incoming) {
    if (waiting.some((item) => item.updateId === updateId)) continue
    const key = albumOf(envelope)
    flush((item) => item.envelope.msg.channel === envelope.msg.channel && item.key !== key && item.updateId < updateId)
    if (key === undefined) {
      ready.push(envelope)
      continue
    }
    waiting.push({ updateId, envelope, key, at: now })
    if (waiting.filter((item) => item.key === key).length >= MAX_ITEMS) flush((item) => item.key === key)
  }
  flush((item) => dueOf(waiting, item.key) <= now)
  const dues = waiting.map((item) => dueOf(waiting, item.key))
  return { ready, held: waiting, dueAt: dues.length === 0 ? undefined : Math.min(...dues) }
}

function dueOf(waiting: readonly HeldItem[], key: string): number {
  const times = waiting.filter((item) => item.key === key).map((item) => item.at)
  return Math.min(Math.max(...times) + QUIET_MS, Math.min(...times) + LONGEST_MS)
}

type Create = Extract<BridgeEvent, { kind: 'message.create' }>

/** Items of one album as one message, which has the id of the first. */
function joined(items: readonly Envelope[]): Envelope {
  const first = items[0] as Envelope
  if (items.length === 1) return first
  const event = first.event as Create
  const body = joinedBody(items.map((item) => (item.event as Create).body))
  return { ...first, event: { ...event, body, alsoIds: items.slice(1).map((item) => item.msg.id) } }
}

function joinedBody(bodies: readonly Body[]): Body {
  const texts = bodies.map((body) => body.rich).filter((rich) => rich.text !== '')
  return {
    ...(bodies[0] as Body),
    rich: concatRich(...texts.flatMap((text, i) => (i === 0 ? [text] : ['\n', text]))),
    attachments: bodies.flatMap((body) => body.attachments),
  }
}

interface KnownAlbum {
  readonly firstId: string
  /** By message id, in order. */
  readonly items: Map<string, Body>
}

/** Albums of late, so that an edit of one item becomes an edit of the whole message. */
export class AlbumMemory {
  readonly #albums = new BoundedMap<string, KnownAlbum>({ max: MAX_ALBUM_MESSAGES })

  /** Notes the items of an album before they are joined. */
  note(item: Envelope): void {
    const key = albumOf(item)
    if (key === undefined || item.event.kind !== 'message.create') return
    const known = this.#albums.get(key, 0) ?? { firstId: item.msg.id, items: new Map<string, Body>() }
    known.items.set(item.msg.id, item.event.body)
    this.#albums.set(key, known, 0)
  }

  /**
   * An edit of an item as an edit of the message the album became. Undefined: it changes nothing people see, because the
   * album is not known any more and the item has no words.
   */
  edited(envelope: Envelope, albumKey: string): Envelope | undefined {
    const { event, msg } = envelope
    if (event.kind !== 'message.edit') return envelope
    const known = this.#albums.get(albumKey, 0)
    if (known === undefined) {
      // Of the other items nothing is known, so they stay.
      return event.body.rich.text === '' ? undefined : { ...envelope, event: { ...event, keepsFiles: true } }
    }
    known.items.set(msg.id, event.body)
    return { ...envelope, msg: { ...msg, id: known.firstId }, event: { ...event, body: joinedBody([...known.items.values()]) } }
  }
}
