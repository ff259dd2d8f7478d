import { isTimeZone, localTime } from '../alert/local-time.ts'

const MINUTE = 60_000

/** Minutes by which a zone's wall clock is ahead of UTC at an instant (ms); 0 for a zone nobody knows. */
export function offsetMinutes(at: number, zone: string): number {
  if (zone === 'UTC' || !isTimeZone(zone)) return 0
  const { year, month, day, hour, minute } = localTime(at, zone)
  return Math.round(Date.UTC(year, month - 1, day, hour, minute) / MINUTE) - Math.floor(at / MINUTE)
}
