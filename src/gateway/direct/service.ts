import { toBase32 } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import { hashId } from '../../base/ids.ts'
import type { Logger } from '../../base/logger.ts'
import type { Rng } from '../../base/random.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import { plain } from '../../bridges/model/rich-text.ts'
import type { Counters, RouteDefinition } from '../pipeline/index.ts'
import type { OwnMessage } from '../pipeline/say.ts'
import { type DirectConversation, type DirectRequest, directKey, directPlace, peerKeyOf, routeOf } from './model.ts'
import type { DirectStore } from './store.ts'

/** A code is good this long, ms, and may be guessed this often. */
const CODE_MS = 10 * 60_000
const MAX_TRIES = 5
const CODE_BYTES = 5
/** Requests of one person at once, and conversations of the gateway. */
const MAX_REQUESTS = 3
const MAX_CONVERSATIONS = 5_000
/** Activity is written down at most this often per conversation, ms, and four times in the time after which it ends. */
const ACTIVE_EVERY_MS = 3_600_000
/** Who blocks where people write to the staff. */
export const STAFF = 'staff'

export interface DirectServiceOptions {
  readonly store: DirectStore
  /** Uses the routes of the open conversations. */
  readonly useRoutes: (routes: readonly RouteDefinition[]) => void
  /** Says something in a place for good. */
  readonly say: (message: OwnMessage) => Promise<void>
  /** Makes sure that a K2 peer can be talked with. */
  readonly know: (nodeId: string) => void
  /** What a K2 peer is called here. */
  readonly nameOf: (nodeId: string) => string
  /** The staff's thread is over. */
  readonly closeThread: (place: Place) => void
  readonly idleMs: () => number
  readonly counters: Counters
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
}

/** Conversations between a person and a K2 contact or the staff: begun by agreement, ended by either side (bridging 19). */
export class DirectService {
  readonly #o: DirectServiceOptions
  readonly #open = new Map<string, DirectConversation>()
  readonly #byPlace = new Map<string, DirectConversation>()
  readonly #active = new Map<string, number>()
  /** When activity was written down last. */
  readonly #written = new Map<string, number>()
  #requests: readonly DirectRequest[] = []
  #blocks = new Set<string>()

  constructor(options: DirectServiceOptions, open: readonly DirectConversation[]) {
    this.#o = options
    for (const conversation of open) this.#keep(conversation)
  }

