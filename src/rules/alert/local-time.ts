import { K2Error } from '../../base/errors.ts'

/** Wall clock of one place. */
export interface LocalTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  /** 0 Sunday to 6 Saturday. */
  readonly weekday: number
  /** Minutes since local midnight. */
  readonly minutes: number
}

const MINUTE = 60_000
/** Zones whose formatter is kept; there are about 600 in all. */
const MAX_ZONES = 700
const formats = new Map<string, Intl.DateTimeFormat>()
const latest = new Map<string, { readonly minute: number; readonly local: LocalTime }>()

function format(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  let made: Intl.DateTimeFormat
  try {
    made = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    })
  } catch (cause) {
    throw new K2Error({ code: 'TIME_ZONE', kind: 'input', message: `unknown time zone "${zone.slice(0, 60)}"`, cause })
  }
  if (formats.size >= MAX_ZONES) formats.clear()
  formats.set(zone, made)
  return made
}

export function isTimeZone(zone: string): boolean {
  try {
    format(zone)
    return true
  } catch {
    return false
  }
}

/** Local wall time of `now` in an IANA zone, daylight saving included. Throws K2Error TIME_ZONE. */
export function localTime(now: number, zone: string): LocalTime {
  const minuteOfEpoch = Math.floor(now / MINUTE)
  const cached = latest.get(zone)
  if (cached !== undefined && cached.minute === minuteOfEpoch) return cached.local
  const part: Record<string, number> = {}
  for (const { type, value } of format(zone).formatToParts(now)) part[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = part
  const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay()
  const local = { year, month, day, hour, minute, weekday, minutes: hour * 60 + minute }
  if (latest.size >= MAX_ZONES) latest.clear()
  latest.set(zone, { minute: minuteOfEpoch, local })
  return local
}

/**
 * The next moment after `now` whose local wall time is `minutes` past midnight. A wall time that a daylight-saving change skips
 * counts as the first moment after the gap; one that occurs twice counts the first time.
 */
export function nextLocal(now: number, zone: string, minutes: number): number {
  const start = (Math.floor(now / MINUTE) + 1) * MINUTE
  const at = localTime(start, zone)
  for (let day = 0; day <= 2; day++) {
    const moment = momentOf(at.year, at.month, at.day + day, minutes, zone)
    if (moment >= start) return moment
  }
  return start + 86_400_000
}

/** First moment at which the local date and wall time are reached. */
function momentOf(year: number, month: number, day: number, minutes: number, zone: string): number {
  const wall = Date.UTC(year, month - 1, day, 0, minutes)
  const offset = (moment: number): number => {
    const l = localTime(moment, zone)
    return Date.UTC(l.year, l.month - 1, l.day, l.hour, l.minute) - Math.floor(moment / MINUTE) * MINUTE
  }
  const before = offset(wall - 86_400_000)
  const after = offset(wall + 86_400_000)
  for (const candidate of [wall - before, wall - after]) if (candidate + offset(candidate) === wall) return candidate
  // Skipped by a change of the clock: the gap ends between the readings of the wall time by the new and by the old offset.
  let [low, high] = [wall - after, wall - before]
  while (high - low > MINUTE) {
    const middle = low + Math.floor((high - low) / 2 / MINUTE) * MINUTE
    if (offset(middle) === before) low = middle
    else high = middle
  }
  return high
}

/** `22:00-07:00`: from, until in minutes; until below from runs over midnight. */
export interface HourRange {
  readonly from: number
  readonly until: number
}

const RANGE = /^([01]?\d|2[0-3]):([0-5]\d)\s?[-–]\s?([01]?\d|2[0-4]):([0-5]\d)$/

export function parseHours(text: string): HourRange | undefined {
  const found = RANGE.exec(text.trim())
  if (found === null) return undefined
  const from = Number(found[1]) * 60 + Number(found[2])
  const until = Number(found[3]) * 60 + Number(found[4])
  return until > 1440 || from === until ? undefined : { from, until: until === 1440 ? 0 : until }
}

/** Whether a wall time lies in the range; `until` is outside. */
export function inHours(minutes: number, range: HourRange): boolean {
  return range.from < range.until
    ? minutes >= range.from && minutes < range.until
    : minutes >= range.from || minutes < range.until
}
