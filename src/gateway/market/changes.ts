import type { NativeRef } from '../../bridges/model/place.ts'
import type { language } from '../../rules/index.ts'
import type {
  AlertRow,
  MarketIntent,
  MatchRow,
  NoticeRow,
  PersonSettings,
  PublishConsent,
  RevisionRow,
  Search,
  Talk,
  TraceRow,
} from './model.ts'

/**
 * What one step of the market changes in the database; written as one transaction. Memory is ahead of it for that moment: a write
 * that fails is tried again before anything else happens, and a process that dies reads the same messages again.
 */
export class Changes {
  readonly intents = new Map<string, MarketIntent>()
  readonly revisions: RevisionRow[] = []
  readonly searches = new Map<string, Search>()
  readonly removedSearches = new Set<string>()
  readonly matches: MatchRow[] = []
  readonly alerts: AlertRow[] = []
  readonly takenDigests: string[] = []
  readonly notices: NoticeRow[] = []
  /** Intents whose waiting notices nobody needs any more. */
  readonly cancelled = new Set<string>()
  readonly people = new Map<string, PersonSettings>()
  readonly consents: { readonly person: string; readonly place: string; readonly consent: PublishConsent }[] = []
  readonly ruleState: language.StateChange[] = []
  readonly traces: TraceRow[] = []
  readonly forgottenTraces: string[] = []
  /** Conversations that begin, and those in which something was said. */
  readonly talks = new Map<string, Talk>()
  readonly touchedTalks = new Set<string>()
  /** Messages a rule reacts to. */
  readonly reactions: { readonly ref: NativeRef; readonly emoji: string; readonly dueAt: number }[] = []
  /** Intents that ended: what people were shown of them is marked. */
  readonly ended = new Set<string>()
  /** Done once everything is stored: what the node sends follows from the stored state after a restart, too. */
  readonly afterwards: (() => void)[] = []
  /** Inbox position up to which everything was read. */
  cursor: number | undefined

  get empty(): boolean {
    return (
      this.cursor === undefined &&
      this.afterwards.length === 0 &&
      [this.intents, this.searches, this.removedSearches, this.cancelled, this.people, this.talks, this.touchedTalks].every(
        (m) => m.size === 0,
      ) &&
      [
        this.revisions,
        this.matches,
        this.alerts,
        this.takenDigests,
        this.notices,
        this.consents,
        this.ruleState,
        this.traces,
        this.forgottenTraces,
        this.reactions,
      ].every((list) => list.length === 0)
    )
  }
}
