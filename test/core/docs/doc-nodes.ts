import { systemClock } from '../../../src/base/clock.ts'
import type { EventStream } from '../../../src/base/event-hub.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import { BLOBS_ALPN, BlobProvider, Downloader, MemoryBlobStore } from '../../../src/core/blobs/index.ts'
import { blobContents, type DocEvent, Docs, KvDocStore, memoryMap, type NamespaceId } from '../../../src/core/docs/index.ts'
import type { ByteMap } from '../../../src/core/docs/kv-store.ts'
import type { SessionLimits } from '../../../src/core/docs/session.ts'
import { Gossip } from '../../../src/core/gossip/index.ts'
import { type EndpointAddr, ofPeerAddr } from '../../../src/core/keys/address.ts'
import { newIdentity } from '../../../src/core/keys/identity.ts'
import { type K2Endpoint, openEndpoint } from '../../../src/core/net/index.ts'

/** A node with gossip, blobs and documents on loopback QUIC. */
export interface DocNode {
  readonly endpoint: K2Endpoint
  readonly gossip: Gossip
  readonly docs: Docs
  readonly addr: EndpointAddr
  /** Events of a document from now on, and a wait for one of them, past ones included. */
  watch(
    id: NamespaceId,
  ): Promise<{ readonly seen: readonly DocEvent[]; until(wanted: (event: DocEvent) => boolean): Promise<DocEvent> }>
  stop(): Promise<void>
}

export async function startDocNode(
  options: {
    readonly seed?: Uint8Array
    readonly map?: ByteMap
    readonly limits?: Partial<SessionLimits>
    readonly blobs?: MemoryBlobStore
  } = {},
): Promise<DocNode> {
  const endpoint = await openEndpoint({ mode: 'loopback', secretKey: options.seed ?? newIdentity(cryptoRng).seed() })
  const gossip = new Gossip({ endpoint })
  const blobs = options.blobs ?? new MemoryBlobStore(2 ** 28)
  const provider = new BlobProvider({ store: blobs, clock: systemClock })
  const downloader = new Downloader({ store: blobs, dial: (peer, opts) => endpoint.dial(peer.id, BLOBS_ALPN, opts) })
  const store = await KvDocStore.open(options.map ?? memoryMap())
  const docs = new Docs({
    endpoint,
    gossip,
    store,
    contents: blobContents(blobs, downloader, 2 ** 30),
    ...(options.limits && { limits: options.limits }),
  })
  await endpoint.start()
  await gossip.start()
  endpoint.handle(BLOBS_ALPN, (connection) => provider.serve(connection))
  await docs.start()
  return {
    endpoint,
    gossip,
    docs,
    get addr() {
      return ofPeerAddr(endpoint.addr())
    },
    watch: async (id) => watch(await docs.subscribe(id)),
    async stop() {
      await docs.stop()
      await gossip.stop()
      await endpoint.stop()
    },
  }
}

function watch(stream: EventStream<DocEvent>): Awaited<ReturnType<DocNode['watch']>> {
  const seen: DocEvent[] = []
  const waiting = new Set<() => void>()
  void (async () => {
    for await (const event of stream) {
      seen.push(event)
      for (const check of waiting) check()
    }
  })()
  return {
    seen,
    until: (wanted) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = seen.find(wanted)
          if (found === undefined) return
          waiting.delete(check)
          resolve(found)
        }
        waiting.add(check)
        check()
      }),
  }
}
