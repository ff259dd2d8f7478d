import { blake3 } from '@noble/hashes/blake3.js'
import { BoundedMap } from '../../base/bounded-map.ts'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import type { PeerId } from '../ids.ts'
import { type Identity, identityOfSeed } from './identity.ts'

const CONTEXT = utf8('k2gw 2026 hosted identity')
/** People whose ids are recognised as ours; the one longest silent is forgotten first. */
const MAX_PEOPLE = 20_000

/**
 * The key of one person behind a gateway (k2-application 2.7): always the same for the same gateway key, unrelated to it and to
 * others for everybody else. `person` is the key of an author, e.g. `discord:123`.
 */
export function hostedIdentity(gateway: Identity, person: string): Identity {
  return identityOfSeed(blake3(concatBytes([gateway.seed(), utf8(person)]), { context: CONTEXT }))
}

/** The ids of the people a gateway speaks for. */
export class HostedIdentities {
  readonly #gateway: Identity
  readonly #byPerson = new BoundedMap<string, PeerId>({ max: MAX_PEOPLE })
  readonly #byId = new BoundedMap<string, string>({ max: MAX_PEOPLE })

  constructor(gateway: Identity) {
    this.#gateway = gateway
  }

  idOf(person: string): PeerId {
    const id = this.#byPerson.get(person, 0) ?? hostedIdentity(this.#gateway, person).id
    this.#byPerson.set(person, id, 0)
    this.#byId.set(id, person, 0)
    return id
  }

  /** Whose id this is, of those who have said something since the start. */
  personOf(id: string): string | undefined {
    return this.#byId.get(id, 0)
  }
}
