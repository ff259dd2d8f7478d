import { nullLogger } from '../../src/base/logger.ts'
import { cryptoRng } from '../../src/base/random.ts'
import { BLOBS_ALPN, BlobProvider, type BlobTicket, encodeBlobTicket, MemoryBlobStore } from '../../src/core/blobs/index.ts'
import { newIdentity, ofPeerAddr } from '../../src/core/index.ts'
import { openEndpoint } from '../../src/core/net/index.ts'

export interface TestProvider extends AsyncDisposable {
  /** Adds content; answers its ticket. */
  add(data: Uint8Array): string
  ticketOf(hash: BlobTicket['hash'], format?: BlobTicket['format']): string
  /** Bytes sent so far, headers of the tree included. */
  readonly sent: number
  /** Requests taken so far. */
  readonly requests: number
  stop(): Promise<void>
}

/** A peer on loopback that serves blobs. `bytesPerSecond` slows every requester down. */
export async function startProvider(options: {
  readonly maxBytes: number
  readonly bytesPerSecond?: number
}): Promise<TestProvider> {
  const store = new MemoryBlobStore(options.maxBytes)
  const endpoint = await openEndpoint({ secretKey: newIdentity(cryptoRng).seed(), mode: 'loopback' })
  const provider = new BlobProvider({
    store,
    log: nullLogger,
    limits: { bytesPerSecond: options.bytesPerSecond ?? 0, ratePerPeer: 10_000, burstPerPeer: 10_000 },
  })
  endpoint.handle(BLOBS_ALPN, (connection) => provider.serve(connection))
  await endpoint.start()
  const ticketOf = (hash: BlobTicket['hash'], format: BlobTicket['format'] = 'raw'): string =>
    encodeBlobTicket({ addr: ofPeerAddr(endpoint.shareableAddr()), format, hash })
  const stop = async (): Promise<void> => {
    await endpoint.stop()
    await store.close()
  }
  return {
    add: (data) => ticketOf(store.add(data)),
    ticketOf,
    get sent() {
      return provider.stats.bytes
    },
    get requests() {
      return provider.stats.requests
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
