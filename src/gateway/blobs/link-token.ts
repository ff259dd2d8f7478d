import { createHmac, timingSafeEqual } from 'node:crypto'
import { derivedKey } from '../../base/sealed.ts'

const ID_BYTES = 16
const TIME_BYTES = 6
const MAC_BYTES = 16

/** Makes and checks the tokens of download links: link id and expiry, signed. */
export interface LinkSigner {
  /** `id` is a UUID, `expiresAt` ms since the epoch. */
  sign(id: string, expiresAt: number): string
  /** The id of a token of ours that has not expired; undefined for everything else. */
  verify(token: string, now: number): string | undefined
}

/** HMAC-SHA256, cut to 128 bits, under a key derived from the node's own seed. A token is 51 characters of base64url. */
export function createLinkSigner(seed: Uint8Array): LinkSigner {
  const key = derivedKey(seed, 'k2gw file links v1')
  const mac = (body: Buffer): Buffer => createHmac('sha256', key).update(body).digest().subarray(0, MAC_BYTES)
  return {
    sign(id, expiresAt) {
      const body = Buffer.alloc(ID_BYTES + TIME_BYTES)
      body.write(id.replaceAll('-', ''), 0, 'hex')
      body.writeUIntBE(expiresAt, ID_BYTES, TIME_BYTES)
      return Buffer.concat([body, mac(body)]).toString('base64url')
    },
    verify(token, now) {
      if (!/^[A-Za-z0-9_-]{51}$/.test(token)) return undefined
      const bytes = Buffer.from(token, 'base64url')
      const body = bytes.subarray(0, ID_BYTES + TIME_BYTES)
      if (!timingSafeEqual(bytes.subarray(ID_BYTES + TIME_BYTES), mac(body))) return undefined
      if (body.readUIntBE(ID_BYTES, TIME_BYTES) <= now) return undefined
      const hex = body.toString('hex', 0, ID_BYTES)
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    },
  }
}
