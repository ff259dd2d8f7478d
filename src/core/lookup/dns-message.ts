import { lookupError } from './errors.ts'

export const TYPE = { A: 1, PTR: 12, TXT: 16, AAAA: 28, SRV: 33 } as const
export const CLASS_IN = 1
/** Response bit, and what multicast answers add: they are authoritative. */
export const RESPONSE = 0x8000
export const AUTHORITATIVE = 0x0400

const MAX_NAME_BYTES = 255
const MAX_LABEL_BYTES = 63
/** Records of all sections; real messages have a few dozen. */
const MAX_RECORDS = 256
/** Pointers followed for one name; each has to lead backwards besides. */
const MAX_JUMPS = 32
const POINTER = 0xc0

/** Labels from left to right, one character per byte, so that any label can be kept. */
export type DnsName = readonly string[]

export type DnsData =
  | { readonly type: 'address'; readonly ip: Uint8Array }
  | { readonly type: 'ptr'; readonly target: DnsName }
  | { readonly type: 'srv'; readonly priority: number; readonly weight: number; readonly port: number; readonly target: DnsName }
  /** Character strings, at most 255 bytes each. */
  | { readonly type: 'txt'; readonly strings: readonly Uint8Array[] }
  | { readonly type: 'other'; readonly code: number; readonly bytes: Uint8Array }

export interface DnsRecord {
  readonly name: DnsName
  /** With the cache-flush bit of multicast where it is set. */
  readonly class: number
  /** Seconds. */
  readonly ttl: number
  readonly data: DnsData
}

export interface DnsQuestion {
  readonly name: DnsName
  readonly type: number
  readonly class: number
}

export interface DnsMessage {
  readonly id: number
  readonly flags: number
  readonly questions: readonly DnsQuestion[]
  readonly answers: readonly DnsRecord[]
  readonly authorities: readonly DnsRecord[]
  readonly additionals: readonly DnsRecord[]
}

export const dnsName = (text: string): DnsName => text.split('.').filter((label) => label !== '')

/** Names are equal whatever their ASCII case. */
export function sameName(a: DnsName, b: DnsName): boolean {
  return a.length === b.length && a.every((label, i) => lower(label) === lower(b[i] as string))
}

const lower = (label: string): string => label.replace(/[A-Z]/g, (c) => c.toLowerCase())

/** Reads one whole message; nothing may follow it. Throws `LOOKUP_BAD_DNS`. Byte strings are copies. */
export function decodeDns(bytes: Uint8Array): DnsMessage {
  const reader = new Reader(bytes)
  const id = reader.u16()
  const flags = reader.u16()
  const counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()] as const
  if (counts[0] + counts[1] + counts[2] + counts[3] > MAX_RECORDS) throw bad('a DNS message has too many records')
  const times = <T>(count: number, read: () => T): T[] => Array.from({ length: count }, read)
  const message = {
    id,
    flags,
    questions: times(counts[0], () => ({ name: reader.name(), type: reader.u16(), class: reader.u16() })),
    answers: times(counts[1], () => readRecord(reader)),
    authorities: times(counts[2], () => readRecord(reader)),
    additionals: times(counts[3], () => readRecord(reader)),
  }
  if (reader.at !== bytes.length) throw bad('bytes follow a DNS message')
  return message
}

function readRecord(reader: Reader): DnsRecord {
  const name = reader.name()
  const code = reader.u16()
  const head = { name, class: reader.u16(), ttl: reader.u32() }
  const end = reader.limit(reader.u16())
  const data = readData(reader, code, end)
  if (reader.at !== end) throw bad('a DNS record has another length than it says')
  return { ...head, data }
}

function readData(reader: Reader, code: number, end: number): DnsData {
  switch (code) {
    case TYPE.A:
      return { type: 'address', ip: reader.bytes(4) }
    case TYPE.AAAA:
      return { type: 'address', ip: reader.bytes(16) }
    case TYPE.PTR:
      return { type: 'ptr', target: reader.name() }
    case TYPE.SRV:
      return { type: 'srv', priority: reader.u16(), weight: reader.u16(), port: reader.u16(), target: reader.name() }
    case TYPE.TXT: {
      const strings: Uint8Array[] = []
      while (reader.at < end) strings.push(reader.bytes(reader.u8()))
      return { type: 'txt', strings }
    }
    default:
      return { type: 'other', code, bytes: reader.bytes(end - reader.at) }
  }
}

