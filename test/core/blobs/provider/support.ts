import { readdir, readlink } from 'node:fs/promises'
import { RAW_BLOB, type RangesSeq, rawRanges } from '../../../../src/core/blobs/proto/ranges-seq.ts'
import { encodeRequest } from '../../../../src/core/blobs/proto/requests.ts'
import type { BlobProvider } from '../../../../src/core/blobs/provider.ts'
import { RangeDecoder } from '../../../../src/core/blobs/tree/decode.ts'
import { ALL, type ChunkRanges } from '../../../../src/core/blobs/tree/ranges.ts'
import { type Hash, idBytes } from '../../../../src/core/ids.ts'
import type { BiStream, Connection } from '../../../../src/core/net/transport.ts'

/** Sends bytes as one request and answers the stream. */
export async function ask(connection: Connection, request: Uint8Array, fin = true): Promise<BiStream> {
  const stream = await connection.openBi()
  await stream.send.write(request)
  if (fin) await stream.send.finish()
  return stream
}

/** What a request ends with: the bytes up to FIN, or the code of a reset. */
export async function outcome({ recv }: BiStream): Promise<{ bytes: Uint8Array; code: number | string }> {
  const parts: Uint8Array[] = []
  const bytes = (): Uint8Array => new Uint8Array(Buffer.concat(parts))
  try {
    for (;;) {
      const part = await recv.read(65_536, { deadlineMs: 20_000 })
      if (part === null) return { bytes: bytes(), code: 'fin' }
      parts.push(part)
    }
  } catch (error) {
    const { code, data } = error as { code: string; data?: { streamCode?: number } }
    return { bytes: bytes(), code: data?.streamCode ?? code }
  }
}

export const getRequest = (hash: Hash, ranges: RangesSeq = RAW_BLOB): Uint8Array => encodeRequest({ kind: 'get', hash, ranges })

/** Fetches a raw blob as an honest requester does. Rejects when a byte is wrong. */
export async function fetchBlob(connection: Connection, hash: Hash, ranges: ChunkRanges = ALL): Promise<Uint8Array> {
  const { bytes, code } = await outcome(await ask(connection, getRequest(hash, rawRanges(ranges))))
  if (code !== 'fin') throw new Error(`ended with ${code}`)
  return decode(bytes, hash, ranges)
}

/** Verified content of a response, or of the part of it that is there. */
export function decode(bytes: Uint8Array, hash: Hash, ranges: ChunkRanges = ALL): Uint8Array {
  const decoder = new RangeDecoder({ hash: idBytes(hash), ranges, maxSize: Number.MAX_SAFE_INTEGER })
  const out: Uint8Array[] = []
  for (const event of decoder.push(bytes)) if (event.kind === 'leaf') out.push(event.data.slice())
  return new Uint8Array(Buffer.concat(out))
}

/** Resolves once nothing is being served. */
export async function idle(provider: BlobProvider): Promise<void> {
  await expectSoon(() => provider.load().requests === 0)
}

/** Waits for something that no event tells; fails after ten seconds. */
export async function expectSoon(when: () => boolean | Promise<boolean>): Promise<void> {
  const until = performance.now() + 10_000
  while (!(await when())) {
    if (performance.now() > until) throw new Error('it did not come to pass')
    await new Promise((go) => setTimeout(go, 5))
  }
}

/** Open files of this process under a folder. */
export async function openFilesUnder(dir: string): Promise<number> {
  const names = await readdir('/proc/self/fd')
  const targets = await Promise.all(names.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return targets.filter((target) => target.startsWith(dir)).length
}
