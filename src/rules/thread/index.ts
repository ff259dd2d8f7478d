export { advance } from './advance.ts'
export { ChannelTable } from './channel.ts'
export { IntentBook } from './intent-book.ts'
export { LeanIntents } from './lean-intent.ts'
export {
  type ChannelState,
  EMPTY_CHANNEL,
  type IntentLookup,
  type IntentRecord,
  placeOf,
  type ReadText,
  type RememberedReading,
  type ThreadContext,
  type ThreadEntry,
  type ThreadEvent,
  type ThreadInput,
  type ThreadMessage,
  type ThreadReader,
  type ThreadStep,
  type UpdateReason,
} from './model.ts'
