import { K2Error } from '../base/errors.ts'
import { httpUrl } from './format/urls.ts'
import type { RemoteContent } from './media.ts'

export function fileGone(): K2Error {
  return new K2Error({ code: 'MEDIA_GONE', kind: 'platform', message: 'the platform has this file no longer' })
}

export function fileTooLarge(): K2Error {
  return new K2Error({ code: 'MEDIA_TOO_LARGE', kind: 'limit', message: 'the platform does not hand out files of this size' })
}

export function fileUnavailable(why: string): K2Error {
  return new K2Error({ code: 'MEDIA_UNAVAILABLE', kind: 'platform', retry: 'later', message: `the file cannot be read: ${why}` })
}

const GONE: ReadonlySet<number> = new Set([403, 404, 410])

/**
 * Reads a file of a platform over HTTP. Only addresses that `allowed` accepts are asked, and redirects are not followed, so
 * that nobody can make the gateway read from somewhere else. Errors never name the address: it may hold a token.
 */
export async function openRemote(
  address: string,
  allowed: (url: URL) => boolean,
  signal: AbortSignal,
): Promise<RemoteContent | 'gone'> {
  const url = httpUrl(address)
  if (url === undefined || !allowed(url))
    throw new K2Error({ code: 'MEDIA_GONE', kind: 'denied', message: 'not an address of the platform' })
  let response: Response
  try {
    response = await fetch(url, { redirect: 'manual', signal, headers: { 'accept-encoding': 'identity' } })
  } catch {
    throw fileUnavailable('no connection')
  }
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel()
    if (GONE.has(response.status)) return 'gone'
    throw fileUnavailable(`the server answered ${response.status}`)
  }
  const length = Number(response.headers.get('content-length') ?? Number.NaN)
  const mime = response.headers.get('content-type')?.split(';', 1)[0]?.trim()
  return {
    ...(Number.isSafeInteger(length) && { size: length }),
    ...(mime !== undefined && mime !== '' && { mime }),
    bytes: response.body,
  }
}
