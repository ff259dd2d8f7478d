import { z } from 'zod'

const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  KiB: 1024,
  MB: 1_000_000,
  MiB: 1024 ** 2,
  GB: 1_000_000_000,
  GiB: 1024 ** 3,
}

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim())
  const factor = match ? units[match[2] as string] : undefined
  return match && factor !== undefined ? Math.round(Number(match[1]) * factor) : undefined
}

/** `150ms`, `15s`, `5m`, `24h`, `7d` → ms. */
export function parseDuration(text: string): number | undefined {
  return quantity(text, DURATION_MS)
}

/** `512B`, `64KiB`, `10MiB`, `5GiB` → bytes. */
export function parseSize(text: string): number | undefined {
  return quantity(text, SIZE_BYTES)
}

function unitField(
  kind: string,
  example: string,
  parse: (text: string) => number | undefined,
): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  return z
    .string()
    .meta({ description: `a ${kind} such as ${example}` })
    .transform((text, ctx) => {
      const value = parse(text)
      if (value === undefined) {
        ctx.issues.push({ code: 'custom', message: `expected a ${kind} such as ${example}`, input: text })
        return z.NEVER
      }
      return value
    })
}

/** Config field: text such as `15s`, parsed to ms. */
export const duration = (): ReturnType<typeof unitField> => unitField('duration', '500ms, 15s, 5m, 24h or 7d', parseDuration)
/** Config field: text such as `10MiB`, parsed to bytes. */
export const size = (): ReturnType<typeof unitField> => unitField('size', '512B, 64KiB, 10MiB or 5GiB', parseSize)
