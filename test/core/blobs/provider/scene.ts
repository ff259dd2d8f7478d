import { systemClock } from '../../../../src/base/clock.ts'
import { seededRng } from '../../../../src/base/random.ts'
import { MemoryBlobStore } from '../../../../src/core/blobs/memory-store.ts'
import { BLOBS_ALPN } from '../../../../src/core/blobs/proto/requests.ts'
import { BlobProvider, type ProviderEvent, type ProviderOptions } from '../../../../src/core/blobs/provider.ts'
import { blake3 } from '../../../../src/core/blobs/tree/blake3.ts'
import { peerIdOf } from '../../../../src/core/ids.ts'
import { MemoryNetwork } from '../../../../src/core/net/memory-network.ts'
import type { Connection, Transport } from '../../../../src/core/net/transport.ts'
import { pattern } from '../../net/support.ts'

/** A provider and any number of visitors on a network in memory. */
export class Scene {
  readonly store = new MemoryBlobStore(1e9)
  readonly provider: BlobProvider
  readonly events: ProviderEvent[] = []
  readonly #network = new MemoryNetwork({ clock: systemClock, rng: seededRng(7) })
  readonly #door: Transport
  readonly #open: Transport[] = []
  #seed = 1

  constructor(options: Partial<ProviderOptions> = {}) {
    this.provider = new BlobProvider({ store: this.store, onEvent: (e) => this.events.push(e), ...options })
    this.#door = this.bind()
    void this.#accept()
  }

  async #accept(): Promise<void> {
    for (let incoming = await this.#door.nextIncoming(); incoming; incoming = await this.#door.nextIncoming()) {
      incoming.accept().then(
        (connection) => this.provider.serve(connection),
        () => {},
      )
    }
  }

  bind(): Transport {
    const made = this.#network.bind({ id: peerIdOf(blake3(pattern(4, this.#seed++))), alpns: [BLOBS_ALPN] })
    this.#open.push(made)
    return made
  }

  visit(from = this.bind()): Promise<Connection> {
    return from.connect(this.#door.localAddr(), BLOBS_ALPN)
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((t) => t.close()))
    await this.store.close()
  }
}