class Reader {
  readonly #bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  u8(): number {
    const byte = this.#bytes[this.at]
    if (byte === undefined) throw bad('a DNS message ends too early')
    this.at++
    return byte
  }

  u16(): number {
    return this.u8() * 256 + this.u8()
  }

  u32(): number {
    return this.u16() * 65_536 + this.u16()
  }

  bytes(size: number): Uint8Array {
    const end = this.limit(size)
    const copy = this.#bytes.slice(this.at, end)
    this.at = end
    return copy
  }

  /** Where `size` more bytes end. */
  limit(size: number): number {
    if (this.at + size > this.#bytes.length) throw bad('a DNS message ends too early')
    return this.at + size
  }

  /** Pointers may only lead to what stands before them, so that no name can run in circles. */
  name(): DnsName {
    const labels: string[] = []
    let size = 1
    let back: number | undefined
    let before = this.at
    for (let jumps = 0; ; ) {
      const length = this.u8()
      if (length === 0) break
      if ((length & POINTER) === POINTER) {
        const target = (length & ~POINTER) * 256 + this.u8()
        if (target >= before || ++jumps > MAX_JUMPS) throw bad('a DNS name points nowhere')
        back ??= this.at
        before = target
        this.at = target
        continue
      }
      if (length > MAX_LABEL_BYTES) throw bad('a DNS label is too long')
      size += length + 1
      if (size > MAX_NAME_BYTES) throw bad('a DNS name is too long')
      labels.push(Buffer.from(this.bytes(length)).toString('latin1'))
    }
    if (back !== undefined) this.at = back
    return labels
  }
}

/** Writes a message; names that stood before are pointed to, except inside SRV (RFC 2782). Throws `LOOKUP_BAD_DNS`. */
export function encodeDns(message: DnsMessage): Uint8Array {
  const writer = new Writer()
  const { questions, answers, authorities, additionals } = message
  const sections = [questions.length, answers.length, authorities.length, additionals.length]
  for (const n of [message.id, message.flags, ...sections]) writer.u16(n)
  for (const question of questions) {
    writer.name(question.name)
    writer.u16(question.type)
    writer.u16(question.class)
  }
  for (const record of [...answers, ...authorities, ...additionals]) writeRecord(writer, record)
  return writer.finish()
}

function writeRecord(writer: Writer, { name, class: dnsClass, ttl, data }: DnsRecord): void {
  writer.name(name)
  writer.u16(codeOf(data))
  writer.u16(dnsClass)
  writer.u16(Math.floor(ttl / 65_536))
  writer.u16(ttl % 65_536)
  const lengthAt = writer.size
  writer.u16(0)
  if (data.type === 'address') writer.raw(data.ip)
  else if (data.type === 'other') writer.raw(data.bytes)
  else if (data.type === 'ptr') writer.name(data.target)
  else if (data.type === 'srv') {
    for (const n of [data.priority, data.weight, data.port]) writer.u16(n)
    writer.name(data.target, false)
  } else {
    for (const string of data.strings) {
      if (string.length > 255) throw bad('a DNS character string is too long')
      writer.raw(Uint8Array.of(string.length))
      writer.raw(string)
    }
  }
  writer.patch(lengthAt, writer.size - lengthAt - 2)
}

function codeOf(data: DnsData): number {
  if (data.type === 'address') return data.ip.length === 4 ? TYPE.A : TYPE.AAAA
  if (data.type === 'other') return data.code
  return data.type === 'ptr' ? TYPE.PTR : data.type === 'srv' ? TYPE.SRV : TYPE.TXT
}

class Writer {
  readonly #bytes: number[] = []
  /** Where names begin, by their text. */
  readonly #names = new Map<string, number>()

  get size(): number {
    return this.#bytes.length
  }

  u16(value: number): void {
    this.#bytes.push((value >>> 8) & 0xff, value & 0xff)
  }

  raw(bytes: Uint8Array): void {
    for (const byte of bytes) this.#bytes.push(byte)
  }

  patch(at: number, value: number): void {
    if (value > 0xffff) throw bad('a DNS record is too long')
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value & 0xff
  }

  name(name: DnsName, compress = true): void {
    if (name.reduce((sum, label) => sum + label.length + 1, 1) > MAX_NAME_BYTES) throw bad('a DNS name is too long')
    for (const [i, label] of name.entries()) {
      // Two labels with a dot inside must not look like three.
      const key = JSON.stringify(name.slice(i))
      const known = this.#names.get(key)
      if (known !== undefined && compress) {
        this.u16(POINTER * 256 + known)
        return
      }
      if (known === undefined && this.size < POINTER * 64) this.#names.set(key, this.size)
      if (label.length === 0 || label.length > MAX_LABEL_BYTES) throw bad('a DNS label has 1 to 63 bytes')
      this.#bytes.push(label.length, ...Buffer.from(label, 'latin1'))
    }
    this.#bytes.push(0)
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }
}

const bad = (message: string): Error => lookupError('LOOKUP_BAD_DNS', message)
