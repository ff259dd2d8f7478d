/** Recipients handled before another intent gets its turn. */
const SLICE = 500
/** Intents waiting to be expanded. */
const MAX_JOBS = 10_000

interface Job<T> {
  readonly intent: string
  readonly recipients: readonly T[]
  at: number
}

/** Expands intents to their recipients in slices, each intent in turn, so that one with ten thousand delays nobody else's. */
export class Expansion<T> {
  readonly #jobs: Job<T>[] = []

  get pending(): number {
    return this.#jobs.reduce((n, j) => n + j.recipients.length - j.at, 0)
  }

  /** False when too many intents wait. */
  add(intent: string, recipients: readonly T[]): boolean {
    if (this.#jobs.length >= MAX_JOBS) return false
    if (recipients.length > 0) this.#jobs.push({ intent, recipients, at: 0 })
    return true
  }

  /** The next slice, or undefined when nothing waits. */
  next(): { readonly intent: string; readonly recipients: readonly T[] } | undefined {
    const job = this.#jobs.shift()
    if (job === undefined) return undefined
    const recipients = job.recipients.slice(job.at, job.at + SLICE)
    job.at += recipients.length
    if (job.at < job.recipients.length) this.#jobs.push(job)
    return { intent: job.intent, recipients }
  }

  /** An intent closed: its remaining recipients hear nothing. */
  cancel(intent: string): void {
    for (let i = this.#jobs.length - 1; i >= 0; i--) if (this.#jobs[i]?.intent === intent) this.#jobs.splice(i, 1)
  }
}