  async start(): Promise<void> {
    await this.#refresh()
    this.#blocks = new Set((await this.#o.store.blocks()).map(({ who, blocked }) => blockKey(who, blocked)))
    for (const { other, person } of this.#open.values()) for (const place of [other, person]) this.#know(place)
  }

  conversations(): readonly DirectConversation[] {
    return [...this.#open.values()]
  }

  requests(): readonly DirectRequest[] {
    return this.#requests.filter((request) => request.expiresAt > this.#o.clock.now())
  }

  /** The conversation a place is part of. */
  at(place: Place): DirectConversation | undefined {
    return this.#byPlace.get(placeKey(place)) ?? this.#byPlace.get(directKey(place))
  }

  byId(id: string): DirectConversation | undefined {
    return this.#open.get(id)
  }

  isBlocked(who: string, whom: string): boolean {
    return this.#blocks.has(blockKey(who, whom))
  }

  /** A person asks for a conversation with a K2 contact; answers the code. Throws `DIRECT_BUSY`, `DIRECT_BLOCKED`, `DIRECT_TOO_MANY`. */
  async request(wish: Pick<DirectRequest, 'personKey' | 'personName' | 'person' | 'contact'>): Promise<DirectRequest> {
    const { store, clock, rng } = this.#o
    const person = directPlace(wish.person)
    const other = contactPlace(wish.contact)
    this.#requireFree(person, other)
    if (this.isBlocked(peerKeyOf(other), wish.personKey)) throw blocked()
    if (this.requests().filter((r) => r.personKey === wish.personKey).length >= MAX_REQUESTS) {
      const message = 'you have asked often enough: wait for an answer, or ten minutes'
      throw new K2Error({ code: 'DIRECT_TOO_MANY', kind: 'limit', message })
    }
    const code = toBase32(rng.bytes(CODE_BYTES)).slice(0, 8).toUpperCase()
    const request = { ...wish, person, code, expiresAt: clock.now() + CODE_MS }
    await store.ask(request, clock.now())
    await this.#refresh()
    return { ...request, tries: 0 }
  }

  /** Takes a request back: nobody could be asked. */
  async withdraw(code: string): Promise<void> {
    await this.#o.store.answered(code)
    await this.#refresh()
  }

  /** Whether a text of a K2 peer answers a request: the code itself, or `block`. True: it is not a message for anybody. */
  async answer(peer: string, text: string): Promise<boolean> {
    const { store, clock } = this.#o
    const asked = this.requests().filter((request) => request.contact === peer)
    const words = text.trim().toUpperCase()
    const request = asked.find((r) => words === r.code)
    if (request) {
      await this.accept(request)
      return true
    }
    if (asked.length > 0 && words === 'BLOCK') {
      for (const { code, personKey } of asked) {
        await store.answered(code)
        await this.block(`p2p:${peer}`, personKey)
      }
      await this.#refresh()
      return true
    }
    // Guesses are counted, so that nobody gets in by trying.
    if (asked.length === 0 || !/^[A-Z2-7]{8}$/.test(words)) return false
    await store.tried(peer)
    await store.forget(clock.now(), MAX_TRIES)
    await this.#refresh()
    return true
  }

  /** The other side, or an administrator, agrees. Throws `DIRECT_BUSY`; undefined when it was answered before. */
  async accept(request: DirectRequest): Promise<DirectConversation | undefined> {
    const other = contactPlace(request.contact)
    this.#requireFree(request.person, other)
    if (!(await this.#o.store.answered(request.code))) return undefined
    await this.#refresh()
    return this.begin({ ...request, kind: 'pair', other, otherName: this.#o.nameOf(request.contact) })
  }

  /** Opens a conversation; both sides are told once who reads it. Throws `DIRECT_BUSY`, `DIRECT_FULL`. */
  async begin(
    init: Pick<DirectConversation, 'kind' | 'personKey' | 'personName' | 'person' | 'other' | 'otherName'>,
  ): Promise<DirectConversation> {
    const { store, clock, rng, log, counters } = this.#o
    if (this.#open.size >= MAX_CONVERSATIONS) {
      throw new K2Error({ code: 'DIRECT_FULL', kind: 'limit', message: 'too many direct conversations are open' })
    }
    const { kind, personKey, personName, other, otherName } = init
    const person = directPlace(init.person)
    const now = clock.now()
    const id = hashId([rng.u32(), rng.u32(), now], 12)
    const conversation: DirectConversation = {
      id,
      kind,
      personKey,
      personName,
      person,
      other,
      otherName,
      openedAt: now,
      activeAt: now,
    }
    if (!(await store.add(conversation))) throw busy()
    this.#keep(conversation)
    this.#know(other)
    this.#useRoutes()
    counters.add('direct_conversations_total', { kind, change: 'opened' })
    log.info({ ev: 'direct-opened', direct: id, kind }, 'a direct conversation begins')
    const [toPerson, toOther] = greetings(conversation)
    await this.#tell(conversation, 'person', 'opened', toPerson)
    await this.#tell(conversation, 'other', 'opened', toOther)
    return conversation
  }

  /** Ends a conversation; what waits is still delivered. `by` is told in the log. */
  async end(id: string, by: 'person' | 'other' | 'staff' | 'idle' | 'blocked'): Promise<boolean> {
    const { store, clock, log, counters, closeThread } = this.#o
    const conversation = this.#open.get(id)
    if (conversation === undefined || !(await store.close(id, by, clock.now()))) return false
    await this.#tell(
      conversation,
      'person',
      'ended',
      `This conversation has ended${by === 'idle' ? ': nobody wrote for a long time' : ''}.`,
    )
    await this.#tell(conversation, 'other', 'ended', `The conversation with ${conversation.personName} has ended.`)
    this.#open.delete(id)
    this.#active.delete(id)
    this.#written.delete(id)
    this.#byPlace.delete(placeKey(conversation.person))
    this.#byPlace.delete(placeKey(conversation.other))
    this.#useRoutes()
    counters.add('direct_conversations_total', { kind: conversation.kind, change: by === 'idle' ? 'expired' : 'ended' })
    log.info({ ev: 'direct-ended', direct: id, by }, 'a direct conversation has ended')
    if (conversation.kind === 'inbox') closeThread(conversation.other)
    return true
  }

  /** `who` no longer wants to hear from `whom`: ends their conversation and refuses further ones. */
  async block(who: string, whom: string): Promise<void> {
    await this.#o.store.block(who, whom, this.#o.clock.now())
    this.#blocks.add(blockKey(who, whom))
    for (const c of this.conversations()) {
      const sides = [c.personKey, c.kind === 'inbox' ? STAFF : peerKeyOf(c.other)]
      if (sides.includes(who) && sides.includes(whom)) await this.end(c.id, 'blocked')
    }
  }

  /** False when there was no block. */
  async unblock(who: string, whom: string): Promise<boolean> {
    this.#blocks.delete(blockKey(who, whom))
    return this.#o.store.unblock(who, whom)
  }

  /** Notes that somebody wrote. */
  async noteActivity(conversation: DirectConversation): Promise<void> {
    const { store, clock, idleMs } = this.#o
    const now = clock.now()
    this.#active.set(conversation.id, now)
    const written = this.#written.get(conversation.id) ?? conversation.activeAt
    if (now - written < Math.min(ACTIVE_EVERY_MS, idleMs() / 4)) return
    this.#written.set(conversation.id, now)
    await store.active(conversation.id, now)
  }

  /** Ends what nobody uses, forgets what nobody answered. */
  async sweep(): Promise<void> {
    const { store, clock, idleMs } = this.#o
    const now = clock.now()
    await store.forget(now, MAX_TRIES)
    await this.#refresh()
    for (const c of this.conversations()) {
      if (now - (this.#active.get(c.id) ?? c.activeAt) > idleMs()) await this.end(c.id, 'idle')
    }
  }

  /** Nothing can be delivered to one side: the other side learns it. */
  async stuck(lane: string, since: number): Promise<void> {
    const conversation = this.#byPlace.get(lane)
    if (conversation === undefined) return
    const isPerson = placeKey(conversation.person) === lane
    const name = isPerson ? conversation.personName : conversation.otherName
    const text = `${name} cannot be reached at the moment: they may have blocked the bot or left. What you write waits up to a week.`
    await this.#tell(conversation, isPerson ? 'other' : 'person', `stuck-${since}`, text)
  }

  #requireFree(person: Place, other: Place): void {
    if (this.at(person) !== undefined) throw busy('you are in a conversation already: end it first')
    if (this.at(other) !== undefined) throw busy()
  }

  #keep(conversation: DirectConversation): void {
    this.#open.set(conversation.id, conversation)
    this.#byPlace.set(placeKey(conversation.person), conversation)
    this.#byPlace.set(placeKey(conversation.other), conversation)
  }

  #know({ network, channel }: Place): void {
    if (network === 'p2p') this.#o.know(channel.slice('dm:'.length))
  }

  #useRoutes(): void {
    this.#o.useRoutes(this.conversations().map(routeOf))
  }

  async #refresh(): Promise<void> {
    this.#requests = await this.#o.store.requests()
  }

  #tell(conversation: DirectConversation, side: 'person' | 'other', what: string, text: string): Promise<void> {
    return this.#o.say({ key: `direct/${conversation.id}/${what}/${side}`, place: conversation[side], rich: plain(text) })
  }
}

const NETWORK_NAMES = { discord: 'Discord', telegram: 'Telegram', p2p: 'K2', web: 'the web chat' } as const

/** What each side must know: whose company's computers the text passes now. */
function greetings({ kind, person, personKey, personName, otherName }: DirectConversation): readonly [string, string] {
  const here = NETWORK_NAMES[person.network]
  if (kind === 'inbox') {
    return [
      'Your message was passed on to the team of this gateway. They read what you write here, and answer here. Write /end to stop.',
      `${personName} (${personKey}) writes from ${here}. What you write here goes to them, under your name.`,
    ]
  }
  return [
    `You are talking with the K2 contact ${otherName} now. What you write leaves ${here} and cannot be recalled there. Write /end to stop.`,
    `You are talking with ${personName} on ${here} now. What you write is stored by ${here}, too. Write /end to stop.`,
  ]
}

/** What a person wrote to end it. */
export function isEnd({ event }: Envelope): boolean {
  return event.kind === 'message.create' && /^\/end\s*$/i.test(event.body.rich.text.trim())
}

export const contactPlace = (nodeId: string): Place => ({ network: 'p2p', account: 'self', channel: `dm:${nodeId}` })

const blockKey = (who: string, whom: string): string => `${who} ${whom}`

function busy(message = 'this contact is in another conversation at the moment: try again later'): K2Error {
  return new K2Error({ code: 'DIRECT_BUSY', kind: 'conflict', message })
}

function blocked(): K2Error {
  return new K2Error({ code: 'DIRECT_BLOCKED', kind: 'denied', message: 'this contact does not want to be asked' })
}
