import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { PgPool } from '../db/pool.ts'
import { UNBEGUN } from '../db/sql/lanes.ts'
import { run } from '../db/sql/statement.ts'
import { type CopyRow, type ResultRow, STEP } from '../db/sql/step.ts'
import { toJsonb } from './json.ts'

/** A delivery that was sent, as it will be recorded. */
export interface SentRecord {
  readonly result: ResultRow
  readonly copies: readonly CopyRow[]
}

/**
 * What was begun and what was sent and is not in the database yet, on this machine's disk. It takes the doubt from a killed
 * process: what it had sent is recorded, what it had only claimed is sent, and at most one delivery per lane, whose answer
 * never came, stays in doubt. So a lane may go on while results of earlier deliveries are written, also where the destination
 * cannot be asked.
 */
export interface SentLog {
  /** Before anything of the delivery is sent. False when it could not be noted: then it must not be sent. */
  begun(id: string): boolean
  /** False when it could not be noted. */
  sent(record: SentRecord): boolean
  /** Whatever became of these deliveries is in the database now. */
  recorded(ids: readonly string[]): void
  /** What an earlier process noted and did not see recorded. */
  readonly left: SentLeft
  /** What was left is in the database now. */
  settled(): void
  close(): void
}

export interface SentLeft {
  readonly sent: readonly SentRecord[]
  /** Every delivery the earlier process may have begun to send; undefined when the notes may be incomplete. */
  readonly begun: readonly string[] | undefined
}

/** A file is emptied when everything in it is recorded and it is longer than this. Bytes. */
const TRIM_BYTES = 256 * 1024
/** A file longer than this takes nothing more until everything in it is recorded. Bytes. */
const MAX_BYTES = 4 * 1024 * 1024
/** Records in one statement after a start. */
const BATCH = 200

const Line = z.object({
  result: z.object({
    id: z.uuid(),
    lane: z.string(),
    fence: z.number(),
    state: z.literal('done'),
    attempt: z.number(),
    not_before: z.number(),
    ambiguous_since: z.number().nullable(),
    failed_since: z.number().nullable(),
    parked_at: z.number().nullable(),
    parts: z.array(z.unknown()).nullable(),
    code: z.string().nullable(),
    message: z.string().nullable(),
  }),
  copies: z.array(
    z.object({
      network: z.string(),
      scope: z.string(),
      channel: z.string(),
      native_id: z.string(),
      account: z.string(),
      thread: z.string().nullable(),
      cid: z.string(),
      part: z.number(),
      role: z.enum(['text', 'file', 'album', 'composite']),
      lane: z.string(),
      files: z.array(z.string()).nullable().default(null),
    }),
  ),
})

const Header = z.object({ boot: z.string().nullable() })
const Begun = z.object({ begun: z.uuid() })

interface Part {
  readonly fd: number
  /** Not recorded yet. */
  readonly open: Set<string>
  size: number
}

/**
 * Two files that take turns, so that one can be emptied while the other is written. Written without waiting for the disk: they
 * are for killed processes. After the machine itself stopped (`boot` differs) the end may be missing; then what is not in them
 * proves nothing. `boot`: a name of this run of the machine, null where there is none.
 */
export function openSentLog(folder: string, boot: string | null, log: Logger): SentLog {
  const paths = ['sent-0.log', 'sent-1.log'].map((name) => join(folder, name))
  const left = leftIn(paths, boot, log)
  let hasLeft = left.sent.length > 0 || left.begun === undefined || left.begun.length > 0
  const header = `${JSON.stringify({ boot })}\n`
  const empty = (part: Part): void => {
    ftruncateSync(part.fd, 0)
    part.size = writeSync(part.fd, header)
  }
  const parts = paths.map((path): Part => {
    const fd = openSync(path, 'a', 0o600)
    return { fd, open: new Set(), size: fstatSync(fd).size }
  })
  let active = 0
  let closed = false
  const write = (id: string, entry: object): boolean => {
    const part = [parts[active], parts[1 - active]].find((p) => p !== undefined && p.size < MAX_BYTES)
    if (part === undefined || closed) return false
    active = parts.indexOf(part)
    try {
      part.size += writeSync(part.fd, `${JSON.stringify(entry)}\n`)
    } catch (error) {
      log.warn({ ev: 'sent-log', reason: errorMessage(error) }, 'what is being sent could not be noted beside the database')
      return false
    }
    part.open.add(id)
    return true
  }
  return {
    left,
    begun: (id) => write(id, { begun: id }),
    sent: (record) => write(record.result.id, record),
    recorded(ids) {
      if (closed) return
      for (const part of parts) {
        for (const id of ids) part.open.delete(id)
        if (part.open.size === 0 && part.size > TRIM_BYTES && !hasLeft) empty(part)
      }
      // A file that never runs empty while it is written to rests as soon as the other is free.
      const [now, other] = [parts[active] as Part, parts[1 - active] as Part]
      if (now.size > TRIM_BYTES && other.size <= TRIM_BYTES && other.open.size === 0) active = 1 - active
    },
    settled() {
      hasLeft = false
      for (const part of parts) if (part.open.size === 0) empty(part)
    },
    close() {
      if (closed) return
      closed = true
      for (const part of parts) closeSync(part.fd)
    },
  }
}

/** This run of the machine; null where the system does not name it. */
export function bootName(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return null
  }
}

/**
 * Records what an earlier process of this instance had sent when it was cut off, and takes its claims back where nothing was
 * begun. To be called before its leases are freed. Answers how many results it wrote.
 */
export async function settleSent(log: SentLog, pool: PgPool, ownerPrefix: string, now: number): Promise<number> {
  const { sent, begun } = log.left
  for (let at = 0; at < sent.length; at += BATCH) {
    const batch = sent.slice(at, at + BATCH)
    const copies = batch.flatMap((r) => r.copies)
    await run(pool, STEP, [toJsonb(batch.map((r) => r.result)), toJsonb(copies), '[]', now])
  }
  if (begun !== undefined) await run(pool, UNBEGUN, [ownerPrefix, begun])
  log.settled()
  return sent.length
}

function leftIn(paths: readonly string[], boot: string | null, log: Logger): SentLeft {
  const sent = new Map<string, SentRecord>()
  const begun = new Set<string>()
  let complete = boot !== null
  for (const path of paths) {
    const [head, ...lines] = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
    const header = parse(Header, head ?? '')
    if (header === undefined || header.boot !== boot) complete = false
    for (const line of lines) {
      if (line === '') continue
      const record = parse(Line, line) as SentRecord | undefined
      const start = record === undefined ? parse(Begun, line) : undefined
      if (record !== undefined) sent.set(record.result.id, record)
      else if (start !== undefined) begun.add(start.begun)
      else {
        complete = false
        log.warn({ ev: 'sent-log', file: path }, 'a note of what was sent before the last end cannot be read')
      }
    }
  }
  return { sent: [...sent.values()], begun: complete ? [...begun] : undefined }
}

function parse<T>(schema: z.ZodType<T>, line: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
