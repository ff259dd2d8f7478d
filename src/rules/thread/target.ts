import { wordsOf } from '../match/terms.ts'
import type { ChannelState, IntentLookup, IntentRecord, ThreadMessage } from './model.ts'
import { placeOf } from './model.ts'
import { isLive } from './stored-intent.ts'

/** How far back an answer without a reply mark may reach (section 8.2). */
const MAX_BACK = 5
const MAX_BACK_MS = 10 * 60_000

/** The intent somebody else's interest is about: explicit reply, the only one of the thread, or the latest of the last messages. */
export function targetOfOther(state: ChannelState, message: ThreadMessage, intents: IntentLookup): IntentRecord | undefined {
  const usable = (r: IntentRecord): boolean => r.intent.owner !== message.author && r.intent.status === 'open'
  if (message.reply_to !== undefined) return intents.ofMessage(message.reply_to).find(usable)
  if (message.thread !== undefined) {
    const open = intents.openIn(placeOf(message)).filter((r) => r.intent.status === 'open')
    if (open.length === 1 && usable(open[0] as IntentRecord)) return open[0]
  }
  const recent = state.entries.filter((e) => e.message.id !== message.id).slice(-MAX_BACK)
  for (const entry of recent.reverse()) {
    if (message.sent_at - entry.message.sent_at > MAX_BACK_MS) break
    const found = intents.ofMessage(entry.message.id).find(usable)
    if (found !== undefined) return found
  }
  return undefined
}

/** The author's own intent a "sold", "bump" or "now 650" is about; undefined when it is not clear which. */
export function targetOfOwner(state: ChannelState, message: ThreadMessage, intents: IntentLookup): IntentRecord | undefined {
  const own = (r: IntentRecord): boolean => r.intent.owner === message.author && isLive(r)
  if (message.reply_to !== undefined) {
    const replied = intents.ofMessage(message.reply_to).filter(own)
    return replied.length > 1 ? (namedIn(message.text, replied) ?? replied[0]) : replied[0]
  }
  const open = intents.openIn(placeOf(message)).filter(own)
  if (open.length <= 1) return open[0]
  const named = namedIn(message.text, open)
  if (named !== undefined) return named
  // Of several, the one the conversation is still about.
  for (const entry of [...state.entries].reverse()) {
    const found = intents.ofMessage(entry.message.id).filter(own)
    if (found.length > 0) return found.length === 1 ? found[0] : undefined
  }
  return undefined
}

/** The one intent whose item the text names; undefined for none or several. */
function namedIn(text: string, records: readonly IntentRecord[]): IntentRecord | undefined {
  const words = new Set(wordsOf(text))
  const shares = records.map((r) => {
    const item = r.intent.slots.item
    const names = wordsOf(item === null ? '' : `${item.text} ${item.head ?? ''}`)
    return { r, n: names.filter((w) => w.length > 1 && words.has(w)).length }
  })
  const best = Math.max(0, ...shares.map((s) => s.n))
  const top = shares.filter((s) => s.n === best)
  return best > 0 && top.length === 1 ? top[0]?.r : undefined
}
