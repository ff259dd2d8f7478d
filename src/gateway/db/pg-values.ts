import type { WireParam } from './wire.ts'

/** A JavaScript value as statement parameter, with the meaning `pg` gives it: arrays are Postgres arrays, objects are JSON. */
export function toWireParam(value: unknown): WireParam {
  if (value === null || value === undefined) return null
  if (typeof value !== 'object') return String(value)
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return arrayLiteral(value)
  return JSON.stringify(value)
}

function arrayLiteral(items: readonly unknown[]): string {
  return `{${items.map(element).join(',')}}`
}

function element(item: unknown): string {
  if (item === null || item === undefined) return 'NULL'
  if (Array.isArray(item)) return arrayLiteral(item)
  if (ArrayBuffer.isView(item)) {
    return `"\\\\x${Buffer.from(item.buffer, item.byteOffset, item.byteLength).toString('hex')}"`
  }
  return `"${String(toWireParam(item)).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
