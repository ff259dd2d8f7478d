import { errorCode, isK2Error, K2Error } from '../../base/errors.ts'
import { streamCodeOf } from '../net/net-errors.ts'

/** How an attempt with one provider ended, as far as the choice of the next one depends on it. */
export type AttemptOutcome =
  | { readonly kind: 'done' }
  /**
   * `missing`: does not have it. `cut`: network, stall or a provider that ended early; may be tried again. `refused`: told us
   * to go away. `hostile`: sent what does not belong to the hash, or a size we do not accept. `fatal`: our own side failed.
   */
  | { readonly kind: 'missing' | 'cut' | 'refused' | 'hostile' | 'fatal'; readonly error: K2Error }

/** Reset and close codes of a provider that does not want us (blobs.md 8). */
const PERMISSION = 1

/** Judges what a fetch rejected with. */
export function outcomeOf(error: unknown): AttemptOutcome {
  if (!isK2Error(error)) {
    const cause = new K2Error({ code: 'BLOB_FETCH_FAILED', kind: 'bug', message: 'a fetch failed unexpectedly', cause: error })
    return { kind: 'fatal', error: cause }
  }
  const code = errorCode(error)
  if (code === 'BLOB_NOT_FOUND') return { kind: 'missing', error }
  if (code === 'BLOB_MISMATCH' || code === 'BLOB_TOO_LARGE') return { kind: 'hostile', error }
  const told = Number(streamCodeOf(error) ?? error.data.closeCode ?? 0)
  if (told === PERMISSION && (code === 'NET_STREAM_RESET' || code === 'NET_CLOSED')) return { kind: 'refused', error }
  if (code === 'NET_ALPN' || code === 'NET_SELF') return { kind: 'refused', error }
  if (code.startsWith('NET_') || code === 'BLOB_CUT_OFF' || code === 'BLOB_STALLED' || code === 'TIMEOUT')
    return { kind: 'cut', error }
  return { kind: 'fatal', error }
}

export const noProvider = (): K2Error =>
  new K2Error({ code: 'BLOB_NO_PROVIDER', kind: 'input', message: 'nobody is known who could have this blob' })

/** Nobody delivered. The code is that of wrong data or a refused size when that is all there was. */
export function unavailable(failures: readonly K2Error[]): K2Error {
  const last = failures.at(-1)
  const all = (code: string): boolean => failures.length > 0 && failures.every((f) => f.code === code)
  for (const code of ['BLOB_TOO_LARGE', 'BLOB_MISMATCH'] as const) if (all(code) && last !== undefined) return last
  return new K2Error({
    code: 'BLOB_UNAVAILABLE',
    kind: 'network',
    retry: 'later',
    message: `no provider delivered the blob${last === undefined ? '' : `; the last failure: ${last.message}`}`,
    data: { providers: failures.length, ...(last === undefined ? {} : { last: last.code }) },
    cause: last,
  })
}

export const tooSlow = (bytesPerSecond: number): K2Error =>
  new K2Error({
    code: 'BLOB_STALLED',
    kind: 'timeout',
    retry: 'later',
    message: `the provider sends less than ${bytesPerSecond} bytes per second`,
  })
