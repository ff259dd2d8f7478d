import { expect, it } from 'vitest'
import { below, pick, type Rng, seededRng } from '../../../../src/base/random.ts'
import { encodeHashSeq } from '../../../../src/core/blobs/proto/collection.ts'
import type { PeerAddr } from '../../../../src/core/net/transport.ts'
import { response } from './response.ts'
import { blob, hashOfData, onlyTruth, Rig, type Script } from './rig.ts'

const WORLDS = 60

type Fault = 'cut' | 'flip' | 'reset' | 'stall' | 'close' | 'size' | 'junk'
const FAULTS: readonly Fault[] = ['cut', 'flip', 'reset', 'stall', 'close', 'size', 'junk']

/** A provider of some blobs that fails in its own way at a random place of every answer. */
function faulty(rng: Rng, fault: Fault, blobs: readonly Uint8Array[]): Script {
  const byHash = new Map(blobs.map((data) => [hashOfData(data), data]))
  return async (request, { send }, connection) => {
    const data = request.kind === 'get' ? byHash.get(request.hash) : undefined
    if (data === undefined) return send.reset(3n)
    const bytes = await response(data, request)
    const at = below(rng, bytes.length)
    if (fault === 'flip') bytes[at] = (bytes[at] ?? 0) ^ (1 << below(rng, 8))
    if (fault === 'size') new DataView(bytes.buffer).setBigUint64(0, BigInt(data.length + 1 + below(rng, 100_000)), true)
    if (fault === 'junk') bytes.set(rng.bytes(Math.min(64, bytes.length - at)), at)
    const whole = fault === 'flip' || fault === 'size' || fault === 'junk'
    await send.write(whole ? bytes : bytes.subarray(0, at))
    if (fault === 'reset') return send.reset(BigInt(below(rng, 5)))
    if (fault === 'close') return connection.close(BigInt(below(rng, 4)), 'so there')
    if (fault !== 'stall') await send.finish()
  }
}

it(`${WORLDS} random mixes of one honest and up to three faulty providers end with exactly the blob`, async () => {
  for (let seed = 1; seed <= WORLDS; seed++) {
    const rng = seededRng(seed)
    const rig = new Rig(seed, { fragment: true })
    try {
      const size = below(rng, 400_000)
      const [data, other] = [blob(size), blob(below(rng, 60_000))]
      const isSequence = below(rng, 3) === 0
      const root = encodeHashSeq([hashOfData(data), hashOfData(other), hashOfData(data)])
      const blobs = isSequence ? [root, data, other] : [data]
      const providers: PeerAddr[] = [rig.has(...blobs)]
      for (let i = below(rng, 4); i > 0; i--) {
        const script = faulty(rng, pick(rng, FAULTS) as Fault, blobs)
        providers.splice(below(rng, providers.length + 1), 0, rig.scripted(script))
      }
      const hash = hashOfData(isSequence ? root : data)
      const limits = { ...rig.limits, stallMs: 60, maxBytes: 2_000_000 }
      const format = isSequence ? 'hash-seq' : 'raw'
      const result = await rig.downloader.download({ hash, format, providers, limits })
      const total = new Map(blobs.map((b) => [hashOfData(b), b.length]))
      expect([seed, result.received]).toEqual([seed, [...total.values()].reduce((a, b) => a + b, 0)])
      for (const b of blobs) {
        if (b.length === 0) continue
        expect(Buffer.compare(rig.store.bytes(hashOfData(b)), b)).toBe(0)
        expect(onlyTruth(rig.store, hashOfData(b), b)).toBe(true)
      }
    } finally {
      await rig.close()
    }
  }
})
