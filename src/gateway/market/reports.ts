import { placeKey } from '../../bridges/model/place.ts'
import type { CommandContext } from '../commands/definition.ts'
import { intentLine, networkName } from './cards.ts'
import type { Desk } from './desk.ts'
import { tellOperator } from './effects.ts'
import { intentOf } from './model.ts'

/** Somebody reports an offer they were told of: kept with the alert, and the operator hears of each offer once. */
export async function report({ market }: Desk, context: CommandContext, alertId: string): Promise<void> {
  const { parts, store } = market
  await store.feedback(alertId, context.actor.key, 'spam', parts.clock.now())
  parts.counters.add('feedback_total', { verdict: 'spam' })
  const id = await store.intentOfAlert(alertId)
  const entry = id === undefined ? undefined : parts.memory.get(id)
  if (id === undefined || entry === undefined) return
  const intent = intentOf(entry)
  parts.log.warn({ ev: 'offer-reported', intent: id, owner: intent.owner, by: context.actor.key }, 'an offer was reported')
  const from = `${entry.origin.authorName} (${intent.owner}) on ${networkName(intent.platform)}, ${placeKey(entry.origin.place)}`
  await market.act((step) => tellOperator(step, `report.${id}`, `🚩 Reported: ${intentLine(intent)}\nfrom ${from}\nid ${id}`))
}
