/** What Postgres' jsonb cannot hold, as `JSON.stringify` writes it: NUL and lone surrogates. */
const SUSPICIOUS = /\\u0000|\\ud[89a-f]/i
const NUL = /\u0000/g
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** JSON for a `jsonb` parameter. NUL is removed and half characters become U+FFFD: texts of strangers may hold both. */
export function toJsonb(value: unknown): string {
  const text = JSON.stringify(value)
  if (!SUSPICIOUS.test(text)) return text
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'string' ? storable(v) : v))
}

/** A text Postgres can hold. */
export function storable(text: string): string {
  return text.replace(NUL, '').replace(LONE, '\ufffd')
}
