import type { LocalTime } from '../alert/local-time.ts'

/** Five sets of allowed values: minute, hour, day of month, month, weekday (0 Sunday). */
export type Cron = readonly ReadonlySet<number>[]

const FIELDS: readonly (readonly [low: number, high: number])[] = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
]
const PART = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/

/** Minute resolution; lists, ranges and steps. Undefined when the line is not valid. */
export function parseCron(text: string): Cron | undefined {
  const fields = text.trim().split(/\s+/)
  if (fields.length !== 5 || text.length > 200) return undefined
  const out: Set<number>[] = []
  for (const [i, [low, high]] of FIELDS.entries()) {
    const set = new Set<number>()
    for (const part of (fields[i] as string).split(',')) {
      const found = PART.exec(part)
      if (found === null) return undefined
      const step = found[3] === undefined ? 1 : Number(found[3])
      const from = found[1] === undefined ? low : Number(found[1])
      const until = found[2] !== undefined ? Number(found[2]) : found[1] === undefined || found[3] !== undefined ? high : from
      if (step < 1 || from < low || until > high || from > until) return undefined
      for (let value = from; value <= until; value += step) set.add(i === 4 ? value % 7 : value)
    }
    out.push(set)
  }
  return out
}

/** Day of month and weekday are alternatives when both are narrowed, as cron has it. */
export function cronMatches(cron: Cron, at: LocalTime): boolean {
  const [minute, hour, day, month, weekday] = cron as readonly [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>]
  if (!minute.has(at.minute) || !hour.has(at.hour) || !month.has(at.month)) return false
  const [anyDay, anyWeekday] = [day.size === 31, weekday.size === 7]
  if (anyDay || anyWeekday) return (anyDay || day.has(at.day)) && (anyWeekday || weekday.has(at.weekday))
  return day.has(at.day) || weekday.has(at.weekday)
}
