import { K2Error, type K2ErrorInit } from '../../base/errors.ts'

const size = (bytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** `12.3 MiB` */
export const humanSize = size

const make = (init: K2ErrorInit) => new K2Error(init)

export const tooManyJobs = (open: number, allowed: number): K2Error =>
  make({
    code: 'BLOB_QUOTA_JOBS',
    kind: 'limit',
    retry: 'later',
    message: `you have ${open} file jobs under way, ${allowed} are allowed: wait for one, or cancel one`,
    data: { open, allowed },
  })

export const tooManyBytes = (used: number, allowed: number): K2Error =>
  make({
    code: 'BLOB_QUOTA_BYTES',
    kind: 'limit',
    retry: 'later',
    message: `you have fetched ${size(used)} in the last 24 hours, ${size(allowed)} are allowed`,
    data: { used, allowed },
  })

export const fileTooLarge = (allowed: number): K2Error =>
  make({
    code: 'BLOB_TOO_LARGE',
    kind: 'limit',
    message: `files may have ${size(allowed)} here`,
    data: { allowed },
  })

export const typeRefused = (mime: string): K2Error =>
  make({ code: 'BLOB_TYPE_REFUSED', kind: 'denied', message: `files of type ${mime} are not accepted here`, data: { mime } })

export const noSuchJob = (): K2Error =>
  make({ code: 'BLOB_JOB_UNKNOWN', kind: 'input', message: 'there is no such file job, or it is not yours' })

export const noSuchFile = (): K2Error => make({ code: 'BLOB_UNKNOWN', kind: 'input', message: 'the gateway has no such file' })

export const ownTicket = (): K2Error =>
  make({
    code: 'BLOB_OWN_TICKET',
    kind: 'input',
    message: 'this ticket names the gateway itself, which no longer has the file',
  })
