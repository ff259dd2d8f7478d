import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import type { PeerId } from '../ids.ts'
import type { SendHalf } from '../net/transport.ts'
import type { Admission } from './provider-admission.ts'
import type { ProviderLimits } from './provider-limits.ts'

/** Pieces are collected up to this many bytes: each write crosses into the native library. */
const BLOCK_BYTES = 32 * 1024

export const tooSlow = (): K2Error =>
  new K2Error({ code: 'BLOB_REQUESTER_STALLED', kind: 'timeout', message: 'the requester takes next to nothing' })

export interface WriterInit {
  readonly peer: PeerId
  readonly send: SendHalf
  readonly admission: Admission
  readonly limits: ProviderLimits
  readonly clock: Clock
  /** Ends every wait. */
  readonly signal: AbortSignal
  /** Bytes the transport has taken. */
  readonly onBytes: (bytes: number) => void
}

/** Writes a response: collected, at the allowed rate, and only as long as the requester keeps taking it. */
export class ResponseWriter {
  readonly #init: WriterInit
  readonly #block = new Uint8Array(BLOCK_BYTES)
  #filled = 0
  #windowAt: number
  #windowBytes = 0

  constructor(init: WriterInit) {
    this.#init = init
    this.#windowAt = init.clock.monotonic()
  }

  /** `piece` is taken over when this resolves. Rejects `BLOB_REQUESTER_STALLED`, `BLOB_LIMITED` or `NET_*`. */
  async write(piece: Uint8Array): Promise<void> {
    if (this.#filled + piece.length > BLOCK_BYTES) await this.flush()
    this.#block.set(piece, this.#filled)
    this.#filled += piece.length
  }

  async flush(): Promise<void> {
    const bytes = this.#filled
    if (bytes === 0) return
    this.#filled = 0
    const { peer, send, admission, limits, clock, signal, onBytes } = this.#init
    signal.throwIfAborted()
    // Time in which we ourselves hold back does not count against the requester.
    this.#windowAt += await admission.sendable(peer, bytes, signal)
    await send.write(this.#block.subarray(0, bytes), { deadlineMs: limits.stallMs, signal }).catch((error) => {
      throw error?.code === 'NET_TIMEOUT' ? tooSlow() : error
    })
    onBytes(bytes)
    this.#windowBytes += bytes
    const elapsed = clock.monotonic() - this.#windowAt
    if (elapsed < limits.slowWindowMs) return
    if (this.#windowBytes < (limits.minBytesPerSecond * elapsed) / 1000) throw tooSlow()
    this.#windowAt = clock.monotonic()
    this.#windowBytes = 0
  }
}
