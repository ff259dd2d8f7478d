import { TaskGroup } from '../../base/async.ts'
import { errorMessage } from '../../base/errors.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import { line, notice } from '../commands/notices.ts'
import type { Notifier } from '../commands/notifier.ts'
import type { Counters } from '../pipeline/index.ts'

/** Notices under way at once; further authors are not told. */
const MAX_TELLING = 20
const POST_MS = 20_000

export interface CrowdOptions {
  readonly notifier: () => Pick<Notifier, 'post'>
  readonly counters: Counters
  readonly log: Logger
}

/** Tells people who write much too fast that messages of theirs are dropped: once per flood, to them alone (bridging 16). */
export class CrowdNotices implements Lifecycle {
  readonly name = 'crowd-notices'
  readonly #o: CrowdOptions
  readonly #tasks: TaskGroup
  readonly #stop = new AbortController()
  #telling = 0

  constructor(options: CrowdOptions) {
    this.#o = options
    this.#tasks = new TaskGroup((err) => options.log.warn({ ev: 'author-not-told', err }, 'an author could not be told'))
  }

  /** Returns at once. */
  tell({ author }: Envelope): void {
    if (this.#stop.signal.aborted || this.#telling >= MAX_TELLING) return
    this.#telling++
    this.#tasks.add(
      this.#post(author.key).finally(() => {
        this.#telling--
      }),
    )
  }

  async drain(): Promise<void> {
    this.#stop.abort()
    await this.#tasks.settled()
  }

  async #post(authorKey: string): Promise<void> {
    const text = notice(
      line(
        'You write faster than messages are carried on: your next ones are not carried until fewer of yours wait. Please slow down.',
      ),
    )
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(POST_MS)])
    try {
      await this.#o.notifier().post({ kind: 'person', authorKey }, text, signal)
      this.#o.counters.add('bridge_author_notices_total', { outcome: 'told' })
    } catch (error) {
      // Nobody has to accept direct messages, and people of K2 cannot be told; it is in the metrics and in `queue why`.
      this.#o.counters.add('bridge_author_notices_total', { outcome: 'untold' })
      this.#o.log.info({ ev: 'author-not-told', reason: errorMessage(error) }, 'an author could not be told of dropped messages')
    }
  }
}
