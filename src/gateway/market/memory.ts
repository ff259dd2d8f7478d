import { alert, language, match, subscribe } from '../../rules/index.ts'
import { ChannelTable, IntentBook } from '../../rules/thread/index.ts'
import type { MarketIntent, Origin, PersonSettings, PublishConsent, Search } from './model.ts'
import type { Loaded } from './store.ts'
import { consentKey } from './store.ts'

/** Work per turn of the event loop while loading or rebuilding, in entries. */
const LOAD_SLICE = 500
const INDEX_STEP = 2_000

/** Counter of an author's messages, and how long it lasts after the last one. */
const MESSAGES = 'author-messages'
const MESSAGES_MS = 90 * 86_400_000
const messageCount = (author: string, count: number, now: number): language.StateChange => ({
  kind: 'counter',
  rule: MESSAGES,
  key: author,
  value: [count],
  expires_at: now + MESSAGES_MS,
})

/** What the market holds in memory: everything that is needed to judge a message without asking the database. */
export class MarketMemory {
  /** Records of all intents by id, message and place, for conversations. */
  readonly book = new IntentBook()
  readonly channels = new ChannelTable()
  /** Open intents by their words, for matching. */
  readonly open = new match.OpenIntents()
  readonly medians = new match.PriceMedians()
  readonly index = new subscribe.SubscriptionIndex()
  readonly searches = new Map<string, Search>()
  readonly alerts = new alert.AlertState()
  readonly ruleState = new language.RuleState()
  readonly tags = new language.TagBook()
  readonly people = new Map<string, PersonSettings>()
  readonly consents = new Map<string, PublishConsent>()
  /** Account key to the person it belongs to; accounts that are not linked are their own person. */
  links: ReadonlyMap<string, string> = new Map()
  /** Accounts that hold a role of the gateway, and `discord-role:` ids that give it. */
  roles: ReadonlyMap<string, readonly string[]> = new Map()
  readonly #rest = new Map<string, Omit<MarketIntent, 'record'>>()
  readonly #searchesOf = new Map<string, Set<string>>()
  readonly #published = new Set<string>()
  /** Open intents of each account. */
  readonly #openOf = new Map<string, number>()
  /** Authors whose messages were counted since the last look. */
  #counted = new Set<string>()

  get size(): number {
    return this.#rest.size
  }

  get(intentId: string): MarketIntent | undefined {
    const record = this.book.get(intentId)
    const rest = this.#rest.get(intentId)
    return record === undefined || rest === undefined ? undefined : { record, ...rest }
  }

  originOf(intentId: string): Origin | undefined {
    return this.#rest.get(intentId)?.origin
  }

  put(entry: MarketIntent): void {
    const { record, ...rest } = entry
    const { intent } = record
    const known = this.book.get(intent.intent_id)?.intent
    const before = known?.slots.price?.min
    this.#countOpen(known, -1)
    this.#countOpen(intent, 1)
    this.book.put(record)
    this.#rest.set(intent.intent_id, rest)
    if (entry.published === null) this.#published.delete(intent.intent_id)
    else this.#published.add(intent.intent_id)
    this.open.insert(intent)
    const price = intent.slots.price?.min
    if (intent.status === 'open' && intent.side === 'offer' && price != null && price !== before && intent.topic !== null)
      this.medians.add(intent.topic.slug, intent.slots.price?.currency ?? '', Number(price))
  }

  #countOpen(intent: MarketIntent['record']['intent'] | undefined, by: 1 | -1): void {
    if (intent?.status !== 'open') return
    const count = (this.#openOf.get(intent.owner) ?? 0) + by
    if (count > 0) this.#openOf.set(intent.owner, count)
    else this.#openOf.delete(intent.owner)
  }

