import { toHex } from '../../base/bytes.ts'
import { K2Error } from '../../base/errors.ts'
import type { Notice } from '../../bridges/interaction.ts'
import type { CommandContext } from '../commands/definition.ts'
import type { Desk } from './desk.ts'
import type { Market } from './market.ts'
import type { Talk, Talker } from './model.ts'
import { deliverTalk, sidesFor } from './talks.ts'

/** Conversations of one person that are looked at. */
const MAX_TALKS = 50
const MIN_PREFIX = 6

/** What people do in conversations about offers. */
export class TalkDesk {
  readonly market: Market
  readonly #desk: Desk

  constructor(desk: Desk) {
    this.market = desk.market
    this.#desk = desk
  }

  /** Writes to the other side of a conversation about an offer. Throws `TALK_UNKNOWN`. */
  async write(context: CommandContext, which: string, text: string): Promise<Talk> {
    const { store, parts } = this.market
    const person = parts.memory.personOf(context.actor.key)
    const talk = (await store.talk(which)) ?? (await this.#talkAbout(which, person))
    const sides = talk === undefined ? undefined : sidesFor(talk, person)
    const said = text.trim()
    if (talk === undefined || sides === undefined)
      throw new K2Error({ code: 'TALK_UNKNOWN', kind: 'input', message: 'you talk with nobody about that: see offer talks' })
    if (said === '') throw new K2Error({ code: 'TALK_EMPTY', kind: 'input', message: 'write something' })
    const self: Talker = { ...sides.self, name: context.actor.displayName }
    await this.market.act((step) => deliverTalk(step, talk, self, sides.partner, said, toHex(step.parts.rng.bytes(8))))
    return talk
  }

  /** The latest conversation of a person about an offer, by the offer's id. */
  async #talkAbout(which: string, person: string): Promise<Talk | undefined> {
    const talks = await this.market.store.talksOf(person, MAX_TALKS)
    return which.length < MIN_PREFIX ? undefined : talks.find((t) => t.intentId.startsWith(which) || t.id.startsWith(which))
  }

  talks(context: CommandContext): Promise<Talk[]> {
    return this.market.store.talksOf(this.market.parts.memory.personOf(context.actor.key), MAX_TALKS)
  }

  /** What was written to somebody and could not be shown to them alone. Throws `TALK_UNKNOWN`. */
  async readTalk(context: CommandContext, id: string): Promise<Notice> {
    const accounts = [this.#desk.accountOf(context), ...this.market.parts.memory.accountsOf(context.actor.key)]
    const text = await this.market.store.waitingText(id, accounts)
    if (text === undefined) throw new K2Error({ code: 'TALK_UNKNOWN', kind: 'denied', message: 'this is not for you' })
    return text
  }
}
