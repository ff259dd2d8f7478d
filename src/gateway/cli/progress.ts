import type { Writable } from 'node:stream'
import { humanSize } from '../blobs/errors.ts'
import type { CliContext, GlobalOptions } from './context.ts'

/** ms between two lines or redraws. */
const EVERY_MS = 100
const WIDTH = 30

/** `name  [######----]  40 %  12 MiB of 30 MiB  5 MiB/s  3 s` for a terminal. */
export function progressText(name: string, done: number, total: number | undefined, ms: number): string {
  const rate = ms > 0 ? (done * 1000) / ms : 0
  const speed = rate > 0 ? `  ${humanSize(rate)}/s` : ''
  if (total === undefined) return `${name}  ${humanSize(done)}${speed}`
  const part = total === 0 ? 1 : Math.min(1, done / total)
  const full = Math.floor(part * WIDTH)
  const bar = `[${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}]`
  const left = rate > 0 && done < total ? `  ${Math.ceil((total - done) / rate)} s` : ''
  return `${name}  ${bar}  ${Math.floor(part * 100)} %  ${humanSize(done)} of ${humanSize(total)}${speed}${left}`
}

/** How far a transfer is: a bar on a terminal, JSON lines with `--json`, nothing elsewhere. */
export class Progress {
  readonly #name: string
  readonly #json: Writable | undefined
  readonly #terminal: Writable | undefined
  readonly #begun = performance.now()
  #shownAt = Number.NEGATIVE_INFINITY
  #first: number | undefined

  constructor(context: CliContext, options: GlobalOptions, name: string) {
    this.#name = name
    this.#json = options.json ? context.out : undefined
    this.#terminal = !options.json && (context.err as { isTTY?: boolean }).isTTY ? context.err : undefined
  }

  /** `done` may begin above zero: what was there before does not count for the speed. */
  update(done: number, total: number | undefined, last = false): void {
    const now = performance.now()
    this.#first ??= done
    if (!last && now - this.#shownAt < EVERY_MS) return
    this.#shownAt = now
    this.#json?.write(`${JSON.stringify({ event: 'progress', name: this.#name, done, total: total ?? null })}\n`)
    this.#terminal?.write(`\r\u001b[K${progressText(this.#name, done, total, now - this.#begun)}`)
  }

  end(): void {
    this.#terminal?.write('\r\u001b[K')
  }
}
