import { createReadStream } from 'node:fs'
import { link, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fromHex, toHex, utf8 } from '../../base/bytes.ts'
import { errorCode, errorMessage, isK2Error } from '../../base/errors.ts'
import type { Rng } from '../../base/random.ts'
import {
  acceptedCost,
  isStrongEnough,
  MIN_PASSPHRASE,
  PASSPHRASE_KDF,
  passphraseKey,
  SALT_BYTES,
} from '../../core/keys/passphrase-key.ts'
import { backupError } from './errors.ts'
import { frames, unframed } from './frames.ts'
import { type Manifest, readManifest } from './manifest.ts'

/**
 * One file: a line that says what it is and how the key is made, then frames (`frames.ts`) of: length of the manifest (u32,
 * big endian), manifest, and a gzipped tar of the parts.
 */
const FORMAT = 'k2gw-backup'
const FORMAT_VERSION = 1
/** Longest first line, bytes. */
const MAX_HEADER_BYTES = 1024
/** Largest description of itself, bytes. */
const MAX_MANIFEST_BYTES = 1024 * 1024

export interface PackOptions {
  /** Folder with the parts the manifest names. */
  readonly folder: string
  readonly manifest: Manifest
  /** Refused when there is one. */
  readonly file: string
  readonly passphrase?: string | undefined
  readonly rng: Rng
  /** scrypt's cost; less than the default only in tests. */
  readonly cost?: number
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

/** Writes the one file of a backup: complete and under its name, or not at all. Answers its size. */
export async function packBackup(options: PackOptions): Promise<number> {
  const { folder, manifest, file, passphrase, rng, signal } = options
  const { create } = await import('tar')
  const { header, key } = await newHeader(passphrase, rng, options.cost)
  const temporary = join(dirname(file), `.${toHex(rng.bytes(6))}.k2gw-backup.partial`)
  const out = await open(temporary, 'wx', 0o600)
  try {
    let size = 0
    let read = 0
    const pack = create(
      {
        cwd: folder,
        gzip: { level: 1 },
        portable: true,
        onWriteEntry: (entry) => {
          read += entry.stat?.size ?? 0
          options.onBytes(read)
        },
      },
      Object.keys(manifest.parts),
    ) as unknown as AsyncIterable<Uint8Array>
    await out.write(header)
    for await (const frame of frames(withManifest(manifest, pack), header, key)) {
      signal.throwIfAborted()
      await out.write(frame)
      size += frame.length
    }
    await out.sync()
    await link(temporary, file)
    return size + header.length
  } catch (error) {
    if (signal.aborted || isK2Error(error)) throw error
    const message =
      errorCode(error) === 'EEXIST' ? `there is a file already: ${file}` : `it cannot be written: ${errorMessage(error)}`
    throw backupError('BACKUP_FAILED', message, error)
  } finally {
    await out.close()
    await rm(temporary, { force: true })
  }
}

async function* withManifest(manifest: Manifest, tar: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const text = utf8(JSON.stringify(manifest))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  yield Buffer.concat([length, text])
  yield* tar
}

async function newHeader(passphrase: string | undefined, rng: Rng, n: number = PASSPHRASE_KDF.n): Promise<Opened> {
  const plain = { format: FORMAT, version: FORMAT_VERSION }
  if (passphrase === undefined) return { header: utf8(`${JSON.stringify({ ...plain, sealed: false })}\n`), key: undefined }
  if (!isStrongEnough(passphrase))
    throw backupError('BACKUP_PASSPHRASE', `a passphrase has at least ${MIN_PASSPHRASE} characters`)
  const salt = rng.bytes(SALT_BYTES)
  const fields = { ...plain, sealed: true, kdf: { ...PASSPHRASE_KDF, n }, salt: toHex(salt) }
  return { header: utf8(`${JSON.stringify(fields)}\n`), key: await passphraseKey(passphrase, salt, n) }
}

interface Opened {
  readonly header: Uint8Array
  readonly key: Uint8Array | undefined
}

export interface OpenOptions {
  readonly file: string
  /** Asked for only when the file is sealed. */
  readonly passphrase: () => Promise<string>
  /** Bytes of the file read so far. */
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

/**
 * Reads a whole backup and checks every byte. `restore` gets the manifest before anything else of it, and the tar; what it
 * made of them counts only when this resolves. Throws `BACKUP_DAMAGED`, `BACKUP_NEWER`, `BACKUP_PASSPHRASE`.
 */
export async function readBackup(
  options: OpenOptions,
  restore: (manifest: Manifest, tar: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Manifest> {
  const { header, key } = await openHeader(options)
  const content = unframed(counted(options, header.length), header, key)
  try {
    const start = await startOf(content)
    const manifest = readManifest(start.text)
    await restore(manifest, following(start.rest, content))
    // Also what the tar does not need, such as its padding, has to hold.
    for await (const _ of content);
    return manifest
  } finally {
    await content.return(undefined)
  }
}

async function* counted({ file, onBytes, signal }: OpenOptions, start: number): AsyncGenerator<Uint8Array> {
  let read = start
  for await (const piece of createReadStream(file, { start })) {
    signal.throwIfAborted()
    read += (piece as Uint8Array).length
    onBytes(read)
    yield piece as Uint8Array
  }
}

async function startOf(content: AsyncGenerator<Uint8Array>): Promise<{ text: string; rest: Uint8Array }> {
  let held = Buffer.alloc(0)
  for (;;) {
    const length = held.length < 4 ? undefined : held.readUInt32BE(0)
    if (length !== undefined && length > MAX_MANIFEST_BYTES) throw damaged('what it says of itself is too long')
    if (length !== undefined && held.length >= 4 + length) {
      return { text: held.subarray(4, 4 + length).toString('utf8'), rest: held.subarray(4 + length) }
    }
    const next = await content.next()
    if (next.done) throw damaged('it does not say what it is')
    held = Buffer.concat([held, next.value])
  }
}

async function* following(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  // Not `yield*`: ending this one must not end the other, whose rest is still to be checked.
  for (;;) {
    const next = await rest.next()
    if (next.done) return
    yield next.value
  }
}

async function openHeader({ file, passphrase }: OpenOptions): Promise<Opened> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw backupError('BACKUP_FAILED', `${file} cannot be read (${errorCode(error)})`, error)
  })
  let line: Buffer
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_HEADER_BYTES), 0, MAX_HEADER_BYTES, 0)
    const end = buffer.subarray(0, bytesRead).indexOf(10)
    if (end < 0) throw damaged('it is no backup of a gateway')
    line = buffer.subarray(0, end + 1)
  } finally {
    await handle.close()
  }
  let fields: Record<string, unknown>
  try {
    fields = (JSON.parse(line.toString('utf8')) ?? {}) as Record<string, unknown>
  } catch {
    throw damaged('it is no backup of a gateway')
  }
  if (fields.format !== FORMAT) throw damaged('it is no backup of a gateway')
  if (fields.version !== FORMAT_VERSION)
    throw backupError('BACKUP_NEWER', 'this backup was made by another version: restore it with that one')
  if (fields.sealed !== true) return { header: line, key: undefined }
  const n = acceptedCost(fields.kdf)
  const { salt } = fields
  if (n === undefined || typeof salt !== 'string' || salt.length !== 2 * SALT_BYTES || !/^[0-9a-f]+$/.test(salt)) {
    throw damaged('how its key is made is not supported')
  }
  return { header: line, key: await passphraseKey(await passphrase(), fromHex(salt), n) }
}

const damaged = (why: string): Error => backupError('BACKUP_DAMAGED', `the backup is damaged: ${why}`)
