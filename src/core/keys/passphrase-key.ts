import { scrypt } from 'node:crypto'

/** scrypt with about 128 MiB and half a second per try (discovery 15.4). */
export const PASSPHRASE_KDF = { name: 'scrypt', n: 131_072, r: 8, p: 1 } as const
/** What a file may ask of us: as much again, so that stronger files of later versions still open. */
const MAX_N = 524_288
const MIN_N = 2 ** 14
export const SALT_BYTES = 16
/** Shorter ones are tried through in no time by whoever has the file. */
export const MIN_PASSPHRASE = 10

/** Whether a passphrase is long enough to protect anything. */
export const isStrongEnough = (passphrase: string): boolean => [...passphrase].length >= MIN_PASSPHRASE

/** The cost a file asks for, when it is one we pay. */
export function acceptedCost(kdf: unknown): number | undefined {
  const { name, n, r, p } = (kdf ?? {}) as Record<string, unknown>
  const isCost = typeof n === 'number' && n >= MIN_N && n <= MAX_N && Number.isInteger(Math.log2(n))
  return name === PASSPHRASE_KDF.name && r === PASSPHRASE_KDF.r && p === PASSPHRASE_KDF.p && isCost ? n : undefined
}

/** A key of 32 bytes. The same characters typed on another system may be composed differently: NFC makes them one. */
export function passphraseKey(passphrase: string, salt: Uint8Array, n: number): Promise<Buffer> {
  const { r, p } = PASSPHRASE_KDF
  const cost = { N: n, r, p, maxmem: 128 * n * r + 32 * 1024 * 1024 }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, 32, cost, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}
