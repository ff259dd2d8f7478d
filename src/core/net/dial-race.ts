import { abortedError, deferred } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { PeerId } from '../ids.ts'
import { netError } from './net-errors.ts'
import type { CallOptions, Connection, PeerAddr } from './transport.ts'

/** Finds addresses of a peer that are not in the address book (DNS, pkarr, mDNS, DHT …). Undefined: nothing found. */
export interface AddressLookup {
  resolve(peer: PeerId, options: { readonly signal: AbortSignal }): Promise<PeerAddr | undefined>
}

/** Head start of the known addresses before looked-up ones join in (discovery 14). */
const HEAD_START_MS = 2_000

export interface DialRaceInit {
  readonly peer: PeerId
  readonly clock: Clock
  /** Given up by everyone, or over. */
  readonly signal: AbortSignal
  /** What is known now; undefined when nothing is. */
  readonly known: PeerAddr | undefined
  /** The endpoint itself may find or remember a peer by its id. */
  readonly tryBareId: boolean
  readonly lookup: AddressLookup | undefined
  readonly connect: (addr: PeerAddr, options: CallOptions) => Promise<Connection>
  readonly onFound: (addr: PeerAddr) => void
}

/**
 * One dial: the known addresses first; when they have failed, or have not succeeded after 2 s, the looked-up ones as well.
 * The first connection wins, later ones are closed.
 */
export async function dialRace(init: DialRaceInit): Promise<Connection> {
  const { peer, clock, known, lookup } = init
  const now = known ?? (init.tryBareId ? { id: peer, direct: [] } : undefined)
  if (now === undefined && lookup === undefined) throw netError('NO_ADDRESS')
  if (init.signal.aborted) throw abortedError(init.signal)
  const winner = deferred<Connection>()
  const over = new AbortController()
  const signal = AbortSignal.any([init.signal, over.signal])
  const errors: unknown[] = []
  let running = 0
  let lookupToCome = lookup !== undefined
  let firstFailed = (): void => {}
  // Whatever a lookup or an attempt still does: the race ends with its signal (no effect once there is a winner).
  signal.addEventListener('abort', () => winner.reject(abortedError(init.signal)), { once: true })

  const settle = (): void => {
    if (running === 0 && !lookupToCome) winner.reject(worstError(errors))
  }
  const attempt = (addr: PeerAddr): void => {
    running++
    init.connect(addr, { signal }).then(
      (connection) => {
        if (signal.aborted) return connection.close(0n, 'too late')
        winner.resolve(connection)
        over.abort()
      },
      (error) => {
        errors.push(error)
        running--
        firstFailed()
        settle()
      },
    )
  }
  const lookUp = async (): Promise<void> => {
    let found: PeerAddr | undefined
    try {
      found = await lookup?.resolve(peer, { signal })
    } catch (error) {
      errors.push(error)
    }
    lookupToCome = false
    if (found !== undefined && !signal.aborted) {
      init.onFound(found)
      attempt({ ...known, ...found, id: peer, direct: [...new Set([...found.direct, ...(known?.direct ?? [])])] })
    }
    settle()
  }

  if (now !== undefined) attempt(now)
  if (lookup !== undefined) {
    const headStart = new Promise<void>((go) => {
      firstFailed = go
      if (now === undefined) return go()
      const cancel = clock.after(HEAD_START_MS, go)
      signal.addEventListener('abort', cancel, { once: true })
    })
    void headStart.then(lookUp) // lookUp never rejects
  }
  return await winner.promise.finally(() => over.abort())
}

/** The most telling of several failures: an answer of the peer says more than a silence, and that more than a missing address. */
function worstError(errors: readonly unknown[]): unknown {
  const rank = (error: unknown): number => {
    const code = errorCode(error)
    if (code === 'NET_NO_ADDRESS') return 0
    if (code === 'NET_TIMEOUT' || code === 'ABORTED') return 1
    return code.startsWith('NET_') ? 2 : 0
  }
  return errors.toSorted((a, b) => rank(b) - rank(a))[0] ?? netError('NO_ADDRESS')
}
