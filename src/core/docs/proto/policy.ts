import { fromHex, fromUtf8, toHex, utf8 } from '../../../base/bytes.ts'
import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'
import { docsError } from '../errors.ts'

/** Which keys a filter of a download policy means (docs 9.5). */
export interface KeyFilter {
  readonly kind: 'prefix' | 'exact'
  readonly key: Uint8Array
}

/** Whose content is fetched: only what fits a filter, or everything else. Never on the wire. */
export interface DownloadPolicy {
  readonly kind: 'nothing-except' | 'everything-except'
  readonly filters: readonly KeyFilter[]
}

export const DOWNLOAD_EVERYTHING: DownloadPolicy = { kind: 'everything-except', filters: [] }
const MAX_FILTERS = 10_000

export function wantsContent(policy: DownloadPolicy, key: Uint8Array): boolean {
  const fits = policy.filters.some((filter) => filterFits(filter, key))
  return policy.kind === 'nothing-except' ? fits : !fits
}

function filterFits(filter: KeyFilter, key: Uint8Array): boolean {
  if (filter.kind === 'exact' ? key.length !== filter.key.length : key.length < filter.key.length) return false
  return filter.key.every((byte, i) => byte === key[i])
}

export function encodePolicy(policy: DownloadPolicy): Uint8Array {
  const writer = new WireWriter().variant(policy.kind === 'nothing-except' ? 0 : 1)
  writer.seq(policy.filters, (filter) => writer.variant(filter.kind === 'prefix' ? 0 : 1).bytes(filter.key))
  return writer.finish()
}

/** Throws `WIRE_*`. */
export function decodePolicy(bytes: Uint8Array): DownloadPolicy {
  const reader = new WireReader(bytes)
  const kind = reader.variant(2) === 0 ? 'nothing-except' : 'everything-except'
  const filters = reader.seq(
    (): KeyFilter => ({ kind: reader.variant(2) === 0 ? 'prefix' : 'exact', key: reader.bytes().slice() }),
    { max: MAX_FILTERS, minItemBytes: 2 },
  )
  return { kind, filters }
}

/** `prefix:utf8:notes/`, `exact:hex:00ff`. Throws `DOC_BAD_QUERY`. */
export function parseKeyFilter(text: string): KeyFilter {
  const match = /^(prefix|exact):(utf8|hex):(.*)$/s.exec(text)
  if (match === null) throw docsError('DOC_BAD_QUERY', 'input', 'a key filter looks like prefix:utf8:notes/ or exact:hex:00ff')
  const [, kind, form, key = ''] = match
  return { kind: kind as KeyFilter['kind'], key: form === 'utf8' ? utf8(key) : fromHex(key) }
}

export function printKeyFilter(filter: KeyFilter): string {
  const text = fromUtf8(filter.key)
  return `${filter.kind}:${text === undefined ? `hex:${toHex(filter.key)}` : `utf8:${text}`}`
}
