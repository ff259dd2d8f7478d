import { type Place, placeKey } from '../../bridges/model/place.ts'
import type { RouteDefinition } from '../pipeline/index.ts'

/** Telegram groups that became supergroups: `account/old chat id` to the new chat id. */
export type MovedChats = ReadonlyMap<string, string>

export const movedKey = (account: string, chat: string): string => `${account}/${chat}`

/** The same routes with the ids that groups have today. A member that is there already under its new id is not named twice. */
export function movedRoutes(routes: readonly RouteDefinition[], moved: MovedChats): readonly RouteDefinition[] {
  if (moved.size === 0) return routes
  return routes.map((route) => {
    const members = route.members.map((member) => {
      const place = movedPlace(member.place, moved)
      return place === member.place ? member : { ...member, place }
    })
    if (members.every((member, i) => member === route.members[i])) return route
    const seen = new Set<string>()
    return { ...route, members: members.filter(({ place }) => !seen.has(placeKey(place)) && seen.add(placeKey(place))) }
  })
}

export function movedPlace(place: Place, moved: MovedChats): Place {
  if (place.network !== 'telegram') return place
  const channel = moved.get(movedKey(place.account, place.channel))
  return channel === undefined ? place : { ...place, channel }
}
