import type { Slots } from '../model.ts'
import type { Token } from '../text/model.ts'
import { textOf } from './details.ts'
import type { Tags } from './tags.ts'

export function readDeadline(tokens: readonly Token[], tags: Tags): Slots['deadline'] | null {
  const urgent = tags.hits.find((h) => tags.name(h) === 'urgent')
  const soon = urgent ?? tags.hits.find((h) => tags.name(h) === 'soon')
  return soon === undefined
    ? null
    : { at: null, text: textOf(tokens, soon.start, soon.end), urgency: urgent === undefined ? 'soon' : 'urgent' }
}
