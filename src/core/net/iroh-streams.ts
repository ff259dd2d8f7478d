import type { RecvStream, SendStream } from '@number0/iroh/index.js'
import { fromNumbers, toNumbersOnce } from './iroh-bytes.ts'
import type { RawRecv, RawSend } from './stream-halves.ts'

/** Runs calls of the binding on behalf of a connection: maps their errors and notices the end of the connection. */
export interface CallGuard {
  /** Fails at once when the connection has ended. */
  live<T>(call: () => Promise<T>): Promise<T>
  /** Also runs when the peer has closed: what arrived before can still be taken. */
  taking<T>(call: () => Promise<T>): Promise<T>
}

/**
 * Sending half of the binding. Only `writeAll`, `finish` and `reset` are used: `stopped` would hold the lock of the stream
 * and block every write (discovery 17.3).
 */
export function irohSend(stream: SendStream, guard: CallGuard): RawSend {
  return {
    write: (piece) => guard.live(() => stream.writeAll(toNumbersOnce(piece))),
    finish: () => guard.live(() => stream.finish()),
    reset: (code) => guard.live(() => stream.reset(code)),
  }
}

/** Receiving half. Only `read` and `stop`: `readToEnd` and `receivedReset` can block or abort the process (discovery 17.5). */
export function irohRecv(stream: RecvStream, guard: CallGuard): RawRecv {
  return {
    read: async (max, into) => {
      const data = await guard.taking(() => stream.read(max))
      return data.length === 0 ? null : fromNumbers(data, into)
    },
    stop: (code) => guard.live(() => stream.stop(code)),
  }
}
