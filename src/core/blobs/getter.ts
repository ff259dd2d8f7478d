import { errorCode, K2Error } from '../../base/errors.ts'
import { type Hash, idBytes } from '../ids.ts'
import { streamCodeOf } from '../net/net-errors.ts'
import type { Connection, RecvHalf } from '../net/transport.ts'
import { ByteReader } from './byte-reader.ts'
import { rawRanges } from './proto/ranges-seq.ts'
import { BLOB_CODES, encodeRequest } from './proto/requests.ts'
import { SpareMemory } from './spare-memory.ts'
import type { BlobSink } from './store.ts'
import { GROUP_BYTES } from './tree/blake3.ts'
import { RangeDecoder } from './tree/decode.ts'
import type { ChunkRanges } from './tree/ranges.ts'

export interface GetOptions {
  readonly hash: Hash
  readonly ranges: ChunkRanges
  /** Largest size accepted from the provider's header, bytes. */
  readonly maxSize: number
  /** A provider that sends nothing for this long has stalled, ms. */
  readonly stallMs: number
  readonly signal?: AbortSignal | undefined
}

export interface GetResult {
  readonly size: number
  readonly sizeVerified: boolean
  /** Payload bytes received and verified. */
  readonly bytes: number
}

const notFound = (hash: Hash): K2Error =>
  new K2Error({
    code: 'BLOB_NOT_FOUND',
    kind: 'platform',
    retry: 'later',
    message: `the provider does not have blob ${hash.slice(0, 10)}`,
  })
const cutOff = (hash: Hash): K2Error =>
  new K2Error({
    code: 'BLOB_CUT_OFF',
    kind: 'network',
    retry: 'now',
    message: `the provider stopped in the middle of blob ${hash.slice(0, 10)}`,
  })

/** As many as a thread has streams. */
const spare = new SpareMemory(GROUP_BYTES, 4)

/** Wait for the end of a response whose content is complete, ms. */
const END_MS = 2_000

/**
 * Asks one provider for ranges of one raw blob and feeds the sink with what was verified (blobs.md 7.1, 10.1). What the sink
 * took before a failure is good and need not be asked for again. Rejects `BLOB_NOT_FOUND`, `BLOB_CUT_OFF`, `BLOB_MISMATCH`,
 * `BLOB_TOO_LARGE`, `NET_*` or `ABORTED`. After a stall the connection is closed: a pending read cannot be taken back.
 */
export async function getRanges(connection: Connection, options: GetOptions, sink: BlobSink): Promise<GetResult> {
  const { hash, ranges, maxSize, stallMs, signal } = options
  const { send, recv } = await connection.openBi({ deadlineMs: stallMs, signal })
  await send.write(encodeRequest({ kind: 'get', hash, ranges: rawRanges(ranges) }), { deadlineMs: stallMs, signal })
  await send.finish()
  const reader = new ByteReader(recv, { deadlineMs: stallMs, signal })
  const noticed = { started: false }
  try {
    const result = await receiveBlob(reader, { hash, ranges, maxSize }, sink, noticed)
    reader.release()
    await awaitEnd(recv, stallMs)
    return result
  } catch (error) {
    throw failedGet(connection, recv, error, noticed.started, hash)
  }
}

/** Reads one encoded blob from a response. `noticed.started` says whether any of it has come. */
export async function receiveBlob(
  reader: ByteReader,
  what: Pick<GetOptions, 'hash' | 'ranges' | 'maxSize'>,
  sink: BlobSink,
  noticed: { started: boolean },
): Promise<GetResult> {
  const { hash, ranges, maxSize } = what
  const buffer = spare.take()
  const decoder = new RangeDecoder({ hash: idBytes(hash), ranges, maxSize, buffer })
  let size = 0
  let bytes = 0
  let sizeVerified = false
  while (!decoder.done) {
    const data = await reader.some(decoder.wanted)
    if (data === null) throw noticed.started ? cutOff(hash) : notFound(hash)
    noticed.started = true
    for (const event of decoder.push(data)) {
      if (event.kind === 'size') {
        size = event.size
        await sink.size(size)
      } else if (event.kind === 'pair') {
        await sink.pair(event.index, event.pair)
      } else if (event.kind === 'leaf') {
        bytes += event.data.length
        await sink.leaf(event.offset, event.data)
      } else {
        sizeVerified = event.sizeVerified
      }
    }
  }
  spare.giveBack(buffer)
  return { size, sizeVerified, bytes }
}

/** Lets go of the stream of a request that failed. Answers what its caller is to be told. */
export function failedGet(
  connection: Connection,
  recv: RecvHalf,
  error: unknown,
  started: boolean,
  hash: Hash | undefined,
): unknown {
  const code = errorCode(error)
  // A stream cannot be taken from a peer that has stalled, and other streams of that connection would fare no better.
  if (code === 'NET_TIMEOUT') connection.close(0n, 'drop')
  else void recv.stop(0n) // waits for the pending read, if any
  const isUnknown = code === 'NET_STREAM_RESET' && !started && streamCodeOf(error) === BLOB_CODES.internal
  return isUnknown && hash !== undefined ? notFound(hash) : error
}

/**
 * A provider ends a closed request with FIN; stopping before would reset the stream under its last bytes. What else comes
 * changes nothing: everything asked for is verified.
 */
export async function awaitEnd(recv: RecvHalf, stallMs: number): Promise<void> {
  const rest = await recv.read(1, { deadlineMs: Math.min(END_MS, stallMs) }).catch(() => null)
  if (rest !== null) void recv.stop(0n)
}
