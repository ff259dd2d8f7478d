/** Intents by the events they bring. */
export const INTENTS = {
  GUILDS: 1 << 0,
  GUILD_MEMBERS: 1 << 1,
  GUILD_WEBHOOKS: 1 << 5,
  GUILD_PRESENCES: 1 << 8,
  GUILD_MESSAGES: 1 << 9,
  GUILD_MESSAGE_REACTIONS: 1 << 10,
  GUILD_MESSAGE_TYPING: 1 << 11,
  DIRECT_MESSAGES: 1 << 12,
  DIRECT_MESSAGE_REACTIONS: 1 << 13,
  DIRECT_MESSAGE_TYPING: 1 << 14,
  MESSAGE_CONTENT: 1 << 15,
} as const

export const PRIVILEGED = INTENTS.GUILD_MEMBERS | INTENTS.GUILD_PRESENCES | INTENTS.MESSAGE_CONTENT
/** Every bit that means something. */
export const KNOWN_INTENTS = 0x37f_ffff

/** The intent that brings an event, for guilds and for direct messages. 0 = always. */
function intentOf(event: string, inGuild: boolean): number {
  if (event.startsWith('MESSAGE_REACTION')) return inGuild ? INTENTS.GUILD_MESSAGE_REACTIONS : INTENTS.DIRECT_MESSAGE_REACTIONS
  if (event.startsWith('MESSAGE_')) return inGuild ? INTENTS.GUILD_MESSAGES : INTENTS.DIRECT_MESSAGES
  if (event === 'TYPING_START') return inGuild ? INTENTS.GUILD_MESSAGE_TYPING : INTENTS.DIRECT_MESSAGE_TYPING
  if (event === 'WEBHOOKS_UPDATE') return INTENTS.GUILD_WEBHOOKS
  if (event.startsWith('GUILD_MEMBER')) return INTENTS.GUILD_MEMBERS
  if (event.startsWith('GUILD_') || event.startsWith('CHANNEL_') || event.startsWith('THREAD_')) return INTENTS.GUILDS
  return 0
}

/** Events kept for RESUME; Discord keeps a few minutes' worth. */
const MAX_BUFFERED = 50_000

export interface Frame {
  readonly s: number
  readonly text: string
}

/** One gateway session: survives its connections until it is invalidated. */
export class GatewaySession {
  readonly id: string
  readonly botId: string
  readonly intents: number
  /** Its number and how many there are. */
  readonly shard: readonly [number, number]
  #seq = 0
  #buffer: Frame[] = []
  #dropped = 0

  constructor(id: string, botId: string, intents: number, shard: readonly [number, number] = [0, 1]) {
    this.id = id
    this.botId = botId
    this.intents = intents
    this.shard = shard
  }

  /** Events of a server go to one shard, those of no server to the first. */
  covers(guildId: string | undefined): boolean {
    const [number, count] = this.shard
    return guildId === undefined ? number === 0 : Number((BigInt(guildId) >> 22n) % BigInt(count)) === number
  }

  get seq(): number {
    return this.#seq
  }

  wants(event: string, inGuild: boolean): boolean {
    const intent = intentOf(event, inGuild)
    return intent === 0 || (this.intents & intent) !== 0
  }

  /** Numbers an event and keeps it for replay. `data` is JSON already. */
  frame(event: string, data: string): Frame {
    const s = ++this.#seq
    const frame = { s, text: `{"op":0,"s":${s},"t":"${event}","d":${data}}` }
    this.#buffer.push(frame)
    if (this.#buffer.length > MAX_BUFFERED) {
      this.#dropped = (this.#buffer.shift() as Frame).s
    }
    return frame
  }

  /** Everything after `seq`, or undefined when that is no longer kept. */
  after(seq: number): readonly Frame[] | undefined {
    return seq < this.#dropped ? undefined : this.#buffer.filter((f) => f.s > seq)
  }

  /** Forgets the replay buffer, so that the next RESUME is refused. */
  truncate(): void {
    this.#dropped = this.#seq + 1
    this.#buffer = []
  }
}
