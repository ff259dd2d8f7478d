import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Mutex } from '../../base/async.ts'
import { errorCode, K2Error } from '../../base/errors.ts'
import { parsePeerId, parseTopicId } from '../ids.ts'
import { type ExpectedConfirmer, MemoryJournal, type SendJournal, type SentRecord } from './send-journal.ts'

/** Rewritten when it has grown to this; 5,000 lines take about 0.7 MB. */
const COMPACT_BYTES = 4 * 1024 * 1024
/** A file beyond this is not ours. */
const MAX_READ_BYTES = 64 * 1024 * 1024

/**
 * A journal in an append-only file of JSON lines. It survives the end of the process at any moment; it is not synced to the
 * disk, since losing the last moments after a power failure only means that a line may be shown twice.
 */
export class FileJournal implements SendJournal {
  readonly #path: string
  readonly #memory: MemoryJournal
  readonly #compactBytes: number
  readonly #writing = new Mutex()
  #confirmers: readonly ExpectedConfirmer[]
  #file: FileHandle
  #size: number

  private constructor(path: string, memory: MemoryJournal, opened: { file: FileHandle; size: number }, compactBytes: number) {
    this.#path = path
    this.#memory = memory
    this.#confirmers = memory.restored().confirmers
    this.#file = opened.file
    this.#size = opened.size
    this.#compactBytes = compactBytes
  }

  /** Reads what is there (unreadable lines are skipped: the last one may be cut) and compacts it. Rejects `K2_JOURNAL`. */
  static async open(path: string, compactBytes = COMPACT_BYTES): Promise<FileJournal> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const memory = parseLines(await readExisting(path))
      return new FileJournal(path, memory, await rewrite(path, memory), compactBytes)
    } catch (error) {
      throw journalError(path, error)
    }
  }

  find(key: string): SentRecord | undefined {
    return this.#memory.find(key)
  }

  async record(sent: SentRecord): Promise<void> {
    await this.#append(printLine(sent))
    await this.#memory.record(sent)
  }

  async noteConfirmers(confirmers: readonly ExpectedConfirmer[]): Promise<void> {
    this.#confirmers = confirmers
    await this.#append(printConfirmers(confirmers))
  }

  restored(): ReturnType<SendJournal['restored']> {
    return this.#memory.restored()
  }

  async close(): Promise<void> {
    await this.#writing.run(() => this.#file.close())
  }

  #append(line: string): Promise<void> {
    return this.#writing.run(async () => {
      try {
        if (this.#size > this.#compactBytes) await this.#compact()
        await this.#file.write(line)
        this.#size += line.length
      } catch (error) {
        throw journalError(this.#path, error)
      }
    })
  }

  async #compact(): Promise<void> {
    const old = this.#file
    const { file, size } = await rewrite(this.#path, new MemoryJournal(this.#memory.restored().lines, this.#confirmers))
    this.#file = file
    this.#size = size
    await old.close()
  }
}

async function readExisting(path: string): Promise<string> {
  try {
    const bytes = await readFile(path)
    return bytes.length > MAX_READ_BYTES ? '' : bytes.toString('utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return ''
    throw error
  }
}

async function rewrite(path: string, memory: MemoryJournal): Promise<{ file: FileHandle; size: number }> {
  const { lines, confirmers } = memory.restored()
  const text = lines.map(printLine).join('') + printConfirmers(confirmers)
  const temporary = `${path}.new`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.write(text)
    await rename(temporary, path)
  } catch (error) {
    await file.close()
    throw error
  }
  return { file, size: text.length }
}

const printLine = (line: SentRecord): string =>
  `${JSON.stringify({ k: line.key, t: line.topic, s: line.sentAt, n: line.attempts })}\n`

const printConfirmers = (confirmers: readonly ExpectedConfirmer[]): string =>
  `${JSON.stringify({ c: confirmers.map(({ peer, topic }) => [peer, topic]) })}\n`

function parseLines(text: string): MemoryJournal {
  const lines = new Map<string, SentRecord>()
  let confirmers: ExpectedConfirmer[] = []
  for (const line of text.split('\n')) {
    const record = parseLine(line)
    if (record === undefined) continue
    if (Array.isArray(record)) confirmers = record
    else {
      lines.delete(record.key)
      lines.set(record.key, record)
    }
  }
  return new MemoryJournal([...lines.values()], confirmers)
}

/** One line, or undefined when it is cut or not ours. */
function parseLine(text: string): SentRecord | ExpectedConfirmer[] | undefined {
  try {
    const { k, t, s, n, c } = JSON.parse(text) as Record<string, unknown>
    if (Array.isArray(c))
      return c.map(([peer, topic]) => ({ peer: parsePeerId(String(peer)), topic: parseTopicId(String(topic)) }))
    if (typeof k !== 'string' || typeof t !== 'string' || !Number.isSafeInteger(s) || !Number.isSafeInteger(n)) return undefined
    return { key: k, topic: parseTopicId(t), sentAt: s as number, attempts: n as number }
  } catch {
    // A cut last line is normal after a kill; anything else unreadable only costs the memory of one line.
    return undefined
  }
}

const journalError = (path: string, cause: unknown): K2Error =>
  new K2Error({
    code: 'K2_JOURNAL',
    kind: 'storage',
    retry: 'later',
    message: `cannot remember sent messages in ${path} (${errorCode(cause)}): check the disk and its permissions`,
    cause,
  })
