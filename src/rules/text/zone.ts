const MAX_ZONES = 700
const formats = new Map<string, Intl.DateTimeFormat | undefined>()

/** Minutes by which a zone's wall clock is ahead of UTC at an instant (ms); 0 for a zone nobody knows. */
export function offsetMinutes(at: number, zone: string): number {
  if (zone === 'UTC') return 0
  const format = formatOf(zone)
  if (format === undefined) return 0
  const part = { year: 0, month: 0, day: 0, hour: 0, minute: 0 }
  for (const { type, value } of format.formatToParts(at)) if (type in part) part[type as keyof typeof part] = Number(value)
  const wall = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute)
  return Math.round((wall - Math.floor(at / 60_000) * 60_000) / 60_000)
}

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  if (formats.has(zone)) return formats.get(zone)
  let made: Intl.DateTimeFormat | undefined
  try {
    const numeric = 'numeric' as const
    made = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
    })
  } catch {
    // Not an IANA zone: times are read as UTC.
    made = undefined
  }
  if (formats.size >= MAX_ZONES) formats.clear()
  formats.set(zone, made)
  return made
}
