import { createHmac, timingSafeEqual } from 'node:crypto'
import { K2Error } from '../../base/errors.ts'
import { derivedKey } from '../../base/sealed.ts'

/** Characters of the signature: 60 bits, enough against guessing through rate-limited buttons. */
const SIGNATURE = 10
const NAME = /^[a-z-]{1,12}$/
const ARGUMENT = /^[\x21-\x7e]{0,40}$/

/** What a button stands for. */
export interface ActionRef {
  readonly name: string
  readonly argument: string
}

/**
 * Ids of buttons and forms: `<name>:<argument>.<signature>`, at most 64 bytes, the bound of Telegram's callback data. Signed,
 * because clients of platforms can send any id for a message of ours.
 */
export interface ActionIds {
  /** Throws `COMMAND_BAD_ACTION` when name (1–12 of a-z, '-') or argument (at most 40 printable ASCII) are out of bounds. */
  id(name: string, argument: string): string
  /** Undefined when we did not make it. */
  read(id: string): ActionRef | undefined
}

/** `seed`: the node's own secret; the key is derived from it, so ids stay valid over restarts. */
export function createActionIds(seed: Uint8Array): ActionIds {
  const key = derivedKey(seed, 'k2gw action ids v1')
  const sign = (text: string): string => createHmac('sha256', key).update(text).digest('base64url').slice(0, SIGNATURE)
  return {
    id(name, argument) {
      if (!NAME.test(name) || !ARGUMENT.test(argument)) {
        throw new K2Error({ code: 'COMMAND_BAD_ACTION', kind: 'bug', message: `a button cannot be called ${name}:${argument}` })
      }
      const text = `${name}:${argument}`
      return `${text}.${sign(text)}`
    },
    read(id) {
      const text = id.slice(0, -SIGNATURE - 1)
      const colon = text.indexOf(':')
      if (id.length > 64 || colon < 1 || id.at(-SIGNATURE - 1) !== '.') return undefined
      const given = Buffer.from(id.slice(-SIGNATURE))
      const wanted = Buffer.from(sign(text))
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined
      return { name: text.slice(0, colon), argument: text.slice(colon + 1) }
    },
  }
}
