const U32_MAX = 0xffff_ffff

/** An id as the reference makes them: `K2-<ms since the epoch>-<random u32>`, both upper-case hex without padding. */
export function k2IdOf(nowMs: number, random: number): string {
  return `K2-${Math.floor(nowMs).toString(16).toUpperCase()}-${(random >>> 0).toString(16).toUpperCase()}`
}

/** The parts of such an id; undefined for anything else. */
export function parseK2Id(text: string): { readonly atMs: number; readonly random: number } | undefined {
  const match = /^K2-(0|[1-9A-F][0-9A-F]{0,12})-(0|[1-9A-F][0-9A-F]{0,7})$/.exec(text)
  if (match === null) return undefined
  const atMs = Number.parseInt(match[1] as string, 16)
  const random = Number.parseInt(match[2] as string, 16)
  return Number.isSafeInteger(atMs) && random <= U32_MAX ? { atMs, random } : undefined
}
