import type { Migration } from '../migrate.ts'
import { pipeline } from './0001-pipeline.ts'
import { gateway } from './0002-gateway.ts'
import { blobs } from './0003-blobs.ts'
import { commands } from './0004-commands.ts'
import { market } from './0005-market.ts'
import { reactions } from './0006-reactions.ts'
import { marketTogether } from './0007-market-together.ts'
import { direct } from './0008-direct.ts'
import { sync } from './0009-sync.ts'
import { trust } from './0010-trust.ts'
import { composite } from './0011-composite.ts'
import { moderation } from './0012-moderation.ts'
import { copyFiles } from './0013-copy-files.ts'
import { reactionTally } from './0014-reaction-tally.ts'
import { threadPairs } from './0015-thread-pairs.ts'
import { pacing } from './0016-pacing.ts'
import { directLines } from './0017-direct-lines.ts'
import { topicTitles } from './0018-topic-titles.ts'

/** All migrations in the order they run. Append only: an applied one is never edited, renamed or moved. */
export const MIGRATIONS: readonly Migration[] = [
  pipeline,
  gateway,
  blobs,
  commands,
  market,
  reactions,
  marketTogether,
  direct,
  sync,
  trust,
  composite,
  moderation,
  copyFiles,
  reactionTally,
  threadPairs,
  pacing,
  directLines,
  topicTitles,
]
