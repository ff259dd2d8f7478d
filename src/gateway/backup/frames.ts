import { createCipheriv, createDecipheriv, createHash, type Hash } from 'node:crypto'
import { backupError } from './errors.ts'

/** Bytes of content in a frame. */
export const FRAME_BYTES = 64 * 1024
const TAG_BYTES = 16
const HASH_BYTES = 32
/** Set in the length of the last frame. */
const LAST = 0x8000_0000

/**
 * A stream that says whether it is whole. Frames: length (u32, big endian, top bit: the last one), then the bytes.
 * With a key each frame is AES-256-GCM under a nonce that counts and names the last one (nothing can be cut, moved or
 * repeated), and the header is authenticated with each. Without one the last frame is the SHA-256 of header and content.
 */
export async function* frames(
  content: AsyncIterable<Uint8Array>,
  header: Uint8Array,
  key: Uint8Array | undefined,
): AsyncGenerator<Uint8Array> {
  const sealer = key === undefined ? new Summed(header) : new Sealed(key, header)
  let held: Uint8Array = new Uint8Array(0)
  for await (const piece of content) {
    held = held.length === 0 ? piece : Buffer.concat([held, piece])
    let at = 0
    // The last frame is not known before the end, so one is always kept back.
    for (; held.length - at > FRAME_BYTES; at += FRAME_BYTES) yield sealer.write(held.subarray(at, at + FRAME_BYTES), false)
    held = held.subarray(at)
  }
  if (key !== undefined) {
    yield sealer.write(held, true)
    return
  }
  yield sealer.write(held, false)
  yield sealer.write(new Uint8Array(0), true)
}

/** The content again. Throws `BACKUP_DAMAGED` before it hands out anything that does not hold, and at the end for what is missing. */
export async function* unframed(
  source: AsyncIterable<Uint8Array>,
  header: Uint8Array,
  key: Uint8Array | undefined,
): AsyncGenerator<Uint8Array> {
  const sealer = key === undefined ? new Summed(header) : new Sealed(key, header)
  let held: Buffer = Buffer.alloc(0)
  let over = false
  for await (const piece of source) {
    if (over) throw damaged('there is more than its end')
    held = Buffer.concat([held, piece])
    for (;;) {
      if (held.length < 4) break
      const word = held.readUInt32BE(0)
      const length = word & ~LAST
      if (length > FRAME_BYTES + TAG_BYTES) throw damaged('it is no stream of frames')
      if (held.length < 4 + length) break
      over = (word & LAST) !== 0
      const content = sealer.read(held.subarray(4, 4 + length), over)
      held = held.subarray(4 + length)
      if (content.length > 0) yield content
      if (over && held.length > 0) throw damaged('there is more than its end')
      if (over) break
    }
  }
  if (!over) throw damaged('its end is missing')
}

interface Framing {
  write(content: Uint8Array, last: boolean): Uint8Array
  read(frame: Uint8Array, last: boolean): Uint8Array
}

class Sealed implements Framing {
  readonly #key: Uint8Array
  readonly #header: Uint8Array
  #count = 0

  constructor(key: Uint8Array, header: Uint8Array) {
    this.#key = key
    this.#header = header
  }

  write(content: Uint8Array, last: boolean): Uint8Array {
    const cipher = createCipheriv('aes-256-gcm', this.#key, this.#nonce(last))
    cipher.setAAD(this.#header)
    return framed([cipher.update(content), cipher.final(), cipher.getAuthTag()], last)
  }

  read(frame: Uint8Array, last: boolean): Uint8Array {
    if (frame.length < TAG_BYTES) throw damaged('a frame is too short')
    const decipher = createDecipheriv('aes-256-gcm', this.#key, this.#nonce(last))
    decipher.setAAD(this.#header)
    decipher.setAuthTag(frame.subarray(frame.length - TAG_BYTES))
    try {
      return Buffer.concat([decipher.update(frame.subarray(0, -TAG_BYTES)), decipher.final()])
    } catch {
      if (this.#count > 1) throw damaged('a frame was changed')
      throw backupError('BACKUP_PASSPHRASE', 'the passphrase is wrong, or the file was changed')
    }
  }

  /** The key is of this file alone, so counting is enough. */
  #nonce(last: boolean): Uint8Array {
    const nonce = Buffer.alloc(12)
    nonce.writeUInt8(last ? 1 : 0, 0)
    nonce.writeUIntBE(this.#count++, 6, 6)
    return nonce
  }
}

class Summed implements Framing {
  readonly #sum: Hash

  constructor(header: Uint8Array) {
    this.#sum = createHash('sha256').update(header)
  }

  write(content: Uint8Array, last: boolean): Uint8Array {
    if (last) return framed([this.#sum.digest()], true)
    this.#sum.update(content)
    return framed([content], false)
  }

  read(frame: Uint8Array, last: boolean): Uint8Array {
    if (!last) {
      this.#sum.update(frame)
      return frame
    }
    if (frame.length !== HASH_BYTES || !this.#sum.digest().equals(frame)) throw damaged('its checksum is wrong')
    return new Uint8Array(0)
  }
}

function framed(parts: readonly Uint8Array[], last: boolean): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = Buffer.alloc(4)
  head.writeUInt32BE((length | (last ? LAST : 0)) >>> 0)
  return Buffer.concat([head, ...parts])
}

const damaged = (why: string): Error => backupError('BACKUP_DAMAGED', `the backup is damaged: ${why}`)
