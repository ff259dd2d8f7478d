/** Largest time a JavaScript date can hold, in seconds. */
const MAX_SECONDS = 8_640_000_000_000

/** `YYYY-MM-DD HH:MM UTC`: what people read where a network has no live timestamps. */
export function timestampText(unixSeconds: number): string {
  const seconds = Math.max(-MAX_SECONDS, Math.min(MAX_SECONDS, unixSeconds))
  const iso = new Date(seconds * 1000).toISOString()
  const [date, time] = iso.split('T') as [string, string]
  return `${date} ${time.slice(0, 5)} UTC`
}
