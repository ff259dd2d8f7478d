import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Rng } from '../../base/random.ts'
import type { Network, Place } from '../../bridges/model/place.ts'
import { type Lexicon, type language, match } from '../../rules/index.ts'
import type { Reading } from '../../rules/model.ts'
import type { ThreadMessage } from '../../rules/thread/index.ts'
import type { Counters } from '../pipeline/stats.ts'
import type { ButtonId } from './cards.ts'
import type { MarketMemory } from './memory.ts'
import type { Origin } from './model.ts'
import type { Profiles } from './profiles.ts'

/** What every part of the market works with. */
export interface MarketParts {
  readonly memory: MarketMemory
  readonly profiles: Profiles
  readonly lexicon: Lexicon
  /** The running rule set; null while none could be loaded. */
  readonly ruleSet: () => language.RuleSet | null
  readonly rates: match.Rates | undefined
  /** Asks another reader about a doubtful message; absent where none is configured. */
  readonly secondOpinion?: ((message: ThreadMessage, reading: Reading, origin: Origin) => void) | undefined
  readonly buttonId: ButtonId
  readonly counters: Counters
  /** An account of this gateway on a network, to write to people there. */
  readonly accountOf: (network: Network) => string | undefined
  /** Queues rules may order jobs in. */
  readonly jobQueues: ReadonlySet<string>
  /** Where the operator is told of what rules and their files bring up. */
  readonly operatorPlace?: Place | undefined
  /** Time zone of people who set none. */
  readonly timeZone: string
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
}

export const converterOf = (parts: Pick<MarketParts, 'rates'>, now: number): match.Converter => match.converter(parts.rates, now)
