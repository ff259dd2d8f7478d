import { withDeadline } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Notice } from '../../bridges/interaction.ts'
import { placeKey } from '../../bridges/model/place.ts'
import type { Standing } from './access.ts'
import { type AuditEntry, surfaceOf } from './audit.ts'
import type { CommandContext, CommandOrigin, CommandResult } from './definition.ts'

/** ms a command may take unless its definition says otherwise. */
const DEFAULT_TIMEOUT_MS = 60_000
/** Progress shown at most once in this time, ms: platforms limit edits. */
const PROGRESS_MS = 1_500

export interface Caller extends Standing {
  readonly origin: CommandOrigin
}

export interface Work {
  /** For the audit log. */
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  readonly timeoutMs?: number
  run(context: CommandContext): Promise<CommandResult>
}

export interface RunnerOptions {
  readonly audit: (entry: AuditEntry) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

/** Runs what people ask for: with a deadline, cancelled when the gateway stops, and always with a line in the audit log. */
export class Runner {
  readonly #options: RunnerOptions
  readonly #stopping = new AbortController()

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  stop(): void {
    this.#stopping.abort()
  }

  /** Rejects with what the work throws, `TIMEOUT` or `ABORTED`. `signal`: the caller went away. */
  async run(
    caller: Caller,
    work: Work,
    progress: (notice: Notice) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<CommandResult> {
    const { clock } = this.#options
    const started = clock.monotonic()
    const abort = new AbortController()
    const either = AbortSignal.any([this.#stopping.signal, ...(signal ? [signal] : [])])
    let shown = Number.NEGATIVE_INFINITY
    const context: CommandContext = {
      origin: caller.origin,
      actor: caller.actor,
      role: caller.role,
      signal: abort.signal,
      progress: async (notice) => {
        if (abort.signal.aborted || clock.monotonic() - shown < PROGRESS_MS) return
        shown = clock.monotonic()
        await progress(notice)
      },
    }
    const ms = work.timeoutMs ?? DEFAULT_TIMEOUT_MS
    try {
      const result = await withDeadline(invoke(work, context), {
        ms,
        what: `"${work.name}"`,
        signal: either,
        clock,
        onGiveUp: () => abort.abort(),
      })
      await this.#record(caller, work, started, 'done')
      return result
    } catch (error) {
      if (!isK2Error(error) || error.kind === 'bug') {
        this.#options.log.error({ ev: 'command-bug', command: work.name, err: error }, 'a command failed unexpectedly')
      }
      await this.#record(caller, work, started, 'failed', errorCode(error, 'BUG'))
      throw error
    } finally {
      abort.abort()
    }
  }

  /** Notes something that was not even begun: no right, wrong arguments, too fast. */
  refused(caller: Caller, work: Pick<Work, 'name' | 'args'>, error: unknown): Promise<void> {
    return this.#record(caller, work, this.#options.clock.monotonic(), 'refused', errorCode(error, 'BUG'))
  }

  async #record(
    { origin, actor, role }: Caller,
    { name, args }: Pick<Work, 'name' | 'args'>,
    started: number,
    outcome: AuditEntry['outcome'],
    code?: string,
  ): Promise<void> {
    const { clock, audit, log } = this.#options
    const entry: AuditEntry = {
      at: clock.now(),
      surface: surfaceOf(origin),
      ...(origin.surface === 'chat' && { place: placeKey(origin.at) }),
      actorKey: actor.key,
      actorName: actor.displayName,
      role,
      command: name,
      args,
      outcome,
      ...(code !== undefined && { code }),
      ms: Math.round(clock.monotonic() - started),
    }
    await audit(entry).catch((err) =>
      log.error({ ev: 'audit-failed', command: name, err }, 'a command could not be noted in the audit log'),
    )
  }
}

/** Also turns what is thrown at once into a rejection. */
async function invoke(work: Work, context: CommandContext): Promise<CommandResult> {
  return work.run(context)
}
