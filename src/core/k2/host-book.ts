import { BoundedMap } from '../../base/bounded-map.ts'
import type { PeerId } from '../ids.ts'

/** Ids whose host is remembered; the one longest silent is forgotten first. */
const MAX_IDS = 20_000
/** Marks an id that has shown to be a node itself. */
const NODE = ''

/**
 * Which gateway speaks for which id, as gateways have signed it: whoever writes to a hosted person has to reach the host. The
 * first to say so keeps an id, and nobody hosts a node that was there itself.
 */
export class HostBook {
  readonly #hosts = new BoundedMap<string, PeerId | typeof NODE>({ max: MAX_IDS })

  /** `host` has signed a message in the name of `id`. */
  note(id: string, host: PeerId): void {
    this.#hosts.set(id, this.#hosts.get(id, 0) ?? host, 0)
  }

  /** A message came straight from `id`. */
  proved(id: PeerId): void {
    this.#hosts.set(id, NODE, 0)
  }

  hostOf(id: string): PeerId | undefined {
    return this.#hosts.get(id, 0) || undefined
  }
}
