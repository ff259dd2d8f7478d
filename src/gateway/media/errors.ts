import { K2Error } from '../../base/errors.ts'
import { fileSize } from '../../bridges/format/fallbacks.ts'

export function mediaTooLarge(limit: number): K2Error {
  return new K2Error({
    code: 'MEDIA_TOO_LARGE',
    kind: 'limit',
    message: `the file is larger than ${fileSize(limit)}`,
    data: { limit },
  })
}

export function mediaGone(): K2Error {
  return new K2Error({ code: 'MEDIA_GONE', kind: 'platform', message: 'the file is not there any more' })
}

export function mediaUnavailable(why: string, cause?: unknown): K2Error {
  return new K2Error({
    code: 'MEDIA_UNAVAILABLE',
    kind: 'platform',
    retry: 'later',
    message: `the file cannot be read: ${why}`,
    cause,
  })
}

export function mediaFull(): K2Error {
  return new K2Error({
    code: 'MEDIA_FULL',
    kind: 'limit',
    retry: 'later',
    message: 'there is no room for more files: raise media.budget or wait until older ones are removed',
  })
}
