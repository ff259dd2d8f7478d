import { type messages, type PGlite, protocol } from '@electric-sql/pglite'
import type { FieldInfo } from './pool.ts'
import type { WireError, WireParam } from './wire.ts'

type BackendMessage = messages.BackendMessage

/** Prepared statements kept by the session; the one used longest ago is closed first. Too small: parsing again and again. */
export const MAX_PREPARED = 300
/** Texts longer than this are not kept prepared: they are generated and do not come again. */
const MAX_PREPARED_TEXT = 20_000

export interface Outcome {
  readonly command: string
  readonly rowCount: number | null
  readonly fields: readonly FieldInfo[]
  readonly rows: readonly (string | null)[][]
  readonly error: WireError | undefined
  /** Command tags of all statements of the text. */
  readonly tags: readonly string[]
  /** The session is inside a transaction block now, healthy or failed. */
  readonly inTransaction: boolean
}

/**
 * The one Postgres session of a PGlite instance, spoken to in wire protocol: one call per statement, named statements
 * parsed once per text. Whether a transaction is open is read from `ReadyForQuery`, never guessed from the text.
 * The caller makes sure that one statement runs at a time.
 */
export class EngineSession {
  readonly #db: PGlite
  readonly #prepared = new Map<string, string>()
  #serial = 0

  constructor(db: PGlite) {
    this.#db = db
  }

  async run(text: string, params: readonly WireParam[] | undefined): Promise<Outcome> {
    const outcome = params === undefined || params.length === 0 ? await this.#simple(text) : await this.#extended(text, params)
    if (outcome.tags.some((tag) => tag === 'DISCARD ALL' || tag.startsWith('DEALLOCATE'))) this.#prepared.clear()
    return outcome
  }

  async #simple(text: string): Promise<Outcome> {
    return read(await this.#send([protocol.serialize.query(text)]))
  }

  async #extended(text: string, params: readonly WireParam[]): Promise<Outcome> {
    const { serialize } = protocol
    const known = this.#prepared.get(text)
    const keep = text.length <= MAX_PREPARED_TEXT
    const name = known ?? (keep ? `k${++this.#serial}` : '')
    const parts: Uint8Array[] = []
    if (known === undefined) parts.push(serialize.parse({ name, text }))
    parts.push(serialize.bind({ statement: name, values: [...params] as (string | null)[] }))
    parts.push(serialize.describe({ type: 'P' }), serialize.execute(), serialize.sync())
    const answers = await this.#send(parts)
    // The statement exists as soon as it was parsed, also when binding or running it failed afterwards.
    if (known !== undefined) this.#touch(text, name)
    else if (keep && answers.some((m) => m.name === 'parseComplete')) await this.#remember(text, name)
    const outcome = read(answers)
    if (known === undefined || outcome.error === undefined || !isStale(outcome.error)) return outcome
    // A table changed under the prepared plan (0A000) or the statement is gone (26000): prepare again.
    this.#prepared.delete(text)
    await this.#send([serialize.close({ type: 'S', name }), serialize.sync()])
    return outcome.inTransaction ? outcome : this.#extended(text, params)
  }

  #touch(text: string, name: string): void {
    this.#prepared.delete(text)
    this.#prepared.set(text, name)
  }

  async #remember(text: string, name: string): Promise<void> {
    this.#prepared.set(text, name)
    if (this.#prepared.size <= MAX_PREPARED) return
    const [oldest] = this.#prepared.entries().next().value as [string, string]
    const victim = this.#prepared.get(oldest) as string
    this.#prepared.delete(oldest)
    await this.#send([protocol.serialize.close({ type: 'S', name: victim }), protocol.serialize.sync()])
  }

  async #send(parts: readonly Uint8Array[]): Promise<BackendMessage[]> {
    const request = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
    return this.#db.execProtocolStream(request, { syncToFs: false, throwOnError: false })
  }
}

const isStale = (error: WireError): boolean =>
  error.code === '26000' || (error.code === '0A000' && /cached plan/.test(error.message))

function read(answers: readonly BackendMessage[]): Outcome {
  let fields: FieldInfo[] = []
  let rows: (string | null)[][] = []
  let last: { fields: FieldInfo[]; rows: (string | null)[][] } = { fields, rows }
  let error: WireError | undefined
  let inTransaction = false
  const tags: string[] = []
  for (const message of answers) {
    switch (message.name) {
      case 'rowDescription':
        fields = (message as messages.RowDescriptionMessage).fields.map((f) => ({ name: f.name, dataTypeID: f.dataTypeID }))
        break
      case 'dataRow':
        rows.push((message as messages.DataRowMessage).fields)
        break
      case 'commandComplete':
        tags.push((message as messages.CommandCompleteMessage).text)
        last = { fields, rows }
        fields = []
        rows = []
        break
      case 'error':
        error ??= wireError(message as messages.DatabaseError)
        break
      case 'readyForQuery':
        inTransaction = (message as messages.ReadyForQueryMessage).status !== 'I'
        break
    }
  }
  const words = (tags.at(-1) ?? '').split(' ')
  const count = words.length > 1 ? Number(words.at(-1)) : Number.NaN
  return { command: words[0] ?? '', rowCount: Number.isNaN(count) ? null : count, ...last, error, tags, inTransaction }
}

/** The parts of a Postgres error that callers read. */
export function wireError(e: messages.DatabaseError): WireError {
  const { message, code, severity, detail, hint, position, where, schema, table, column, dataType, constraint, routine } = e
  return { message, code, severity, detail, hint, position, where, schema, table, column, dataType, constraint, routine }
}