  /** Open intents of an account and of those linked to it. */
  openOf(account: string): number {
    const person = this.personOf(account)
    if (person === account && this.links.size === 0) return this.#openOf.get(account) ?? 0
    return this.accountsOf(person).reduce((sum, key) => sum + (this.#openOf.get(key) ?? 0), 0)
  }

  /** What rules remember, as it was stored or has changed. */
  remember(changes: readonly language.StateChange[]): void {
    this.ruleState.apply(changes.some((c) => c.kind === 'tag') ? changes.filter((c) => c.kind !== 'tag') : changes)
    this.tags.apply(changes)
  }

  /** Messages of an author in the last months, this one included. */
  countMessage(author: string, now: number): void {
    const count = (this.messagesOf(author, now) ?? 0) + 1
    this.ruleState.apply([messageCount(author, count, now)])
    this.#counted.add(author)
  }

  messagesOf(author: string, now: number): number | undefined {
    return this.ruleState.get('counter', MESSAGES, author, now)?.[0]
  }

  /** Counts that changed since the last call, to be stored. */
  takeMessageCounts(now: number): language.StateChange[] {
    const authors = this.#counted
    this.#counted = new Set()
    return [...authors].map((author) => messageCount(author, this.messagesOf(author, now) ?? 0, now))
  }

  *published(): IterableIterator<MarketIntent> {
    for (const id of this.#published) {
      const entry = this.get(id)
      if (entry !== undefined) yield entry
    }
  }

  /** Every intent, newest first. */
  *all(): IterableIterator<MarketIntent> {
    for (const id of [...this.#rest.keys()].reverse()) {
      const entry = this.get(id)
      if (entry !== undefined) yield entry
    }
  }

  /** Forgets ended intents last touched before `until`. */
  sweepEnded(until: number): void {
    this.book.sweep(until)
    for (const id of this.#rest.keys()) if (this.book.get(id) === undefined) this.#rest.delete(id)
  }

  putSearch(search: Search): void {
    this.searches.set(search.id, search)
    const own = this.#searchesOf.get(search.owner) ?? new Set<string>()
    this.#searchesOf.set(search.owner, own.add(search.id))
    if (search.status === 'active') this.index.add(search.id, search.query)
    else this.index.remove(search.id)
  }

  removeSearch(id: string): void {
    const search = this.searches.get(id)
    if (search === undefined) return
    this.searches.delete(id)
    this.#searchesOf.get(search.owner)?.delete(id)
    this.index.remove(id)
  }

  searchesOf(owner: string): Search[] {
    return [...(this.#searchesOf.get(owner) ?? [])].flatMap((id) => this.searches.get(id) ?? [])
  }

  personOf(account: string): string {
    return this.links.get(account) ?? account
  }

  /** Forgets a person's searches, settings, alerts and consents. */
  forget(person: string): void {
    for (const search of this.searchesOf(person)) this.removeSearch(search.id)
    this.people.delete(person)
    this.alerts.erase(person)
    for (const key of this.consents.keys()) if (key.startsWith(`${person}\0`)) this.consents.delete(key)
  }

  /** Accounts of a person, as far as they are linked. */
  accountsOf(person: string): string[] {
    return [person, ...[...this.links].flatMap(([account, p]) => (p === person && account !== person ? [account] : []))]
  }

  consentOf(person: string, place: string): PublishConsent | undefined {
    return this.consents.get(consentKey(person, place))
  }

  /** Takes up what was stored, a slice per turn, so that bridges go on meanwhile. */
  async restore(loaded: Loaded, turn: () => Promise<void>): Promise<void> {
    let n = 0
    const pause = async (): Promise<void> => {
      if (++n % LOAD_SLICE === 0) await turn()
    }
    for (const entry of loaded.intents) {
      this.put(entry)
      await pause()
    }
    for (const search of loaded.searches) {
      this.putSearch(search)
      await pause()
      while (this.index.rebuildDue && this.index.rebuildStep(INDEX_STEP)) await turn()
    }
    for (const change of loaded.alerts) {
      this.alerts.apply(change)
      await pause()
    }
    for (const [person, settings] of loaded.people) this.people.set(person, settings)
    for (const [key, consent] of loaded.consents) this.consents.set(key, consent)
    this.remember(loaded.ruleState)
  }

  /** Keeps the indexes tight, a step per call; true while there is more to do. */
  tidyStep(): boolean {
    const lists = this.open.compactionDue && this.open.compactStep(INDEX_STEP)
    const packed = this.index.rebuildDue && this.index.rebuildStep(INDEX_STEP)
    return lists || packed
  }
}
