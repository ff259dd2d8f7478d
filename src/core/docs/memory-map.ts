import { compareBytes, toHex } from '../../base/bytes.ts'
import type { ByteMap } from './kv-store.ts'

/** A byte map that lasts as long as the process, for tests and throw-away nodes. */
export function memoryMap(): ByteMap {
  const pairs = new Map<string, readonly [Uint8Array, Uint8Array]>()
  return {
    get: (key) => pairs.get(toHex(key))?.[1],
    scan: (prefix) => {
      const start = toHex(prefix)
      return [...pairs]
        .filter(([hex]) => hex.startsWith(start))
        .map(([, pair]) => pair)
        .sort(([a], [b]) => compareBytes(a, b))
    },
    async write(work) {
      work(
        (key, value) => pairs.set(toHex(key), [key.slice(), value.slice()]),
        (key) => pairs.delete(toHex(key)),
      )
    },
    close: async () => {},
  }
}
