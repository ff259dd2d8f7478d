import type { Notice } from '../../bridges/interaction.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import type { language } from '../../rules/index.ts'
import { lines, notice } from '../commands/notices.ts'
import { parsePlace } from '../config/places.ts'
import { intentLine } from './cards.ts'
import { linkTo } from './links.ts'
import { intentOf, type MarketIntent } from './model.ts'
import type { Cause, Step } from './step.ts'

const MAX_QUOTED = 300

/** Places a `route` action names; a bare name is a K2 topic. */
export function placesOf(fields: Readonly<Record<string, unknown>>): Place[] {
  const to = Array.isArray(fields.to) ? (fields.to as readonly string[]) : []
  return to.flatMap((ref): Place[] => {
    const place = parsePlace(ref.includes('/') ? ref : `p2p/self/${ref}`)
    return typeof place === 'string' ? [] : [place]
  })
}

/**
 * A message goes to further places as a card or a link. Copies and drops are no business of this: they are decided before the
 * message is stored, with its other destinations (see `RouteAdvisor`). False when a place is unknown.
 */
export function showElsewhere(
  step: Step,
  effect: language.PlannedEffect,
  entry: MarketIntent | undefined,
  cause: Cause,
): boolean {
  const { fields } = effect
  const places = placesOf(fields)
  if (fields.drop === true || fields.as === 'copy') return places.length > 0
  const shown = fields.as === 'link' ? linkNotice(cause, entry) : cardNotice(step, cause, entry)
  for (const place of places) {
    if (placeKey(place) === placeKey(cause.origin.place)) continue
    step.changes.notices.push({
      id: `route.${effect.id}.${placeKey(place)}`.slice(0, 200),
      kind: 'reply',
      target: [{ kind: 'place', place }],
      via: { network: place.network, account: place.account },
      notice: shown,
      author: { key: cause.author.key, displayName: cause.origin.authorName },
      intentId: entry === undefined ? null : intentOf(entry).intent_id,
      dueAt: effect.not_before ?? step.now,
    })
  }
  return places.length > 0
}

function cardNotice({ parts }: Step, cause: Cause, entry: MarketIntent | undefined): Notice {
  const by = `from ${cause.origin.authorName}`
  const link = linkTo(cause.origin)
  if (entry === undefined)
    return notice(lines(quoted(cause), by), link === undefined ? {} : { actions: [[{ url: link, label: 'Message' }]] })
  const id = intentOf(entry).intent_id
  return notice(lines(intentLine(intentOf(entry)), by), {
    actions: [
      [
        { id: parts.buttonId('interest', id), label: 'Interested', style: 'primary' },
        ...(link === undefined ? [] : [{ url: link, label: 'Message' }]),
      ],
    ],
  })
}

function linkNotice(cause: Cause, entry: MarketIntent | undefined): Notice {
  const link = linkTo(cause.origin)
  return notice(lines(entry === undefined ? quoted(cause) : intentLine(intentOf(entry)), link))
}

const quoted = ({ text = '' }: Cause): string =>
  (text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED - 1)}…` : text) || 'a message'
